import { QueryTypes, type Sequelize, type Transaction } from 'sequelize';
import { inTime } from './in-time.js';

/** A line of SHOW PROCESSLIST. */
interface Thread {
  readonly db: string | null;
  readonly State: string | null;
}

/** Milliseconds in which a database that is not held up answers. */
const patience = 1000;

/**
 * Whether it is the database that somebody waits for whose time is over. A connection answers one statement after the
 * other, so that of `transaction` answers at once unless one of its statements is under way. Without a transaction, or
 * before it: whether the server answers, and no statement waits for a table or for a backup.
 */
export async function isHeldUp(sequelize: Sequelize, transaction?: Transaction | undefined): Promise<boolean> {
  const asked =
    transaction || sequelize.getDialect() !== 'mysql'
      ? sequelize.query('SELECT 1', { transaction: transaction ?? null }).then(() => [])
      : sequelize.query<Thread>('SHOW FULL PROCESSLIST', { type: QueryTypes.SELECT });
  try {
    const threads: readonly Thread[] = await inTime('The database', patience, asked);
    const database = sequelize.getDatabaseName();
    return threads.some(({ db, State }) => db === database && /^Waiting for .*(lock|flush)/i.test(State ?? ''));
  } catch {
    return true;
  }
}
