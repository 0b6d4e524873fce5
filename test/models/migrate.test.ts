import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { QueryTypes, type Sequelize } from 'sequelize';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../../src/models/migrate.js';
import { createDatabases, type Databases, DIALECTS } from './databases.js';
import { REPOSITORY, sequelizeCli } from './sequelize-cli.js';

describe.each(DIALECTS)('migrate on %s', { timeout: 60_000 }, (dialect) => {
  let databases: Databases;
  let names: string[];
  beforeAll(async () => {
    databases = await createDatabases(dialect);
    names = (await readdir(join(REPOSITORY, 'migrations'))).filter((name) => name.endsWith('.cjs')).sort();
  });
  afterAll(() => databases?.close());

  const tables = async (sequelize: Sequelize) => (await sequelize.getQueryInterface().showAllTables()).sort();
  const recorded = async (sequelize: Sequelize, table = 'SequelizeMeta') =>
    (
      await sequelize.query<{ name: string }>(`SELECT name FROM \`${table}\` ORDER BY name`, {
        type: QueryTypes.SELECT,
      })
    ).map((row) => row.name);

  it('runs every migration once, in order, and says which', async () => {
    const sequelize = await databases.open();
    expect(await migrate(sequelize, { createUsersTable: true })).toEqual(names);
    expect(await migrate(sequelize, { createUsersTable: true })).toEqual([]);
    expect(await recorded(sequelize)).toEqual(names);
  });

  it('mixes with sequelize-cli either way', async () => {
    const first = await databases.url();
    expect((await sequelizeCli(['db:migrate', '--to', names[4]!], { DATABASE_URL: first })).code).toBe(0);
    const sequelize = await databases.open(first);
    expect(await migrate(sequelize)).toEqual(names.slice(5));
    const status = await sequelizeCli(['db:migrate:status'], { DATABASE_URL: first });
    expect(status.output).not.toContain('down');
    expect((await sequelizeCli(['db:migrate:undo:all'], { DATABASE_URL: first })).code).toBe(0);
    expect(await tables(sequelize)).toEqual(['SequelizeMeta']);
    expect(await migrate(sequelize, { createUsersTable: true })).toEqual(names);
  });

  it('lets several that start at once each succeed, the work done once', async () => {
    const url = await databases.url();
    const instances = await Promise.all([1, 2, 3, 4].map(() => databases.open(url)));
    const results = await Promise.all(instances.map((sequelize) => migrate(sequelize, { createUsersTable: true })));
    expect(results.flat().sort()).toEqual(names);
    expect(await recorded(instances[0]!)).toEqual(names);
  });

  it('needs one connection only', async () => {
    const sequelize = await databases.open(undefined, { pool: { max: 1, acquire: 3000 } });
    expect(await migrate(sequelize, { createUsersTable: true })).toEqual(names);
  });

  it('goes on where a process died between creating a table and recording it', async () => {
    const sequelize = await databases.open();
    await migrate(sequelize, { createUsersTable: true });
    await sequelize.query("DELETE FROM SequelizeMeta WHERE name LIKE '%-chat-messages.cjs'");
    expect(await migrate(sequelize)).toEqual(names.filter((name) => name.endsWith('-chat-messages.cjs')));
  });

  it('serves a second chat of another prefix in the same database', async () => {
    const sequelize = await databases.open();
    await migrate(sequelize, { createUsersTable: true });
    expect(await migrate(sequelize, { tablePrefix: 'second_' })).toEqual(names);
    expect(await migrate(sequelize, { tablePrefix: 'second_' })).toEqual([]);
    expect(await migrate(sequelize)).toEqual([]);
    expect(await tables(sequelize)).toEqual(expect.arrayContaining(['chat_rooms', 'second_rooms']));
  });

  it('refuses a database without a users table, records nothing, and works once there is one', async () => {
    const sequelize = await databases.open();
    await expect(migrate(sequelize)).rejects.toThrow('The users table "users" does not exist.');
    await sequelize.query('CREATE TABLE users (id INTEGER PRIMARY KEY)');
    await migrate(sequelize);
    expect(await recorded(sequelize)).toEqual(names);
  });

  it('is not led astray by the environment: the settings given are the settings', async () => {
    const sequelize = await databases.open();
    process.env.CHAT_TABLE_PREFIX = 'wrong_';
    try {
      await migrate(sequelize, { createUsersTable: true });
    } finally {
      delete process.env.CHAT_TABLE_PREFIX;
    }
    expect(await tables(sequelize)).toContain('chat_rooms');
  });

  it('gives up with an error when another holds the database for too long', async () => {
    const url = await databases.url();
    const [holder, sequelize] = [await databases.open(url), await databases.open(url)];
    const transaction = await holder.transaction({ type: 'IMMEDIATE' as never });
    if (dialect === 'mariadb') {
      await holder.query("SELECT GET_LOCK(CONCAT('chat-migrate-', MD5(DATABASE())), 0)", { transaction });
    }
    await expect(migrate(sequelize, { waitFor: 0 })).rejects.toThrow(/SQLITE_BUSY|Another process/);
    await transaction.rollback();
  });
});
