import { escape as escapeValue, format } from 'mysql2';
import { type Sequelize, Transaction, type TransactionOptions } from 'sequelize';
import { beReadCommitted } from '../models/connections.js';
import { blockOf, fitsBlock, NOTE_TIME, resultOfLast } from './blocks.js';
import type { Deadline } from './deadline.js';
import { wasRefused } from './retry.js';
import { noteUnknownCommit } from './unknown-commit.js';

/** What is asked of a connection of mysql2. */
interface Connection {
  query(statement: { sql: string }, done: (error: DriverError | null, result: unknown) => void): unknown;
}

type DriverError = Error & { readonly errno?: number };

/** What Sequelize has and leaves out of its types. */
interface Internals {
  readonly dialect: {
    readonly Query: new (
      connection: unknown,
      sequelize: Sequelize,
      options: object,
    ) => { formatError(error: Error, stack?: string): Error };
  };
}

/** What a transaction of Sequelize has and leaves out of its types. */
interface Own {
  readonly options: TransactionOptions;
  finished?: 'commit' | 'rollback' | undefined;
  readonly _afterCommitHooks: ReadonlyArray<(transaction: Transaction) => unknown>;
  /** Gives the connection back. */
  cleanup(): void;
  /** Closes the connection. */
  forceCleanup(): Promise<void>;
}

/** A statement that waits for the one before it; or, without one, somebody who waits for those before. */
interface Waiting {
  readonly sql: string | undefined;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

const COMMIT = 'COMMIT';
/** The database has ended the transaction by itself. */
const deadlock = 1213;

/**
 * A transaction of Sequelize whose own statements go straight to the driver: passing through Sequelize took a sixth of what
 * a worker does for a message that comes alone. Where the server takes blocks, what nobody waits for goes to it with what
 * comes next, and with the COMMIT at the latest: a message that comes alone is two round trips instead of six, a third less
 * time. Elsewhere each is sent as soon as the one before it has succeeded. What waits behind one that failed is not sent.
 */
export class DirectTransaction extends Transaction {
  readonly #sequelize: Sequelize;
  readonly #hasBlocks: boolean;
  #connection: Connection | undefined;
  /** What nobody waits for, and what goes with whatever comes next. */
  #held: string[] = [];
  readonly #waiting: Waiting[] = [];
  #isSending = false;
  /** Whether a block has been sent. */
  #hasSent = false;
  /** When the first one had been answered, at whose end the server has noted the time. */
  #noted: number | undefined;
  /** Why nothing is sent any more. */
  #over: Error | undefined;

  constructor(sequelize: Sequelize, options: TransactionOptions, hasBlocks: boolean) {
    super(sequelize, options);
    this.#sequelize = sequelize;
    this.#hasBlocks = hasBlocks;
  }

  /** Sequelize takes it to send a statement by itself: behind what was given to this before. */
  get connection(): Connection | undefined {
    this.#release();
    return this.#connection;
  }

  set connection(connection: Connection | undefined) {
    this.#connection = connection;
  }

  /** Called by Sequelize when it has found a connection. */
  async begin(): Promise<void> {
    const { isolationLevel } = (this as unknown as Own).options;
    if (isolationLevel) this.queue(`SET TRANSACTION ISOLATION LEVEL ${isolationLevel}`);
    await beReadCommitted(this.#sequelize, this.#connection, (sql) => this.send(sql), false);
    // The next one may be Sequelize's, past what waits here for its turn: START must have been sent.
    if (!this.#hasBlocks) await this.settled();
    this.queue('START TRANSACTION');
  }

  /**
   * Sends a statement, its values written in where it has question marks. Rejects with errors of Sequelize's classes. `within`:
   * as in `blockOf`.
   */
  send<Result>(sql: string, values: readonly unknown[] = [], within = Number.POSITIVE_INFINITY): Promise<Result> {
    const text = written(sql, values);
    return new Promise((resolve, reject) => {
      const statements = [...this.#held, text];
      if ((statements.length === 1 && !Number.isFinite(within)) || !fitsBlock(statements)) {
        this.#release();
        this.#add({ sql: text, resolve: resolve as (result: unknown) => void, reject });
        return;
      }
      this.#held = [];
      // Which of them it was that failed, nobody can tell.
      const fail = (error: Error) => {
        this.#over ??= error;
        reject(error);
      };
      const done = (result: unknown) => resolve(resultOfLast(result) as Result);
      this.#addBlock(statements, done, fail, within);
    });
  }

  /** The same of one that nobody waits for: when it fails, nothing is sent any more, and `settled` or the commit rejects. */
  queue(sql: string, values: readonly unknown[] = []): void {
    this.#held.push(written(sql, values));
    if (!this.#hasBlocks) this.#release();
  }

  /** Resolves when all that was queued has succeeded. */
  settled(): Promise<void> {
    this.#release();
    return new Promise((resolve, reject) => this.#add({ sql: undefined, resolve: () => resolve(), reject }));
  }

  /** Sends what is held. */
  #release(): void {
    if (this.#held.length === 0) return;
    const held = this.#held;
    this.#held = [];
    const resolve = () => {};
    const reject = (error: Error) => {
      this.#over ??= error;
    };
    if (held.length > 1 && fitsBlock(held)) this.#addBlock(held, resolve, reject);
    else for (const sql of held) this.#add({ sql, resolve, reject });
  }

  #addBlock(
    statements: readonly string[],
    resolve: Waiting['resolve'],
    reject: Waiting['reject'],
    within = Number.POSITIVE_INFINITY,
  ): void {
    const isFirst = !this.#hasSent;
    this.#hasSent = true;
    const noting = (result: unknown) => {
      this.#noted = performance.now();
      resolve(result);
    };
    if (isFirst) this.#add({ sql: blockOf([...statements, NOTE_TIME], within), resolve: noting, reject });
    else this.#add({ sql: blockOf(statements, within), resolve, reject });
  }

  #add(one: Waiting): void {
    if (this.#over) one.reject(this.#over);
    else if (this.#isSending) this.#waiting.push(one);
    else this.#pass(one);
  }

  #pass({ sql, resolve, reject }: Waiting): void {
    if (sql === undefined) {
      resolve(undefined);
      this.#passNext();
      return;
    }
    this.#isSending = true;
    const connection = this.#connection!;
    connection.query({ sql }, (error, result) => {
      this.#isSending = false;
      if (!error) {
        resolve(result);
        this.#passNext();
        return;
      }
      const failure = this.#errorOf(connection, Object.assign(error, { sql }));
      for (const one of [{ reject }, ...this.#waiting.splice(0)]) one.reject(failure);
      // A commit undoes it by itself.
      if (error.errno !== deadlock || (this as unknown as Own).finished) return;
      // Whatever came next would be outside of a transaction, committed by itself.
      this.#over ??= failure;
      this.rollback().catch(() => undefined);
    });
  }

  #passNext(): void {
    const next = this.#waiting.shift();
    if (next) this.#pass(next);
  }

  #errorOf(connection: Connection, error: Error): Error {
    const { dialect } = this.#sequelize as unknown as Internals;
    return new dialect.Query(connection, this.#sequelize, {}).formatError(error, new Error().stack);
  }

  /**
   * Rejects as a statement that failed, everything undone; or, its outcome unknown, as what came in between. What is done
   * only after the deadline is undone, by the server where it goes there in a block (`wasTooLate`).
   */
  override async commit(deadline?: Deadline): Promise<void> {
    const own = this as unknown as Own;
    if (own.finished === 'commit') throw committedAlready();
    try {
      // What is too long for a block goes before the COMMIT, and so does what the deadline cannot be told with.
      const isBound = this.#noted !== undefined && fitsBlock([...this.#held, COMMIT]);
      if (this.#isSending || (deadline && !isBound)) await this.settled();
      deadline?.throwIfAborted();
      if (this.#over) throw this.#over;
      const committed = this.send(COMMIT, [], this.#within(deadline));
      own.finished = 'commit';
      this.#over = ended();
      await committed;
      own.cleanup();
    } catch (error) {
      if (own.finished !== 'commit' || wasRefused(error)) {
        if (own.finished === 'commit') own.finished = undefined;
        await this.rollback().catch(() => undefined);
        throw error;
      }
      noteUnknownCommit(error);
      await own.forceCleanup();
      throw error;
    }
    try {
      for (const hook of own._afterCommitHooks) await hook.call(this, this);
    } catch (error) {
      noteUnknownCommit(error);
      throw error;
    }
  }

  /** Milliseconds from when the server noted the time, at the latest, to the deadline. */
  #within(deadline: Deadline | undefined): number {
    if (!deadline || this.#noted === undefined) return Number.POSITIVE_INFINITY;
    return deadline.left() + performance.now() - this.#noted;
  }

  override rollback(): Promise<void> {
    this.#over ??= ended();
    this.#held = [];
    for (const one of this.#waiting.splice(0)) one.reject(this.#over);
    return super.rollback();
  }
}

const ended = () => new Error('The transaction has ended: nothing more can be sent in it.');

/** What a handler is told that has committed by itself. */
function committedAlready(): Error {
  const error = new Error('A handler has committed the transaction of its event: leave that to the chat.');
  noteUnknownCommit(error);
  return error;
}

/** A statement with its values in it. */
function written(sql: string, values: readonly unknown[]): string {
  if (values.length === 0) return sql;
  const [first, ...rest] = sql.split('?');
  // A question mark in somebody's name of a column: the driver finds out which are meant.
  if (rest.length !== values.length) return format(sql, values as never);
  return rest.reduce((text, part, index) => text + escapeValue(values[index] as never) + part, first!);
}
