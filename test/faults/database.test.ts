/** A database that is killed, read-only, locked, in deadlock, or has no connection left. */
import { Redis } from 'ioredis';
import { type Connection, createConnection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { TestClient, TestFrame } from '../../src/testing/client.js';
import { acknowledged, answered, createGroup } from '../helpers/chat.js';
import { until } from '../helpers/processes.js';
import type { WireAck, WireError } from '../helpers/shapes.js';
import type { Chatter } from '../helpers/stack.js';
import { lockMessages } from '../soak/faults.js';
import { startLoad } from '../system/crowd.js';
import { FaultScene } from './scene.js';

let scene: FaultScene;
let locker: Connection;
let redis: Redis;
let ann: Chatter;
let ben: Chatter;
let room: string;
let other: string;

beforeAll(async () => {
  scene = await FaultScene.start({ ownServices: true });
  redis = new Redis(scene.stack.redis!.url);
});
afterAll(() => {
  redis?.disconnect();
  return scene?.close();
});
beforeEach(async () => {
  locker = await createConnection(scene.stack.mariaDb!.url);
  locker.on('error', () => {});
  await scene.gather(3, 2);
  [ann, ben] = scene.senders as [Chatter, Chatter];
  [room, other] = scene.rooms as [string, string];
});
afterEach(async () => {
  locker.destroy();
  await scene.mend();
});

const sendOnce = (sender: TestClient, content: string, room_id = room) =>
  sender.request<WireAck>('message.send', { room_id, content, client_id: content });
const codeOf = (error: unknown) => (error as WireError | undefined)?.code;

/** Sends as clients do: told 4503, again with the same client_id. */
const send = (sender: TestClient, content: string, room_id = room) =>
  until('the send is taken', async () => {
    const { data, error } = await sendOnce(sender, content, room_id);
    if (!error) return data;
    expect(codeOf(error)).toBe(4503);
    throw new Error('4503');
  });

const contents = async (room_id = room) => (await scene.crowd.checkRoom(room_id)).map(({ content }) => content);

/** Connections of the example to its database that the writes of a worker may have: all of its pool but one. */
const writing = 19;

const waitingForLock = async () => {
  const running = await scene.crowd.running();
  return running.filter(({ Info }) => /FOR UPDATE|^UPDATE/.test(Info ?? '')).length;
};

const isWaiting = (count = 1) =>
  until('workers wait for a lock', async () => expect(await waitingForLock()).toBeGreaterThanOrEqual(count));

const areTaken = () =>
  until('workers have taken all jobs', async () => expect(await redis.llen('chat:chat-events:wait')).toBe(0));

it('that is killed under load and comes back costs a pause or 4503, and no message is half or twice there', async () => {
  const load = startLoad(scene.senders, scene.rooms);
  await load.more(10);
  await scene.stack.mariaDb!.kill();
  const refused = await until('somebody is refused', async () => {
    const found = load.sent.find(({ error }) => error);
    if (!found) throw new Error('nobody is');
    return found;
  });
  expect(codeOf(refused.error)).toBe(4503);
  await scene.stack.mariaDb!.restart();
  await scene.crowd.reconnect();
  const back = performance.now();
  await send(ann, 'first after it');
  expect(performance.now() - back).toBeLessThan(5000);
  await load.more(3);
  const sent = await load.stop();
  // An event that needs its database is answered late, or not at all: never in part.
  await scene.check(sent, { refusals: [4503] });
  for (const { socket } of scene.senders) expect(socket.readyState).toBe(1);
});

it('that is read-only answers 4503 to writes and serves reads', async () => {
  const admin = await createConnection(scene.stack.mariaDb!.url);
  await admin.query("CREATE USER IF NOT EXISTS 'admin'@'%' IDENTIFIED BY 'admin'");
  await admin.query("GRANT ALL PRIVILEGES ON *.* TO 'admin'@'%' WITH GRANT OPTION");
  await admin.end();
  const url = new URL(scene.stack.mariaDb!.url);
  const over = await createConnection({ host: url.hostname, port: Number(url.port), user: 'admin', password: 'admin' });
  try {
    await acknowledged(ann, 'message.send', { room_id: room, content: 'before' });
    await over.query("REVOKE READ ONLY ADMIN, SUPER ON *.* FROM 'chat'@'%'");
    // Connections keep the rights they came with.
    await over.query('SET GLOBAL read_only = 1');
    const ids = (await over.query("SELECT id FROM information_schema.processlist WHERE user = 'chat'"))[0] as {
      id: number;
    }[];
    for (const { id } of ids) await over.query(`KILL ${id}`).catch(() => {});
    await until('writes are refused', async () => {
      expect(codeOf((await sendOnce(ann, 'refused')).error)).toBe(4503);
    });
    const { data, error } = await ann.request<{ data: { messages: { content: string }[] } }>('room.messages', {
      room_id: room,
    });
    expect(error).toBeUndefined();
    expect(data.data.messages.map(({ content }) => content)).toEqual(['before']);
  } finally {
    await over.query('SET GLOBAL read_only = 0');
    await over.end();
  }
  await scene.crowd.reconnect();
  await send(ann, 'after');
  expect(await contents()).toEqual(['before', 'after']);
  await scene.check();
});

it('that makes a write the victim of a deadlock costs nothing but a second try', async () => {
  // A transaction that has changed much is not the one that is rolled back.
  await locker.query('CREATE TABLE IF NOT EXISTS ballast (id INT PRIMARY KEY AUTO_INCREMENT, text VARCHAR(20))');
  await locker.beginTransaction();
  await locker.query(`INSERT INTO ballast (text) VALUES ${Array(500).fill("('heavy')").join(',')}`);
  await locker.query('SELECT user_id FROM chat_room_members WHERE room_id = ? AND user_id = ? FOR UPDATE', [
    room,
    ann.user.id,
  ]);
  const answer = acknowledged(ann, 'message.send', { room_id: room, content: 'victim' });
  await isWaiting();
  // The send holds the room and waits for the member; this has the member and wants the room.
  await locker.query('SELECT id FROM chat_rooms WHERE id = ? FOR UPDATE', [room]);
  await locker.commit();
  expect(await answer).toMatchObject({ seq: 1 });
  expect(await contents()).toEqual(['victim']);
  await scene.check();
});

it('whose row somebody holds makes its room wait, and no other', async () => {
  await locker.beginTransaction();
  await locker.query('SELECT id FROM chat_rooms WHERE id = ? FOR UPDATE', [room]);
  const held = performance.now();
  const waiting = acknowledged(ann, 'message.send', { room_id: room, content: 'waits' });
  await isWaiting();
  for (let number = 0; performance.now() - held < 6000; number++) {
    const at = performance.now();
    await acknowledged(ben, 'message.send', { room_id: other, content: `elsewhere ${number}` });
    expect(performance.now() - at).toBeLessThan(3500);
  }
  await locker.rollback();
  expect(await waiting).toMatchObject({ seq: 1 });
  expect(await contents()).toEqual(['waits']);
  await scene.check();
});

it('whose table of messages is locked makes sends wait, and all of them are done when it is not any more', async () => {
  const load = startLoad(scene.senders, scene.rooms);
  try {
    await load.more(5);
    await lockMessages(locker);
    const { length } = load.sent;
    await until('a send waits for the table', async () => {
      const running = await scene.crowd.running();
      expect(running.map(({ State }) => State)).toContain('Waiting for table metadata lock');
    });
    // On another connection than one that sends: what needs no messages goes on.
    await answered(scene.devices[1]!.client, 'room.info', { room_id: room }, 'roominfo.dispatch');
    // At most those that were on their way to their sender.
    expect(load.sent.length - length).toBeLessThanOrEqual(scene.senders.length);
    await locker.query('UNLOCK TABLES');
    await load.more(5);
  } finally {
    await locker.query('UNLOCK TABLES');
    await load.stop();
  }
  for (const { took } of load.sent) expect(took).toBeLessThan(10_000);
  await scene.check(load.sent);
});

it('that has no connection left to write answers 4503 or late, nothing is half there, and what only reads is answered', async () => {
  // Rooms held by somebody else, until both workers have no connection left to write: who takes how many jobs is chance.
  const rooms: string[] = [];
  for (let made = 0; made < 120; made++) rooms.push((await createGroup(ann, [])).id);
  await locker.beginTransaction();
  await locker.query('SELECT id FROM chat_rooms WHERE id IN (?) FOR UPDATE', [rooms]);
  const devices = await Promise.all(
    rooms.map((_, index) => scene.stack.open({ token: ann.token, gatewayIndex: index, timeout: 60_000 })),
  );
  await Promise.all(devices.map((device) => device.expect('chat.notifications')));
  const renamed: Array<Promise<TestFrame>> = [];
  while ((await waitingForLock()) < writing * 2) {
    expect(renamed.length, 'renames sent').toBeLessThan(rooms.length);
    for (const room_id of rooms.slice(renamed.length, renamed.length + 10)) {
      const rename = { room_id, action: 'update', data: { name: 'renamed' } };
      renamed.push(devices[renamed.length]!.request('room.modify', rename));
    }
    await areTaken();
  }
  const late = await sendOnce(ann, 'no connection', other).catch(() => undefined);
  const refused = ben.request<WireAck>('message.send', { room_id: other, content: 'no connection either' });
  // What only reads is answered: a connection is left for it.
  await answered(scene.devices[1]!.client, 'room.info', { room_id: room }, 'roominfo.dispatch');
  await locker.rollback();
  if (late?.error) expect(codeOf(late.error)).toBe(4503);
  const answers = await Promise.all([...renamed, refused]);
  for (const { error } of answers) if (error) expect(codeOf(error)).toBe(4503);
  for (const [index, id] of rooms.slice(0, renamed.length).entries()) {
    const [group] = await scene.crowd.query<{ name: string }>('SELECT name FROM chat_group_chats WHERE room_id = ?', [
      id,
    ]);
    expect(group?.name === 'renamed').toBe(answers[index]!.error === undefined);
  }
  await send(ann, 'after');
  await scene.check();
});
