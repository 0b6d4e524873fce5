import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type QueryInterface, QueryTypes, Sequelize, Transaction } from 'sequelize';
import { refuseStatementLog } from './check-server.js';
import { migrationNames, migrationsFolder } from './migrations-folder.js';

/** For which chat to migrate. */
export interface MigrateOptions {
  /** `chat_` by default. */
  readonly tablePrefix?: string | undefined;
  /** The host's users table, `users` by default. It must exist, unless `createUsersTable`. */
  readonly usersTable?: string | undefined;
  /** The users table's primary key column; read from the table when absent. */
  readonly usersKey?: string | undefined;
  /** Makes a minimal users table when there is none: for a chat without a host. */
  readonly createUsersTable?: boolean | undefined;
  /** How long to wait for another process that is migrating, in seconds; 60 by default. */
  readonly waitFor?: number | undefined;
}

/** Which of the package's migrations a database has had. */
export interface MigrationState {
  /** Names in the order they run. */
  readonly pending: string[];
  readonly applied: string[];
}

interface Migration {
  up(queryInterface: QueryInterface, sequelize: typeof Sequelize): Promise<void>;
}

/**
 * Runs the package's migrations that did not run yet and resolves to their names. They are recorded where sequelize-cli
 * records them (`SequelizeMeta`), so either may be used, in any order. Processes that start at once wait for each other.
 */
export async function migrate(sequelize: Sequelize, options: MigrateOptions = {}): Promise<string[]> {
  const waitFor = options.waitFor ?? 60;
  return sequelize.getDialect() === 'sqlite'
    ? migrateSqlite(sequelize, options, Date.now() + waitFor * 1000)
    : migrateMysql(sequelize, options, waitFor);
}

/** Looks which migrations ran, and changes nothing. */
export async function migrationState(
  sequelize: Sequelize,
  { tablePrefix = 'chat_' }: Pick<MigrateOptions, 'tablePrefix'> = {},
): Promise<MigrationState> {
  const names = migrationNames(migrationsFolder());
  const { table, done } = await findRecord(sequelize, tablePrefix, names);
  const applied = table === undefined ? [] : names.filter((name) => done.has(name));
  return { applied, pending: names.filter((name) => !applied.includes(name)) };
}

/** One transaction that holds SQLite's write lock from the start: all of it or nothing, and nobody else meanwhile. */
async function migrateSqlite(sequelize: Sequelize, options: MigrateOptions, deadline: number): Promise<string[]> {
  for (;;) {
    try {
      return await sequelize.transaction({ type: Transaction.TYPES.IMMEDIATE }, (transaction) =>
        runPending(sequelize, options, transaction),
      );
    } catch (error) {
      if (!/SQLITE_BUSY/.test(String(error)) || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 80));
    }
  }
}

/**
 * A named lock of the server: DDL commits by itself there, so no transaction would hold anything. The transaction here
 * only pins the one connection that has the lock, and everything runs on it: a pool of one suffices.
 */
async function migrateMysql(sequelize: Sequelize, options: MigrateOptions, waitFor: number): Promise<string[]> {
  await refuseStatementLog(sequelize);
  return sequelize.transaction(async (transaction) => {
    // Server wide, so named after the database; hashed, because a name has at most 64 characters.
    const lock = "CONCAT('chat-migrate-', MD5(DATABASE()))";
    const ask = async (sql: string) => {
      const rows = await sequelize.query<{ answer: number | null }>(sql, { transaction, type: QueryTypes.SELECT });
      return rows[0]?.answer;
    };
    if ((await ask(`SELECT GET_LOCK(${lock}, ${Number(waitFor)}) AS answer`)) !== 1) {
      throw new Error(`Another process has been migrating this database for ${waitFor} s. Try again when it is done.`);
    }
    try {
      const applied = await runPending(sequelize, options, transaction);
      // Before the lock is let go: the next process must see the last record.
      await sequelize.query('COMMIT', { transaction });
      return applied;
    } finally {
      // A lost connection has lost the lock as well; the first error is the one to tell.
      await ask(`SELECT RELEASE_LOCK(${lock}) AS answer`).catch(() => undefined);
    }
  });
}

async function runPending(sequelize: Sequelize, options: MigrateOptions, transaction: Transaction): Promise<string[]> {
  const folder = migrationsFolder();
  const names = migrationNames(folder);
  const tablePrefix = options.tablePrefix ?? 'chat_';
  const record = await openRecord(sequelize, tablePrefix, names, transaction);
  // The settings ride on the query interface; see migrations/chat-support/v1/configuration.cjs.
  const queryInterface = Object.create(sequelize.getQueryInterface(), {
    chat: { value: { ...options, tablePrefix, transaction } },
  }) as QueryInterface;
  const load = createRequire(join(folder, 'package.json'));
  const applied: string[] = [];
  for (const name of names) {
    if (record.done.has(name)) continue;
    const migration = load(join(folder, name)) as Migration;
    await migration.up(queryInterface, Sequelize);
    await record.add(name);
    applied.push(name);
  }
  return applied;
}

/** The record of what ran, made where it is missing. */
async function openRecord(sequelize: Sequelize, prefix: string, names: string[], transaction: Transaction) {
  const found = await findRecord(sequelize, prefix, names, transaction);
  const table = found.table ?? 'SequelizeMeta';
  // As sequelize-cli makes it.
  await sequelize.query(
    `CREATE TABLE IF NOT EXISTS \`${table}\` (name VARCHAR(255) NOT NULL UNIQUE PRIMARY KEY)` +
      (sequelize.getDialect() === 'sqlite' ? '' : ' ENGINE=InnoDB DEFAULT CHARSET=utf8 COLLATE utf8_unicode_ci'),
    { transaction },
  );
  return {
    done: found.done,
    add: (name: string) =>
      sequelize.query(`INSERT INTO \`${table}\` (name) VALUES (:name)`, { transaction, replacements: { name } }),
  };
}

/**
 * The table of migrations that ran, undefined where there is none yet. It knows only file names, so a second chat of
 * another prefix in the same database would look migrated: that one gets a record of its own.
 */
async function findRecord(sequelize: Sequelize, prefix: string, names: string[], transaction?: Transaction) {
  const sqlite = sequelize.getDialect() === 'sqlite';
  const ask = <Row extends object>(sql: string, table?: string) =>
    sequelize.query<Row>(sql, { transaction, replacements: { table }, type: QueryTypes.SELECT });
  const hasTable = async (table: string) => {
    const rows = await ask(
      sqlite
        ? "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = :table"
        : 'SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = :table',
      table,
    );
    return rows.length > 0;
  };
  const read = async (table: string) => {
    const rows = await ask<{ name: string }>(`SELECT name FROM \`${table}\``);
    return new Set(rows.map((row) => row.name));
  };
  const own = `${prefix}SequelizeMeta`;
  if (await hasTable(own)) return { table: own, done: await read(own) };
  if (!(await hasTable('SequelizeMeta'))) return { table: undefined, done: new Set<string>() };
  const shared = await read('SequelizeMeta');
  const ranHere = await hasTable(`${prefix}rooms`);
  const ranForAnother = !ranHere && names.some((name) => name.endsWith('-chat-rooms.cjs') && shared.has(name));
  return ranForAnother ? { table: own, done: new Set<string>() } : { table: 'SequelizeMeta', done: shared };
}
