/** Raw limits: what this machine's Redis, MariaDB and sockets do without any of the servers. */
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { createConnection } from 'mysql2/promise';
import { startRedis } from '../../test/helpers/services.js';
import type { Bench } from '../bench.js';
import { median } from '../measure/statistics.js';

/** Calls it as often as asked for, each time for a while; the median of the rates. */
async function rate(bench: Bench, step: () => Promise<number>): Promise<number> {
  const rates: number[] = [];
  for (let run = 0; run < bench.options.runs; run++) {
    const began = performance.now();
    let done = 0;
    while (performance.now() - began < bench.options.window / 3) done += await step();
    rates.push((done * 1000) / (performance.now() - began));
  }
  return median(rates);
}

/** Tells what was measured. */
type Add = (measure: string, value: number) => void;

/** Publishing, queueing, inserting, committing, echoing. */
export async function rawScene(bench: Bench, scene: string): Promise<void> {
  const add = (measure: string, value: number) =>
    bench.report.add({ scene, measure, unit: '1/s', more: true, values: { raw: value } });
  await redisLimits(bench, add);
  await queueLimits(bench, add, (measure, value) =>
    bench.report.add({ scene, measure, unit: 'ms', more: false, values: { raw: value } }),
  );
  await databaseLimits(bench, add);
  await echo(bench, add);
}

async function redisLimits(bench: Bench, add: Add): Promise<void> {
  const server = await startRedis({ own: true });
  const redis = new Redis(server.url);
  const frame = 'x'.repeat(700);
  add(
    'Redis PUBLISH of 700 bytes, pipelined by 100',
    await rate(bench, async () => {
      const pipeline = redis.pipeline();
      for (let index = 0; index < 100; index++) pipeline.publish('channel', frame);
      await pipeline.exec();
      return 100;
    }),
  );
  redis.disconnect();
  await server.stop();
}

/** BullMQ with a job that does nothing, 100 under way: what each event costs before anything is done for it. */
async function queueLimits(bench: Bench, add: Add, addTime: Add): Promise<void> {
  const server = await startRedis({ own: true, appendonly: true });
  const connect = () => new Redis(server.url, { maxRetriesPerRequest: null });
  const connections = [connect(), connect()] as const;
  const queue = new Queue('raw', { connection: connections[0] });
  const waiting = new Map<string, () => void>();
  const worker = new Worker('raw', async ({ id }) => waiting.get(id!)?.(), {
    connection: connections[1],
    concurrency: 100,
    removeOnComplete: { count: 0 },
  });
  let made = 0;
  const once = async () => {
    const jobId = `job-${made++}`;
    const done = new Promise<void>((resolve) => waiting.set(jobId, resolve));
    await queue.add('message.send', { content: 'x'.repeat(300) }, { jobId });
    await done;
    waiting.delete(jobId);
  };
  const lane = async () => {
    for (let index = 0; index < 10; index++) await once();
  };
  const redisSeconds = async () =>
    [...(await connections[0].info('cpu')).matchAll(/^used_cpu_(?:user|sys):([\d.]+)/gm)].reduce(
      (sum, [, seconds]) => sum + Number(seconds),
      0,
    );
  const before = { own: process.cpuUsage(), redis: await redisSeconds() };
  add(
    'BullMQ jobs, added and done, 100 under way',
    await rate(bench, async () => {
      await Promise.all(Array.from({ length: 100 }, lane));
      return 1000;
    }),
  );
  const { user, system } = process.cpuUsage(before.own);
  addTime('processor time of a BullMQ job, both ends', (user + system) / 1000 / made);
  addTime('processor time of a BullMQ job, Redis', (((await redisSeconds()) - before.redis) * 1000) / made);
  await worker.close();
  await queue.close();
  for (const connection of connections) connection.disconnect();
  await server.stop();
}

async function databaseLimits(bench: Bench, add: Add): Promise<void> {
  const connection = await createConnection(bench.mariaDbUrl);
  await connection.query(
    'CREATE TABLE IF NOT EXISTS raw_rows (id BIGINT AUTO_INCREMENT PRIMARY KEY, room CHAR(36), content TEXT)',
  );
  const row = ['01900000-0000-7000-8000-000000000000', 'x'.repeat(100)];
  const insert = async (count: number) => {
    await connection.query('INSERT INTO raw_rows (room, content) VALUES ?', [Array(count).fill(row)]);
    return count;
  };
  add('rows inserted one by one, a commit each', await rate(bench, () => insert(1)));
  add('rows inserted by 200, a commit for all', await rate(bench, () => insert(200)));
  await connection.query('DROP TABLE raw_rows');
  await connection.end();
}

/** Each in a room alone with itself: what comes back is an echo. */
async function echo(bench: Bench, add: Add): Promise<void> {
  const side = await bench.side('bare', 'echo');
  const members = Array.from({ length: 16 }, (_, index) => index + 1);
  const world = await bench.populate(side, { users: 16, rooms: members.map((member) => ({ members: [member] })) });
  const senders = world.roomIds.map((roomId, socket) => ({ socket, roomId, receivers: 1 }));
  const { warmUp, window } = bench.options;
  const pace = { inFlight: 4 };
  const run = await side.load.tell({ type: 'send', senders, pace, warmUp: warmUp / 3, window: window / 3 });
  add('messages through one ws process and back', run.perSecond);
  await bench.end([side]);
}
