/** Events that are added at the same moment: one job of the queue, and for all who add, run or listen, events as ever. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Queue } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { Places } from '../../src/places.js';
import { BUNDLE, eventsOf, runBundle } from '../../src/queue/bundles.js';
import { toJobId } from '../../src/queue/job-id.js';
import type { ChatJob, EventQueue } from '../../src/queue/queue.js';
import { useBullQueues } from './bull-queues.js';
import { chatJob, consumeAll, deferred, eventually, keepEvents } from './support.js';

const queues = useBullQueues();
const { key, open, plainQueue, startWorker } = queues;

const events = (number: number, type = 'message.send'): ChatJob[] =>
  Array.from({ length: number }, (_, index) =>
    chatJob(type, { userId: String(index), roomId: `room-${index}`, eventId: `own ${index}`, data: { index } }),
  );
const addAll = (queue: EventQueue, jobs: readonly ChatJob[]) => Promise.all(jobs.map((job) => queue.add(job)));
const namesOf = async (plain: Queue) => (await plain.getJobs(['waiting'])).map(({ name }) => name);

it('are one job, run one by one as they were added, and leave nothing behind', async () => {
  const { queue, lines } = open();
  const plain = plainQueue();
  const jobs = events(10);
  await addAll(queue, jobs);
  expect(await namesOf(plain)).toEqual([BUNDLE]);
  const { begun, finished } = consumeAll(queue);
  await finished.until(10);
  expect(begun.all).toEqual(jobs.map((job) => ({ job, delivery: { earlierRuns: 0 } })));
  await eventually(() => plain.getJobCounts()).toMatchObject({ active: 0, waiting: 0, failed: 0, completed: 0 });
  expect(lines).toEqual([]);
});

it('are jobs of their own when they are few, or come one after another', async () => {
  const { queue } = open();
  const plain = plainQueue();
  await addAll(queue, events(3, 'few'));
  for (const job of events(5, 'slow')) await queue.add(job);
  expect((await namesOf(plain)).sort()).toEqual([...Array(3).fill('few'), ...Array(5).fill('slow')]);
});

it('are several jobs when they are very many', async () => {
  const { queue } = open();
  const plain = plainQueue();
  const jobs = events(150);
  await addAll(queue, jobs);
  expect(await namesOf(plain)).toEqual([BUNDLE, BUNDLE, BUNDLE]);
  const { finished } = consumeAll(queue);
  await finished.until(150);
  expect(finished.all.map(({ id }) => id).sort()).toEqual(jobs.map(({ id }) => id).sort());
});

it('do not include typing, what is added again, and what a gateway asks', async () => {
  const { queue } = open();
  const plain = plainQueue();
  const typings = plainQueue('-lossy');
  const apart = [...events(5, 'again').map((job) => ({ ...job, resent: true })), ...events(5, '$memberships')];
  const typing = events(5, 'message.typing').map((job) => ({ ...job, lossy: true }));
  await addAll(queue, [...apart, ...typing]);
  expect((await namesOf(plain)).sort()).toEqual(apart.map(({ type }) => type).sort());
  expect(await namesOf(typings)).toEqual(typing.map(({ type }) => type));
});

it('that are to be run in order share a job, however few, and a place', async () => {
  const { queue } = open();
  const plain = plainQueue();
  const jobs = events(3);
  await Promise.all([queue.addInOrder(jobs.slice(0, 2)), queue.add(jobs[2]!)]);
  expect(await namesOf(plain)).toEqual([BUNDLE]);
  const gate = deferred();
  const { begun } = consumeAll(queue, {
    concurrency: 1,
    run: async (_job, { line }) => {
      line?.pass();
      await gate.promise;
    },
  });
  expect((await begun.until(2)).map(({ job }) => job)).toEqual(jobs.slice(0, 2));
  gate.resolve();
  await begun.until(3);
});

it('are found in the queue, each, until they are done', async () => {
  const { queue } = open();
  const jobs = events(5);
  const found = () => Promise.all(jobs.map((job) => queue.has(job)));
  await addAll(queue, jobs);
  expect(await found()).toEqual(Array(5).fill(true));
  const gate = deferred();
  const { begun } = consumeAll(queue, { run: () => gate.promise });
  await begun.until(5);
  expect(await found()).toEqual(Array(5).fill(true));
  expect(await queue.has(events(1)[0]!)).toBe(false);
  gate.resolve();
  await eventually(found).toEqual(Array(5).fill(false));
});

it('are refused alone when one of them is not JSON', async () => {
  const { queue } = open();
  const jobs = [...events(4), chatJob('bad', { data: 1n })];
  const added = await Promise.allSettled(jobs.map((job) => queue.add(job)));
  expect(added.map(({ status }) => status)).toEqual([...Array(4).fill('fulfilled'), 'rejected']);
  expect(added[4]).toMatchObject({ reason: expect.any(TypeError) });
  const { finished } = consumeAll(queue);
  await finished.until(4);
  expect(finished.all.map(({ id }) => id).sort()).toEqual(
    jobs
      .slice(0, 4)
      .map(({ id }) => id)
      .sort(),
  );
});

it('run as many at once as the worker was told, with what came alone', async () => {
  const { queue } = open();
  let atOnce = 0;
  let most = 0;
  await addAll(queue, events(20));
  await queue.add(chatJob('alone'));
  const { finished } = consumeAll(queue, {
    concurrency: 3,
    async run() {
      most = Math.max(most, ++atOnce);
      await queue.ping();
      atOnce--;
    },
  });
  await finished.until(21);
  expect(most).toBe(3);
});

it('hold no typing up, however many of them hang', async () => {
  const { queue } = open();
  const gate = deferred();
  const hanging = events(4);
  const { begun, finished } = consumeAll(queue, {
    concurrency: 2,
    run: ({ type }) => (type === hanging[0]!.type ? gate.promise : Promise.resolve()),
  });
  await addAll(queue, hanging);
  await begun.until(2);
  const typing = chatJob('message.typing', { lossy: true });
  await queue.add(typing);
  expect(await finished.until(1)).toEqual([typing]);
  expect(begun.all).toHaveLength(3);
  gate.resolve();
  await finished.until(5);
});

describe('when one of them fails', () => {
  it('it alone is kept as a failed job, without its content; the others are done', async () => {
    const { queue, lines } = open();
    const plain = plainQueue();
    const told = keepEvents(queue);
    const jobs = [...events(4, 'good'), chatJob('bad', { roomId: 'room', data: { content: 'private' } })];
    const { begun, finished } = consumeAll(queue, {
      run: ({ type }) => (type === 'bad' ? Promise.reject(new Error('no')) : Promise.resolve()),
    });
    await addAll(queue, jobs);
    await told.until(({ name }) => name === 'failed');
    expect(finished.all).toHaveLength(4);
    expect(begun.all).toHaveLength(5);
    expect(await Promise.all(jobs.map((job) => queue.hasFailed(job)))).toEqual([false, false, false, false, true]);
    const [failed, ...others] = await plain.getFailed();
    expect(others).toEqual([]);
    expect(failed).toMatchObject({ name: 'bad', failedReason: 'no' });
    expect(JSON.stringify(failed!.asJSON())).not.toContain('private');
    expect(lines).toEqual(['error A job failed.']);
    await queue.add({ ...jobs[4]!, resent: true });
    expect(await queue.has(jobs[4]!)).toBe(false);
  });
});

describe('queue events', () => {
  it('tell of each that it waits, runs and is done, with its own times', async () => {
    const { queue } = open();
    const told = keepEvents(queue);
    // The listener sees what is added after its look at the stream.
    await queue.add(chatJob('first'));
    const jobs = events(5);
    await addAll(queue, jobs);
    const of = (id: string) => told.all.filter(({ event }) => event.jobId === id);
    await eventually(() => jobs.map(({ id }) => of(id).map(({ name }) => name))).toEqual(Array(5).fill(['waiting']));
    const { finished } = consumeAll(queue, {
      // What came alone, and all of the bundle.
      concurrency: 6,
      run: async ({ data }) => {
        if ((data as { index?: number }).index !== 4) return;
        await finished.until(5);
        await sleep(50);
      },
    });
    await told.until(({ name, event }) => name === 'completed' && event.eventType === BUNDLE);
    for (const { id, type, userId, roomId } of jobs) {
      expect(of(id).map(({ name }) => name)).toEqual(['waiting', 'active', 'completed']);
      for (const { event } of of(id)) expect(event).toMatchObject({ eventType: type, userId, roomId });
    }
    const duration = ({ id }: ChatJob) => of(id)[2]!.event.duration as number;
    expect(duration(jobs[4]!)).toBeGreaterThan(duration(jobs[0]!));
  });

  it('tell of those that were done before anybody could look at them', async () => {
    const { queue } = open();
    const told = keepEvents(queue);
    const { finished } = consumeAll(queue);
    await queue.add(chatJob('first'));
    await finished.until(1);
    for (let round = 0; round < 20; round += 1) await addAll(queue, events(5));
    await eventually(
      () => told.all.filter(({ name, event }) => name === 'completed' && event.eventType === 'message.send').length,
    ).toBe(100);
    const waiting = told.all.filter(({ name, event }) => name === 'waiting' && event.eventType === 'message.send');
    expect(new Set(waiting.map(({ event }) => event.jobId)).size).toBe(100);
    expect(waiting).toHaveLength(100);
  });
});

describe('whose worker', () => {
  it('closes are run by another one, those that have not begun as if for the first time', async () => {
    const { queue } = open();
    const other = open('again').queue;
    const gate = deferred();
    const jobs = events(10);
    await addAll(queue, jobs);
    const closing = consumeAll(queue, { concurrency: 2, run: () => gate.promise });
    await closing.begun.until(2);
    const closed = closing.consumer.close();
    gate.resolve();
    await closed;
    expect(closing.finished.all).toHaveLength(2);
    const { begun, finished } = consumeAll(other);
    await finished.until(8);
    // They are jobs of their own now, of users and rooms that have nothing to do with each other: begun in any order.
    expect(begun.all).toHaveLength(8);
    for (const job of jobs.slice(2)) expect(begun.all).toContainEqual({ job, delivery: { earlierRuns: 0 } });
  });

  it('is killed run again, each as a job of its own that may have been done', async () => {
    const { queue } = open();
    const told = keepEvents(queue);
    const jobs = events(6);
    await addAll(queue, jobs);
    const worker = startWorker('hang');
    await worker.waitFor(/begun 0/);
    await worker.stop('SIGKILL');
    const { begun, finished } = consumeAll(queue);
    await finished.until(6);
    expect(begun.all.map(({ job }) => job).sort(byUser)).toEqual(jobs.map((job) => ({ ...job, resent: true })));
    await eventually(() => Promise.all(jobs.map((job) => queue.has(job)))).toEqual(Array(6).fill(false));
    expect(told.all.some(({ name, event }) => name === 'stalled' && event.eventType === BUNDLE)).toBe(true);
  });

  it('is killed stay in order where they were', async () => {
    const { queue } = open();
    const plain = plainQueue();
    const jobs = events(9);
    await Promise.all([0, 3, 6].map((at) => queue.addInOrder(jobs.slice(at, at + 3))));
    const worker = startWorker('hang');
    await worker.waitFor(/begun 0/);
    await worker.stop('SIGKILL');
    const { begun, finished } = consumeAll(queue, { run: () => queue.ping() });
    await finished.until(9);
    for (const at of [0, 3, 6]) {
      const ids = jobs.slice(at, at + 3).map(({ id }) => id);
      const runs = begun.all.filter(({ job }) => ids.includes(job.id));
      expect(runs.map(({ job }) => job.id)).toEqual(ids);
      expect(runs.every(({ job }) => job.resent)).toBe(true);
    }
    await eventually(() => plain.getJobCounts()).toMatchObject({ active: 0, waiting: 0, failed: 0 });
  });

  it('froze when it had taken them apart are not taken apart twice', async () => {
    const jobs = events(5);
    const units = [[jobs[0]], [jobs[1]], jobs.slice(2)];
    const passed: ChatJob[][] = [];
    for (let start = 1; start <= 2; start += 1) {
      const parts: ChatJob[] = [];
      passed.push(parts);
      await runBundle(chatJob(BUNDLE, { data: units }), {
        run: () => Promise.reject(new Error('Nothing is to be run.')),
        earlierRuns: start,
        places: new Places(1),
        isClosing: () => false,
        passOn: async (part) => void parts.push(part),
      });
    }
    const ids = passed.map((parts) => parts.map(toJobId));
    expect(new Set(ids[0]).size).toBe(3);
    expect(ids[1]).toEqual(ids[0]);
    expect(passed[0]!.flatMap((part) => eventsOf(part).map(({ id }) => id))).toEqual(jobs.map(({ id }) => id));
  });

  it('is killed by one of them go on without it, and without those in order with it', {
    timeout: 120_000,
  }, async () => {
    const { queue } = open();
    const told = keepEvents(queue);
    const [poison, behind] = [chatJob('poison', { data: { content: 'private' } }), chatJob('behind')];
    const good = events(6, 'good');
    await Promise.all([addAll(queue, good), queue.addInOrder([poison, behind])]);
    // Once with the others, three times without.
    for (let death = 0; death < 4; death += 1) {
      const worker = startWorker('die of poison');
      expect(await worker.ended, worker.output()).toEqual({ code: null, signal: 'SIGKILL' });
    }
    const { begun, lost } = consumeAll(queue, {
      onLost: ({ type }) => (type === 'poison' ? Promise.reject(new Error('not told')) : Promise.resolve()),
    });
    await lost.until(2);
    expect(lost.all.map(({ job }) => job.type)).toEqual(['poison', 'behind']);
    const jobs = [...good, poison, behind];
    const isKept = [...Array(6).fill(false), true, true];
    // The last one is kept after its sender was told.
    await eventually(() => Promise.all(jobs.map((job) => queue.hasFailed(job)))).toEqual(isKept);
    await eventually(() => Promise.all(jobs.map((job) => queue.has(job)))).toEqual(Array(8).fill(false));
    expect(await Promise.all(jobs.map((job) => queue.hasFailed(job)))).toEqual(isKept);
    expect(begun.all.filter(({ job }) => job.type !== 'good')).toEqual([]);
    const failed = () => told.all.filter(({ name }) => name === 'failed').map(({ event }) => event.eventType);
    await eventually(failed).toEqual(expect.arrayContaining(['poison', 'behind']));
    expect(failed()).not.toContain('good');
    const kept = await queues.client.keys(key('*'));
    for (const one of kept.filter((name) => name.includes('~'))) {
      expect(JSON.stringify(await queues.client.hgetall(one))).not.toContain('private');
    }
  });
});

const byUser = (one: ChatJob, other: ChatJob) => Number(one.userId) - Number(other.userId);
