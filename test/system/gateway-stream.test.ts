/** The stream in Redis that carries answers and targeted frames to one gateway. */
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLogger, transports } from 'winston';
import type { Broadcast, Reply } from '../../src/broadcast/broadcast.js';
import { createRedisBroadcast } from '../../src/broadcast/redis.js';
import { until } from '../helpers/processes.js';
import { startRedis, type TestRedis } from '../helpers/services.js';

let server: TestRedis;
let redis: Redis;
let broadcast: Broadcast;
let replies: Reply[];
let restored: number;

const silent = createLogger({ silent: true, transports: [new transports.Console()] });
const gatewayId = 'one';
const stream = () => `${server.prefix}:gateway-${gatewayId}`;

beforeEach(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  broadcast = createRedisBroadcast({ redis: server.url, prefix: server.prefix, historySize: 100, logger: silent });
  replies = [];
  restored = 0;
  await broadcast.open(gatewayId, {
    onEnvelope: () => {},
    onWhisper: () => {},
    onReply: (reply) => replies.push(reply),
    onControl: () => {},
    onRestored: () => restored++,
  });
});
afterEach(async () => {
  await broadcast?.close();
  redis?.disconnect();
  await server?.stop();
});

const answer = (jobId: string, frame: string) =>
  broadcast.reply(gatewayId, { jobId, connectionId: '', frames: [frame] });

it('keeps nothing that was read, however large the answers are', async () => {
  for (let number = 0; number < 200; number++) await answer(`job ${number}`, 'x'.repeat(50_000));
  await until('all are received', async () => expect(replies).toHaveLength(200));
  await until('they are gone from Redis', async () => expect(await redis.xlen(stream())).toBeLessThanOrEqual(1));
  await answer('the last', '{}');
  await until('one more is received', async () => expect(replies.at(-1)?.jobId).toBe('the last'));
  expect(replies).toHaveLength(201);
});

it('is read again after Redis was emptied and its clock went back', async () => {
  await answer('before', '{}');
  await until('one is received', async () => expect(replies).toHaveLength(1));
  // As if what was read came from a machine whose clock was ahead.
  await redis.xadd(stream(), `${Date.now() + 600_000}-0`, 'head', JSON.stringify({ reply: { jobId: 'ahead' } }));
  await until('it is received', async () => expect(replies).toHaveLength(2));
  await server.flush();
  await until('the gateway has noticed', async () => expect(restored).toBeGreaterThan(0));
  await answer('after', '{}');
  await until('one more is received', async () => expect(replies.map(({ jobId }) => jobId)).toContain('after'));
  expect(replies.map(({ jobId }) => jobId)).toEqual(['before', 'ahead', 'after']);
});
