import type { ChatJob, LossyEvent } from '../queue/queue.js';

/** Milliseconds from one batch to the next: what comes meanwhile travels together. */
const interval = 50;
/** Events of one connection that wait or are with the workers; more are dropped. */
const ofConnection = 4;
/** The same of all connections, and how many batches they may be in. A storm must not fill the workers. */
const ofGateway = 250;
const maxBatches = 8;

/**
 * Typing on its way to the workers, in batches: a storm of it costs a few jobs a second. Whatever is too much is dropped,
 * and what says the same as one that still waits.
 */
export class LossyLane {
  readonly #send: (events: readonly LossyEvent[]) => Promise<unknown>;
  readonly #waiting = new Map<string, LossyEvent>();
  /** Of each connection, how many wait or are under way; of all of them, `#count`. */
  readonly #counts = new Map<string, number>();
  #count = 0;
  readonly #underWay = new Set<string>();
  #batches = 0;
  #sentAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  /** @param send gives a batch to the workers; resolves when they are done with it, whatever became of it. */
  constructor(send: (events: readonly LossyEvent[]) => Promise<unknown>) {
    this.#send = send;
  }

  /** Whether the workers have this event now, so that an answer to it is to be passed on. */
  isUnderWay(jobId: string): boolean {
    return this.#underWay.has(jobId);
  }

  add({ id, type, userId, roomId, connectionId, sessionId, data }: ChatJob): void {
    const key = `${connectionId} ${type} ${JSON.stringify(data)}`;
    if (this.#waiting.has(key)) return;
    const count = this.#counts.get(connectionId) ?? 0;
    if (count >= ofConnection || this.#count >= ofGateway) return;
    this.#counts.set(connectionId, count + 1);
    this.#count += 1;
    this.#waiting.set(key, { id, type, userId, roomId, connectionId, sessionId, data });
    this.#schedule();
  }

  /** What waits is dropped. */
  close(): void {
    clearTimeout(this.#timer);
    this.#waiting.clear();
  }

  /** The first one goes at once; the next batch waits until there may be more in it. */
  #schedule(): void {
    if (this.#timer || this.#waiting.size === 0 || this.#batches >= maxBatches) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        void this.#flush();
      },
      Math.max(0, this.#sentAt + interval - performance.now()),
    );
  }

  async #flush(): Promise<void> {
    const events = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { id } of events) this.#underWay.add(id);
    this.#batches += 1;
    this.#sentAt = performance.now();
    await this.#send(events).catch(() => undefined);
    this.#batches -= 1;
    this.#count -= events.length;
    for (const { id, connectionId } of events) {
      this.#underWay.delete(id);
      const count = this.#counts.get(connectionId)! - 1;
      if (count > 0) this.#counts.set(connectionId, count);
      else this.#counts.delete(connectionId);
    }
    this.#schedule();
  }
}
