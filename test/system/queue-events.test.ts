/** The queue as analytics and operators see it: `chat.queueEvents` on both queues, and bull-board. */
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import { Queue } from 'bullmq';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLogger, transports } from 'winston';
import { ChatMessagingConsumer } from '../../src/consumer/consumer.js';
import { EventHandler } from '../../src/handlers/event-handler.js';
import type { MessageShape } from '../../src/protocol/shapes.js';
import type { TestClient } from '../../src/testing/client.js';
import { acknowledged, refused } from '../helpers/chat.js';
import { until } from '../helpers/processes.js';
import { startRedis, type TestRedis } from '../helpers/services.js';
import { openDatabase, type TestDatabase } from './runtimes.js';
import { type ServedChat, serveChat } from './served.js';

const KINDS = ['waiting', 'active', 'completed', 'failed'] as const;
const SECRET = 'nobody but the room is to read this';

/** Fails on typing of one user. */
class FailingConsumer extends ChatMessagingConsumer {
  override async receiveMessageTyping(data: { room_id: string }): Promise<void> {
    if (failsAt.has(String(this.user.id))) throw new TypeError('A handler of the host is broken.');
    await super.receiveMessageTyping(data);
  }
}

const failsAt = new Set<string>();

/** Fails on one content. */
class FailingHandler extends EventHandler {
  override async createMessage(...args: Parameters<EventHandler['createMessage']>): Promise<MessageShape> {
    if (args[0].content.startsWith('fail')) throw new TypeError('A handler of the host is broken.');
    return super.createMessage(...args);
  }
}

interface Told {
  readonly name: (typeof KINDS)[number];
  readonly event: Record<string, unknown>;
}

describe.each(['embedded', 'Redis'])('the queue events of a chat, %s', (kind) => {
  let database: TestDatabase;
  let redis: TestRedis | undefined;
  let served: ServedChat;
  let ann: TestClient;
  let room_id: string;
  let told: Told[];

  beforeAll(async () => {
    database = await openDatabase('SQLite', 2);
    redis = kind === 'Redis' ? await startRedis() : undefined;
    served = await serveChat({
      database: database.connect(),
      redis: redis?.url,
      eventHandlerClass: FailingHandler,
      consumerClass: FailingConsumer,
      logger: createLogger({ silent: true, transports: [new transports.Console()] }),
    });
    for (const name of KINDS) {
      served.chat.queueEvents.on(name, (event: object) => told.push({ name, event: { ...event } }));
    }
    told = [];
    ann = await served.connect(database.userIds[0]!);
    ({ room_id } = await acknowledged(ann, 'room.create', { type: 'GroupChat', name: 'group', participants: [] }));
    await eventually('room.create', ['waiting', 'active', 'completed']);
  });
  beforeEach(() => {
    told = [];
  });
  afterAll(async () => {
    await ann?.close();
    await served?.close();
    await redis?.stop();
    await database?.close();
  });

  /** The events of the jobs of that type, once they are these, in this order. */
  async function eventually(type: string, names: string[]): Promise<Record<string, unknown>[]> {
    const of = () => told.filter(({ event }) => event.eventType === type);
    await until(`${names} of ${type}`, async () => expect(of().map(({ name }) => name)).toEqual(names), 10_000);
    return of().map(({ event }) => event);
  }

  it('tell of an event that is done: type, user, room, times and duration', async () => {
    const before = Date.now();
    await acknowledged(ann, 'message.send', { room_id, content: SECRET });
    const events = await eventually('message.send', ['waiting', 'active', 'completed']);
    const common = {
      jobId: events[0]!.jobId,
      eventType: 'message.send',
      userId: String(database.userIds[0]),
      roomId: room_id,
    };
    expect(common.jobId).toMatch(/^[0-9a-f-]{36}$/);
    expect(events).toEqual([
      { ...common, time: expect.any(Number) },
      { ...common, time: expect.any(Number) },
      { ...common, time: expect.any(Number), duration: expect.any(Number) },
    ]);
    const [waiting, active, completed] = events as Record<string, number>[];
    expect(waiting!.time).toBeGreaterThan(before - 1000);
    expect(active!.time).toBeGreaterThanOrEqual(waiting!.time!);
    expect(completed!.duration).toBe(completed!.time! - active!.time!);
    expect(completed!.time).toBeLessThan(Date.now() + 1000);
    expect(JSON.stringify(told)).not.toContain(SECRET);
  });

  it('tell of an event that failed, and why, without its content', async () => {
    await refused(ann, 4006, 'message.send', { room_id, content: `fail ${SECRET}` });
    const events = await eventually('message.send', ['waiting', 'active', 'failed']);
    expect(events[2]).toEqual({
      ...events[0],
      time: expect.any(Number),
      duration: expect.any(Number),
      reason: expect.stringMatching(/^\w+/),
    });
    expect(JSON.stringify(told)).not.toContain(SECRET);
  });

  it('tell of an event that its sender may not do as done: it was answered', async () => {
    await refused(ann, 4004, 'room.info', { room_id: '0190a000-0000-7000-8000-000000000000' });
    await eventually('room.info', ['waiting', 'active', 'completed']);
  });

  it('tell of each typing event, though many travel together', async () => {
    const people = database.userIds.slice(0, 2);
    const [, userId] = people;
    await acknowledged(ann, 'room.add_members', { room_id, members: [userId] });
    const ben = await served.connect(userId!);
    failsAt.add(String(userId));
    for (const client of [ann, ben]) client.send('message.typing', { room_id });
    const of = (user: unknown) =>
      told.filter(({ event }) => event.eventType === 'message.typing' && event.userId === String(user));
    const shapes = (user: unknown) => of(user).map(({ name, event }) => ({ name, ...event }));
    const common = (user: unknown) => ({
      jobId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      eventType: 'message.typing',
      userId: String(user),
      roomId: room_id,
      time: expect.any(Number),
    });
    await until('all is told', async () => {
      expect(shapes(people[0])).toEqual([
        { name: 'waiting', ...common(people[0]) },
        { name: 'active', ...common(people[0]) },
        { name: 'completed', ...common(people[0]), duration: expect.any(Number) },
      ]);
      expect(shapes(userId)).toEqual([
        { name: 'waiting', ...common(userId) },
        { name: 'active', ...common(userId) },
        { name: 'failed', ...common(userId), duration: expect.any(Number), reason: expect.stringMatching(/^\w+/) },
      ]);
    });
    expect(of(people[0])[0]!.event.jobId).not.toBe(of(userId)[0]!.event.jobId);
    await ben.close();
  });

  it('name no room where the event names none', async () => {
    await ann.request('room.list', {});
    const [waiting] = await eventually('room.list', ['waiting', 'active', 'completed']);
    expect(waiting!.roomId).toBeUndefined();
  });

  it('count messages per room', async () => {
    const perRoom = new Map<string, number>();
    const listener = ({ eventType, roomId }: { eventType: string; roomId: string | undefined }) => {
      if (eventType === 'message.send' && roomId) perRoom.set(roomId, (perRoom.get(roomId) ?? 0) + 1);
    };
    served.chat.queueEvents.on('completed', listener);
    for (const content of ['one', 'two', 'three']) await acknowledged(ann, 'message.send', { room_id, content });
    await expect.poll(() => perRoom.get(room_id), { timeout: 10_000 }).toBe(3);
    served.chat.queueEvents.off('completed', listener);
  });

  it('do not reach the chat when a listener throws', async () => {
    const listener = () => {
      throw new Error('A listener of the host is broken.');
    };
    served.chat.queueEvents.on('active', listener);
    await acknowledged(ann, 'message.send', { room_id, content: 'still' });
    await eventually('message.send', ['waiting', 'active', 'completed']);
    served.chat.queueEvents.off('active', listener);
  });
});

describe('bull-board', () => {
  it('shows the queue: what waits, what failed, and no content of what failed', async () => {
    const database = await openDatabase('SQLite', 1);
    const redis = await startRedis();
    const settings = {
      redis: redis.url,
      eventHandlerClass: FailingHandler,
      logger: createLogger({ silent: true, transports: [new transports.Console()] }),
    };
    const served = await serveChat({ ...settings, database: database.connect() }, { worker: false });
    const worker = await serveChat({ ...settings, database: database.connect() });
    const queue = new Queue('chat-events', { connection: { url: redis.url }, prefix: 'chat' });
    try {
      const serverAdapter = new ExpressAdapter();
      serverAdapter.setBasePath('/queues');
      createBullBoard({ queues: [new BullMQAdapter(queue)], serverAdapter: serverAdapter as never });
      served.app.use('/queues', serverAdapter.getRouter());
      const look = async (status: string) => {
        const response = await fetch(
          `http://${served.address}/queues/api/queues?activeQueue=chat-events&status=${status}&page=1&jobsPerPage=10`,
        );
        const { queues } = (await response.json()) as {
          queues: { name: string; counts: Record<string, number>; jobs: { name: string; data: object }[] }[];
        };
        return queues.find(({ name }) => name === 'chat-events')!;
      };
      const ann = await served.connect(database.userIds[0]!);
      const { room_id } = await acknowledged(ann, 'room.create', { type: 'GroupChat', name: 'g', participants: [] });
      await refused(ann, 4006, 'message.send', { room_id, content: `fail ${SECRET}` });
      await expect.poll(async () => (await look('failed')).counts.failed).toBe(1);
      const failed = await look('failed');
      expect(failed.jobs.map(({ name }) => name)).toEqual(['message.send']);
      expect(JSON.stringify(failed)).not.toContain(SECRET);
      await worker.close();
      const answer = acknowledged(ann, 'message.send', { room_id, content: 'waits' });
      await expect.poll(async () => (await look('waiting')).counts.waiting).toBe(1);
      expect((await look('waiting')).jobs.map(({ name }) => name)).toEqual(['message.send']);
      await served.chat.startWorker();
      await answer;
      await ann.close();
    } finally {
      await queue.close();
      await served.close();
      await worker.close();
      await redis.stop();
      await database.close();
    }
  });
});
