import type { QueueEvents } from 'bullmq';
import { fromJobId, type QueueEventSource, toQueueEvent } from './job-id.js';

/** Runs whose start is remembered for the durations in queue events. */
const REMEMBERED_STARTS = 10_000;

/** Tells what BullMQ's own event stream says, in the chat's terms: the job's id carries type, user and room. */
export function tellQueueEvents(source: QueueEvents, tell: QueueEventSource['tell']): void {
  const starts = new Map<string, number>();
  const read = (jobId: string, eventId: string) => {
    const job = fromJobId(jobId);
    // The id of an event in the stream begins with Redis' clock.
    return job && toQueueEvent(job, Number.parseInt(eventId, 10));
  };
  const duration = (jobId: string, end: number) => {
    const start = starts.get(jobId);
    starts.delete(jobId);
    return start === undefined ? undefined : Math.max(0, end - start);
  };
  source.on('waiting', ({ jobId }, eventId) => {
    const event = read(jobId, eventId);
    if (event) tell('waiting', event);
  });
  source.on('active', ({ jobId }, eventId) => {
    const event = read(jobId, eventId);
    if (!event) return;
    starts.set(jobId, event.time);
    // Ends that are never seen (events are trimmed while nobody reads) must not fill the memory.
    for (const oldest of starts.keys()) {
      if (starts.size <= REMEMBERED_STARTS) break;
      starts.delete(oldest);
    }
    tell('active', event);
  });
  source.on('completed', ({ jobId }, eventId) => {
    const event = read(jobId, eventId);
    if (event) tell('completed', { ...event, duration: duration(jobId, event.time) });
  });
  source.on('failed', ({ jobId, failedReason }, eventId) => {
    const event = read(jobId, eventId);
    if (event) tell('failed', { ...event, duration: duration(jobId, event.time), reason: failedReason });
  });
  source.on('stalled', ({ jobId }, eventId) => {
    const event = read(jobId, eventId);
    if (event) tell('stalled', event);
  });
}
