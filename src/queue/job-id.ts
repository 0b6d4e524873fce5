/**
 * What a job is called in the queue, and the queue events made from that name. BullMQ's QueueEvents tell little more
 * than the job id, so the id carries what analytics ask for: `<uuid>~<type>~<user>~<room>`, each part encoded.
 */
import { EventEmitter } from 'node:events';
import type { Logger } from 'winston';
import type { ChatJob, PartRun, QueueEvent, QueueEventMap, QueueEvents } from './queue.js';

/** The part of a job that its name in the queue tells. */
export type JobIdentity = Pick<ChatJob, 'id' | 'type' | 'userId' | 'roomId'>;

/** Makes the id under which a job stands in the queue: the same for the same job, without ':', never digits only. */
export function toJobId(job: JobIdentity): string {
  const id = `${encode(job.id)}~${encode(job.type)}~${encode(job.userId)}`;
  return job.roomId === undefined ? id : `${id}~${encode(job.roomId)}`;
}

/** Reads an id made by `toJobId`; undefined for the id of a job that somebody else put into the queue. */
export function fromJobId(jobId: string): JobIdentity | undefined {
  const parts = jobId.split('~');
  if (parts.length !== 3 && parts.length !== 4) return undefined;
  try {
    const [id = '', type = '', userId = '', roomId] = parts.map(decodeURIComponent);
    return { id, type, userId, roomId };
  } catch {
    return undefined;
  }
}

const PLAIN = /^[\w.$-]*$/;

function encode(text: string): string {
  if (PLAIN.test(text)) return text;
  // encodeURIComponent throws on a lone surrogate, and leaves '~', our separator, as it is.
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd')).replaceAll('~', '%7E');
}

/** Makes the event of a job at a time (milliseconds since the epoch). */
export function toQueueEvent(job: JobIdentity, time: number): QueueEvent {
  return { jobId: job.id, eventType: job.type, userId: job.userId, roomId: job.roomId, time };
}

type JobEventName = 'waiting' | 'active' | 'completed' | 'failed' | 'stalled';

const JOB_EVENTS: readonly unknown[] = ['waiting', 'active', 'completed', 'failed', 'stalled'] satisfies JobEventName[];

/** The `events` of a queue, and how the queue emits them: no listener that throws or rejects reaches the queue. */
export interface QueueEventSource {
  readonly events: QueueEvents;
  tell<Name extends JobEventName>(name: Name, ...event: QueueEventMap[Name]): void;
}

/** Makes the `events` of a queue. `onFirstListener` is called once, when somebody first listens to events of jobs. */
export function createQueueEvents(logger: Logger, onFirstListener: () => void = () => {}): QueueEventSource {
  const events: QueueEvents = new EventEmitter<QueueEventMap>();
  // For 'newListener', which is Node's own and not in our map.
  const untyped = events as unknown as EventEmitter;
  const begin = (name: string | symbol) => {
    if (!JOB_EVENTS.includes(name)) return;
    untyped.off('newListener', begin);
    onFirstListener();
  };
  untyped.on('newListener', begin);

  function callAll(name: string, event: unknown, onError: (error: unknown) => void): void {
    for (const listener of untyped.rawListeners(name)) {
      try {
        const result: unknown = listener.call(events, event);
        if (result instanceof Promise) result.catch(onError);
      } catch (error) {
        onError(error);
      }
    }
  }

  function fail(thrown: unknown): void {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const log = (error: unknown) => logger.error('A listener to queue events failed.', { error });
    if (events.listenerCount('error') > 0) callAll('error', error, log);
    else log(error);
  }

  return { events, tell: (name, event) => callAll(name, event, fail) };
}

/**
 * Tells of each event of a job that held several and is done, all that would have been told of it alone. `isAnnounced`: that
 * they wait was told.
 */
export function tellPartRuns(
  runs: readonly PartRun[],
  { added, begun, ended }: { added: number; begun: number; ended: number },
  tell: QueueEventSource['tell'],
  isAnnounced = false,
): void {
  for (const run of runs) {
    const start = begun + Math.round(run.begun ?? 0);
    const duration = Math.round(run.duration ?? Math.max(0, ended - begun));
    if (!isAnnounced) tell('waiting', toQueueEvent(run, added));
    tell('active', toQueueEvent(run, start));
    const finished = { ...toQueueEvent(run, start + duration), duration };
    if (run.reason === undefined) tell('completed', finished);
    else tell('failed', { ...finished, reason: run.reason });
  }
}
