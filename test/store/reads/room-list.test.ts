import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ValidationError } from '../../../src/protocol/errors.js';
import type { OneToOneChatListShape, RoomListShape } from '../../../src/protocol/shapes.js';
import { createSerializers, GroupChatListSerializer } from '../../../src/serializers/index.js';
import { serializeMessages } from '../../../src/store/reads/messages.js';
import { discoverRooms, listRooms, listRoomsText } from '../../../src/store/reads/room-list.js';
import { at, databases, type Fixture, openFixture } from './fixture.js';

describe.each(databases)('lists of rooms read from %s', (kind) => {
  let chat: Fixture;
  let alice: { id: number; username: string };
  let bob: { id: number; username: string };

  beforeAll(async () => {
    chat = await openFixture(kind);
  });
  beforeEach(async () => {
    alice = await chat.user();
    bob = await chat.user();
  });
  afterAll(() => chat.close());

  /** Somebody with a room of each type, and a message in each. */
  async function withRooms(): Promise<typeof alice> {
    const user = await chat.user();
    for (const type of ['GroupChat', 'Channel', 'OneToOneChat']) {
      await chat.messages(await chat.room(type, [bob, user]), bob, 2);
    }
    return user;
  }

  const list = async (user = alice) => (await listRooms(chat.context, user.id)).rooms;

  it('shows each type as it is in a list', async () => {
    const group = await chat.room('GroupChat', [alice, bob], { name: 'G' }, { last_activity_at: at(1) });
    const channel = await chat.room('Channel', [bob, alice], { name: 'C' }, { last_activity_at: at(3) });
    const pair = await chat.room('OneToOneChat', [alice, bob], {}, { last_activity_at: at(2) });
    await chat.room('GroupChat', [bob]);
    const shape = (user: typeof alice) => expect.objectContaining({ id: user.id, username: user.username });
    const common = {
      created_at: '2026-01-01T00:00:00.000Z',
      updated_at: '2026-01-01T00:00:00.000Z',
      last_seq: 0,
      member_count: 2,
      last_message: null,
      unread_count: 0,
    };
    const named = { description: '', avatar: null };
    const ofGroup = { max_participants: 100, join_approval_required: false, group_locked: false };
    expect(await list()).toEqual([
      {
        type: 'Channel',
        id: channel,
        ...common,
        ...named,
        name: 'C',
        creator: shape(bob),
        max_subscribers: 300,
        is_public: false,
      },
      { type: 'OneToOneChat', id: pair, ...common, peer: shape(bob) },
      { type: 'GroupChat', id: group, ...common, ...named, name: 'G', creator: shape(alice), ...ofGroup },
    ]);
    expect(((await list(bob)).find(({ id }) => id === pair) as OneToOneChatListShape).peer).toEqual(shape(alice));
  });

  it.each([0, 5000])(
    'counts messages of others that were not read or deleted, since joining, above %i',
    async (base) => {
      const room = await chat.room('GroupChat', [alice, bob]);
      await chat.messages(room, bob, 10, base + 1);
      await chat.message(room, alice, { seq: base + 11 });
      await chat.messages(room, bob, 4, base + 12);
      const unread = async () => (await list())[0]!.unread_count;
      const where = { room_id: room, user_id: alice.id };
      expect(await unread()).toBe(14);
      await chat.models.RoomMember.update({ joined_seq: base + 5 }, { where });
      expect(await unread()).toBe(9);
      await chat.models.RoomMember.update({ read_seq: base + 10 }, { where });
      expect(await unread()).toBe(4);
      await chat.models.Message.update({ is_deleted: true }, { where: { room_id: room, seq: base + 13 } });
      await chat.models.Message.destroy({ where: { room_id: room, seq: base + 14 } });
      expect(await unread()).toBe(2);
    },
  );

  it('shows as last message the newest that is left', async () => {
    const room = await chat.room('GroupChat', [alice, bob]);
    const ids = await chat.messages(room, bob, 4);
    await chat.reacted(ids[1]!, alice, '👍');
    await chat.models.Message.destroy({ where: { id: ids[3]! } });
    await chat.models.Message.update({ is_deleted: true }, { where: { id: ids[2]! } });
    const [expected] = await serializeMessages(chat.context, [ids[1]!]);
    expect((await list())[0]!.last_message).toEqual(expected);
    expect(expected!.reaction_counts).toEqual({ '👍': 1 });
  });

  it('gives pages of newest activity, rooms active in the same millisecond included', async () => {
    const rooms: string[] = [];
    for (let index = 0; index < 7; index++) {
      const activity = at(1000 + (index >> 1));
      rooms.unshift(await chat.room('GroupChat', [alice], {}, { last_activity_at: activity }));
    }
    expect((await list()).map(({ id }) => id)).toEqual(rooms);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await listRooms(chat.context, alice.id, { limit: 3, cursor });
      expect(page.rooms.length).toBeLessThanOrEqual(3);
      seen.push(...page.rooms.map(({ id }) => id));
      cursor = page.next_cursor ?? undefined;
    } while (cursor);
    expect(seen).toEqual(rooms);
    const whole = await listRooms(chat.context, alice.id, { limit: 7 });
    expect([whole.rooms.length, whole.next_cursor]).toEqual([7, null]);
  });

  it('gives fewer rooms and a cursor when they pass the bytes of an answer', async () => {
    for (let index = 0; index < 6; index++) await chat.room('GroupChat', [alice], { description: 'x'.repeat(1000) });
    const tight = chat.with({ maxBufferedBytes: 5000 });
    const first = await listRooms(tight, alice.id, { limit: 5 });
    expect(first.rooms.length).toBeLessThan(5);
    const next = await listRooms(tight, alice.id, { limit: 5, cursor: first.next_cursor! });
    const all = (await list()).map(({ id }) => id);
    expect([...first.rooms, ...next.rooms].map(({ id }) => id)).toEqual(
      all.slice(0, first.rooms.length + next.rooms.length),
    );
    expect((await listRooms(chat.with({ maxBufferedBytes: 1000 }), alice.id)).rooms.length).toBeLessThan(6);
  });

  it('is the same as a text', async () => {
    const user = await withRooms();
    expect(JSON.parse(await listRoomsText(chat.context, user.id, {}))).toEqual(await list(user));
    const first = await listRooms(chat.context, user.id, { limit: 2 });
    expect(JSON.parse(await listRoomsText(chat.context, user.id, { limit: 2 }))).toEqual(first);
    const next = { cursor: first.next_cursor! };
    const rest = await listRooms(chat.context, user.id, next);
    expect([rest.rooms.length, rest.next_cursor]).toEqual([1, null]);
    expect(JSON.parse(await listRoomsText(chat.context, user.id, next))).toEqual(rest);
  });

  it('shows the newest message left where the last ones were deleted', async () => {
    const user = await chat.user();
    const rooms = [await chat.room('GroupChat', [user, bob]), await chat.room('Channel', [user, bob])];
    for (const room of rooms) {
      const ids = await chat.messages(room, bob, 4);
      await chat.models.Message.destroy({ where: { id: ids[3]! } });
      await chat.models.Message.update({ is_deleted: true }, { where: { id: ids[2]! } });
    }
    const empty = await chat.room('GroupChat', [user]);
    const [gone] = await chat.messages(empty, bob, 1);
    await chat.models.Message.destroy({ where: { id: gone! } });
    const shown = await list(user);
    expect(shown.map(({ id, last_message }) => [id, last_message?.seq])).toEqual([
      [empty, undefined],
      [rooms[1], 2],
      [rooms[0], 2],
    ]);
  });

  it('is the same where rooms are instances of models', async () => {
    class Own extends GroupChatListSerializer {}
    const context = {
      ...chat.context,
      serializers: createSerializers(chat.context.settings, { GroupChatListSerializer: Own }),
    };
    const user = await withRooms();
    expect((await listRooms(context, user.id)).rooms).toEqual(await list(user));
    const shape = await listRooms(context, user.id, { limit: 2 });
    expect(shape).toEqual(await listRooms(chat.context, user.id, { limit: 2 }));
    const next = { limit: 2, cursor: shape.next_cursor! };
    expect(await listRooms(context, user.id, next)).toEqual(await listRooms(chat.context, user.id, next));
  });

  it('takes the same number of queries for one room and for many', async () => {
    const make = async (user: typeof alice, count: number) => {
      for (let index = 0; index < count; index++) {
        const room = await chat.room(index % 2 ? 'Channel' : 'GroupChat', [user, bob]);
        const [first, second] = await chat.messages(room, bob, 2);
        await chat.models.Message.update({ parent_message_id: first! }, { where: { id: second! } });
        await chat.delivered(second!, user);
        await chat.read(second!, user);
        await chat.reacted(second!, user, '👍');
      }
      if (count > 1) await chat.room('OneToOneChat', [user, bob]);
    };
    const carol = await chat.user();
    await make(alice, 1);
    await make(carol, 25);
    const one = await chat.counted(() => listRooms(chat.context, alice.id));
    const many = await chat.counted(() => listRooms(chat.context, carol.id));
    expect(many.result.rooms).toHaveLength(26);
    // Rooms with their newest messages, unread counts and users; parents, deliveries, receipts, reactions and their counts.
    expect([one.queries, many.queries]).toEqual([9, 9]);
    expect((many.result.rooms as RoomListShape[]).filter(({ unread_count }) => unread_count === 2)).toHaveLength(25);
  });

  it('finds public channels by name without showing what is said there', async () => {
    const prefix = `p${alice.id}`;
    const names = ['beta 50%', 'Alpha', 'alpha_1', 'ALPHA two', 'a!b'].map((name) => `${prefix} ${name}`);
    for (const name of names) {
      const room = await chat.room('Channel', [bob], { name, is_public: true });
      await chat.message(room, bob, { content: 'secret' });
    }
    await chat.room('Channel', [bob], { name: `${prefix} alpha private` });
    const find = async (query: string) =>
      (await discoverRooms(chat.context, { query: `${prefix} ${query}` })).rooms.map(({ name }) => name);
    expect((await find('alpha')).sort()).toEqual([names[1], names[2], names[3]].sort());
    expect(await find('%')).toEqual([]);
    expect((await discoverRooms(chat.context, { query: '50%' })).rooms.map(({ name }) => name)).toContain(names[0]);
    expect(await find('alpha_')).toEqual([names[2]]);
    expect(await find('a!b')).toEqual([names[4]]);
    const { rooms } = await discoverRooms(chat.context, { query: `${prefix} beta` });
    expect(rooms).toEqual([
      expect.objectContaining({
        type: 'Channel',
        last_message: null,
        unread_count: 0,
        is_public: true,
        member_count: 1,
      }),
    ]);
    expect(JSON.stringify(rooms)).not.toContain('secret');
  });

  it('finds all public channels in the order of names, page by page', async () => {
    const seen: Array<[string, string]> = [];
    const same = `same ${alice.id}`;
    for (let index = 0; index < 3; index++) await chat.room('Channel', [bob], { name: same, is_public: true });
    let cursor: string | undefined;
    do {
      const page = await discoverRooms(chat.context, { limit: 2, cursor });
      seen.push(...page.rooms.map(({ name, id }): [string, string] => [name, id]));
      cursor = page.next_cursor ?? undefined;
    } while (cursor);
    const all = (await discoverRooms(chat.context, { limit: 200 })).rooms.map(({ name, id }) => [name, id]);
    expect(seen).toEqual(all);
    expect(seen.filter(([name]) => name === same)).toHaveLength(3);
    expect(new Set(seen.map(([, id]) => id)).size).toBe(seen.length);
    const { queries } = await chat.counted(() => discoverRooms(chat.context));
    expect(queries).toBe(3);
  });

  it('refuses a cursor of another list', async () => {
    const forged = Buffer.from(JSON.stringify(['name', 'not a uuid'])).toString('base64url');
    await expect(discoverRooms(chat.context, { cursor: forged })).rejects.toThrow(ValidationError);
    await expect(listRooms(chat.context, alice.id, { cursor: forged })).rejects.toThrow(ValidationError);
  });
});
