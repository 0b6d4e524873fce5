/** Still more of forty at once, on MariaDB, two gateways and two workers: repeats, two rooms in one event, rooms that end. */
import { expect, it } from 'vitest';
import { acknowledged, answered, createGroup, sendMessage } from '../helpers/chat.js';
import type { WireAck, WireError } from '../helpers/shapes.js';
import type { Chatter } from '../helpers/stack.js';
import { FrameLog, upTo } from './crowd.js';
import { CROWD, useForty } from './forty.js';

// A server of its own, whose deadlocks are those of this file.
const scene = useForty({ ownServices: true });

const codeOf = (answer: { error?: unknown }) => (answer.error as WireError | undefined)?.code ?? 0;

it('makes one message of one client_id that forty devices send, and none of it for somebody else', async () => {
  const [ann, ben] = await scene.crowd.people(2);
  const devices = await scene.connectAll(Array.from({ length: CROWD }, () => ann!));
  const other = await scene.crowd.stack.connect(ben!, 1);
  const room = await createGroup(devices[0]!, [other, ...devices.slice(1)]);
  const log = new FrameLog(other);
  const data = { room_id: room.id, content: 'once', client_id: 'of ann' };
  const sending = devices.map((device) => acknowledged(device, 'message.send', data));
  const bens = acknowledged(other, 'message.send', { ...data, content: 'of ben' });
  const [first, ...more] = await Promise.all(sending);
  for (const ack of more) expect(ack).toEqual(first);
  expect((await bens).message_id).not.toBe(first!.message_id);
  await log.reach(room.id, 3);
  log.expectUnbroken(room.id);
  expect(
    log
      .of(room.id)
      .map(({ data: { content } }) => content)
      .toSorted(),
  ).toEqual(['of ben', 'once']);
  await Promise.all([other, ...devices].map((client) => client.request('session.heartbeat', {})));
  expect(log.of(room.id)).toHaveLength(2);
  expect(await scene.crowd.checkRoom(room.id)).toHaveLength(2);
});

it('refuses nobody where forty name the same rooms, half of them in the other order', async () => {
  const [ann] = await scene.crowd.chatters(1);
  const people = await scene.connectAll(scene.everybody);
  const rooms = await Promise.all([1, 2, 3].map(() => createGroup(ann!, scene.everybody)));
  const messages = await Promise.all(rooms.map((room, index) => sendMessage(ann!, room, `read me ${index}`)));
  const ids = messages.map(({ id }) => id);
  const before = (await scene.crowd.query<{ Value: string }>("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'"))[0]?.Value;
  const answers = await Promise.all(
    people.flatMap((client, index) => {
      const message_id = index % 2 ? ids : ids.toReversed();
      return [
        client.request<WireAck>('message.acknowledged', { message_id }),
        client.request<WireAck>('message.read', { message_id: message_id.toReversed() }),
        client.request<WireAck>('message.send', { room_id: rooms[index % 3]!.id, content: `beside ${index}` }),
      ];
    }),
  );
  expect(answers.map(codeOf)).toEqual(answers.map(() => 0));
  for (const [index, room] of rooms.entries()) {
    expect(
      await scene.crowd.query('SELECT delivered_count, read_count FROM chat_messages WHERE id = ?', [ids[index]]),
    ).toEqual([{ delivered_count: CROWD, read_count: CROWD }]);
    await scene.crowd.checkRoom(room.id);
  }
  // Locks are taken in one order: the database had nobody to choose.
  const after = (await scene.crowd.query<{ Value: string }>("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'"))[0]?.Value;
  expect(after).toBe(before);
});

it('keeps nothing of a room that is deleted while forty send to it, and tells nobody of it afterwards', async () => {
  const [creator] = await scene.crowd.chatters(1);
  const people = await scene.connectAll(scene.everybody);
  const room = await createGroup(creator!, people);
  const logs = [creator!, ...people].map((client) => new FrameLog(client));
  const sending = people.map(async (client, index) => {
    for (let number = 0; ; number++) {
      const data = { room_id: room.id, content: `${index} ${number}` };
      const answer = await client.request<WireAck>('message.send', data);
      if (answer.error) return codeOf(answer);
    }
  });
  await Promise.all(people.map((client) => client.expect('message.dispatch')));
  await acknowledged(creator!, 'room.modify', { room_id: room.id, action: 'delete', data: {} });
  // Gone, or not theirs any more: which of the two is said is the guard's.
  for (const code of await Promise.all(sending)) expect([4002, 4004]).toContain(code);
  await Promise.all([creator!, ...people].map((client) => client.request('session.heartbeat', {})));
  const last = logs[0]!.of(room.id).at(-1)!;
  expect(last.eventType).toBe('roomdelete.dispatch');
  for (const log of logs) {
    log.expectUnbroken(room.id);
    expect(log.of(room.id).at(-1)).toMatchObject({ eventType: 'roomdelete.dispatch', offset: last.offset });
  }
  for (const table of ['chat_messages', 'chat_room_members', 'chat_group_chats', 'chat_room_permissions']) {
    expect(await scene.crowd.query(`SELECT room_id FROM ${table} WHERE room_id = ?`, [room.id]), table).toEqual([]);
  }
  const outcomes = await scene.crowd.query<{ room_offset: number }>(
    'SELECT room_offset FROM chat_outcomes WHERE room_id = ? ORDER BY room_offset',
    [room.id],
  );
  expect(outcomes.map(({ room_offset }) => Number(room_offset))).toEqual(upTo(last.offset!));
});

it('misses nothing on a device that comes and goes and resumes, while forty send', async () => {
  const people = await scene.connectAll(scene.everybody);
  const [creator, ...others] = people as [Chatter, ...Chatter[]];
  const room = await createGroup(creator, others);
  const each = 10;
  let isOver = false;
  const sending = Promise.all(
    people.map(async (client, index) => {
      for (const number of upTo(each)) {
        await acknowledged(client, 'message.send', { room_id: room.id, content: `${index} ${number}` });
      }
    }),
  ).finally(() => {
    isOver = true;
  });
  const seen: string[] = [];
  let last = 1;
  for (let isLast = false; !isLast; ) {
    isLast = isOver;
    const device = await scene.crowd.stack.connect(creator, seen.length);
    const log = new FrameLog(device);
    type Resumed = { rooms: Record<string, { recovered: boolean; offset: number }> };
    const resumed = await answered<Resumed>(
      device,
      'session.resume',
      { rooms: { [room.id]: last } },
      'session.resumed',
    );
    const { recovered, offset } = resumed.rooms[room.id]!;
    expect(recovered).toBe(true);
    expect(offset).toBeGreaterThanOrEqual(last);
    // What was sent to the device before it had resumed is replayed in its place.
    const frames = new Map(log.of(room.id).map((frame) => [frame.offset!, frame]));
    for (let frame = frames.get(last + 1); frame; frame = frames.get(last + 1)) {
      last = frame.offset!;
      seen.push(frame.data.content);
    }
    expect(last).toBeGreaterThanOrEqual(offset);
    expect(last).toBe(Math.max(last, ...frames.keys()));
    await device.close();
  }
  await sending;
  expect(seen).toEqual((await scene.crowd.checkRoom(room.id)).map(({ content }) => content));
});
