/** What only the queue on Redis does: the shape of its jobs, bull-board, several processes, jobs of dead workers. */
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { describe, expect, it } from 'vitest';
import { toJobId } from '../../src/queue/job-id.js';
import { useBullQueues } from './bull-queues.js';
import { chatJob, consumeAll, deferred, eventually, keepEvents } from './support.js';

const queues = useBullQueues();
const { key, open, plainQueue, startWorker } = queues;

describe('a job in Redis', () => {
  it('is named by its event type, and holds nothing twice', async () => {
    const { queue } = open();
    const job = chatJob('message.send', { roomId: 'room', eventId: '1', data: { content: 'hello' } });
    await queue.add(job);
    const hash = await queues.client.hgetall(key(toJobId(job)));
    expect(hash.name).toBe('message.send');
    expect(JSON.parse(hash.data ?? '')).toEqual({
      gatewayId: job.gatewayId,
      connectionId: job.connectionId,
      eventId: '1',
      data: { content: 'hello' },
      addedAt: job.addedAt,
    });
    expect(JSON.parse(hash.opts ?? '')).toEqual({});
  });

  it('is gone when it is done, with all that belongs to it', async () => {
    const { queue } = open();
    const events = keepEvents(queue);
    consumeAll(queue);
    const job = chatJob('a');
    await queue.add(job);
    await events.until(({ name }) => name === 'completed');
    expect(await queues.client.keys(key(`${toJobId(job)}*`))).toEqual([]);
    expect(await queues.client.zcard(key('completed'))).toBe(0);
  });

  it('is kept when it failed, without its content, the newest thousand', async () => {
    const { queue } = open();
    const events = keepEvents(queue);
    consumeAll(queue, { concurrency: 100, run: () => Promise.reject(new Error('no')) });
    const jobs = Array.from({ length: 1010 }, () => chatJob('bad', { data: { content: 'private' } }));
    await Promise.all(jobs.map((job) => queue.add(job)));
    await eventually(() => events.all.filter(({ name }) => name === 'failed').length).toBe(1010);
    const failed = await plainQueue().getFailed(0, -1);
    expect(failed).toHaveLength(1000);
    for (const { data, failedReason } of failed) {
      expect(failedReason).toBe('no');
      expect(data).toEqual({ gatewayId: 'gateway-1', connectionId: 'connection-1', addedAt: expect.any(Number) });
    }
  });

  it('of somebody else fails, and is no event of ours', async () => {
    const { queue, lines } = open();
    const events = keepEvents(queue);
    const { begun, finished } = consumeAll(queue);
    const plain = plainQueue();
    const other = await plain.add('other', { some: 'thing' });
    await queue.add(chatJob('ours'));
    await finished.until(1);
    await events.until(({ name }) => name === 'completed');
    await eventually(() => plain.getFailedCount()).toBe(1);
    expect(await other.isFailed()).toBe(true);
    expect(begun.all.map(({ job }) => job.type)).toEqual(['ours']);
    expect(new Set(events.all.map(({ event }) => event.eventType))).toEqual(new Set(['ours']));
    expect(lines).toEqual(['error A job failed.']);
  });
});

describe('a lossy job', () => {
  it('stands in a queue of its own, is gone with all that belongs to it when it is done, and is told of', async () => {
    const { queue } = open();
    const events = keepEvents(queue);
    const job = chatJob('message.typing', { lossy: true, roomId: 'room' });
    await queue.add(job);
    const [jobs, lossyJobs] = await Promise.all([plainQueue().getWaiting(), plainQueue('-lossy').getWaiting()]);
    expect([jobs, lossyJobs.map(({ name }) => name)]).toEqual([[], ['message.typing']]);
    expect(await queue.has(job)).toBe(true);
    consumeAll(queue);
    await events.until(({ name }) => name === 'completed');
    expect(events.all.map(({ name, event }) => [name, event.jobId])).toEqual(
      ['waiting', 'active', 'completed'].map((name) => [name, job.id]),
    );
    expect(await queue.has(job)).toBe(false);
    const left = await queues.client.keys(`*${job.id}*`);
    expect(left.filter((one) => !one.includes(':fresh:'))).toEqual([]);
  });

  it('is stale once it has waited for five seconds, by the clock of Redis, and another is not', async () => {
    const { queue } = open();
    const [late, soon] = [chatJob('message.typing', { lossy: true }), chatJob('message.typing', { lossy: true })];
    await queue.add(late);
    await eventually(() => queues.client.exists(key(`fresh:${late.id}`, '-lossy'))).toBe(0);
    await queue.add(soon);
    const runs = await consumeAll(queue).begun.until(2);
    expect(runs.map(({ job }) => job)).toEqual([{ ...late, isStale: true }, soon]);
  });

  it('that failed is kept there, without its content', async () => {
    const { queue } = open();
    const events = keepEvents(queue);
    consumeAll(queue, { run: () => Promise.reject(new Error('no')) });
    const job = chatJob('message.typing', { lossy: true, data: { content: 'private' } });
    await queue.add(job);
    await events.until(({ name }) => name === 'failed');
    expect(await queue.hasFailed(job)).toBe(true);
    const [failed, ...others] = await plainQueue('-lossy').getFailed();
    expect([failed?.failedReason, others]).toEqual(['no', []]);
    expect(JSON.stringify(failed?.asJSON())).not.toContain('private');
    expect(await plainQueue().getFailedCount()).toBe(0);
  });

  it('of a gateway that knows one queue only is run from there', async () => {
    const { queue } = open();
    const job = chatJob('$lossy', { data: [] });
    const { finished } = consumeAll(queue);
    await plainQueue().add(job.type, { ...job }, { jobId: toJobId(job), lifo: true });
    expect((await finished.until(1)).map(({ id }) => id)).toEqual([job.id]);
  });
});

it('shows its jobs in bull-board', async () => {
  const { queue } = open();
  await queue.add(chatJob('message.send', { data: { content: 'hello' } }));
  const plain = plainQueue();
  const shown: unknown[] = [];
  const adapter = new BullMQAdapter(plain);
  const serverAdapter = {
    setQueues: (queues: Map<string, unknown>) => {
      shown.push(...queues.keys());
      return serverAdapter;
    },
    setViewsPath: () => serverAdapter,
    setStaticPath: () => serverAdapter,
    setEntryRoute: () => serverAdapter,
    setErrorHandler: () => serverAdapter,
    setApiRoutes: () => serverAdapter,
    setUIConfig: () => serverAdapter,
  };
  createBullBoard({ queues: [adapter], serverAdapter: serverAdapter as never, options: { uiBasePath: '.' } });
  expect(shown).toEqual([plain.name]);
  expect(await adapter.getJobCounts()).toMatchObject({ waiting: 1 });
  const [job] = await adapter.getJobs(['waiting']);
  expect(job?.toJSON()).toMatchObject({ name: 'message.send', data: { data: { content: 'hello' } } });
});

it('tells its events in every process that listens, from the moment it listens', async () => {
  const { queue } = open();
  const early = chatJob('early');
  await queue.add(early);
  const watching = open('again').queue;
  const events = keepEvents(watching);
  // Added over the watcher's own connection, and so after its look at the stream.
  const job = chatJob('seen', { roomId: 'room' });
  await watching.add(job);
  consumeAll(queue, { concurrency: 1 });
  await events.until(({ name, event }) => name === 'completed' && event.eventType === 'seen');
  const of = (type: string) => events.all.filter(({ event }) => event.eventType === type).map(({ name }) => name);
  expect(of('seen')).toEqual(['waiting', 'active', 'completed']);
  expect(of('early')).toEqual(['active', 'completed']);
});

it('opens no connection for events until somebody listens', async () => {
  const { queue } = open();
  await queue.ping();
  const clients = async () => String(await queues.client.client('LIST')).split('\n').length;
  const before = await clients();
  queue.events.on('error', () => {});
  await queue.ping();
  expect(await clients()).toBe(before);
  queue.events.on('waiting', () => {});
  // One for each of the two queues.
  await eventually(clients).toBe(before + 2);
});

it('loses and doubles nothing when workers close one after another under load', async () => {
  const { queue } = open();
  const ends = [queue, open('again').queue, open('again').queue];
  const workers = ends.map((end) =>
    consumeAll(end, { concurrency: 20, run: () => new Promise((resolve) => setImmediate(resolve)) }),
  );
  const jobs = Array.from({ length: 1000 }, () => chatJob('a'));
  const added = Promise.all(jobs.map((job) => queue.add(job)));
  for (const worker of workers.slice(0, 2)) {
    await worker.finished.until(50);
    await worker.consumer.close();
  }
  await added;
  await eventually(() => workers.reduce((sum, { finished }) => sum + finished.all.length, 0)).toBe(1000);
  const runs = workers.flatMap(({ begun }) => begun.all);
  expect(runs.map(({ job }) => job.id).sort()).toEqual(jobs.map(({ id }) => id).sort());
  expect(runs.every(({ delivery }) => delivery.earlierRuns === 0)).toBe(true);
});

it('gives a job of a killed worker to another, who learns that it was begun', async () => {
  const { queue } = open();
  const events = keepEvents(queue);
  const job = chatJob('a', { data: { content: 'kept' } });
  await queue.add(job);
  const worker = startWorker('hang');
  await worker.waitFor(/begun 0/);
  await worker.stop('SIGKILL');
  const { begun, finished } = consumeAll(queue);
  await finished.until(1);
  expect(begun.all).toEqual([{ job, delivery: { earlierRuns: 1 } }]);
  await events.until(({ name }) => name === 'completed');
  expect(events.all.map(({ name }) => name)).toContain('stalled');
});

it('gives a job up that kills its workers, tells so once, and wipes its content', { timeout: 90_000 }, async () => {
  const { queue, lines } = open();
  const events = keepEvents(queue);
  const poison = chatJob('poison', { roomId: 'room', data: { content: 'private' } });
  await queue.add(poison);
  for (let run = 0; run < 3; run++) {
    const worker = startWorker('die');
    await worker.waitFor(new RegExp(`begun ${run}\\n`));
    await worker.ended;
  }
  // While the sender is being told, the job still counts as running: a death here would not lose the answer.
  const failedWhenTold = deferred<boolean>();
  const { begun, lost, finished } = consumeAll(queue, {
    onLost: async (job) => failedWhenTold.resolve(await queue.hasFailed(job)),
  });
  await queue.add(chatJob('after'));
  await finished.until(1);
  await lost.until(1);
  expect(await failedWhenTold.promise).toBe(false);
  await events.until(({ name }) => name === 'failed');
  expect(lost.all).toEqual([{ job: poison, reason: 'job stalled more than allowable limit' }]);
  expect(begun.all.map(({ job }) => job.type)).toEqual(['after']);
  expect(await queue.hasFailed(poison)).toBe(true);
  const hash = await queues.client.hgetall(key(toJobId(poison)));
  expect(JSON.stringify(hash)).not.toContain('private');
  expect(lines.filter((line) => line.includes('given up'))).toHaveLength(1);
  expect(events.all.filter(({ name }) => name === 'stalled')).toHaveLength(3);
});
