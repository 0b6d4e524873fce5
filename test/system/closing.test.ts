/** `chat.close()` leaves nothing open: the host's process ends by itself. And starts without database or Redis. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { acknowledged } from '../helpers/chat.js';
import { askControl } from '../helpers/control.js';
import { freePort, startProcess, type TestProcess, until } from '../helpers/processes.js';
import { startMariaDb, startRedis } from '../helpers/services.js';
import { attachStack, JWT_SECRET } from '../helpers/stack.js';

const root = join(import.meta.dirname, '..', '..');
const closers: (() => Promise<unknown>)[] = [];

beforeAll(() => askControl('build'));
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function sqlite(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'chat-closing-'));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  return `sqlite:${join(folder, 'chat.sqlite')}`;
}

describe('a host that closes its chat', () => {
  it.each([
    ['embedded, used', false, 'all'],
    ['embedded, never used', false, 'nothing'],
    ['on Redis and MariaDB, used', true, 'all'],
    ['on Redis and MariaDB, never used', true, 'nothing'],
  ])('ends by itself: %s', async (_name, distributed, use) => {
    const mariaDb = distributed ? await startMariaDb() : undefined;
    const redis = distributed ? await startRedis() : undefined;
    if (mariaDb) closers.push(mariaDb.stop);
    if (redis) closers.push(redis.stop);
    const child = startProcess(process.execPath, [join(import.meta.dirname, 'closing-child.mjs')], {
      cwd: root,
      env: { CHAT_DATABASE: mariaDb?.url ?? (await sqlite()), CHAT_REDIS: redis?.url ?? '', CHAT_USE: use },
    });
    closers.push(() => child.stop('SIGKILL'));
    await child.waitFor(/^done$/m);
    const at = performance.now();
    expect(await child.ended, child.output()).toEqual({ code: 0, signal: null });
    expect(performance.now() - at).toBeLessThan(3000);
    if (use === 'all') {
      expect(child.output()).toContain('answered successful,successful,successful\n');
      expect(child.output()).toContain('closed 1001\n');
    }
  });
});

describe('the reference app', () => {
  const environment = { PORT: '0', HOST: '127.0.0.1', JWT_SECRET, CHAT_SEED: '0', CHAT_RATE_LIMIT: '0' };

  async function startApp(env: Record<string, string>): Promise<{ app: TestProcess; address: string }> {
    const app = startProcess(process.execPath, ['example/server.js'], { cwd: root, env: { ...environment, ...env } });
    closers.push(() => app.stop('SIGTERM'));
    const [address] = await app.waitFor(/http:\/\/127\.0\.0\.1:\d+/);
    return { app, address };
  }
  const status = async (address: string, path = '/readyz') => (await fetch(`${address}${path}`)).status;
  const isReady = (address: string) => until('the app is ready', async () => expect(await status(address)).toBe(200));

  /** Signs up, connects, sends. */
  async function use(address: string): Promise<void> {
    const stack = attachStack('distributed', [address]);
    const ann = await stack.connect(await stack.newUser());
    const { room_id } = await acknowledged(ann, 'room.create', { type: 'GroupChat', name: 'g', participants: [] });
    await acknowledged(ann, 'message.send', { room_id, content: 'hello' });
    await ann.close();
  }

  it('is not ready without Redis, lives, and is ready by itself when there is one', async () => {
    const redis = await startRedis({ own: true });
    closers.push(redis.stop);
    await redis.kill();
    const { address, app } = await startApp({ DATABASE_URL: await sqlite(), REDIS_URL: redis.url });
    await until('it answers', async () => expect(await status(address)).toBe(503));
    expect(await status(address, '/livez')).toBe(200);
    await redis.restart();
    await isReady(address);
    await use(address);
    await redis.kill();
    await until('it notices', async () => expect(await status(address)).toBe(503));
    await redis.restart();
    await isReady(address);
    expect(app.child.exitCode).toBeNull();
  });

  it('is not ready without its database, lives, and is ready by itself when there is one', async () => {
    const mariaDb = await startMariaDb({ own: true });
    closers.push(mariaDb.stop);
    await mariaDb.kill();
    const { address, app } = await startApp({ DATABASE_URL: mariaDb.url, REDIS_URL: '' });
    await until('it answers', async () => expect(await status(address)).toBe(503));
    expect(await status(address, '/livez')).toBe(200);
    await mariaDb.restart();
    await isReady(address);
    await use(address);
    expect(app.child.exitCode).toBeNull();
  });

  it('has workers that end with one sentence and code 1 without Redis, or without a database', async () => {
    const port = await freePort();
    const database = await sqlite();
    const mysql = `mysql://chat:SECRET-password@127.0.0.1:${port}/chat`;
    const redis = `redis://127.0.0.1:${port}`;
    const cases: [Record<string, string>, RegExp][] = [
      [{ DATABASE_URL: database, REDIS_URL: redis }, /^Redis /],
      [{ DATABASE_URL: mysql, REDIS_URL: redis }, /database|ECONNREFUSED/i],
      [{ DATABASE_URL: database, REDIS_URL: '' }, /Redis/],
    ];
    for (const [env, sentence] of cases) {
      const at = performance.now();
      const worker = startProcess(process.execPath, ['example/worker.js'], {
        cwd: root,
        env: { ...environment, ...env },
      });
      closers.push(() => worker.stop('SIGKILL'));
      expect(await worker.ended).toEqual({ code: 1, signal: null });
      expect(performance.now() - at).toBeLessThan(10_000);
      const output = worker.output();
      expect(output.trimEnd().split('\n').at(-1), output).toMatch(sentence);
      expect(output).not.toContain('SECRET-password');
      expect(output).not.toMatch(/\n +at /);
    }
  });
});
