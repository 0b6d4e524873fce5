/** The streams in Redis that carry answers and targeted frames to one gateway, and what all gateways are told. */
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLogger, transports } from 'winston';
import type { Broadcast, GatewayListener, Reply } from '../../src/broadcast/broadcast.js';
import { createRedisBroadcast } from '../../src/broadcast/redis.js';
import { type FaultProxy, startProxy } from '../faults/proxy.js';
import { until } from '../helpers/processes.js';
import { startRedis, type TestRedis } from '../helpers/services.js';

let server: TestRedis;
let redis: Redis;
let broadcast: Broadcast;
let replies: Reply[];
let restored: number;
/** Ids of answers and of controls, as they came. */
let heard: string[];
/** Gateways of a test's own, and the way to Redis that they have. */
let remote: { readonly proxy: FaultProxy; readonly broadcast: Broadcast } | undefined;

const silent = createLogger({ silent: true, transports: [new transports.Console()] });
const gatewayId = 'one';
const stream = () => `${server.prefix}:gateway-${gatewayId}`;

beforeEach(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  broadcast = createRedisBroadcast({ redis: server.url, prefix: server.prefix, historySize: 100, logger: silent });
  replies = [];
  restored = 0;
  heard = [];
  await broadcast.open(gatewayId, listener());
});
afterEach(async () => {
  await remote?.broadcast.close();
  await remote?.proxy.close();
  remote = undefined;
  await broadcast?.close();
  redis?.disconnect();
  await server?.stop();
});

const listener = (list: string[] = heard): GatewayListener => ({
  onEnvelope: () => {},
  onWhisper: () => {},
  onReply: (reply) => {
    replies.push(reply);
    list.push(reply.jobId);
  },
  onControl: ({ id }) => {
    // As a gateway does with what it is told again.
    if (!list.includes(id)) list.push(id);
  },
  onRestored: () => restored++,
});

/** A broadcast whose way to Redis a test can cut. */
async function openRemote(isDown: boolean): Promise<{ proxy: FaultProxy; broadcast: Broadcast }> {
  const proxy = await startProxy(server.url);
  if (isDown) await proxy.down();
  const { prefix } = server;
  remote = {
    proxy,
    broadcast: createRedisBroadcast({ redis: proxy.through(server.url), prefix, historySize: 100, logger: silent }),
  };
  return remote;
}

const disconnect = (id: string) => broadcast.control({ id, kind: 'disconnect', userIds: ['1'] });

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

it('tells a gateway that could not reach Redis as it began of the disconnecting since, and of none from before', async () => {
  await disconnect('long ago');
  await until('the other gateway has heard', async () => expect(heard).toEqual(['long ago']));
  // It reckons when it began by how long Redis took to answer: what came milliseconds before may be told too.
  const now = async () => Number((await redis.time())[0]);
  const toldAt = await now();
  await until('it is long ago', async () => expect(await now()).toBeGreaterThan(toldAt + 1));
  const { proxy, broadcast: late } = await openRemote(true);
  const told: string[] = [];
  const opening = late.open('two', listener(told));
  await disconnect('while it is away');
  await proxy.heal();
  await opening;
  await until('it has heard', async () => expect(told).toEqual(['while it is away']));
});

it('tells of a disconnecting before every answer that is given after it, also after the link was away', async () => {
  const { proxy, broadcast: far } = await openRemote(false);
  const order: string[] = [];
  await far.open('two', listener(order));
  const expected: string[] = [];
  for (const cut of [() => proxy.blackHole(), () => proxy.reset(), () => proxy.down()]) {
    await cut();
    // More than a gateway reads at a time.
    for (let number = 0; number < 600; number++) {
      const id = `disconnect ${expected.length}`;
      expected.push(id);
      void disconnect(id);
    }
    await disconnect(`last ${expected.length}`);
    expected.push(`last ${expected.length}`);
    await broadcast.reply('two', { jobId: `answer ${expected.length}`, connectionId: '', frames: ['{}'] });
    expected.push(`answer ${expected.length}`);
    await proxy.heal();
    await until('all is heard', async () => expect(order).toContain(expected.at(-1)));
    expect(order).toEqual(expected);
  }
});

it('tells all gateways also after Redis was emptied and its clock went back', async () => {
  await disconnect('before');
  await until('it is heard', async () => expect(heard).toEqual(['before']));
  const ahead = JSON.stringify({ control: { id: 'ahead', kind: 'disconnect', userIds: ['1'] } });
  await redis.xadd(`${server.prefix}:controls`, `${Date.now() + 600_000}-0`, 'head', ahead);
  await until('it is heard', async () => expect(heard).toEqual(['before', 'ahead']));
  await server.flush();
  await until('the gateway has noticed', async () => expect(restored).toBeGreaterThan(0));
  await disconnect('after');
  await until('it is heard', async () => expect(heard).toEqual(['before', 'ahead', 'after']));
});
