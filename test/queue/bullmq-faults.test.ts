/** Redis killed, away, frozen, full, empty: what the queue on it does meanwhile and afterwards. */
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Unavailable } from '../../src/protocol/errors.js';
import { createBullQueue } from '../../src/queue/bullmq.js';
import type { EventQueue } from '../../src/queue/queue.js';
import { until } from '../helpers/processes.js';
import { startRedis, type TestRedis } from '../helpers/services.js';
import { chatJob, consumeAll, deferred, eventually, keepEvents, keepingLogger } from './support.js';

const AWAY = 'error Redis cannot be reached';
const BACK = 'info Redis is back';

let redis: TestRedis;
const closers: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  redis = await startRedis({ own: true });
  closers.push(() => redis.stop());
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function open(): { queue: EventQueue; lines: string[] } {
  const { logger, lines } = keepingLogger();
  const queue = createBullQueue({ redis: redis.url, prefix: 'chat', name: 'events', logger });
  closers.push(() => queue.close());
  return { queue, lines };
}

/** Milliseconds until a promise settled. */
async function timed(work: Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work;
  return performance.now() - start;
}

const refused = (work: Promise<unknown>) => expect(work).rejects.toThrow(Unavailable);
/** Adds until it works, as clients do that are told 4503. */
const addAgain = (queue: EventQueue, type: string) => until('an add works', () => queue.add(chatJob(type)), 5000);

const kinds = (lines: string[]) => lines.map((line) => line.split(/[:,]/)[0]);

describe('with Redis away', () => {
  it('refuses within 3 s, then at once, and works again within a second of its start', async () => {
    await redis.kill();
    const { queue, lines } = open();
    const { begun, consumer } = consumeAll(queue);
    const job = chatJob('a');
    const all = [queue.add(job), queue.has(job), queue.hasFailed(job), queue.ping()].map(refused);
    expect(await timed(Promise.all(all))).toBeLessThan(3000);
    expect(await timed(refused(queue.add(job)))).toBeLessThan(100);
    await redis.restart();
    expect(await timed(addAgain(queue, 'b'))).toBeLessThan(1000);
    expect(await timed(Promise.all([consumer.ready(), begun.until(1)]))).toBeLessThan(2000);
    expect(begun.all.map((run) => run.job.type)).toEqual(['b']);
    await eventually(() => kinds(lines)).toEqual([AWAY, BACK]);
  });

  it('waits for the first connection', async () => {
    await redis.kill();
    const { queue } = open();
    const added = Promise.all([queue.add(chatJob('a')), queue.add(chatJob('b')), queue.ping()]);
    await redis.restart();
    await added;
    const { begun } = consumeAll(queue, { concurrency: 1 });
    expect((await begun.until(2)).map(({ job }) => job.type)).toEqual(['a', 'b']);
  });

  it('closes though it never was there, with a consumer and a listener', async () => {
    await redis.kill();
    const { queue } = open();
    const { consumer } = consumeAll(queue);
    const ready = consumer.ready().then(
      () => 'ready',
      () => 'not ready',
    );
    keepEvents(queue);
    await refused(queue.ping());
    expect(await timed(queue.close())).toBeLessThan(4000);
    await ready;
  });
});

describe('with Redis killed and started again', () => {
  it('goes on with the job in hand, with what waits, and with new ones', async () => {
    const { queue, lines } = open();
    const events = keepEvents(queue);
    const gate = deferred();
    const { begun, finished } = consumeAll(queue, { concurrency: 1, run: () => gate.promise });
    const inHand = chatJob('in hand');
    await queue.add(inHand);
    await begun.until(1);
    await queue.add(chatJob('waits'));
    await redis.kill();
    gate.resolve();
    await finished.until(1);
    expect(await timed(refused(queue.add(chatJob('lost'))))).toBeLessThan(3000);
    await redis.restart();
    expect(await timed(addAgain(queue, 'new'))).toBeLessThan(1000);
    expect(await timed(finished.until(3))).toBeLessThan(2000);
    expect(finished.all.map(({ type }) => type)).toEqual(['in hand', 'waits', 'new']);
    await eventually(() => queue.has(inHand)).toBe(false);
    await events.until(({ name, event }) => name === 'completed' && event.eventType === 'new');
    await eventually(() => kinds(lines)).toEqual([AWAY, BACK]);
  });

  it('wakes an idle worker within two seconds', async () => {
    const { queue } = open();
    const { finished, consumer } = consumeAll(queue);
    await consumer.ready();
    await queue.add(chatJob('before'));
    await finished.until(1);
    await redis.kill();
    await refused(queue.add(chatJob('lost')));
    await redis.restart();
    await addAgain(queue, 'after');
    expect(await timed(finished.until(2))).toBeLessThan(2000);
  });

  it('goes on when it comes back empty', async () => {
    const { queue } = open();
    const events = keepEvents(queue);
    const { finished } = consumeAll(queue);
    await queue.add(chatJob('before'));
    await finished.until(1);
    await redis.flush();
    await redis.restart();
    await redis.flush();
    await addAgain(queue, 'after');
    await finished.until(2);
    await events.until(({ name, event }) => name === 'completed' && event.eventType === 'after');
  });

  it('keeps the events of a bundle that failed meanwhile', async () => {
    const { queue } = open();
    const gate = deferred();
    const { begun } = consumeAll(queue, { run: () => gate.promise.then(() => Promise.reject(new Error('no'))) });
    const jobs = Array.from({ length: 4 }, () => chatJob('a'));
    await Promise.all(jobs.map((job) => queue.add(job)));
    await begun.until(4);
    await redis.kill();
    await refused(queue.ping());
    gate.resolve();
    await redis.restart();
    await eventually(() => Promise.all(jobs.map((job) => queue.hasFailed(job).catch(() => false)))).toEqual(
      Array(4).fill(true),
    );
  });

  it('closes while it is away, with a job in hand', async () => {
    const { queue } = open();
    keepEvents(queue);
    const gate = deferred();
    const { begun, finished } = consumeAll(queue, { run: () => gate.promise });
    await queue.add(chatJob('a'));
    await begun.until(1);
    await redis.kill();
    await refused(queue.ping());
    const closing = queue.close();
    gate.resolve();
    expect(await timed(closing)).toBeLessThan(4000);
    expect(finished.all).toHaveLength(1);
  });
});

describe('with Redis frozen', () => {
  const freeze = () => process.kill(redis.pid, 'SIGSTOP');
  const wake = () => process.kill(redis.pid, 'SIGCONT');

  it('refuses within 3 s and works again when it wakes', async () => {
    const { queue, lines } = open();
    const { finished } = consumeAll(queue);
    await queue.add(chatJob('before'));
    await finished.until(1);
    freeze();
    expect(await timed(refused(queue.add(chatJob('unknown'))))).toBeLessThan(3000);
    expect(await timed(refused(queue.add(chatJob('later'))))).toBeLessThan(3000);
    expect(await timed(refused(queue.ping()))).toBeLessThan(100);
    wake();
    expect(await timed(addAgain(queue, 'after'))).toBeLessThan(1000);
    await finished.until((job) => job.type === 'after');
    await eventually(() => kinds(lines)).toEqual([AWAY, BACK]);
  });

  it('refuses within 3 s when it was so at the start', async () => {
    freeze();
    const { queue } = open();
    expect(await timed(refused(queue.add(chatJob('a'))))).toBeLessThan(3000);
    wake();
    expect(await timed(addAgain(queue, 'b'))).toBeLessThan(1000);
  });

  it('closes, with a consumer and a listener', async () => {
    const { queue } = open();
    keepEvents(queue);
    const { finished } = consumeAll(queue);
    await queue.add(chatJob('a'));
    await finished.until(1);
    freeze();
    closers.push(async () => wake());
    expect(await timed(queue.close())).toBeLessThan(6000);
  });
});

it('refuses while Redis is full, does not hammer it, and goes on when it has room', async () => {
  const { queue, lines } = open();
  await queue.add(chatJob('before'));
  const client = new Redis(redis.url);
  closers.push(async () => client.disconnect());
  const refusals = async () => Number(/errorstat_OOM:count=(\d+)/.exec(await client.info('errorstats'))?.[1] ?? 0);
  await client.config('SET', 'maxmemory', '1');
  expect(await timed(refused(queue.add(chatJob('refused'))))).toBeLessThan(3000);
  const { finished } = consumeAll(queue);
  const start = await refusals();
  const begun = performance.now();
  // Each of the two BullMQ workers tries four times a second.
  await eventually(refusals).toBeGreaterThan(start + 10);
  expect(performance.now() - begun).toBeGreaterThan(500);
  await client.config('SET', 'maxmemory', '0');
  await queue.add(chatJob('after'));
  await finished.until(2);
  expect(kinds(lines)).toEqual([
    'error Redis refuses a command of the queue',
    'info Redis takes commands of the queue again.',
  ]);
});
