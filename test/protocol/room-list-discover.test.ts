import { describe, expect, test } from 'vitest';
import {
  acknowledged,
  answered,
  createChannel,
  createGroup,
  createOneToOne,
  createRoom,
  expectKeys,
  expectMessage,
  expectUser,
  refused,
  sendMessage,
  uniqueName,
  useStack,
} from '../helpers/chat.js';
import { LIST_ROOM_TYPE_KEYS, type WireListRoom, type WireRoom } from '../helpers/shapes.js';
import { type Chatter, STACK_KINDS } from '../helpers/stack.js';

interface RoomPage {
  rooms: WireListRoom[];
  next_cursor: string | null;
}

describe.each(STACK_KINDS)('room.list on %s', (kind) => {
  const scene = useStack(kind);
  const list = (who: Chatter) => answered<WireListRoom[]>(who, 'room.list', {}, 'roomlist.dispatch');

  test('is empty for somebody new', async () => {
    const [alice] = await scene.strangers(1);
    expect(await list(alice!)).toEqual([]);
    expect(await answered<RoomPage>(alice!, 'room.list', { limit: 5 }, 'roomlist.dispatch')).toEqual({
      rooms: [],
      next_cursor: null,
    });
  });

  test('shows all three types with exactly their keys, newest activity first', async () => {
    const [alice, bob, carol] = await scene.strangers(3);
    const rooms: WireRoom[] = [];
    for (const type of ['OneToOneChat', 'GroupChat', 'Channel'] as const) {
      rooms.push(await createRoom(type, alice!, [bob!]));
    }
    await createGroup(carol!, [bob!]);
    const created = await list(alice!);
    expect(created.map(({ id }) => id)).toEqual(rooms.map(({ id }) => id).reverse());
    for (const room of created) {
      expectKeys(room, LIST_ROOM_TYPE_KEYS[room.type]!);
      expect(room).toMatchObject({ last_message: null, unread_count: 0, last_seq: 0, member_count: 2 });
    }
    const message = await sendMessage(alice!, rooms[0]!, 'wake up', [bob!]);
    const after = await list(bob!);
    expect(after[0]!.id).toBe(rooms[0]!.id);
    expectMessage(after[0]!.last_message!);
    expect(after[0]).toMatchObject({ last_message: message, unread_count: 1, last_seq: 1 });
    expect((await list(alice!))[0]).toMatchObject({ last_message: message, unread_count: 0 });
  });

  test('names the other one of a one-to-one', async () => {
    const [alice, bob] = await scene.strangers(2);
    await createOneToOne(alice!, [bob!]);
    expectUser((await list(alice!))[0]!.peer, bob);
    expectUser((await list(bob!))[0]!.peer, alice);
  });

  test('counts as unread the messages of others since joining', async () => {
    const [alice, bob] = await scene.strangers(2);
    const room = await createGroup(alice!);
    await sendMessage(alice!, room, 'before bob');
    await acknowledged(alice!, 'room.add_members', { room_id: room.id, members: [bob!.user.id] });
    expect((await list(bob!))[0]!.unread_count).toBe(0);
    await bob!.expect('roomaddmembers.dispatch');
    const second = await sendMessage(alice!, room, 'one', [bob!]);
    await sendMessage(alice!, room, 'two', [bob!]);
    expect((await list(bob!))[0]!.unread_count).toBe(2);
    await acknowledged(bob!, 'message.acknowledged', { message_id: second.id });
    expect((await list(bob!))[0]!.unread_count).toBe(2);
    await acknowledged(bob!, 'message.read', { message_id: second.id });
    expect((await list(bob!))[0]!.unread_count).toBe(1);
    await sendMessage(bob!, room, 'answer', [alice!]);
    expect((await list(bob!))[0]!.unread_count).toBe(0);
  });

  test('goes by limit and cursor through every room once', async () => {
    const [alice] = await scene.strangers(1);
    const made: string[] = [];
    for (let n = 0; n < 7; n++) made.unshift((await createGroup(alice!)).id);
    const seen: string[] = [];
    let cursor: string | null | undefined;
    for (let page = 0; cursor !== null; page++) {
      expect(page).toBeLessThan(5);
      const data = { limit: 3, ...(cursor === undefined ? {} : { cursor }) };
      const answer = await answered<RoomPage>(alice!, 'room.list', data, 'roomlist.dispatch');
      expectKeys(answer, ['rooms', 'next_cursor']);
      seen.push(...answer.rooms.map(({ id }) => id));
      cursor = answer.next_cursor;
    }
    expect(seen).toEqual(made);
    for (const data of [
      { limit: 0 },
      { limit: 101 },
      { limit: '3' },
      { limit: 3, cursor: 'nonsense' },
      { nonsense: 1 },
    ]) {
      await refused(alice!, 4003, 'room.list', data);
    }
  });

  test('no longer shows a room that one left', async () => {
    const [alice, bob] = await scene.strangers(2);
    const room = await createGroup(alice!, [bob!]);
    await acknowledged(bob!, 'room.leave', { room_id: room.id });
    expect(await list(bob!)).toEqual([]);
    expect((await list(alice!)).map(({ id }) => id)).toEqual([room.id]);
  });
});

describe.each(STACK_KINDS)('room.discover on %s', (kind) => {
  const scene = useStack(kind);
  const discover = (who: Chatter, data: object) =>
    answered<RoomPage>(who, 'room.discover', data, 'roomdiscover.dispatch');

  test('finds public channels by name, and neither private ones nor groups', async () => {
    const [alice, bob] = await scene.people(2);
    const name = uniqueName('findable');
    const open = await createChannel(alice!, [], { name, extra_fields: { is_public: true } });
    await createChannel(alice!, [], { name });
    await createGroup(alice!, [], { name });
    const found = await discover(bob!, { query: name });
    expectKeys(found, ['rooms', 'next_cursor']);
    expect(found.next_cursor).toBeNull();
    expect(found.rooms.map(({ id }) => id)).toEqual([open.id]);
    expectKeys(found.rooms[0], LIST_ROOM_TYPE_KEYS.Channel!);
    expect(found.rooms[0]).toMatchObject({ type: 'Channel', name, member_count: 1, is_public: true });
    expect((await discover(bob!, { query: uniqueName('nothing') })).rooms).toEqual([]);
  });

  test('does not show strangers what is written there', async () => {
    const [alice, bob] = await scene.people(2);
    const name = uniqueName('quiet');
    const room = await createChannel(alice!, [], { name, extra_fields: { is_public: true } });
    await sendMessage(alice!, room, 'for subscribers');
    const answer = await bob!.request('room.discover', { query: name });
    expect(JSON.stringify(answer)).not.toContain('for subscribers');
  });

  test('takes % and _ as they are', async () => {
    const [alice] = await scene.people(1);
    const name = uniqueName('plain');
    await createChannel(alice!, [], { name, extra_fields: { is_public: true } });
    expect((await discover(alice!, { query: `${name.slice(0, -4)}%` })).rooms).toEqual([]);
    expect((await discover(alice!, { query: name.replace(/.$/, '_') })).rooms).toEqual([]);
    expect((await discover(alice!, { query: "' OR 1=1 --" })).rooms).toEqual([]);
  });

  test('goes by limit and cursor, by name', async () => {
    const [alice] = await scene.people(1);
    const prefix = uniqueName('series');
    const names = ['a', 'b', 'c', 'd', 'e'].map((letter) => `${prefix} ${letter}`);
    for (const name of [...names].reverse()) {
      await createChannel(alice!, [], { name, extra_fields: { is_public: true } });
    }
    const seen: string[] = [];
    let cursor: string | null | undefined;
    for (let page = 0; cursor !== null; page++) {
      expect(page).toBeLessThan(5);
      const found = await discover(alice!, { query: prefix, limit: 2, ...(cursor === undefined ? {} : { cursor }) });
      seen.push(...found.rooms.map(({ name }) => name));
      cursor = found.next_cursor;
    }
    expect(seen).toEqual(names);
  });

  test('works without a query and refuses wrong ones', async () => {
    const [alice] = await scene.people(1);
    await createChannel(alice!, [], { extra_fields: { is_public: true } });
    expect((await discover(alice!, {})).rooms.length).toBeGreaterThan(0);
    for (const data of [{ query: 7 }, { limit: 0 }, { limit: 'x' }, { cursor: 'nonsense' }, { nonsense: 1 }]) {
      await refused(alice!, 4003, 'room.discover', data);
    }
  });
});
