import type { QueueEvents } from 'bullmq';
import { fromJobId, type QueueEventSource, tellLossyRuns, toQueueEvent } from './job-id.js';
import { LOSSY_BATCH, type LossyRun } from './queue.js';

/** Runs whose start is remembered for the durations in queue events. */
const REMEMBERED_STARTS = 10_000;

/** What BullMQ keeps as the result of a batch, until its event was told: `[id, type, user, room, reason]` of each. */
export type LossyRuns = ReadonlyArray<readonly [string, string, string, (string | null)?, string?]> | undefined;

/** Writes what became of a batch's events as a job's result. */
export function packLossyRuns(runs: readonly LossyRun[]): LossyRuns {
  return runs.map(({ id, type, userId, roomId, reason }) =>
    reason === undefined ? [id, type, userId, roomId ?? null] : [id, type, userId, roomId ?? null, reason],
  );
}

function unpackLossyRuns(result: unknown): LossyRun[] {
  if (!Array.isArray(result)) return [];
  return (result as NonNullable<LossyRuns>).map(([id, type, userId, roomId, reason]) => ({
    id,
    type,
    userId,
    roomId: roomId ?? undefined,
    reason,
  }));
}

/** Times of jobs, until they are done or so many others came that they must have been missed. */
class Times {
  readonly #times = new Map<string, number>();

  set(jobId: string, time: number): void {
    this.#times.set(jobId, time);
    // Ends that are never seen (events are trimmed while nobody reads) must not fill the memory.
    if (this.#times.size > REMEMBERED_STARTS) this.#times.delete(this.#times.keys().next().value!);
  }

  take(jobId: string): number | undefined {
    const time = this.#times.get(jobId);
    this.#times.delete(jobId);
    return time;
  }
}

/** Tells what BullMQ's own event stream says, in the chat's terms: the job's id carries type, user and room. */
export function tellQueueEvents(source: QueueEvents, tell: QueueEventSource['tell']): void {
  const starts = new Times();
  /** When batches were added. */
  const additions = new Times();
  const read = (jobId: string, eventId: string) => {
    const job = fromJobId(jobId);
    // The id of an event in the stream begins with Redis' clock.
    return job && toQueueEvent(job, Number.parseInt(eventId, 10));
  };
  const since = (start: number | undefined, end: number) =>
    start === undefined ? undefined : Math.max(0, end - start);
  source.on('waiting', ({ jobId }, eventId) => {
    const event = read(jobId, eventId);
    if (!event) return;
    if (event.eventType === LOSSY_BATCH) additions.set(jobId, event.time);
    tell('waiting', event);
  });
  source.on('active', ({ jobId }, eventId) => {
    const event = read(jobId, eventId);
    if (!event) return;
    starts.set(jobId, event.time);
    tell('active', event);
  });
  source.on('completed', ({ jobId, returnvalue }, eventId) => {
    const event = read(jobId, eventId);
    if (!event) return;
    const begun = starts.take(jobId);
    if (event.eventType === LOSSY_BATCH) {
      const times = { begun: begun ?? event.time, ended: event.time };
      tellLossyRuns(unpackLossyRuns(returnvalue), { added: additions.take(jobId) ?? times.begun, ...times }, tell);
    }
    tell('completed', { ...event, duration: since(begun, event.time) });
  });
  source.on('failed', ({ jobId, failedReason }, eventId) => {
    const event = read(jobId, eventId);
    if (event) tell('failed', { ...event, duration: since(starts.take(jobId), event.time), reason: failedReason });
  });
  source.on('stalled', ({ jobId }, eventId) => {
    const event = read(jobId, eventId);
    if (event) tell('stalled', event);
  });
}
