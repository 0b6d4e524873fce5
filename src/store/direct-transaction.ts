import { escape as escapeValue, format } from 'mysql2';
import { QueryTypes, Sequelize, Transaction, type TransactionOptions } from 'sequelize';
import type { StoreContext, TransactionOptions as TransactionContext } from './context.js';

/** What is asked of a connection of mysql2. */
interface Connection {
  query(statement: { sql: string }, done: (error: DriverError | null, result: unknown) => void): unknown;
}

type DriverError = Error & { readonly errno?: number };

/** What Sequelize has and leaves out of its types. */
interface Internals {
  readonly options: { readonly logging?: unknown };
  readonly dialect: {
    readonly Query: new (
      connection: unknown,
      sequelize: Sequelize,
      options: object,
    ) => { formatError(error: Error, stack?: string): Error };
  };
  hasHook(name: string): boolean;
}

/** What a transaction of Sequelize has and leaves out of its types. */
interface Own {
  readonly options: TransactionOptions;
  readonly connection: Connection;
  finished?: 'commit' | 'rollback';
  readonly _afterCommitHooks: ReadonlyArray<(transaction: Transaction) => unknown>;
  prepareEnvironment(): Promise<void>;
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

/** The database has ended the transaction by itself. */
const deadlock = 1213;

/** Whether Sequelize would do no more with a statement than pass it on: it logs none, has no hooks for it, and keeps no context. */
function mayPassBy(sequelize: Sequelize): boolean {
  const { options } = sequelize as unknown as Internals;
  const has = (hook: string) => (sequelize as unknown as Internals).hasHook(hook);
  return (
    // Not the class of another copy of Sequelize, whose transactions are other ones.
    sequelize instanceof Sequelize &&
    sequelize.getDialect() === 'mysql' &&
    options.logging === false &&
    !has('beforeQuery') &&
    !has('afterQuery') &&
    (Sequelize as unknown as { _cls?: unknown })._cls === undefined
  );
}

/**
 * A transaction of Sequelize whose own statements go straight to the driver: passing through Sequelize took a sixth of what
 * a worker does for a message that comes alone. Each is sent as soon as the one before it has succeeded, while the worker
 * may still put together the next; what waits behind one that failed is not sent.
 */
export class DirectTransaction extends Transaction {
  readonly #sequelize: Sequelize;
  readonly #waiting: Waiting[] = [];
  #isSending = false;
  /** Why nothing is sent any more. */
  #over: Error | undefined;

  constructor(sequelize: Sequelize, options: TransactionOptions) {
    super(sequelize, options);
    this.#sequelize = sequelize;
  }

  /** Called by Sequelize when it has found a connection. The driver has it then: the first statement waits, not the worker. */
  async begin(): Promise<void> {
    const { isolationLevel } = (this as unknown as Own).options;
    if (isolationLevel) await this.send(`SET TRANSACTION ISOLATION LEVEL ${isolationLevel};`);
    this.queue('START TRANSACTION;');
  }

  /** Sends a statement, its values written in where it has question marks. Rejects with errors of Sequelize's classes. */
  send<Result>(sql: string, values: readonly unknown[] = []): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#add({ sql: written(sql, values), resolve: resolve as (result: unknown) => void, reject });
    });
  }

  /** The same of one that nobody waits for: when it fails, nothing is sent any more, and `settled` rejects. */
  queue(sql: string, values: readonly unknown[] = []): void {
    const reject = (error: Error) => {
      this.#over ??= error;
    };
    this.#add({ sql: written(sql, values), resolve: () => {}, reject });
  }

  /** Resolves when all that was queued has succeeded. */
  settled(): Promise<void> {
    return new Promise((resolve, reject) => this.#add({ sql: undefined, resolve: () => resolve(), reject }));
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
    const { connection } = this as unknown as Own;
    connection.query({ sql }, (error, result) => {
      this.#isSending = false;
      if (!error) {
        resolve(result);
        this.#passNext();
        return;
      }
      const failure = this.#errorOf(connection, Object.assign(error, { sql }));
      for (const one of [{ reject }, ...this.#waiting.splice(0)]) one.reject(failure);
      if (error.errno !== deadlock) return;
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

  /** As Sequelize does it. */
  override async commit(): Promise<void> {
    const own = this as unknown as Own;
    if (this.#over) throw this.#over;
    const committed = this.send('COMMIT;');
    own.finished = 'commit';
    this.#end();
    try {
      await committed;
      own.cleanup();
    } catch (error) {
      await own.forceCleanup();
      throw error;
    } finally {
      for (const hook of own._afterCommitHooks) await hook.call(this, this);
    }
  }

  override rollback(): Promise<void> {
    this.#end();
    return super.rollback();
  }

  #end(): void {
    this.#over ??= new Error('The transaction has ended: nothing more can be sent in it.');
    for (const one of this.#waiting.splice(0)) one.reject(this.#over);
  }
}

/** A statement with its values in it. */
function written(sql: string, values: readonly unknown[]): string {
  if (values.length === 0) return sql;
  const [first, ...rest] = sql.split('?');
  // A question mark in somebody's name of a column: the driver finds out which are meant.
  if (rest.length !== values.length) return format(sql, values as never);
  return rest.reduce((text, part, index) => text + escapeValue(values[index] as never) + part, first!);
}

/** Runs `work` in a transaction: commits what it did, or rolls it back and rejects as it did. */
export async function inTransaction<T>(
  sequelize: Sequelize,
  options: TransactionOptions,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  if (!mayPassBy(sequelize)) return sequelize.transaction(options, work);
  const transaction = new DirectTransaction(sequelize, options);
  await (transaction as unknown as Own).prepareEnvironment();
  let result: T;
  try {
    result = await work(transaction);
    await transaction.settled();
  } catch (error) {
    await transaction.rollback().catch(() => undefined);
    throw error;
  }
  await transaction.commit();
  return result;
}

/** Runs a SELECT and gives the rows as the driver does. */
export async function selectRows<Row extends object>(
  { sequelize }: Pick<StoreContext, 'sequelize'>,
  sql: string,
  values: readonly unknown[],
  { transaction }: TransactionContext = {},
): Promise<Row[]> {
  if (transaction instanceof DirectTransaction) return transaction.send<Row[]>(sql, values);
  const options = { replacements: [...values], ...(transaction && { transaction }) };
  return sequelize.query<Row>(sql, { ...options, type: QueryTypes.SELECT });
}

/** Runs a statement that changes rows, or leaves it under way: `settled` tells whether it failed. */
export async function change(
  { sequelize }: Pick<StoreContext, 'sequelize'>,
  sql: string,
  values: readonly unknown[],
  transaction: Transaction | undefined,
): Promise<void> {
  if (transaction instanceof DirectTransaction) return transaction.queue(sql, values);
  const replacements = values.length > 0 ? { replacements: [...values] } : {};
  await sequelize.query(sql, { ...replacements, ...(transaction && { transaction }) });
}

/** Resolves when every `change` in this transaction has succeeded. To be awaited before Sequelize is given a statement. */
export async function settled(transaction: Transaction | undefined): Promise<void> {
  if (transaction instanceof DirectTransaction) await transaction.settled();
}
