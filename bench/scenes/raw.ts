/** Raw limits: what this machine's Redis, MariaDB and sockets do without any of the servers. */
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

/** Publishing, inserting, committing, echoing. */
export async function rawScene(bench: Bench, scene: string): Promise<void> {
  const add = (measure: string, value: number) =>
    bench.report.add({ scene, measure, unit: '1/s', more: true, values: { raw: value } });
  await redisLimits(bench, add);
  await databaseLimits(bench, add);
  await echo(bench, add);
}

async function redisLimits(bench: Bench, add: (measure: string, value: number) => void): Promise<void> {
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

async function databaseLimits(bench: Bench, add: (measure: string, value: number) => void): Promise<void> {
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
async function echo(bench: Bench, add: (measure: string, value: number) => void): Promise<void> {
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
