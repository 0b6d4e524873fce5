/** The pages on models, serializers and room types: their code runs as they say, in the README's own app. */
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { askControl } from '../helpers/control.js';
import { createSandbox, type Sandbox } from '../helpers/sandbox.js';
import { startMariaDb, type TestMariaDb } from '../helpers/services.js';
import { codeBlocks, fileOf } from './pages.js';

const secret = 'a secret of the pages on models, long enough';

let sandbox: Sandbox | undefined;
let mariaDb: TestMariaDb | undefined;

beforeAll(async () => {
  await askControl('build');
});

afterEach(async () => {
  await sandbox?.close();
  await mariaDb?.stop();
  [sandbox, mariaDb] = [undefined, undefined];
});

/** A project with the README's users and these files of a page, migrated by the page's commands. */
async function project(page: string, files: readonly string[], env: Record<string, string>): Promise<Sandbox> {
  const made = await createSandbox('module');
  const readme = ['user.js', 'migrations/20260101000000-users.cjs'];
  await made.write(Object.fromEntries(readme.map((name) => [name, fileOf('README.md', name)])));
  await made.write(Object.fromEntries(files.map((name) => [name, fileOf(page, name)])));
  for (const { code } of codeBlocks(page).filter(({ language }) => language === 'bash')) await made.shell(code, env);
  return made;
}

/** Runs a program of the page to its end; resolves to the lines it printed, but for those of the log. */
async function linesOf(made: Sandbox, program: string, env: Record<string, string>): Promise<string[]> {
  const run = made.node([program], env);
  const { code } = await run.ended;
  expect(code, run.output()).toBe(0);
  return run
    .output()
    .trim()
    .split('\n')
    .filter((line) => !/^\d{4}-\d\d-\d\d/.test(line));
}

async function environment(database: string): Promise<Record<string, string>> {
  if (database === 'SQLite') return { JWT_SECRET: secret };
  mariaDb = await startMariaDb();
  return { JWT_SECRET: secret, DATABASE_URL: mariaDb.url };
}

describe.each(['SQLite', 'MariaDB'])('on %s', { timeout: 120_000 }, (database) => {
  test('the page on models', async () => {
    const env = await environment(database);
    const files = ['models.js', 'serializers.js', 'chat.config.js', 'try-models.js'];
    const migration = 'migrations/20270101000000-own-columns.cjs';
    sandbox = await project('docs/customising/models.md', [...files, migration], env);
    const lines = await linesOf(sandbox, 'try-models.js', env);
    expect(lines.slice(0, 4)).toEqual([
      'Welcome! dark',
      'Bring boots normal false null',
      'Drill at noon low false 2030-01-01T12:00:00.000Z',
      'Drill at noon, Bring boots',
    ]);
    expect(lines.slice(4).join('\n')).toMatch(/4003|extra_fields\.priority/);
    const url = database === 'SQLite' ? `sqlite:${sandbox.folder}/app.sqlite` : mariaDb!.url;
    await sandbox.shell(`npx sequelize-cli db:migrate:undo --url "${url}"`, env);
    const refused = sandbox.node(['try-models.js'], env);
    expect((await refused.ended).code).toBe(1);
    expect(refused.output()).toContain(
      'The table chat_messages has no column "priority", which the model CustomMessage needs',
    );
  });

  test('the page on room types', async () => {
    const env = await environment(database);
    const files = ['support-ticket.js', 'chat.config.js', 'try-tickets.js'];
    const migration = 'migrations/20270101000000-support-tickets.cjs';
    sandbox = await project('docs/customising/room-types.md', [...files, migration], env);
    expect(await linesOf(sandbox, 'try-tickets.js', env)).toEqual([
      'SupportTicket ticket-ann ticket-ben,ticket-cleo waiting',
      'GroupChat Agents undefined',
      'SupportTicket The printer is on fire waiting',
      '4003 This ticket is closed',
      'closed SupportTicket',
    ]);
  });
});

test('the page on serializers', { timeout: 60_000 }, async () => {
  const page = 'docs/customising/serializers.md';
  sandbox = await createSandbox('module');
  await sandbox.write(
    Object.fromEntries(['serializers.js', 'try-serializers.js'].map((name) => [name, fileOf(page, name)])),
  );
  expect(await linesOf(sandbox, 'try-serializers.js', {})).toEqual([
    '/ann.png /ann.png',
    '/ann.png ann@example.org',
    "{ id: 1, username: 'ann' }",
  ]);
});

describe('in TypeScript', { timeout: 120_000 }, () => {
  const options = '--strict --noEmit --skipLibCheck --target es2022 --module nodenext --types node';

  test.each([
    ["the host's columns are in the shapes", 'models.md', 'models.ts', "priority === 'urgent'", "priority === 'high'"],
    ["the host's room types are told apart", 'room-types.md', 'support-ticket.ts', 'room.status', 'room.state'],
  ])('%s', async (_, page, file, right, wrong) => {
    sandbox = await createSandbox('module');
    const source = fileOf(`docs/customising/${page}`, file);
    expect(source).toContain(right);
    await sandbox.write({ [`src/${file}`]: source, [`wrong/${file}`]: source.replace(right, wrong) });
    await sandbox.shell(`npx tsc ${options} src/${file}`);
    await expect(sandbox.shell(`npx tsc ${options} wrong/${file}`)).rejects.toThrow(/no overlap|does not exist/);
  });
});
