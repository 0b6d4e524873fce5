/** What a worker process and `chat.ready()` find wrong as they start, and that they say what to change. */

import { Redis } from 'ioredis';
import { type Connection, createConnection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createLogger, transports } from 'winston';
import { createChat } from '../../src/index.js';
import { createWorker } from '../../worker/worker.js';
import { startMariaDb, startRedis, type TestMariaDb, type TestRedis } from '../helpers/services.js';

let redis: TestRedis;
let control: Redis;
let mariaDb: TestMariaDb;
let admin: Connection;

beforeAll(async () => {
  [redis, mariaDb] = await Promise.all([startRedis({ own: true }), startMariaDb()]);
  control = new Redis(redis.url);
  admin = await createConnection({ uri: mariaDb.url, multipleStatements: true });
  const chat = createChat({ database: mariaDb.url, logLevel: 'error' });
  await chat.migrate();
  await chat.close();
});
afterAll(async () => {
  control?.disconnect();
  await admin?.end();
  await redis?.stop();
  await mariaDb?.stop();
});

/** A logger that keeps what it is told, level first. */
function keeping() {
  const said: string[] = [];
  const logger = createLogger({ level: 'warn', transports: [new transports.Console({ silent: true })] });
  logger.on('data', ({ level, message }: { level: string; message: string }) => void said.push(`${level}: ${message}`));
  return { logger, said };
}

const settings = () => ({ database: mariaDb.url, redis: redis.url });

const starts = [
  [
    'a worker process',
    async () => {
      const { logger, said } = keeping();
      const worker = await createWorker({ ...settings(), logger });
      await worker.close();
      return said;
    },
  ],
  [
    'chat.ready()',
    async () => {
      const { logger, said } = keeping();
      const chat = createChat({ ...settings(), logger });
      await chat.ready().finally(() => chat.close());
      return said;
    },
  ],
] as const;

describe.each(starts)('%s', (_, start) => {
  afterEach(async () => {
    await control.config('SET', 'maxmemory-policy', 'noeviction');
    await control.config('SET', 'appendonly', 'yes');
    await expect.poll(() => control.info('persistence'), { timeout: 20_000 }).toMatch(/aof_rewrite_in_progress:0/);
  });

  test('says nothing where all is set right', async () => {
    expect(await start()).toEqual([]);
  });

  test('warns of a Redis that evicts and keeps no file, and starts', async () => {
    await control.config('SET', 'maxmemory-policy', 'allkeys-lru');
    await control.config('SET', 'appendonly', 'no');
    expect(await start()).toEqual([
      'warn: Redis may evict events when it is full: set "maxmemory-policy noeviction" (it is allkeys-lru).',
      'warn: Redis keeps no append-only file, so events that wait are lost when it is killed: set "appendonly yes".',
    ]);
  });

  test.each([
    [
      'character set',
      'content MEDIUMTEXT CHARACTER SET latin1 NOT NULL',
      'content MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL',
      /chat_messages\.content has the character set latin1.*change it to CHARACTER SET utf8mb4/,
    ],
    [
      'collation',
      'client_id VARCHAR(64) COLLATE utf8mb4_general_ci NOT NULL',
      'client_id VARBINARY(256) NOT NULL',
      /chat_messages\.client_id is compared by utf8mb4_general_ci.*change its type to VARBINARY/,
    ],
    [
      'time precision',
      'created_at DATETIME NOT NULL',
      'created_at DATETIME(3) NOT NULL',
      /chat_messages\.created_at drops milliseconds: change its type to DATETIME\(3\)/,
    ],
  ])('does not start on a wrong %s, and names what to change', async (_kind, wrong, right, sentence) => {
    await admin.query(`ALTER TABLE chat_messages MODIFY ${wrong}`);
    try {
      await expect(start()).rejects.toThrow(sentence);
    } finally {
      await admin.query(`ALTER TABLE chat_messages MODIFY ${right}`);
    }
    expect(await start()).toEqual([]);
  });
});
