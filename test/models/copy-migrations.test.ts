import { appendFile, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { copyMigrations } from '../../src/cli/migrations.js';
import { createDatabases } from './databases.js';
import { REPOSITORY, sequelizeCli } from './sequelize-cli.js';

const ROOMS = '20261121000100-chat-rooms.cjs';
const SHARED = join('chat-support', 'v1', 'table.cjs');

describe('copyMigrations', { timeout: 60_000 }, () => {
  const made: string[] = [];
  let folder: string;
  const scratch = async () => {
    const path = await mkdtemp(join(tmpdir(), 'chat-copy-'));
    made.push(path);
    return path;
  };
  beforeEach(async () => {
    folder = join(await scratch(), 'db', 'migrations');
  });
  afterAll(() => Promise.all(made.map((path) => rm(path, { recursive: true, force: true }))));

  const files = async (of: string) =>
    (await readdir(of, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(of.length + 1))
      .sort();

  it('copies every migration and what they share, under the same names, into a folder it makes', async () => {
    const { copied, kept, later } = await copyMigrations(folder);
    expect([...copied].sort()).toEqual(await files(join(REPOSITORY, 'migrations')));
    expect(await files(folder)).toEqual([...copied].sort());
    expect([kept, later]).toEqual([[], []]);
  });

  it('copies nothing the second time and leaves what was changed', async () => {
    const { copied } = await copyMigrations(folder);
    await appendFile(join(folder, ROOMS), '// changed by the host\n');
    const again = await copyMigrations(folder);
    expect(again.copied).toEqual([]);
    expect([...again.kept].sort()).toEqual([...copied].sort());
    expect(await readFile(join(folder, ROOMS), 'utf8')).toContain('// changed by the host');
  });

  it('adds only what a later version of the package brings', async () => {
    await copyMigrations(folder);
    const from = join(await scratch(), 'migrations');
    await cp(join(REPOSITORY, 'migrations'), from, { recursive: true });
    await appendFile(join(from, ROOMS), '// changed by mistake\n');
    await writeFile(join(from, '20270101000000-chat-later.cjs'), '');
    await cp(join(from, 'chat-support', 'v1'), join(from, 'chat-support', 'v2'), { recursive: true });
    const { copied } = await copyMigrations(folder, { from });
    expect(copied).toContain('20270101000000-chat-later.cjs');
    expect(copied).toContain(SHARED.replace('v1', 'v2'));
    expect(copied.every((name) => name.startsWith('2027') || name.includes('v2'))).toBe(true);
    expect(await readFile(join(folder, ROOMS), 'utf8')).not.toContain('changed by mistake');
  });

  it("says which of the host's migrations will run after ours", async () => {
    const host = await scratch();
    await writeFile(join(host, '20240101000000-users.js'), '');
    await writeFile(join(host, '20991231000000-more.cjs'), '');
    expect((await copyMigrations(host)).later).toEqual(['20991231000000-more.cjs']);
  });

  it('refuses a path that is a file', async () => {
    const file = join(await scratch(), 'file');
    await writeFile(file, '');
    await expect(copyMigrations(file)).rejects.toThrow(`${file} is a file.`);
  });

  it("makes migrations that run after the host's own by plain sequelize-cli, in an ES module package", async () => {
    const databases = await createDatabases('sqlite');
    try {
      const host = await scratch();
      const url = await databases.url();
      await writeFile(join(host, 'package.json'), '{"type": "module"}');
      const config = { dialect: 'sqlite', storage: url.slice('sqlite:'.length), chat: { tablePrefix: 'im_' } };
      await writeFile(join(host, 'config.json'), JSON.stringify(config));
      await copyMigrations(join(host, 'migrations'));
      await writeFile(
        join(host, 'migrations', '20240101000000-users.cjs'),
        `module.exports = {
          up: (queryInterface, { UUID }) => queryInterface.createTable('users', { id: { type: UUID, primaryKey: true } }),
          down: (queryInterface) => queryInterface.dropTable('users'),
        };`,
      );
      const up = await sequelizeCli(['db:migrate', '--config', 'config.json'], {}, host);
      expect(up.code, up.output).toBe(0);
      const queryInterface = (await databases.open(url)).getQueryInterface();
      expect((await queryInterface.describeTable('im_messages')).sender_id?.type).toBe('UUID');
      const down = await sequelizeCli(['db:migrate:undo:all', '--config', 'config.json'], {}, host);
      expect(down.code, down.output).toBe(0);
      expect(await queryInterface.showAllTables()).toEqual(['SequelizeMeta']);
    } finally {
      await databases.close();
    }
  });
});
