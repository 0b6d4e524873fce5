/** Broadcasts that cannot be replayed: a client is never told that it has all when it has not. */
import { afterEach, expect, test } from 'vitest';
import WebSocket from 'ws';
import { type ChatClient, createChatClient } from '../../src/client/index.js';
import { openTestChat, type TestChat } from '../../src/testing/index.js';
import { inState } from '../client/support.js';

/** How many are kept outside the database; the others are read from there. */
const KEPT = 5;
/** More than two pages of them. */
const MISSED = 450;
const PAGE = 200;

let host: TestChat | undefined;
let client: ChatClient | undefined;
/** Called before each page that is read from the database, with the number of its first broadcast. */
let beforePage: (after: number) => Promise<void>;

afterEach(async () => {
  client?.close();
  await host?.close();
  host = client = undefined;
});

/** A room of ann and ben with more broadcasts than the short history holds. */
async function openRoom() {
  beforePage = async () => {};
  host = await openTestChat((sequelize) => {
    const query = sequelize.query.bind(sequelize) as (sql: unknown, options?: object) => Promise<unknown>;
    const watched = async (sql: unknown, options?: { replacements?: unknown }) => {
      if (/^SELECT envelope FROM \S+\s+WHERE room_id/.test(String(sql))) {
        await beforePage((options!.replacements as [string, number])[1]);
      }
      return query(sql, options);
    };
    Object.assign(sequelize, { query: watched });
    return { redisHistorySize: KEPT };
  });
  const { ann, ben } = host.people;
  const roomId = await host.group(ann, ben);
  const send = (content: string) =>
    host!.chat.as(ann).send('message.send', { room_id: roomId, content }) as Promise<unknown>;
  return { roomId, ben, send, more: () => Promise.all(Array.from({ length: MISSED }, (_, n) => send(`missed ${n}`))) };
}

/** What a database says that is gone for a moment. */
const failing = () => Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }));

test('a resume whose replay breaks off is answered with 4503, in its place, and the next one gives the rest', async () => {
  const { roomId, ben, more } = await openRoom();
  await more();
  const device = await host!.connect(ben);
  const from = 1;
  beforePage = async (after) => {
    if (after > from) await failing();
  };
  device.send('session.resume', { rooms: { [roomId]: from } }, 'broken');
  device.send('room.info', { room_id: roomId }, 'behind it');
  const offsets: number[] = [];
  let answer = await device.next();
  for (; answer.id === undefined; answer = await device.next()) offsets.push(answer.offset!);
  expect(offsets).toEqual(Array.from({ length: PAGE }, (_, n) => from + 1 + n));
  expect(answer).toEqual({
    error: { code: 4503, detail: 'The service is unavailable right now. Try again.' },
    id: 'broken',
  });
  expect(await device.next()).toMatchObject({ eventType: 'roominfo.dispatch', id: 'behind it' });
  expect(host!.log).toContainEqual(expect.objectContaining({ message: expect.stringContaining('Replaying') }));

  beforePage = async () => {};
  const last = MISSED + 1;
  device.send('session.resume', { rooms: { [roomId]: offsets.at(-1)! } }, 'again');
  const rest: number[] = [];
  for (answer = await device.next(); answer.id === undefined; answer = await device.next()) rest.push(answer.offset!);
  expect(answer).toMatchObject({ id: 'again', data: { rooms: { [roomId]: { recovered: true, offset: last } } } });
  expect([...offsets, ...rest]).toEqual(Array.from({ length: MISSED }, (_, n) => n + 2));
});

/** Our client, at its first broadcast and then cut off while it misses the others; and what it is told. */
async function clientThatMissed() {
  const { roomId, ben, send, more } = await openRoom();
  const sockets: WebSocket[] = [];
  let isAway = false;
  class Watched extends WebSocket {
    constructor(url: string, ...more: [string[]]) {
      super(isAway ? 'ws://127.0.0.1:1' : url, ...more);
      sockets.push(this);
    }
  }
  client = createChatClient({
    url: host!.urlOf(ben),
    WebSocket: Watched,
    reconnectDelay: 20,
    maxReconnectDelay: 100,
    acknowledge: false,
  });
  const told: Array<number | 'reload'> = [];
  client.on('*', ({ offset }) => void (offset !== undefined && told.push(offset)));
  client.on('reload', (reload) => {
    expect(reload).toEqual({ room_id: roomId, code: undefined });
    told.push('reload');
  });
  await inState(client, 'online');
  await send('seen');
  await expect.poll(() => told).toEqual([2]);
  isAway = true;
  for (const socket of sockets) socket.terminate();
  await inState(client, 'reconnecting');
  await more();
  return {
    told,
    send,
    /** Where the room stands. */
    last: 2 + MISSED,
    comeBack() {
      isAway = false;
    },
  };
}

test('our client has everything, once and in order, though replays failed time and again', async () => {
  const { told, send, last, comeBack } = await clientThatMissed();
  let failures = 0;
  beforePage = async (after) => {
    // At the first page, at one in the middle, and then not.
    if (failures < 2 || (failures < 5 && after > 2)) {
      failures += 1;
      await failing();
    }
  };
  comeBack();
  await inState(client!, 'online');
  await expect.poll(() => told.length, { timeout: 20_000 }).toBe(last - 1);
  expect(failures).toBe(5);
  await send('live');
  await expect.poll(() => told.at(-1), { timeout: 20_000 }).toBe(last + 1);
  expect(told).toEqual(Array.from({ length: last }, (_, n) => n + 2));
});

test('our client is told to load the room anew when what it missed is gone while it is replayed', async () => {
  const { told, send, last, comeBack } = await clientThatMissed();
  // In the middle of a page, after it was found that all are kept.
  const gone = 2 + PAGE + 50;
  beforePage = async () => {
    await host!.chat.models.Outcome.destroy({ where: { room_offset: gone } });
  };
  comeBack();
  await inState(client!, 'online');
  await send('live');
  await expect.poll(() => told.at(-1), { timeout: 20_000 }).toBe(last + 1);
  // All up to the hole, and nothing behind it before it knows that there is one.
  const upTo = Array.from({ length: gone - 3 }, (_, n) => n + 3);
  expect(told).toEqual([2, ...upTo, 'reload', last + 1]);
});
