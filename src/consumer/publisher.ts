import { setTimeout as sleep } from 'node:timers/promises';
import type { Broadcast, Control, LoadEnvelopes, Reply } from '../broadcast/broadcast.js';
import type { Envelope } from '../protocol/envelope.js';
import { type ChatJob, LOSSY_BATCH } from '../queue/queue.js';
import type { StoreContext } from '../store/context.js';
import { loadEnvelopes, type StoredOutcome } from '../store/outcomes.js';
import { isUnavailable } from '../store/retry.js';

/** Milliseconds between two tries to tell what was committed. */
const pause = { first: 50, longest: 1000 };

/** Publishes committed outcomes: broadcasts in offset order, then who joined and who is named; and answers events. */
export class Publisher {
  readonly #broadcast: Broadcast;
  readonly #context: StoreContext;
  readonly #load: LoadEnvelopes = (roomId, after, upTo) => loadEnvelopes(this.#context, roomId, after, upTo);

  constructor(broadcast: Broadcast, context: StoreContext) {
    this.#broadcast = broadcast;
    this.#context = context;
  }

  /**
   * Publishes what an event committed, however long Redis refuses it. A second time it changes nothing: gateways know
   * what they have seen.
   */
  async publish(job: ChatJob, { envelopes, targeted }: StoredOutcome): Promise<void> {
    if (envelopes.length > 0) {
      await this.#untilTaken(() => this.#broadcast.publish(envelopes, this.#load));
    }
    if (targeted.length === 0 && envelopes.every(({ joined }) => joined === undefined)) return;
    const controls: Control[] = [
      ...envelopes.flatMap(({ joined, roomId, offset }): Control[] =>
        joined ? [{ kind: 'join', id: `${roomId}:${offset}`, userIds: joined, roomId, offset }] : [],
      ),
      ...targeted.map((one): Control => ({ kind: 'frames', ...one, id: `${job.id}:${one.id}` })),
    ];
    await Promise.all(controls.map((control) => this.#untilTaken(() => this.#broadcast.control(control))));
  }

  /** Answers the asking connection, after these broadcasts. */
  async answer(
    job: ChatJob,
    frames: string[],
    behind: readonly Envelope[],
    more: Pick<Reply, 'result'>,
  ): Promise<void> {
    const after = behind.map(({ roomId, offset }): [string, number] => [roomId, offset]);
    await this.reply(job, frames, after.length > 0 ? { ...more, after } : more);
  }

  /** Answers the asking connection, or the gateway itself. An event without a gateway is answered where it was made. */
  async reply(job: ChatJob, frames: string[], more: Pick<Reply, 'after' | 'result'> = {}): Promise<void> {
    if (job.gatewayId === '' || (frames.length === 0 && isNotWaitedFor(job))) return;
    const reply = { jobId: job.id, connectionId: job.connectionId, frames, ...more };
    await this.#untilTaken(() => this.#broadcast.reply(job.gatewayId, reply));
  }

  async whisper(roomId: string, frame: string): Promise<void> {
    await this.#broadcast.whisper(roomId, frame);
  }

  /**
   * What is committed has to be told, and nobody else would: its job ends here. A worker that closes meanwhile leaves
   * the job to another.
   */
  async #untilTaken(work: () => Promise<void>): Promise<void> {
    for (let wait = pause.first; ; wait = Math.min(wait * 2, pause.longest)) {
      try {
        return await work();
      } catch (error) {
        if (!isRefusal(error) && !isUnavailable(error)) throw error;
        if (wait === pause.first)
          this.#context.logger.warn('Publishing was refused; trying until it is not.', { error });
      }
      await sleep(wait, undefined, { ref: false });
    }
  }
}

/** Redis is full, cannot write its file, is being loaded, or is not the one that takes writes: for a while. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError' && REFUSALS.test(error.message);
}

const REFUSALS = /^(OOM|MISCONF|READONLY|LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|NOREPLICAS|TRYAGAIN|EXECABORT) /;

/** An event of a batch: its gateway waits for the batch. */
function isNotWaitedFor({ lossy, eventId, type }: ChatJob): boolean {
  return lossy === true && eventId === undefined && type !== LOSSY_BATCH;
}
