/** What both queues do alike. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Unavailable } from '../../src/protocol/errors.js';
import { createBullQueue } from '../../src/queue/bullmq.js';
import { createMemoryQueue } from '../../src/queue/memory.js';
import { type EventQueue, LOSSY_CONCURRENCY } from '../../src/queue/queue.js';
import { startRedis, type TestRedis } from '../helpers/services.js';
import { chatJob, consumeAll, deferred, eventually, keepEvents, keepingLogger } from './support.js';

describe.each(['memory', 'bullmq'])('the %s queue', (kind) => {
  let redis: TestRedis | undefined;
  let count = 0;
  const opened: EventQueue[] = [];

  beforeAll(async () => {
    if (kind === 'bullmq') redis = await startRedis();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((queue) => queue.close()));
  });
  afterAll(() => redis?.stop());

  function open(): { queue: EventQueue; lines: string[] } {
    const { logger, lines } = keepingLogger();
    const queue = redis
      ? createBullQueue({ redis: redis.url, prefix: redis.prefix, name: `events-${++count}`, logger })
      : createMemoryQueue({ logger });
    opened.push(queue);
    return { queue, lines };
  }

  it('hands a job over as it was added', async () => {
    const { queue, lines } = open();
    const { begun } = consumeAll(queue);
    const job = chatJob('message.send', {
      userId: 'user:1~2',
      roomId: '0193f0c2-7a5e-7c3e-8000-abcdefabcdef',
      sessionId: 'session-1',
      eventId: 'my own id',
      data: { content: '👍 <b>', list: [1, null, { deep: true }], __proto__: null },
    });
    const lossy = chatJob('message.typing', { lossy: true });
    await queue.add(job);
    await begun.until(1); // A lossy one does not wait for others, and may come before them.
    await queue.add(lossy);
    const runs = await begun.until(2);
    expect(runs.map((run) => run.job)).toEqual([job, lossy]);
    expect(runs.map((run) => run.delivery)).toEqual([{ earlierRuns: 0 }, { earlierRuns: 0 }]);
    expect(lines).toEqual([]);
  });

  it('takes data through JSON, so that later changes and what JSON drops do not arrive', async () => {
    const { queue } = open();
    const data = { kept: 1, dropped: undefined, when: new Date(0) };
    await queue.add(chatJob('a', { data }));
    data.kept = 2;
    const [run] = await consumeAll(queue).begun.until(1);
    expect(run?.job.data).toStrictEqual({ kept: 1, when: '1970-01-01T00:00:00.000Z' });
  });

  it('refuses what is not JSON, and only that', async () => {
    const { queue } = open();
    const { begun } = consumeAll(queue);
    const added = await Promise.allSettled([
      queue.add(chatJob('good', { data: 1 })),
      queue.add(chatJob('bad', { data: 1n })),
      queue.add(chatJob('good', { data: 2 })),
    ]);
    expect(added.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(added[1]).toMatchObject({ reason: expect.any(TypeError) });
    expect((await begun.until(2)).map(({ job }) => job.type)).toEqual(['good', 'good']);
  });

  it('keeps jobs until somebody consumes, and gives them out first in, first out', async () => {
    const { queue } = open();
    for (let index = 0; index < 20; index++) await queue.add(chatJob('a', { data: index }));
    const { begun } = consumeAll(queue, { concurrency: 1 });
    expect((await begun.until(20)).map(({ job }) => job.data)).toEqual([...Array(20).keys()]);
  });

  it('keeps the order of jobs added without waiting for each other', async () => {
    const { queue } = open();
    await Promise.all(Array.from({ length: 50 }, (_, index) => queue.add(chatJob('a', { data: index }))));
    const { begun } = consumeAll(queue, { concurrency: 1 });
    expect((await begun.until(50)).map(({ job }) => job.data)).toEqual([...Array(50).keys()]);
  });

  describe('events in order', () => {
    it('begin when the one before has let them pass, or has ended, and not before', async () => {
      const { queue } = open();
      const gates = Array.from({ length: 4 }, () => deferred());
      const steps: string[] = [];
      const { finished } = consumeAll(queue, {
        async run({ data }, { line }) {
          steps.push(`begins ${data}`);
          // The second one lets nobody pass before it has failed.
          if (data !== 1) line!.pass();
          await gates[data as number]!.promise;
          steps.push(`ends ${data}`);
          if (data === 1) throw new Error('no');
        },
      });
      await queue.addInOrder([0, 1, 2, 3].map((data) => chatJob('a', { data })));
      await eventually(() => steps).toEqual(['begins 0', 'begins 1']);
      await queue.ping();
      expect(steps).toHaveLength(2);
      gates[1]!.resolve();
      await eventually(() => steps).toEqual(['begins 0', 'begins 1', 'ends 1', 'begins 2', 'begins 3']);
      for (const gate of gates) gate.resolve();
      await finished.until(3);
    });

    it('have one line, and what comes alone has none', async () => {
      const { queue } = open();
      const { begun } = consumeAll(queue);
      await queue.addInOrder([chatJob('a'), chatJob('a')]);
      await queue.addInOrder([chatJob('b'), chatJob('b')]);
      await queue.add(chatJob('c'));
      const runs = await begun.until(5);
      const lines = (type: string) => runs.filter(({ job }) => job.type === type).map((run) => run.delivery.line?.id);
      expect(new Set(lines('a')).size).toBe(1);
      expect(new Set([...lines('a'), ...lines('b'), ...lines('c')]).size).toBe(3);
      expect(lines('c')).toEqual([undefined]);
    });

    it('are found, fail and are told of each by itself', async () => {
      const { queue } = open();
      const events = keepEvents(queue);
      await queue.add(chatJob('first'));
      const jobs = ['good', 'bad', 'good'].map((type) => chatJob(type, { roomId: 'room' }));
      await queue.addInOrder(jobs);
      const found = () => Promise.all(jobs.map((job) => queue.has(job)));
      expect(await found()).toEqual([true, true, true]);
      consumeAll(queue, {
        run: ({ type }) => (type === 'bad' ? Promise.reject(new Error('no')) : Promise.resolve()),
      });
      await eventually(found).toEqual([false, false, false]);
      await eventually(() => Promise.all(jobs.map((job) => queue.hasFailed(job)))).toEqual([false, true, false]);
      const endOf = ({ id }: { id: string }) =>
        events.all
          .filter(({ event }) => event.jobId === id)
          .map(({ name }) => name)
          .at(-1);
      await eventually(() => jobs.map(endOf)).toEqual(['completed', 'failed', 'completed']);
    });
  });

  it.each([
    ['lossy jobs while others hang on all places', { lossy: true }, { lossy: false }, 2],
    ['others while lossy ones hang on all of theirs', { lossy: false }, { lossy: true }, LOSSY_CONCURRENCY],
  ])('runs %s', async (_title, free, hanging, places) => {
    const { queue } = open();
    const gate = deferred();
    const { begun, finished } = consumeAll(queue, {
      concurrency: 2,
      run: ({ type }) => (type === 'hangs' ? gate.promise : Promise.resolve()),
    });
    const hung = Array.from({ length: places + 3 }, () => chatJob('hangs', hanging));
    for (const job of hung) await queue.add(job);
    await begun.until(places);
    for (let index = 0; index < 5; index++) await queue.add(chatJob('free', free));
    await finished.until(5);
    expect(begun.all.filter(({ job }) => job.type === 'hangs')).toHaveLength(places);
    expect(await Promise.all(hung.map((job) => queue.has(job)))).toEqual(hung.map(() => true));
    gate.resolve();
    await finished.until(5 + hung.length);
  });

  it('runs as many jobs at once as it was told, and no more', async () => {
    const { queue } = open();
    const gate = deferred();
    let atOnce = 0;
    let most = 0;
    const { begun, finished } = consumeAll(queue, {
      concurrency: 3,
      async run() {
        most = Math.max(most, ++atOnce);
        await gate.promise;
        atOnce--;
      },
    });
    for (let index = 0; index < 7; index++) await queue.add(chatJob('a'));
    await begun.until(3);
    gate.resolve();
    await finished.until(7);
    expect(most).toBe(3);
  });

  it('gives each job to one of several consumers', async () => {
    const { queue } = open();
    const gate = deferred();
    const one = consumeAll(queue, { concurrency: 1, run: () => gate.promise });
    const two = consumeAll(queue, { concurrency: 1, run: () => gate.promise });
    const jobs = [chatJob('a'), chatJob('b')];
    for (const job of jobs) await queue.add(job);
    const ran = [...(await one.begun.until(1)), ...(await two.begun.until(1))];
    expect(ran.map(({ job }) => job.id).sort()).toEqual(jobs.map(({ id }) => id).sort());
    gate.resolve();
  });

  it('has a job while it waits and while it runs, and neither after it', async () => {
    const { queue } = open();
    const job = chatJob('a', { roomId: 'room' });
    expect(await queue.has(job)).toBe(false);
    await queue.add(job);
    expect(await queue.has(job)).toBe(true);
    const gate = deferred();
    const events = keepEvents(queue);
    const { begun } = consumeAll(queue, { run: () => gate.promise });
    await begun.until(1);
    expect(await queue.has(job)).toBe(true);
    gate.resolve();
    await events.until(({ name }) => name === 'completed');
    expect(await queue.has(job)).toBe(false);
    expect(await queue.hasFailed(job)).toBe(false);
  });

  it('takes a job that is there already only once, and again when it is done', async () => {
    const { queue } = open();
    const job = chatJob('a');
    await queue.add(job);
    await queue.add(job);
    const events = keepEvents(queue);
    const { begun, finished } = consumeAll(queue, { concurrency: 1 });
    await events.until(({ name }) => name === 'completed');
    await queue.add(chatJob('after'));
    await finished.until(2);
    expect(begun.all.map((run) => run.job.type)).toEqual(['a', 'after']);
    await queue.add(job);
    expect((await begun.until(3))[2]?.job).toEqual(job);
  });

  it('marks a job whose run rejects as failed, logs it once, and goes on', async () => {
    const { queue, lines } = open();
    const events = keepEvents(queue);
    const job = chatJob('bad', { data: { content: 'private' } });
    const { begun, lost } = consumeAll(queue, {
      async run({ type }) {
        if (type === 'bad') throw new Error('handler broke');
      },
    });
    await queue.add(job);
    await queue.add(chatJob('good'));
    await begun.until(2);
    await events.until(({ name }) => name === 'failed');
    expect(events.all.find(({ name }) => name === 'failed')?.event).toMatchObject({
      jobId: job.id,
      reason: 'handler broke',
    });
    expect(await queue.has(job)).toBe(false);
    expect(await queue.hasFailed(job)).toBe(true);
    expect(lines).toEqual(['error A job failed.']);
    expect(lost.all).toEqual([]);
    // Kept as failed, so adding it again does not run it again.
    await queue.add(job);
    await queue.add(chatJob('later'));
    expect((await begun.until(3)).map((run) => run.job.type)).toEqual(['bad', 'good', 'later']);
  });

  it.each([undefined, null, 'text', { not: 'an error' }])(
    'marks a job that rejects with %j as failed',
    async (thrown) => {
      const { queue } = open();
      const events = keepEvents(queue);
      consumeAll(queue, { run: () => Promise.reject(thrown) });
      await queue.add(chatJob('bad'));
      const all = await events.until(({ name }) => name === 'failed');
      expect(all.find(({ name }) => name === 'failed')?.event.reason).toBe(String(thrown));
    },
  );

  it('tells what happens to a job, with its type, user, room, time and duration', async () => {
    const { queue } = open();
    const events = keepEvents(queue);
    const before = Date.now();
    const job = chatJob('message.send', { userId: 'a~b', roomId: 'room-1', data: { content: 'private' } });
    consumeAll(queue);
    await queue.add(job);
    await events.until(({ name }) => name === 'completed');
    expect(events.all.map(({ name }) => name)).toEqual(['waiting', 'active', 'completed']);
    for (const { name, event } of events.all) {
      const told = { jobId: job.id, eventType: 'message.send', userId: 'a~b', roomId: 'room-1' };
      const more = name === 'completed' ? { duration: expect.any(Number) } : {};
      expect(event).toEqual({ ...told, ...more, time: expect.any(Number) });
      expect(event.time).toBeGreaterThanOrEqual(before);
      expect(event.time).toBeLessThanOrEqual(Date.now());
    }
    const [, active, completed] = events.all.map(({ event }) => event);
    expect(completed?.duration).toBe(Number(completed?.time) - Number(active?.time));
  });

  it('does not fail because a listener of its events throws', async () => {
    const { queue, lines } = open();
    queue.events.on('waiting', () => {
      throw new Error('thrown');
    });
    const { finished } = consumeAll(queue);
    await queue.add(chatJob('a'));
    await finished.until(1);
    await eventually(() => lines).toEqual(['error A listener to queue events failed.']);
  });

  it('closes a consumer after the jobs in hand, and leaves what waits to the next', async () => {
    const { queue } = open();
    const gate = deferred();
    const first = consumeAll(queue, { concurrency: 1, run: () => gate.promise });
    await queue.add(chatJob('in hand'));
    await first.begun.until(1);
    await queue.add(chatJob('waiting'));
    let closed = false;
    const closing = first.consumer.close().then(() => {
      closed = true;
    });
    await queue.ping();
    expect(closed).toBe(false);
    gate.resolve();
    await closing;
    expect(first.finished.all.map(({ type }) => type)).toEqual(['in hand']);
    expect((await consumeAll(queue).begun.until(1)).map(({ job }) => job.type)).toEqual(['waiting']);
  });

  it('closes an idle consumer at once, and twice', async () => {
    const { queue, lines } = open();
    const { consumer, finished } = consumeAll(queue);
    await consumer.ready();
    await queue.add(chatJob('a'));
    await finished.until(1);
    const start = performance.now();
    await Promise.all([consumer.close(), consumer.close()]);
    expect(performance.now() - start).toBeLessThan(1000);
    await queue.close();
    expect(lines).toEqual([]);
  });

  it('closes after the jobs in hand, and then refuses', async () => {
    const { queue } = open();
    const { begun, finished } = consumeAll(queue, { run: () => new Promise((resolve) => setImmediate(resolve)) });
    await queue.add(chatJob('a'));
    await begun.until(1);
    await Promise.all([queue.close(), queue.close()]);
    expect(finished.all).toHaveLength(1);
    await expect(queue.add(chatJob('b'))).rejects.toThrow(Unavailable);
    await expect(queue.ping()).rejects.toThrow(Unavailable);
  });

  it('answers a ping', async () => {
    await open().queue.ping();
  });
});
