/** After the load: everything that is under way comes to its end, and one last message goes to every room. */
import { Redis } from 'ioredis';
import type { Connection } from 'mysql2/promise';
import { until } from '../helpers/processes.js';
import type { Device } from './device.js';
import type { DeviceLog } from './device-log.js';
import type { Actor } from './load.js';
import type { Report } from './report.js';
import type { System } from './system.js';
import type { WireWatch } from './wire-watch.js';

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
  const step = stepsOf(report);
  await step('everybody is connected', async () => {
    const away = devices.filter(({ isOnline }) => !isOnline).map(({ log }) => log.name);
    if (away.length > 0) throw new Error(`not connected: ${away}`);
  });
  await step('every message is answered', async () => {
    if (open() > 0) throw new Error(`${open()} are not`);
  });
  await step('the queue is empty', () => expectEmptyQueue(system));
  await sendLast(options, step);
  await step('every event is answered', async () => expectAllAnswered(devices));
  await expectNoFailedJobs(system, report);
}

/** Tries something until it is so. */
export type Step = (what: string, attempt: () => Promise<void>) => Promise<void>;

/** What is not so within the patience (milliseconds) is a breach. */
export function stepsOf(report: Report, patience = PATIENCE): Step {
  return (what, attempt) =>
    until(what, attempt, patience).catch((error: Error) => report.breach('recovery', error.message));
}

/** Throws when an event of a device's present connection has no answer. */
export function expectAllAnswered(
  devices: ReadonlyArray<{ readonly log: DeviceLog; readonly wire: { readonly watch: WireWatch } | undefined }>,
): void {
  const left = devices.flatMap(({ wire, log }) => (wire?.watch.unanswered ?? []).map((type) => `${log.name}: ${type}`));
  if (left.length > 0) throw new Error(`not answered: ${left}`);
}

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
        .filter((device) => device.lastOf(roomId) !== Number(row!.last_offset))
        .map((device) => `${device.log.name} at ${device.lastOf(roomId)}`);
      if (late.length > 0) throw new Error(`the room is at ${row!.last_offset}: ${late}`);
    });
  }
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
    const queues = ['chat:chat-events', 'chat:chat-events-lossy'];
    const lists = ['wait', 'active', 'paused'].flatMap((name) => queues.map((queue) => redis.llen(`${queue}:${name}`)));
    const sets = ['completed', 'delayed', 'prioritized'].flatMap((name) =>
      queues.map((queue) => redis.zcard(`${queue}:${name}`)),
    );
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
