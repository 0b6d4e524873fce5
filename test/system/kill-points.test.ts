/**
 * A worker that is killed at a known point of a send. What holds it there is real: a row that the test has locked, or a
 * Redis that takes no writes for a moment.
 */
import { Redis } from 'ioredis';
import { type Connection, createConnection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { TestFrame } from '../../src/testing/client.js';
import { createGroup } from '../helpers/chat.js';
import { until } from '../helpers/processes.js';
import type { WireAck, WireRoom } from '../helpers/shapes.js';
import { type Chatter, startStack } from '../helpers/stack.js';
import { type Crowd, FrameLog, gather } from './crowd.js';

let crowd: Crowd;
let locker: Connection;
let ann: Chatter;
let ben: Chatter;
let room: WireRoom;
let log: FrameLog;
let made = 0;

beforeAll(async () => {
  // One worker, so that it is known who has the job.
  crowd = await gather(await startStack('distributed', { workers: 1 }));
  locker = await createConnection(crowd.stack.mariaDb!.url);
});
afterAll(async () => {
  await locker?.end();
  await crowd?.close();
});
beforeEach(async () => {
  [ann, ben] = (await crowd.chatters(2)) as [Chatter, Chatter];
  room = await createGroup(ann, [ben]);
  log = new FrameLog(ben);
});
afterEach(() => crowd.stack.disconnectAll());

const send = (content: string) => ann.request<WireAck>('message.send', { room_id: room.id, content });
const nextContent = () => `message ${++made}`;
const kill = () => crowd.stack.workers.at(-1)!.stop('SIGKILL');
const rows = (content: string) => crowd.query('SELECT id FROM chat_messages WHERE content = ?', [content]);

/** Waits until some statement of a worker that looks like this waits for a lock. */
const isWaiting = (pattern: RegExp) =>
  until('a worker waits for the lock', async () => {
    const running = await crowd.query<{ Info: string | null }>('SHOW FULL PROCESSLIST');
    expect(running.filter(({ Info }) => Info !== null && pattern.test(Info))).not.toEqual([]);
  });

/** The one answer, the one row, and what the other member got. */
async function checkSent(content: string, answer: TestFrame<WireAck>): Promise<void> {
  expect(answer).toMatchObject({ eventType: 'event.ack', data: { status: 'successful', seq: 1 } });
  await log.reach(room.id, 2);
  expect((await crowd.checkRoom(room.id)).map((row) => row.content)).toEqual([content]);
  expect(log.of(room.id).map(({ data }) => data.content)).toEqual([content]);
  // The room goes on after it, for everybody.
  const next = nextContent();
  expect((await send(next)).data).toMatchObject({ status: 'successful', seq: 2 });
  await log.reach(room.id, 3);
  log.expectUnbroken(room.id);
  expect(ann.breaches).toEqual([]);
}

it('finishes a send whose worker died waiting for the room', async () => {
  const content = nextContent();
  await locker.beginTransaction();
  await locker.query('SELECT id FROM chat_rooms WHERE id = ? FOR UPDATE', [room.id]);
  const answer = send(content);
  await isWaiting(/chat_rooms WHERE id IN .* FOR UPDATE/);
  await kill();
  await locker.rollback();
  await crowd.stack.startWorker();
  await checkSent(content, await answer);
});

it('finishes a send whose worker died between its writes and the commit', async () => {
  const content = nextContent();
  await locker.beginTransaction();
  await locker.query('SELECT user_id FROM chat_room_members WHERE room_id = ? AND user_id = ? FOR UPDATE', [
    room.id,
    ann.user.id,
  ]);
  const answer = send(content);
  // The sender's own read mark is written after message and outcome.
  await isWaiting(/UPDATE chat_room_members SET read_seq/);
  await crowd.query('SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED');
  expect(await rows(content)).toHaveLength(1);
  await crowd.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
  expect(await rows(content)).toEqual([]);
  await kill();
  await locker.rollback();
  await crowd.stack.startWorker();
  await checkSent(content, await answer);
});

it('publishes what a worker committed before it died', async () => {
  const content = nextContent();
  const redis = new Redis(crowd.stack.redis!.url);
  try {
    await locker.beginTransaction();
    await locker.query('SELECT id FROM chat_rooms WHERE id = ? FOR UPDATE', [room.id]);
    const answer = send(content);
    await isWaiting(/chat_rooms WHERE id IN .* FOR UPDATE/);
    // From here on the worker can commit, and tell nobody.
    await redis.client('PAUSE', 60_000, 'WRITE');
    await locker.rollback();
    await until('the message is committed', async () => expect(await rows(content)).toHaveLength(1));
    await kill();
    expect(log.of(room.id)).toEqual([]);
    await redis.client('UNPAUSE');
    await crowd.stack.startWorker();
    await checkSent(content, await answer);
  } finally {
    await redis.client('UNPAUSE');
    redis.disconnect();
  }
});

it('publishes what a worker committed before it froze, and passes over what it does when it wakes', async () => {
  const content = nextContent();
  const frozen = crowd.stack.workers.at(-1)!;
  await locker.beginTransaction();
  await locker.query('SELECT id FROM chat_rooms WHERE id = ? FOR UPDATE', [room.id]);
  const answer = send(content);
  await isWaiting(/chat_rooms WHERE id IN .* FOR UPDATE/);
  frozen.child.kill('SIGSTOP');
  await locker.rollback();
  await crowd.stack.startWorker();
  // The frozen one holds the room's lock now; it lets go when it wakes, and both run the job.
  await isWaiting(/chat_rooms WHERE id IN .* FOR UPDATE/);
  frozen.child.kill('SIGCONT');
  await checkSent(content, await answer);
  await frozen.stop('SIGTERM');
});
