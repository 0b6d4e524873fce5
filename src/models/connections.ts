import { format } from 'mysql2';
import { type Options, type Sequelize, Transaction, type TransactionOptions } from 'sequelize';

/** What mysql2 looks at when it is given a statement. */
interface MySqlConnection {
  readonly config?: {
    stringifyObjects?: boolean;
    queryFormat?: (sql: string, values: unknown, timezone: string) => string;
  };
}

const name = 'express-realtime-chat';

/**
 * Spares statements that come with all values written in, as Sequelize's do, mysql2's search for placeholders: it reads a
 * batch of rows letter by letter, a fourteenth of a busy worker's time. Nothing else changes: without values there is
 * nothing to put in. Returns how to undo it for connections to come.
 */
export function spareFormatting(sequelize: Sequelize): () => void {
  if (sequelize.getDialect() !== 'mysql') return () => {};
  sequelize.addHook('afterConnect', name, (connection: unknown) => {
    const { config } = connection as MySqlConnection;
    if (!config || config.queryFormat) return;
    config.queryFormat = (sql, values, timezone) =>
      Array.isArray(values) && values.length === 0
        ? sql
        : format(sql, values as never, config.stringifyObjects, timezone as never);
  });
  return () => sequelize.removeHook('afterConnect', name);
}

/** Seconds for which one of our own connections waits for a row: who needs it longer asks again, and lets others go first. */
const lockWait = 2;

/** Marks instances and connections whose transactions are READ COMMITTED without being asked. */
const readCommitted = Symbol('READ COMMITTED');

interface Marked {
  [readCommitted]?: boolean;
}

/**
 * Lets the connections of an instance begin every transaction as READ COMMITTED, which spares each of them a statement: of
 * one of our own, and of a host's that says so in its `isolationLevel`. Any other keeps its isolation, and each of our
 * transactions asks for its own. Connections of our own also wait for a row for a short time only, and the transaction is
 * begun again. Returns how to undo it for connections to come.
 */
export function useReadCommitted(sequelize: Sequelize, isOurs: boolean): () => void {
  if (sequelize.getDialect() !== 'mysql') return () => {};
  const { isolationLevel } = (sequelize as unknown as { options: Options }).options;
  if (!isOurs && isolationLevel !== Transaction.ISOLATION_LEVELS.READ_COMMITTED) return () => {};
  sequelize.addHook('afterConnect', `${name}-isolation`, async (connection: unknown) => {
    const { promise } = connection as { promise(): { query(sql: string): Promise<unknown> } };
    await promise.call(connection).query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
    if (isOurs) await promise.call(connection).query(`SET SESSION innodb_lock_wait_timeout = ${lockWait}`);
    (connection as Marked)[readCommitted] = true;
  });
  (sequelize as Marked)[readCommitted] = true;
  return () => {
    (sequelize as Marked)[readCommitted] = false;
    sequelize.removeHook('afterConnect', `${name}-isolation`);
  };
}

/** How a transaction of this instance is begun: undefined where its connections say it by themselves. */
export function isolationOf(sequelize: Sequelize): TransactionOptions {
  const isolationLevel = (sequelize as Marked)[readCommitted] ? undefined : Transaction.ISOLATION_LEVELS.READ_COMMITTED;
  return { isolationLevel } as TransactionOptions;
}

/**
 * Tells a connection that is older than `useReadCommitted`, before its transaction; one that has begun, with nothing done in
 * it, begins anew.
 */
export async function beReadCommitted(
  sequelize: Sequelize,
  connection: unknown,
  run: (sql: string) => Promise<unknown>,
  hasBegun: boolean,
): Promise<void> {
  if (!(sequelize as Marked)[readCommitted] || (connection as Marked)[readCommitted]) return;
  const set = `SET SESSION TRANSACTION ISOLATION LEVEL ${Transaction.ISOLATION_LEVELS.READ_COMMITTED}`;
  for (const sql of hasBegun ? ['COMMIT', set, 'START TRANSACTION'] : [set]) await run(sql);
  (connection as Marked)[readCommitted] = true;
}
