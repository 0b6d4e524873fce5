import type { QueueEvents } from 'bullmq';
import { BUNDLE } from './bundles.js';
import { fromJobId, type JobIdentity, type QueueEventSource, tellPartRuns, toQueueEvent } from './job-id.js';
import { LOSSY_BATCH, type PartRun } from './queue.js';

/** Jobs of which something is remembered until their end, for the durations in queue events. */
const REMEMBERED = 10_000;

/**
 * What BullMQ keeps as the result of a job that held several events, until its event was told: of each
 * `[id, type, user, room, reason, begun, duration]`.
 */
export type PackedRuns =
  | ReadonlyArray<readonly [string, string, string, (string | null)?, (string | null)?, number?, number?]>
  | undefined;

/** Writes what became of a job's events as its result. */
export function packRuns(runs: readonly PartRun[]): PackedRuns {
  return runs.map(({ id, type, userId, roomId, reason, begun, duration }) => {
    if (begun !== undefined && duration !== undefined)
      return [id, type, userId, roomId ?? null, reason ?? null, Math.round(begun), Math.round(duration)];
    return reason === undefined ? [id, type, userId, roomId ?? null] : [id, type, userId, roomId ?? null, reason];
  });
}

function unpackRuns(result: unknown): PartRun[] {
  if (!Array.isArray(result)) return [];
  return (result as NonNullable<PackedRuns>).map(([id, type, userId, roomId, reason, begun, duration]) => ({
    id,
    type,
    userId,
    roomId: roomId ?? undefined,
    reason: reason ?? undefined,
    begun,
    duration,
  }));
}

/** Something about jobs, until they are done or so many others came that their end must have been missed. */
class UntilDone<T> {
  readonly #known = new Map<string, T>();

  set(jobId: string, about: T): void {
    this.#known.set(jobId, about);
    // Ends that are never seen (events are trimmed while nobody reads) must not fill the memory.
    if (this.#known.size > REMEMBERED) this.#known.delete(this.#known.keys().next().value!);
  }

  take(jobId: string): T | undefined {
    const about = this.#known.get(jobId);
    this.#known.delete(jobId);
    return about;
  }
}

/**
 * Tells what BullMQ's own event stream says, in the chat's terms: the job's id carries type, user and room.
 *
 * @param readParts the events in a bundle that waits; none when it is gone
 */
export function tellQueueEvents(
  source: QueueEvents,
  tell: QueueEventSource['tell'],
  readParts: (jobId: string) => Promise<readonly JobIdentity[]>,
): void {
  const starts = new UntilDone<number>();
  /** When jobs that hold several events were added, and whether those were told of then. */
  const additions = new UntilDone<{ readonly added: number; readonly isAnnounced: Promise<boolean> }>();
  const read = (jobId: string, eventId: string) => {
    const job = fromJobId(jobId);
    // The id of an event in the stream begins with Redis' clock.
    return job && toQueueEvent(job, Number.parseInt(eventId, 10));
  };
  const since = (start: number | undefined, end: number) =>
    start === undefined ? undefined : Math.max(0, end - start);

  async function announce(jobId: string, added: number): Promise<boolean> {
    const parts = await readParts(jobId).catch(() => []);
    for (const part of parts) tell('waiting', toQueueEvent(part, added));
    return parts.length > 0;
  }

  source.on('waiting', ({ jobId, prev }, eventId) => {
    const event = read(jobId, eventId);
    if (!event) return;
    const { eventType, time: added } = event;
    // One whose worker died is taken apart, and its events are told of by themselves.
    if (prev === undefined && (eventType === LOSSY_BATCH || eventType === BUNDLE)) {
      const isAnnounced = eventType === BUNDLE ? announce(jobId, added) : Promise.resolve(false);
      additions.set(jobId, { added, isAnnounced });
    }
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
    const end = () => tell('completed', { ...event, duration: since(begun, event.time) });
    const runs = unpackRuns(returnvalue);
    if (runs.length === 0) return end();
    const { added, isAnnounced } = additions.take(jobId) ?? { added: begun ?? event.time, isAnnounced: undefined };
    void Promise.resolve(isAnnounced).then((isAnnounced) => {
      tellPartRuns(runs, { added, begun: begun ?? event.time, ended: event.time }, tell, isAnnounced);
      end();
    });
  });
  source.on('failed', ({ jobId, failedReason }, eventId) => {
    const event = read(jobId, eventId);
    additions.take(jobId);
    if (event) tell('failed', { ...event, duration: since(starts.take(jobId), event.time), reason: failedReason });
  });
  source.on('stalled', ({ jobId }, eventId) => {
    const event = read(jobId, eventId);
    if (event) tell('stalled', event);
  });
}
