// Long: one event's run in the order it happens, guard, writes, answer and failure, with the state they share.

import type { Transaction } from 'sequelize';
import type { Logger } from 'winston';
import type { WriteOptions, WriteRequest } from '../handlers/base.js';
import type { GuardResult } from '../permissions/guards.js';
import { withRoomOf } from '../permissions/room-of.js';
import { ErrorCode, NotFound, PermissionDenied, ValidationError } from '../protocol/errors.js';
import type { MessageSendPayload } from '../protocol/payload-types.js';
import { checkPayload } from '../protocol/payloads.js';
import type { ChatJob, Line } from '../queue/queue.js';
import type { Deadline } from '../store/deadline.js';
import { isHeldUp } from '../store/held-up.js';
import { findOutcome, type StoredOutcome, storeOutcome } from '../store/outcomes.js';
import { Repeated } from '../store/repeat.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import { isUnknownCommit } from '../store/unknown-commit.js';
import type { Write } from '../store/write.js';
import type { ErrorTarget } from './exception-handler.js';
import { Outcome } from './outcome.js';
import { settle } from './unsettled.js';
import type { WorkerContext } from './worker-context.js';

/** The consumer, as its event's run sees it. */
export interface RunHost {
  /** Whom an exception handler is given. */
  readonly consumer: ErrorTarget & { readonly logger: Logger };
  readonly eventType: string;
  /** Sends what an operation of the event handler made; called inside its transaction. */
  tellOf(operation: NonNullable<WriteRequest['operation']>, result: unknown, unit: UnitOfWork): void;
  /** Throws when the user sent this `client_id` before: Repeated, or misuse. */
  refuseRepeated(data: MessageSendPayload): Promise<void>;
}

/**
 * How one event runs: guard, transactions, what they are to tell, the one answer. A run may be the second of its job:
 * then it tells what the first one committed, and does nothing anew.
 */
export class EventRun {
  /** What is sent now goes here: into the write at hand, or behind the last one. */
  outcome: Outcome;
  /** What the guard found. */
  access: GuardResult = { roomIds: [] };
  /** Sends what the next write's result is to tell, inside its transaction. */
  tell: ((result: never) => void) | undefined;
  /** What the gateway is told besides the answer. */
  forGateway: unknown;
  readonly #runtime: WorkerContext;
  readonly #job: ChatJob;
  readonly #host: RunHost;
  #guard: (unit?: UnitOfWork) => Promise<GuardResult> = async () => ({ roomIds: [] });
  /** What this run, or an earlier one, has committed so far, of all its writes. */
  #committed: StoredOutcome | undefined;
  #isAnswered = false;
  /** Whether the guard has let the event through, here or under a lock. */
  #isPermitted = false;
  #isWriting = false;
  #position = 0;
  #effects: Array<() => unknown> = [];
  #signal: Deadline | undefined;
  #line: Line | undefined;
  /** Settles when what was committed last has been published, or cannot be. */
  #publishing: Promise<unknown> = Promise.resolve();
  /** The write under way, outside of what guard and handler do in it: it waits for its turn, its rooms or the commit. */
  #isInStore = false;
  /** The one of the write under way, since the guard was asked in it. */
  #transaction: Transaction | undefined;

  constructor(runtime: WorkerContext, job: ChatJob, host: RunHost) {
    this.#runtime = runtime;
    this.#job = job;
    this.#host = host;
    this.outcome = new Outcome(job.eventId);
  }

  get committed(): StoredOutcome | undefined {
    return this.#committed;
  }

  get #logger(): Logger {
    return this.#host.consumer.logger;
  }

  /** Whether it waits for the database, not for anything a handler does. */
  async isHeldUp(): Promise<boolean> {
    return this.#isInStore || isHeldUp(this.#runtime.sequelize, this.#transaction);
  }

  /**
   * Runs `handle` and answers. Rejects, after answering, when it failed for no known reason. Once `signal` is aborted,
   * nothing more is committed. With a `line`, those behind may begin when the first write has been given to the store.
   */
  async run(mayHaveRun: boolean, handle: () => Promise<void>, signal?: Deadline, line?: Line): Promise<StoredOutcome> {
    this.#signal = signal;
    this.#line = line;
    if (mayHaveRun && (await this.#publishStored())) return this.#committed!;
    try {
      await handle();
      await this.#finish();
    } catch (error) {
      await this.#failed(error);
    }
    for (const effect of this.#effects) this.#runtime.runEffect(effect, this.#logger);
    return this.#committed ?? { envelopes: [], targeted: [], answer: this.outcome.answer() };
  }

  /** Asks the guard; every write asks it again, under its locks. With `access` known, it is asked only there, or by `permit`. */
  async enter(guard: (unit?: UnitOfWork) => Promise<GuardResult>, access?: GuardResult): Promise<void> {
    this.#guard = guard;
    if (access) this.access = access;
    else await this.#ask();
  }

  /** Asks the guard now, unless it has let the event through; `isKnown`: what it asks for was found to be so. */
  async permit(isKnown = false): Promise<void> {
    if (isKnown) this.#isPermitted = true;
    else if (!this.#isPermitted) await this.#ask();
  }

  async #ask(): Promise<void> {
    this.access = await this.#guard();
    this.#isPermitted = true;
  }

  afterCommit(effect: () => unknown): void {
    this.#effects.push(effect);
  }

  /** A write with its outcome stored beside it, published after the commit. `isAnswer`: the event is answered by it. */
  async write<T>(
    request: WriteRequest,
    run: (options: WriteOptions) => Promise<T>,
    isAnswer = !this.#isAnswered,
  ): Promise<T> {
    if (this.#isWriting) throw new Error(`The event ${this.#host.eventType} ${nested}`);
    this.#isWriting = true;
    try {
      return await this.#write(request, run, isAnswer);
    } finally {
      this.#isWriting = false;
    }
  }

  async #write<T>(request: WriteRequest, run: (options: WriteOptions) => Promise<T>, isAnswer: boolean): Promise<T> {
    const effects = this.#effects.length;
    let access: GuardResult = { roomIds: [] };
    const roomIds = request.roomIds ?? this.access.roomIds;
    const receipts = request.receipts ?? [];
    const { result, refusal, sealed } = await this.#store({
      roomIds,
      grouped: request.grouped ?? false,
      pairs: request.pairs ?? receipts.flatMap(({ userId }) => roomIds.map((id) => [id, userId] as const)),
      requests: request.requests ?? [],
      receipts,
      signal: this.#signal,
      check: async (unit) => {
        // Before the guard: who may not send any more may still learn what became of the first try.
        if (request.check) await request.check(unit);
        access = await this.#guard(unit);
        this.#isPermitted = true;
      },
      run: async (unit) => {
        this.outcome = new Outcome(this.#job.eventId);
        // This may be a second try, after a deadlock.
        this.#effects.length = effects;
        let result: T | undefined;
        let refusal: ValidationError | undefined;
        try {
          const options = { transaction: unit.transaction, unit };
          result = await run(withRoomOf(options, access.roomIds.length > 0 ? access : noRoom));
          if (request.operation) this.#host.tellOf(request.operation, result, unit);
          else this.tell?.(result as never);
        } catch (error) {
          if (!(error instanceof ValidationError && error.commit)) throw error;
          refusal = error;
          this.#sendError(error);
        }
        // Whoever an override made a member too: the payload does not name them.
        for (const [roomId, userId] of unit.takeJoined()) this.outcome.join(roomId, String(userId));
        return { result: result as T, refusal, sealed: await this.#seal(this.outcome, unit, isAnswer) };
      },
    });
    if (!request.operation) this.tell = undefined;
    this.outcome = new Outcome(this.#job.eventId);
    await this.#publish(sealed, isAnswer);
    if (refusal) throw refusal;
    return result;
  }

  /** Gives the store a write, and knows meanwhile whether the event waits there or in its guard or handler. */
  async #store<T>(write: Write<T>): Promise<T> {
    const outside = async <R>(unit: UnitOfWork, work: (unit: UnitOfWork) => Promise<R>): Promise<R> => {
      this.#isInStore = false;
      this.#transaction = unit.transaction;
      try {
        return await work(unit);
      } finally {
        this.#isInStore = true;
      }
    };
    this.#isInStore = true;
    try {
      const written = this.#runtime.store.write({
        ...write,
        line: this.#line?.id,
        check: (unit) => outside(unit, write.check),
        run: (unit) => outside(unit, write.run),
      });
      this.#line?.pass();
      return await written;
    } finally {
      this.#isInStore = false;
      this.#transaction = undefined;
    }
  }

  /** Throws when the event has committed a write: after a crash nobody would go on behind that. */
  refuseSecond(): void {
    if (!this.#committed) return;
    throw new Error(
      `The event ${this.#host.eventType} calls transaction() a second time, or after another write. An event commits once: name all its rooms in one transaction(), or send another event from afterCommit.`,
    );
  }

  /** Answers an event that was cut short after a commit: what is done is done, and is told before its job ends. */
  async conclude(): Promise<void> {
    await this.#publishing;
    if (this.#isAnswered) return;
    const said = this.#committed?.answer ?? [];
    await this.#answer(said.length > 0 ? said : new Outcome(this.#job.eventId).answer());
  }

  async #seal(outcome: Outcome, unit: UnitOfWork, isAnswer: boolean): Promise<StoredOutcome> {
    const sealed = outcome.seal(unit, isAnswer, this.#position);
    await storeOutcome(this.#runtime, unit, this.#job.id, this.#position, sealed);
    return sealed;
  }

  /** Publishes what a write committed; its answer too, unless the event is not done. */
  async #publish(sealed: StoredOutcome, isAnswer: boolean): Promise<void> {
    this.#position += Math.max(1, sealed.envelopes.length);
    const before = this.#committed;
    this.#committed = before
      ? {
          envelopes: [...before.envelopes, ...sealed.envelopes],
          targeted: [...before.targeted, ...sealed.targeted],
          answer: this.#isAnswered ? before.answer : [...before.answer, ...sealed.answer],
        }
      : sealed;
    // An answer stands behind broadcasts by their offsets, so both may be under way; frames by name have none.
    const isByOffset = sealed.targeted.length === 0 && sealed.envelopes.every(({ joined }) => joined === undefined);
    if (!isByOffset) await this.#tell(sealed);
    // The answer is handed over first: Redis writes first to the client that it has something for last, and everybody in the
    // room waits for the broadcast.
    const answered = isAnswer && !this.#isAnswered ? this.#answer(this.#committed.answer) : undefined;
    const published = isByOffset ? this.#tell(sealed) : undefined;
    await Promise.all([published, answered]);
  }

  #tell(outcome: StoredOutcome): Promise<void> {
    const published = this.#runtime.publisher.publish(this.#job, outcome);
    this.#publishing = published.catch(() => undefined);
    return published;
  }

  async #answer(frames: string[]): Promise<void> {
    this.#isAnswered = true;
    const committed = this.#committed;
    if (committed && committed.answer !== frames) this.#committed = { ...committed, answer: frames };
    await this.#runtime.publisher.answer(this.#job, frames, committed?.envelopes ?? [], { result: this.forGateway });
  }

  /** Publishes what was sent outside a write, and answers. */
  async #finish(): Promise<void> {
    // It was to be asked by a write, and there was none.
    if (!this.#isPermitted) await this.#ask();
    const trailing = this.outcome;
    // What was said inside a transaction comes first, and carries the event's id.
    const isSaid = (this.#committed?.answer.length ?? 0) > 0;
    if (trailing.reachesOthers) {
      const sealed = await this.#store({
        roomIds: trailing.roomIds,
        grouped: false,
        pairs: [],
        requests: [],
        signal: this.#signal,
        check: async (unit) => {
          for (const roomId of trailing.roomIds) if (!unit.isLocked(roomId)) throw new NotFound();
        },
        run: (unit) => this.#seal(trailing, unit, !this.#isAnswered && !isSaid),
      });
      await this.#publish(sealed, true);
    } else if (!this.#isAnswered) {
      const said = this.#committed?.answer ?? [];
      await this.#answer(isSaid ? [...said, ...trailing.said()] : trailing.answer());
    } else if (trailing.said().length > 0) {
      this.#logger.warn('What an event sends to its asker after its answer is lost: send it inside the transaction.');
    }
  }

  async #failed(error: unknown): Promise<void> {
    if (this.#committed) {
      await this.conclude();
      // It is done and told: what came after cannot undo it.
      if (!(error instanceof ValidationError && error.commit)) {
        this.#logger.error('The event was committed, but something after it failed.', { error });
      }
      return;
    }
    this.#effects = [];
    // Refused, broken at the commit, or done before: perhaps by another run of this very job, which may not have told.
    if (await this.#publishStored().catch(() => false)) return;
    if (isUnknownCommit(error)) void settle(this.#runtime, this.#job, this.#logger);
    if (error instanceof Repeated) {
      this.outcome = new Outcome(this.#job.eventId);
      this.outcome.acknowledge(error.answer);
      return this.#runtime.publisher.reply(this.#job, this.outcome.answer());
    }
    if (error instanceof PermissionDenied || error instanceof NotFound) {
      const repeated = await this.#findRepeat();
      if (repeated) return this.#failed(repeated);
    }
    this.outcome = new Outcome(this.#job.eventId);
    const code = this.#sendError(error);
    await this.#runtime.publisher.reply(this.#job, this.outcome.answer());
    if (code === ErrorCode.internal) throw new AnsweredError(error);
  }

  /** Makes an error the event's answer, the way the exception handler wants it. Returns its code. */
  #sendError(error: unknown): number {
    const { type } = this.#job;
    const { code, detail, ...extra } = this.#runtime.describeError(error, type, this.#logger);
    try {
      this.#runtime.exceptionHandler.sendError(this.#host.consumer, detail, type, error, code, extra);
    } catch (failure) {
      this.#logger.error('exceptionHandlerClass failed in sendError.', { error: failure });
      this.outcome.fail({ ...extra, code, detail });
    }
    return code;
  }

  /** A send that is refused now may be the repeat of one that was carried out while it was allowed. */
  async #findRepeat(): Promise<Repeated | undefined> {
    const { data } = this.#job;
    const { payload, schema } = this.#runtime.registration(this.#host);
    if (payload !== 'message.send' || typeof (data as { client_id?: unknown } | null)?.client_id !== 'string') {
      return undefined;
    }
    try {
      await this.#host.refuseRepeated(checkPayload(schema, data) as MessageSendPayload);
    } catch (error) {
      if (error instanceof Repeated) return error;
    }
    return undefined;
  }

  async #publishStored(): Promise<boolean> {
    const stored = await findOutcome(this.#runtime, this.#job.id);
    if (!stored) return false;
    this.#committed = stored;
    await this.#tell(stored);
    // It ended before it answered, after the commit of what it did.
    await this.conclude();
    return true;
  }
}

/** What a guard finds that names no room. */
const noRoom: GuardResult = { roomIds: [] };

/** It would wait for its own lock. */
const nested =
  'begins a write while another of its writes is under way. Inside a transaction call the method that begins with _, and give it the options; otherwise await the first write.';

/** Marks the job as failed; its sender has been answered, and the log has the error. */
export class AnsweredError extends Error {
  readonly isLogged = true;

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.name : 'Error', { cause });
    this.name = 'AnsweredError';
  }
}
