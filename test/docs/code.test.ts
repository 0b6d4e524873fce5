/** The code on the pages of docs/, run as it stands, each with what a reader would write around it. */
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Redis } from 'ioredis';
import { createConnection } from 'mysql2/promise';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { askControl } from '../helpers/control.js';
import { until } from '../helpers/processes.js';
import { createSandbox, type Sandbox } from '../helpers/sandbox.js';
import { startMariaDb, startRedis } from '../helpers/services.js';
import { blocksIn, fileOf, readPage } from './pages.js';

const secret = 'a secret of the tests of the pages';
let sandbox: Sandbox | undefined;

beforeAll(async () => {
  await askControl('build');
});

afterEach(async () => {
  vi.useRealTimers();
  await sandbox?.close();
  sandbox = undefined;
});

/** Writes the files and runs `main`, which must end by itself, with 0; resolves to what it printed. */
async function run(files: Record<string, string>, main: string, env: Record<string, string> = {}): Promise<string> {
  sandbox = await createSandbox('module');
  await sandbox.write({ ...files, 'main.js': main });
  const started = sandbox.node(['--experimental-websocket', 'main.js'], { JWT_SECRET: secret, ...env });
  expect((await started.ended).code, started.output()).toBe(0);
  return started.output();
}

/** A chat of its own in a SQLite file, with the users Ann, Ben and Cem, and `act`, which resolves to data or error. */
const aloneWith = (settings: string) => `
import { createChat } from 'express-realtime-chat';
const chat = createChat({ database: 'sqlite:chat.sqlite', logLevel: 'warn', ${settings} });
await chat.migrate();
const names = ['Ann', 'Ben', 'Cem'];
await chat.sequelize.query("INSERT INTO users (id, username) VALUES (1, 'Ann'), (2, 'Ben'), (3, 'Cem')");
const act = (id, type, data) => chat.as({ id }).send(type, data).catch(({ code, detail }) => ({ code, detail }));
const show = (name, value) => console.log(name + ' ' + JSON.stringify(value));
`;

/** An app on that chat, and `open`, which connects with headers: `state` is 'open' or the close code. */
const serving = `
import { createRequire } from 'node:module';
import express from 'express';
const { WebSocket } = createRequire(import.meta.resolve('express-realtime-chat'))('ws');
const app = express();
app.use(chat.middleware());
const server = app.listen(0);
const open = async (headers) => {
  const socket = new WebSocket('ws://127.0.0.1:' + server.address().port + '/messaging', { headers });
  const closed = new Promise((resolve) => socket.on('close', resolve));
  const opened = new Promise((resolve) => socket.on('message', () => resolve('open')));
  return { closed, state: await Promise.race([opened, closed]) };
};
`;

/** The JSON that a program printed behind a name. */
function shown(output: string, name: string): unknown {
  const line = output.split('\n').find((text) => text.startsWith(`${name} `));
  if (!line) throw new Error(`${name} was not printed:\n${output}`);
  return JSON.parse(line.slice(name.length + 1));
}

describe('docs/architecture.md', { timeout: 60_000 }, () => {
  const page = 'docs/architecture.md';

  test('extends handlers, permissions and events', async () => {
    const output = await run(
      {
        'moderation.js': fileOf(page, 'moderation.js'),
        'contacts.js': fileOf(page, 'contacts.js'),
        'pins.js': fileOf(page, 'pins.js'),
      },
      `${aloneWith(`
        eventHandlerClass: './moderation.js#ModeratedEventHandler',
        permissionHandlerClass: './contacts.js#ContactPermissionHandler',
        consumerClass: './pins.js#PinningConsumer',
        eventMapper: './pins.js#mapWithPins',`)}
      import { hermits } from './contacts.js';
      hermits.add(3);
      const { room_id } = await act(1, 'room.create', { type: 'GroupChat', name: 'Shop', participants: [2] });
      show('contact', await act(1, 'room.create', { type: 'OneToOneChat', participants: [3] }));
      show('added', await act(1, 'room.add_members', { room_id, members: [3] }));
      show('moderated', await act(2, 'message.send', { room_id, content: 'Buy now!' }));
      const { message_id } = await act(2, 'message.send', { room_id, content: 'Hello' });
      const heard = [];
      const nothing = () => {};
      const link = await chat.broadcast.open('listener', {
        onEnvelope: ({ frame }) => heard.push(JSON.parse(frame)),
        onWhisper: nothing, onReply: nothing, onControl: nothing, onRestored: nothing,
      });
      await link.subscribe([room_id]);
      show('refusedPin', await act(2, 'message.pin', { room_id, message_id }));
      show('wrongPin', await act(1, 'message.pin', { room_id, message_id: 7 }));
      show('pin', await act(1, 'message.pin', { room_id, message_id }));
      show('heard', heard);
      await chat.close();`,
    );
    expect(shown(output, 'contact')).toMatchObject({ code: 4002 });
    expect(shown(output, 'added')).toMatchObject({ code: 4002 });
    expect(shown(output, 'moderated')).toEqual({ code: 4003, detail: { content: ['No advertising, please.'] } });
    expect(output).toContain('Ben sent message 1\n');
    expect(shown(output, 'refusedPin')).toMatchObject({ code: 4002 });
    expect(shown(output, 'wrongPin')).toMatchObject({ code: 4003, detail: { message_id: expect.anything() } });
    const pin = shown(output, 'pin') as { message_id: string };
    expect(pin).toEqual({ message_id: expect.any(String), status: 'successful' });
    expect(shown(output, 'heard')).toMatchObject([
      { eventType: 'message.pinned', data: { message_id: pin.message_id, pinned_by: 'Ann' }, offset: 3 },
    ]);
  });
});

describe('docs/analytics.md', { timeout: 60_000 }, () => {
  const page = 'docs/analytics.md';

  test('counts messages per room and minute', async () => {
    sandbox = await createSandbox('module');
    await sandbox.write({ 'messages-per-minute.js': fileOf(page, 'messages-per-minute.js') });
    const file = pathToFileURL(join(sandbox.folder, 'messages-per-minute.js')).href;
    const { countMessages } = await import(/* @vite-ignore */ file);
    vi.useFakeTimers({ now: Date.parse('2026-11-21T09:30:58.000Z') });
    const events = new EventEmitter();
    const reports: { minute: Date; roomId: string; count: number }[] = [];
    const stop = countMessages(events, (report: (typeof reports)[number]) => reports.push(report));
    const complete = (eventType: string, roomId?: string) => events.emit('completed', { eventType, roomId });
    complete('message.send', 'a');
    complete('message.send', 'a');
    complete('message.send', 'b');
    complete('message.read');
    complete('room.info', 'a');
    expect(reports).toEqual([]);
    vi.advanceTimersByTime(3000);
    const minute = new Date('2026-11-21T09:30:00.000Z');
    expect(reports.splice(0)).toEqual([
      { minute, roomId: 'a', count: 2 },
      { minute, roomId: 'b', count: 1 },
    ]);
    complete('message.send', 'b');
    stop();
    expect(reports.splice(0)).toEqual([{ minute: new Date('2026-11-21T09:31:00.000Z'), roomId: 'b', count: 1 }]);
    complete('message.send', 'b');
    vi.advanceTimersByTime(120_000);
    expect(reports).toEqual([]);
    expect(events.listenerCount('completed')).toBe(0);
  });

  test('counts in a running app, refused sends too, and nothing that came without a socket', async () => {
    const readme = ['user.js', 'chat.config.js', 'chat-client.js'].map((name) => [name, fileOf('README.md', name)]);
    const own = ['messages-per-minute.js', 'counting-app.js'].map((name) => [name, fileOf(page, name)]);
    const output = await run(
      Object.fromEntries([...readme, ...own]),
      `import express from 'express';
      import { once } from 'node:events';
      import { SignJWT } from 'jose';
      import { connect } from './chat-client.js';
      import { chat, stop } from './counting-app.js';
      import { database, User } from './user.js';
      await User.sync();
      await chat.migrate();
      const ann = await User.create({ username: 'ann', password_hash: 'none' });
      const app = express();
      app.use(chat.middleware());
      const server = app.listen(0);
      const key = new TextEncoder().encode(process.env.JWT_SECRET);
      const token = await new SignJWT({ sub: String(ann.id) }).setProtectedHeader({ alg: 'HS256' }).sign(key);
      let sends = 0;
      const kinds = new Set();
      for (const kind of ['waiting', 'active', 'completed']) {
        chat.queueEvents.on(kind, (event) => {
          if (event.eventType === 'message.send') kinds.add(kind + ':' + Object.keys(event).sort().join());
        });
      }
      const counted = new Promise((resolve) => {
        chat.queueEvents.on('completed', ({ eventType }) => {
          if (eventType === 'message.send' && ++sends === 3) resolve();
        });
      });
      let client;
      await new Promise((resolve) => {
        client = connect('ws://127.0.0.1:' + server.address().port + '/messaging/', token, resolve);
      });
      const { data: { room_id } } = await client.ask('room.create', { type: 'GroupChat', name: 'Counted' });
      await client.ask('message.send', { room_id, content: 'one' });
      await client.ask('message.send', { room_id, content: 'two' });
      await client.ask('message.send', { room_id, content: '' });
      await chat.as(ann).send('message.send', { room_id, content: 'from the server' });
      await counted;
      stop();
      console.log([...kinds].sort().join('\\n'));
      const closed = once(client.socket, 'close');
      client.socket.close();
      await closed;
      server.close();
      await chat.close();
      await database.close();`,
    );
    expect(output).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:00\.000Z room [0-9a-f-]{36}: 3 messages$/m);
    const common = 'eventType,jobId,roomId,time,userId';
    expect(output).toContain(`active:${common}\n`);
    expect(output).toContain(`waiting:${common}\n`);
    expect(output).toContain('completed:duration,eventType,jobId,roomId,time,userId\n');
  });

  test('counts in a handler what was committed', async () => {
    const output = await run(
      { 'counting-handler.js': fileOf(page, 'counting-handler.js') },
      `${aloneWith("eventHandlerClass: './counting-handler.js#CountingEventHandler',")}
      import { sent } from './counting-handler.js';
      const { room_id } = await act(1, 'room.create', { type: 'GroupChat', name: 'Counted' });
      await act(1, 'message.send', { room_id, content: 'one', client_id: 'a' });
      await act(1, 'message.send', { room_id, content: 'one', client_id: 'a' });
      await act(2, 'message.send', { room_id, content: 'not a member' });
      await act(1, 'message.send', { room_id, content: 'two' });
      await chat.close();
      show('sent', [...sent.values()]);`,
    );
    expect(shown(output, 'sent')).toEqual([2]);
  });
});

describe('docs/protocol.md', { timeout: 60_000 }, () => {
  test('tells how the app ends the connections of a user', async () => {
    const output = await run(
      {},
      `${aloneWith('authenticate: ({ headers }) => ({ id: Number(headers.user) })')}
      ${serving}
      const anns = [await open({ user: 1 }), await open({ user: 1 })];
      const bens = await open({ user: 2 });
      await chat.disconnectUser(1);
      show('ann', await Promise.all(anns.map(({ closed }) => closed)));
      await chat.close();
      show('ben', await bens.closed);
      server.close();`,
    );
    expect(shown(output, 'ann')).toEqual([4001, 4001]);
    expect(shown(output, 'ben')).toBe(1001);
  });
});

describe('docs/deployment.md', { timeout: 60_000 }, () => {
  const page = 'docs/deployment.md';

  test('has routes that tell whether the app lives and can serve', async () => {
    const output = await run(
      { 'health.js': fileOf(page, 'health.js') },
      `${aloneWith('authenticate: () => null')}
      import express from 'express';
      import { healthRoutes } from './health.js';
      const app = express();
      app.use(chat.middleware());
      app.use(healthRoutes(chat));
      const server = app.listen(0);
      const ask = async (path) => {
        const response = await fetch('http://127.0.0.1:' + server.address().port + path);
        return [response.status, await response.json()];
      };
      show('alive', await ask('/livez'));
      show('ready', await ask('/readyz'));
      await chat.close();
      show('after', await ask('/readyz'));
      server.close();
      server.closeAllConnections();`,
    );
    expect(shown(output, 'alive')).toEqual([200, { status: 'alive' }]);
    expect(shown(output, 'ready')).toEqual([200, { database: true, redis: true, socket: true }]);
    expect(shown(output, 'after')).toMatchObject([503, { socket: false }]);
  });

  test('counts connections by the address that a proxy names', async () => {
    const output = await run(
      {},
      `${aloneWith('maxConnectionsPerAddress: 1, authenticate: ({ headers }) => ({ id: Number(headers.user) })')}
      ${serving}
      app.set('trust proxy', 1);
      const from = async (user, address) => (await open({ user, 'X-Forwarded-For': address })).state;
      show('first', await from(1, '10.0.0.1'));
      show('second', await from(2, '10.0.0.2'));
      show('same', await from(3, '10.0.0.1'));
      await chat.close();
      server.close();`,
    );
    expect(['first', 'second', 'same'].map((name) => shown(output, name))).toEqual(['open', 'open', 1008]);
  });

  test('makes a database that the chat is content with', async () => {
    const mariaDb = await startMariaDb({ own: true });
    try {
      const connection = await createConnection({ uri: mariaDb.url, multipleStatements: true });
      for (const { code } of blocksIn('sql')) await connection.query(code);
      await connection.end();
      const url = new URL(mariaDb.url);
      [url.username, url.password, url.pathname] = ['app', 'a long password', '/app'];
      const output = await run(
        { 'database.js': fileOf(page, 'database.js') },
        `import { createChat } from 'express-realtime-chat';
        import { database } from './database.js';
        const chat = createChat({ database, logLevel: 'warn' });
        await chat.migrate();
        await chat.ready();
        console.log(database.config.pool.max, (await chat.health()).database);
        await chat.close();
        await database.close();`,
        { DATABASE_URL: url.href },
      );
      expect(output).toBe('20 true\n');
    } finally {
      await mariaDb.stop();
    }
  });

  test('has settings that Redis takes, and that leave a worker nothing to warn of', async () => {
    const redis = await startRedis({ own: true, appendonly: false });
    try {
      const { checkRedis } = await import('../../src/queue/check-redis.js');
      const client = new Redis(redis.url);
      await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
      expect(await checkRedis(redis.url)).toHaveLength(2);
      for (const { code } of blocksIn('conf')) {
        for (const line of code.trim().split('\n')) {
          const [name, value] = line.split(' ');
          expect(await client.config('SET', name!, value!)).toBe('OK');
        }
      }
      expect(await checkRedis(redis.url)).toEqual([]);
      // While it writes its first append-only file, Redis refuses to stop.
      await until('the append-only file is written', async () => {
        if (!/aof_rewrite_in_progress:0[\s\S]*aof_rewrite_scheduled:0/.test(await client.info('persistence'))) {
          throw new Error('not yet');
        }
      });
      await client.quit();
    } finally {
      await redis.stop();
    }
  });

  test('counts the connections to Redis that a gateway and a worker hold', async () => {
    const redis = await startRedis({ own: true });
    try {
      const output = await run(
        {},
        `import { createWorker } from 'express-realtime-chat/worker';
        ${aloneWith('redis: process.env.REDIS_URL, authenticate: () => null')}
        import { createRequire } from 'node:module';
        import express from 'express';
        const { Redis } = createRequire(import.meta.resolve('express-realtime-chat'))('ioredis');
        const redis = new Redis(process.env.REDIS_URL);
        const count = async () => (await redis.client('LIST')).trim().split('\\n').length - 1;
        const settled = async (wanted) => {
          for (let tries = 0; tries < 100 && (await count()) !== wanted; tries++) await new Promise((f) => setTimeout(f, 50));
          return count();
        };
        const app = express();
        app.use(chat.middleware());
        const server = app.listen(0);
        show('gateway', await settled(4));
        chat.queueEvents.on('waiting', () => {});
        show('events', await settled(6));
        const worker = await createWorker({ redis: process.env.REDIS_URL, database: 'sqlite:chat.sqlite', logLevel: 'error' });
        show('worker', (await settled(11)) - 6);
        await worker.close();
        await chat.close();
        server.close();
        redis.disconnect();`,
        { REDIS_URL: redis.url },
      );
      expect(['gateway', 'events', 'worker'].map((name) => shown(output, name))).toEqual([4, 6, 5]);
      expect(fileText(page)).toContain('A gateway holds four connections to Redis, a worker five');
    } finally {
      await redis.stop();
    }
  });
});

function fileText(page: string): string {
  return readPage(page).replace(/\s+/g, ' ');
}
