/** Typing and messages on Redis and MariaDB: neither waits for the other, whatever of the other hangs. */
import { createConnection } from 'mysql2/promise';
import { Sequelize } from 'sequelize';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createLogger, transports } from 'winston';
import { ChatMessagingConsumer, EventHandler } from '../../src/index.js';
import { LOSSY_CONCURRENCY } from '../../src/queue/queue.js';
import type { ChatSettings } from '../../src/settings/settings.js';
import { Spy } from '../../src/testing/index.js';
import { acknowledged } from '../helpers/chat.js';
import { until } from '../helpers/processes.js';
import { startRedis, type TestRedis } from '../helpers/services.js';
import { openDatabase, type TestDatabase } from './runtimes.js';
import { type ServedChat, serveChat } from './served.js';

const CONCURRENCY = 4;
/** Connections of the worker to MariaDB: fewer than events that run at once. */
const POOL = 3;

let redis: TestRedis;
let database: TestDatabase;
let served: ServedChat;
let ann: number;
let ben: number;
let cleo: number;

/** Where overrides wait, and who has come there. */
let gate: { open(): void; readonly opened: Promise<void>; readonly waiting: Spy<void> };
const wait = async () => {
  gate.waiting.call();
  await gate.opened;
};

beforeAll(async () => {
  redis = await startRedis();
  database = await openDatabase('MariaDB', 3);
  [ann, ben, cleo] = database.userIds as [number, number, number];
});
afterAll(async () => {
  await redis?.stop();
  await database?.close();
});
afterEach(async () => {
  gate?.open();
  await served?.close();
});

async function serve(settings: ChatSettings): Promise<void> {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  gate = { open: () => open(), opened, waiting: new Spy() };
  served = await serveChat({
    database: new Sequelize(database.url!, { logging: false, pool: { max: POOL } }),
    redis: redis.url,
    concurrency: CONCURRENCY,
    // What hangs under the lock of a room is given up after a third of it: not within a test.
    handlerTimeout: 300,
    logger: createLogger({ silent: true, transports: [new transports.Console()] }),
    ...settings,
  });
}

/** Rooms of ann and ben. */
async function rooms(count: number): Promise<string[]> {
  const client = await served.connect(ann);
  const made: string[] = [];
  for (let number = 0; number < count; number++) {
    const data = { type: 'GroupChat', name: 'group', participants: [ben] };
    made.push((await acknowledged(client, 'room.create', data)).room_id!);
  }
  await client.close();
  return made;
}

/** Typing of ann reaches ben, with an id and without, and nothing else reaches anybody. */
async function expectTyping(room_id: string, [typist, watcher]: Awaited<ReturnType<typeof connectAll>>) {
  for (let number = 0; number < 2; number++) {
    typist.send('message.typing', { room_id });
    for (const client of [typist, watcher])
      expect(await client.next()).toMatchObject({ eventType: 'messagetyping.dispatch', room_id });
  }
  await acknowledged(typist, 'message.typing', { room_id });
  await watcher.expect('messagetyping.dispatch');
  expect(watcher.pending).toEqual([]);
}

const connectAll = () => Promise.all([served.connect(ann), served.connect(ben), served.connect(cleo)]);

class HoldingHandler extends EventHandler {
  override async _createMessage(...args: Parameters<EventHandler['_createMessage']>) {
    await wait();
    return super._createMessage(...args);
  }
}

class HoldingMessages extends ChatMessagingConsumer {
  override async receiveMessageSend(data: Parameters<ChatMessagingConsumer['receiveMessageSend']>[0]) {
    await wait();
    await super.receiveMessageSend(data);
  }
}

class HoldingTyping extends ChatMessagingConsumer {
  override async receiveMessageTyping(data: Parameters<ChatMessagingConsumer['receiveMessageTyping']>[0]) {
    await wait();
    await super.receiveMessageTyping(data);
  }
}

describe('typing', () => {
  it.each([
    ['in a handler, on all places of the worker', { consumerClass: HoldingMessages }, CONCURRENCY],
    ['in transactions, on all that there may be at once', { eventHandlerClass: HoldingHandler }, POOL - 1],
  ])('is shown at once while messages hang %s', async (_title, settings, hanging) => {
    await serve(settings);
    const [first, ...others] = (await rooms(CONCURRENCY * 2)) as [string, ...string[]];
    const all = await connectAll();
    const [typist, watcher, stranger] = all;
    const senders = await Promise.all([first, ...others].map(() => served.connect(ann)));
    const sending = [first, ...others].map((room_id, index) =>
      senders[index]!.request('message.send', { room_id, content: 'hangs' }),
    );
    let answered = 0;
    for (const one of sending) void one.then(() => answered++);
    for (let number = 0; number < hanging; number++) await gate.waiting.next();
    await expectTyping(first, all);
    expect([answered, gate.waiting.calls.length]).toEqual([0, hanging]);
    gate.open();
    for (const one of sending) expect((await one).eventType).toBe('event.ack');
    for (let number = 0; number < sending.length; number++) await watcher.expect('message.dispatch');
    await stranger.silence();
    expect(typist.pending.filter(({ eventType }) => eventType === 'messagetyping.dispatch')).toHaveLength(1);
  });

  it('is shown at once while messages wait for rooms that somebody else has locked in the database', async () => {
    await serve({});
    const [first, ...others] = (await rooms(CONCURRENCY * 2)) as [string, ...string[]];
    const all = await connectAll();
    const [, watcher, stranger] = all;
    const senders = await Promise.all([first, ...others].map(() => served.connect(ann)));
    const locker = await createConnection(database.url!);
    try {
      await locker.query('START TRANSACTION');
      await locker.query('SELECT id FROM chat_rooms FOR UPDATE');
      let answered = 0;
      const send = async (room_id: string, index: number) => {
        const answer = await senders[index]!.request('message.send', { room_id, content: 'hangs' });
        answered++;
        return answer;
      };
      const untilWaiting = (transactions: number) =>
        until(`${transactions} transactions wait for a room`, async () => {
          const [{ count }] = (await database.query<{ count: number }>(
            "SELECT COUNT(*) count FROM information_schema.PROCESSLIST WHERE db = DATABASE() AND info LIKE '%FOR UPDATE' AND command = 'Query'",
          )) as [{ count: number }];
          expect(Number(count)).toBe(transactions);
        });
      // By itself: all that come at once may share one transaction, which would leave the others free.
      const sending = [send(first, 0)];
      await untilWaiting(1);
      sending.push(...others.map((room_id, index) => send(room_id, index + 1)));
      await untilWaiting(POOL - 1);
      await expectTyping(first, all);
      expect(answered).toBe(0);
      await locker.query('ROLLBACK');
      for (const one of sending) expect((await one).eventType).toBe('event.ack');
      for (let number = 0; number < sending.length; number++) await watcher.expect('message.dispatch');
      await stranger.silence();
    } finally {
      locker.destroy();
    }
  });
});

it('messages are sent at once while a storm of typing hangs on all places that it has', async () => {
  await serve({ consumerClass: HoldingTyping });
  const [room_id] = (await rooms(1)) as [string];
  const [sender, watcher, stranger] = await connectAll();
  const typists = await Promise.all(Array.from({ length: LOSSY_CONCURRENCY + 3 }, () => served.connect(ann)));
  const typing = typists.map((typist) => typist.request('message.typing', { room_id }));
  for (let number = 0; number < LOSSY_CONCURRENCY; number++) await gate.waiting.next();
  for (const typist of typists) for (let number = 0; number < 20; number++) typist.send('message.typing', { room_id });
  for (let number = 1; number <= CONCURRENCY * 3; number++) {
    const { seq } = await acknowledged(sender, 'message.send', { room_id, content: `message ${number}` });
    expect(seq).toBe(number);
    expect(await watcher.next()).toMatchObject({ eventType: 'message.dispatch', data: { seq: number } });
  }
  expect(gate.waiting.calls).toHaveLength(LOSSY_CONCURRENCY);
  gate.open();
  for (const one of typing) expect((await one).eventType).toBe('event.ack');
  await watcher.expect('messagetyping.dispatch');
  await stranger.silence();
});
