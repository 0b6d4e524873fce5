import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Model, type ModelStatic, QueryTypes, type Sequelize } from 'sequelize';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createUserModel, initModels } from '../../src/models/index.js';
import { createDatabases, type Databases, DIALECTS } from './databases.js';
import { sequelizeCli } from './sequelize-cli.js';

const TABLES = [
  'channels group_chats message_deliveries message_media_assets messages notifications one_to_one_chats outcomes',
  'reactions read_receipts room_members room_permissions room_properties rooms sessions',
]
  .join(' ')
  .split(' ');

describe.each(DIALECTS)('migrations by sequelize-cli on %s', { timeout: 60_000 }, (dialect) => {
  let databases: Databases;
  beforeAll(async () => {
    databases = await createDatabases(dialect);
  });
  afterAll(() => databases?.close());

  const tables = async (sequelize: Sequelize) => (await sequelize.getQueryInterface().showAllTables()).sort();

  const ok = async (args: string[], env: Record<string, string>) => {
    const { code, output } = await sequelizeCli(args, env);
    expect(code, output).toBe(0);
    return output;
  };

  it('go up, agree with the models column by column, go down, and up again', async () => {
    const url = await databases.url();
    const env = { DATABASE_URL: url };
    await ok(['db:migrate'], env);
    const sequelize = await databases.open(url);
    expect(await tables(sequelize)).toEqual(
      ['SequelizeMeta', 'users', ...TABLES.map((table) => `chat_${table}`)].sort(),
    );

    const { roomTypes: _, ...models } = initModels(sequelize, { userModel: createUserModel(sequelize) });
    for (const model of Object.values<ModelStatic<Model>>(models)) {
      const columns = await sequelize.getQueryInterface().describeTable(model.getTableName());
      expect(Object.keys(columns).sort(), model.name).toEqual(Object.keys(model.getAttributes()).sort());
      for (const [name, attribute] of Object.entries(model.getAttributes())) {
        const column = columns[name]!;
        expect([column.primaryKey, column.primaryKey || column.allowNull], `${model.name}.${name}`).toEqual([
          attribute.primaryKey === true,
          attribute.primaryKey === true || attribute.allowNull !== false,
        ]);
      }
    }

    expect(await ok(['db:migrate'], env)).toContain('already up to date');
    await ok(['db:migrate:undo:all'], env);
    expect(await tables(sequelize)).toEqual(['SequelizeMeta']);
    await ok(['db:migrate'], env);
    expect((await tables(sequelize)).length).toBe(TABLES.length + 2);
  });

  it('leave a users table alone that was there before, rows included', async () => {
    const url = await databases.url();
    const sequelize = await databases.open(url);
    await sequelize.query('CREATE TABLE users (id INTEGER PRIMARY KEY, username VARCHAR(50))');
    await sequelize.query("INSERT INTO users VALUES (5, 'eve')");
    await ok(['db:migrate'], { DATABASE_URL: url });
    await ok(['db:migrate:undo:all'], { DATABASE_URL: url });
    expect(await tables(sequelize)).toEqual(['SequelizeMeta', 'users']);
    expect(await sequelize.query('SELECT * FROM users', { type: QueryTypes.SELECT })).toEqual([
      { id: 5, username: 'eve' },
    ]);
  });

  it('take the prefix and the users table from the environment', async () => {
    const url = await databases.url();
    const sequelize = await databases.open(url);
    await sequelize.query('CREATE TABLE people (id INTEGER PRIMARY KEY)');
    const env = { DATABASE_URL: url, CHAT_TABLE_PREFIX: 'talk_', CHAT_USERS_TABLE: 'people' };
    await ok(['db:migrate'], env);
    expect(await tables(sequelize)).toEqual(
      ['SequelizeMeta', 'people', ...TABLES.map((table) => `talk_${table}`)].sort(),
    );
    await ok(['db:migrate:undo:all'], env);
    expect(await tables(sequelize)).toEqual(['SequelizeMeta', 'people']);
  });

  it('seed demo data once however often they run, and take it back without touching the rest', async () => {
    const url = await databases.url();
    const sequelize = await databases.open(url);
    const env = { DATABASE_URL: url };
    expect((await sequelizeCli(['db:seed:all'], env)).output).toMatch(/does not exist/);
    await ok(['db:migrate'], env);
    await sequelize.query("INSERT INTO users (username) VALUES ('eve')");
    await ok(['db:seed:all'], env);
    await ok(['db:seed:all'], env);
    const models = initModels(sequelize, { userModel: createUserModel(sequelize) });
    const rooms = await models.Room.findAll({ include: models.Room.withDetails(), order: ['id'] });
    expect(rooms.map((room) => [room.type, room.details !== null, room.last_seq])).toEqual([
      ['OneToOneChat', true, 2],
      ['GroupChat', true, 3],
      ['Channel', true, 1],
    ]);
    expect([await models.User.count(), await models.Message.count(), await models.RoomMember.count()]).toEqual([
      4, 6, 8,
    ]);
    const message = await models.Message.findOne({ where: { seq: 3 }, include: ['sender'] });
    expect(message).toMatchObject({ content: '12:30 at the door.', sender: { username: 'demo_alice' } });

    await ok(['db:seed:undo:all'], env);
    expect([await models.Room.count(), await models.Message.count(), await models.User.count()]).toEqual([0, 0, 1]);
  });

  it('seed with the users there are when the table takes no demo users', async () => {
    const url = await databases.url();
    const sequelize = await databases.open(url);
    await sequelize.query(
      'CREATE TABLE users (id INTEGER PRIMARY KEY, username VARCHAR(50), password_hash TEXT NOT NULL)',
    );
    const env = { DATABASE_URL: url };
    await ok(['db:migrate'], env);
    expect((await sequelizeCli(['db:seed:all'], env)).output).toContain('add two users first');
    await sequelize.query("INSERT INTO users VALUES (5, 'eve', 'x'), (6, 'demo_alice', 'x')");
    await ok(['db:seed:all'], env);
    await ok(['db:seed:undo:all'], env);
    const [left] = await sequelize.query<{ n: number }>('SELECT COUNT(*) AS n FROM users', { type: QueryTypes.SELECT });
    expect(left?.n).toBe(2);
  });
});

describe('sequelize-cli in this repository', { timeout: 60_000 }, () => {
  it('refuses a wrong DATABASE_URL with a sentence that does not repeat it', async () => {
    for (const DATABASE_URL of ['postgres://a:secret@b/c', 'mysql://a:secret@b', 'sqlite:']) {
      const { code, output } = await sequelizeCli(['db:migrate'], { DATABASE_URL });
      expect(code).toBe(1);
      expect(output).toContain('DATABASE_URL must be sqlite:PATH or mysql://');
      expect(output).not.toContain('secret');
    }
  });
});

describe("a host's own configuration", { timeout: 60_000 }, () => {
  let folder: string;
  let databases: Databases;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chat-host-'));
    databases = await createDatabases('sqlite');
  });
  afterAll(async () => {
    await databases?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const migrations = join(import.meta.dirname, '..', '..', 'migrations');
  const run = async (
    name: string,
    files: Record<string, string>,
    users = 'CREATE TABLE users (id INTEGER PRIMARY KEY)',
  ) => {
    const url = await databases.url();
    const sequelize = await databases.open(url);
    if (users) await sequelize.query(users);
    const host = await mkdtemp(join(folder, `${name}-`));
    const config = { dialect: 'sqlite', storage: url.slice('sqlite:'.length), logging: false };
    await writeFile(join(host, 'config.json'), JSON.stringify(config));
    for (const [file, content] of Object.entries(files)) await writeFile(join(host, file), content);
    const result = await sequelizeCli(
      ['db:migrate', '--config', 'config.json', '--migrations-path', migrations],
      {},
      host,
    );
    return { ...result, tables: await sequelize.getQueryInterface().showAllTables(), sequelize };
  };

  it.each([
    ['chat.config.mjs', "export default { tablePrefix: 'own_', userModel };"],
    ['chat.config.mjs', "export const settings = { tablePrefix: 'own_', userModel };"],
    ['chat.config.mjs', "export default async () => ({ tablePrefix: 'own_', userModel });"],
    ['chat.config.cjs', "module.exports = { tablePrefix: 'own_', userModel };"],
    ['chat.config.js', "module.exports = { tablePrefix: 'own_', userModel };"],
  ])('is read from %s: %s', async (file, content) => {
    const model = `const userModel = { getTableName: () => 'people', primaryKeyAttribute: 'key', rawAttributes: { key: { field: 'person_id' } } };`;
    const users = 'CREATE TABLE people (id INTEGER, person_id VARCHAR(40) PRIMARY KEY)';
    const { code, output, tables, sequelize } = await run('settings', { [file]: `${model}\n${content}` }, users);
    expect(code, output).toBe(0);
    expect(tables).toContain('own_rooms');
    const columns = await sequelize.getQueryInterface().describeTable('own_messages');
    expect(columns.sender_id?.type).toBe('VARCHAR(40)');
  });

  it('gives no users table to a host that has none, but a sentence', async () => {
    const { code, output, tables } = await run('none', {}, '');
    expect(code).toBe(1);
    expect(output).toContain('The users table "users" does not exist.');
    expect(tables).toEqual(['SequelizeMeta']);
  });

  it('stops with a sentence when its settings cannot be read', async () => {
    const { code, output } = await run('broken', { 'chat.config.cjs': "throw new Error('JWT_SECRET is missing');" });
    expect(code).toBe(1);
    expect(output).toMatch(/chat\.config\.cjs could not be read .*JWT_SECRET is missing.*CHAT_TABLE_PREFIX/);
  });

  it('stops with a sentence at a prefix that no table can have', async () => {
    const { output } = await run('prefix', { 'chat.config.cjs': "module.exports = { tablePrefix: 'a-b' };" });
    expect(output).toContain('at most 20 letters, digits or underscores, not "a-b"');
  });
});
