/** The transactions of the store, and the statements in them: by Sequelize, or past it where it would only pass them on. */
import { QueryTypes, Sequelize, type Transaction, type TransactionOptions } from 'sequelize';
import { beReadCommitted } from '../models/connections.js';
import { takesBlocks } from './blocks.js';
import type { StoreContext, TransactionOptions as TransactionContext } from './context.js';
import type { Deadline } from './deadline.js';
import { DirectTransaction } from './direct-transaction.js';
import { noteUnknownCommit } from './unknown-commit.js';

/** What Sequelize has and leaves out of its types. */
interface Internals {
  readonly options: { readonly logging?: unknown };
  hasHook(name: string): boolean;
}

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
 * Runs `work` in a transaction, READ COMMITTED where `useReadCommitted` says so: commits what it did, or rolls it back and
 * rejects as it did. `isUnknownCommit` tells of an error that came when a COMMIT was under way. Nothing is committed
 * that was done after the deadline.
 */
export async function inTransaction<T>(
  sequelize: Sequelize,
  options: TransactionOptions,
  work: (transaction: Transaction) => Promise<T>,
  deadline?: Deadline,
): Promise<T> {
  if (!mayPassBy(sequelize)) return bySequelize(sequelize, options, work, deadline);
  const transaction = new DirectTransaction(sequelize, options, await takesBlocks(sequelize));
  await (transaction as unknown as { prepareEnvironment(): Promise<void> }).prepareEnvironment();
  let result: T;
  try {
    result = await work(transaction);
  } catch (error) {
    await transaction.rollback().catch(() => undefined);
    throw error;
  }
  await transaction.commit(deadline);
  return result;
}

async function bySequelize<T>(
  sequelize: Sequelize,
  options: TransactionOptions,
  work: (transaction: Transaction) => Promise<T>,
  deadline: Deadline | undefined,
): Promise<T> {
  let isCommitting = false;
  try {
    return await sequelize.transaction(options, async (transaction) => {
      const { connection } = transaction as unknown as { connection: unknown };
      const run = (sql: string) => sequelize.query(sql, { transaction });
      await beReadCommitted(sequelize, connection, run, true);
      const result = await work(transaction);
      deadline?.throwIfAborted();
      isCommitting = true;
      return result;
    });
  } catch (error) {
    if (isCommitting) noteUnknownCommit(error);
    throw error;
  }
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
