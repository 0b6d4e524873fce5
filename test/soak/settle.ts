/** After the load: everything that is under way comes to its end, and one last message goes to every room. */
import { Redis } from 'ioredis';
import type { Connection } from 'mysql2/promise';
import { until } from '../helpers/processes.js';
import { ClientDevice, type Device } from './device.js';
import type { Actor } from './load.js';
import type { Report } from './report.js';
import type { System } from './system.js';

/** What is to come to rest. */
export interface SettleOptions {
  readonly system: System;
  readonly database: Connection;
  readonly actors: readonly Actor[];
  readonly devices: readonly Device[];
  readonly report: Report;
  /** Messages without an answer. */
  open(): number;
}

const PATIENCE = 90_000;

/** Each step that does not come to its end is a breach, and the next one is tried all the same. */
export async function settle(options: SettleOptions): Promise<void> {
  const { system, devices, report, open } = options;
  const step = (what: string, attempt: () => Promise<void>) =>
    until(what, attempt, PATIENCE).catch((error: Error) => report.breach('recovery', error.message));
  await step('everybody is connected', async () => {
    const away = devices.filter(({ isOnline }) => !isOnline).map(({ log }) => log.name);
    if (away.length > 0) throw new Error(`not connected: ${away}`);
  });
  await step('every message is answered', async () => {
    if (open() > 0) throw new Error(`${open()} are not`);
  });
  await step('the queue is empty', () => expectEmptyQueue(system));
  await sendLast(options, step);
  await step('every event is answered', async () => {
    const left = devices.flatMap(({ wire, log }) => (wire?.unanswered ?? []).map((type) => `${log.name}: ${type}`));
    if (left.length > 0) throw new Error(`not answered: ${left}`);
  });
  await expectNoFailedJobs(system, report);
}

type Step = (what: string, attempt: () => Promise<void>) => Promise<void>;

/** A message by somebody who may send, and everybody's devices get it. */
async function sendLast({ database, actors, devices }: SettleOptions, step: Step): Promise<void> {
  const [rows] = await database.query('SELECT room_id, user_id, role FROM chat_room_members');
  const members = new Map<string, Array<{ userId: number; role: string }>>();
  for (const { room_id, user_id, role } of rows as Array<{ room_id: string; user_id: number; role: string }>) {
    const room = members.get(room_id) ?? [];
    room.push({ userId: Number(user_id), role });
    members.set(room_id, room);
  }
  for (const [roomId, present] of members) {
    const [sender] = present
      .toSorted((a, b) => Number(a.role === 'member') - Number(b.role === 'member'))
      .flatMap(({ userId }) => actors.filter(({ person }) => person.id === userId));
    if (!sender) continue;
    await step(`the last message of ${roomId}`, async () => {
      await sender.devices[0]!.client.room(roomId).send(`the end of ${roomId}`);
    });
    await step(`everybody in ${roomId} has its last broadcast`, async () => {
      const [[row]] = (await database.query('SELECT last_offset FROM chat_rooms WHERE id = ?', [
        roomId,
      ])) as unknown as [Array<{ last_offset: number }>];
      const ids = new Set(present.map(({ userId }) => userId));
      const late = devices
        .filter(({ log }) => ids.has(log.userId))
        .filter((device) => lastOf(device, roomId) !== Number(row!.last_offset))
        .map((device) => `${device.log.name} at ${lastOf(device, roomId)}`);
      if (late.length > 0) throw new Error(`the room is at ${row!.last_offset}: ${late}`);
    });
  }
}

/** The last offset that a device holds. */
function lastOf(device: Device, roomId: string): number | undefined {
  return device instanceof ClientDevice ? device.log.handled.get(roomId)?.at(-1) : device.wire?.lastOf(roomId);
}

async function withRedis<T>(system: System, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(system.redis.url, { maxRetriesPerRequest: 3 });
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

function expectEmptyQueue(system: System): Promise<void> {
  return withRedis(system, async (redis) => {
    const lists = ['wait', 'active', 'paused'].map((name) => redis.llen(`chat:chat-events:${name}`));
    const sets = ['completed', 'delayed', 'prioritized'].map((name) => redis.zcard(`chat:chat-events:${name}`));
    const counts = await Promise.all([...lists, ...sets]);
    if (counts.some((count) => count > 0)) throw new Error(`there are ${counts}`);
  });
}

/** The load holds no poison: no event may have been given up. */
async function expectNoFailedJobs(system: System, report: Report): Promise<void> {
  await withRedis(system, async (redis) => {
    const failed = await redis.zrange('chat:chat-events:failed', '0', '20');
    for (const id of failed) {
      const reason = await redis.hget(`chat:chat-events:${id}`, 'failedReason');
      report.breach('queue', `The job ${id} has failed: ${reason}`);
    }
    const megabytes = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]) / 2 ** 20;
    report.took('Redis holds at the end (KB)', megabytes * 1024);
    if (megabytes > 100) report.breach('memory', `Redis holds ${Math.round(megabytes)} MB.`);
  });
}
