import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { connectTestClient } from '../../src/testing/client.js';
import type { TestProcess } from '../helpers/processes.js';
import { type Sandbox, toCommonJs, useSandboxes } from '../helpers/sandbox.js';
import { codeBlocks, fileOf } from './pages.js';

const page = 'README.md';
const secret = randomBytes(32).toString('base64');
const appFiles = ['user.js', 'chat.config.js', 'app.js', 'chat-client.js', 'talk.js', 'worker.js'];
const migration = 'migrations/20260101000000-users.cjs';

const { project, services } = useSandboxes();

/** The block of commands with that text in it. */
function commandsWith(text: string): string {
  const block = codeBlocks(page).find(({ language, code }) => language === 'bash' && code.includes(text));
  if (!block) throw new Error(`${page} has no commands with ${text}.`);
  return block.code;
}

/** Runs the page's commands for installing and for the tables. */
async function setUp(project: Sandbox, url?: string): Promise<void> {
  await project.shell(commandsWith('npm install express-realtime-chat'));
  const printed = await project.shell(commandsWith('db:migrate'), { DATABASE_URL: url });
  expect(printed).toMatch(/users: migrated/);
  expect(printed).toMatch(/chat-outcomes: migrated/);
}

/** Starts the app and resolves to its port. */
async function startApp(project: Sandbox, env: Record<string, string> = {}) {
  const app = project.node(['app.js'], { JWT_SECRET: secret, PORT: '0', ...env });
  const [, port] = await app.waitFor(/Listening on port (\d+)/);
  await app.waitFor(/The chat is ready/);
  return { app, port: port! };
}

/** Runs the page's conversation, which prints what the other one hears. */
async function talk(project: Sandbox, port: string): Promise<void> {
  const run = project.startShell(commandsWith('talk.js'), { PORT: port });
  await run.waitFor(/^ann: Half past twelve\?$/m);
  expect((await run.ended).code, run.output()).toBe(0);
}

/** Ends a process as a process manager does; it must end by itself, with 0. */
async function endWell(running: TestProcess): Promise<void> {
  running.child.kill('SIGTERM');
  const { code, signal } = await running.ended;
  expect({ code, signal }, running.output()).toEqual({ code: 0, signal: null });
}

function post(port: string, path: string, body: object): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

async function logIn(port: string, username: string): Promise<{ id: number; token: string }> {
  const response = await post(port, '/login', { username, password: 'a long password' });
  expect(response.status).toBe(200);
  return (await response.json()) as { id: number; token: string };
}

const filesOf = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, fileOf(page, name)]));

describe("README's own app", { timeout: 120_000 }, () => {
  test('runs by its steps, as ES modules', async () => {
    const sandbox = await project('module');
    await sandbox.write(filesOf([...appFiles, migration]));
    await setUp(sandbox);
    const { app, port } = await startApp(sandbox);
    await talk(sandbox, port);
    await logIn(port, 'ann');
    expect((await post(port, '/login', { username: 'ann', password: 'another password' })).status).toBe(401);
    expect((await post(port, '/users', { username: 'ann', password: 'another password' })).status).toBe(409);
    expect((await post(port, '/users', { username: 'ann' })).status).toBe(400);
    await endWell(app);
  });

  test('runs as CommonJS, by the rule that the page gives', async () => {
    const sandbox = await project('commonjs');
    const files = Object.fromEntries(appFiles.map((name) => [name, toCommonJs(fileOf(page, name))]));
    for (const code of Object.values(files)) expect(code).not.toMatch(/^(import|export) /m);
    await sandbox.write({ ...files, ...filesOf([migration, 'commonjs.cjs']) });
    await setUp(sandbox);
    const loaded = sandbox.node(['-p', 'Object.values(require("./commonjs.cjs")).map((one) => typeof one).join()']);
    await loaded.waitFor(/^function,function,function$/m);
    const { app, port } = await startApp(sandbox);
    await talk(sandbox, port);
    await endWell(app);
  });

  test('says what to do when the tables are missing', async () => {
    const sandbox = await project('module');
    await sandbox.write(filesOf(appFiles));
    const app = sandbox.node(['app.js'], { JWT_SECRET: secret, PORT: '0' });
    expect((await app.ended).code).toBe(1);
    expect(app.output()).toMatch(/npx express-realtime-chat migrations <folder>/);
  });

  test('runs with workers of their own, by command and by code, on MariaDB and Redis', async () => {
    const sandbox = await project('module');
    const [mariaDb, redis] = await services();
    await sandbox.write(filesOf([...appFiles, migration]));
    const env = { DATABASE_URL: mariaDb.url, REDIS_URL: redis.url, JWT_SECRET: secret };
    await setUp(sandbox, mariaDb.url);
    const { app, port } = await startApp(sandbox, { ...env, CHAT_WORKER: '0' });

    const command = commandsWith('--config')
      .split('\n')
      .find((line) => line.startsWith('npx '))!;
    // `exec`, so that the signal below goes to the worker and not to the shell.
    const byCommand = sandbox.startShell(`exec ${command}`, env);
    await byCommand.waitFor(/takes events/);
    await talk(sandbox, port);
    const byCode = sandbox.node(['worker.js'], env);
    await byCode.waitFor(/Working/);
    await endWell(byCommand);
    // The worker of the code is left, and answers: without one, nobody could connect.
    const { token } = await logIn(port, 'ben');
    const client = await connectTestClient(`ws://127.0.0.1:${port}/messaging/`, { token });
    expect((await client.next()).eventType).toBe('chat.notifications');
    await client.close();
    await endWell(byCode);
    await endWell(app);
  });
});

describe("README's TypeScript", { timeout: 120_000 }, () => {
  const options = { strict: true, skipLibCheck: true, target: 'es2022', types: ['node'], outDir: 'out' };

  test.each([
    ['module', 'nodenext'],
    ['commonjs', 'nodenext'],
    ['module', 'bundler'],
  ] as const)('passes the compiler and runs, in a %s project resolved as %s', async (type, resolution) => {
    const sandbox = await project(type);
    const module = resolution === 'bundler' ? 'esnext' : 'nodenext';
    const compilerOptions = { ...options, module, moduleResolution: resolution, rootDir: '.' };
    await sandbox.write({
      'settings.ts': fileOf(page, 'settings.ts'),
      'tsconfig.json': JSON.stringify({ compilerOptions, files: ['settings.ts', 'main.ts'] }),
      'main.ts': main,
    });
    await sandbox.shell('npx tsc -p .');
    const run = sandbox.node(['out/main.js'], { JWT_SECRET: secret });
    expect((await run.ended).code, run.output()).toBe(0);
    expect(run.output()).toContain('Ann says: Hello');
  });
});

/** What a reader would write around `settings.ts`: a database, two users, a room, a message. */
const main = `
import { chat, say, User } from './settings.js';

async function run(): Promise<void> {
  await chat.sequelize.getQueryInterface().createTable('users', User.getAttributes() as never);
  await chat.migrate();
  const user = await User.create({ username: 'Ann' });
  const { room_id } = await chat.as(user).send('room.create', { type: 'GroupChat', name: 'Notes' });
  await say(user, String(room_id), 'Hello');
  const { data } = (await chat.as(user).send('room.messages', { room_id: String(room_id) })) as {
    data: { messages: { sender: { username: string }; content: string }[] };
  };
  for (const { sender, content } of data.messages) console.log(\`\${sender.username} says: \${content}\`);
  await chat.close();
  await chat.sequelize.close();
}

run().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
`;
