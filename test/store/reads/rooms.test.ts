import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NotFound, ValidationError } from '../../../src/protocol/errors.js';
import type { ChannelShape, GroupChatShape, MemberPageShape, OneToOneChatShape } from '../../../src/protocol/shapes.js';
import { listMembers } from '../../../src/store/reads/members.js';
import { readRoom, readRooms } from '../../../src/store/reads/rooms.js';
import { at, databases, type Fixture, openFixture } from './fixture.js';

const NOTHING = '0192f0a0-0000-7000-8000-000000000000';

describe.each(databases)('rooms read from %s', (kind) => {
  let chat: Fixture;
  let users: Array<{ id: number; username: string }>;

  beforeAll(async () => {
    chat = await openFixture(kind);
    users = [];
    for (let index = 0; index < 7; index++) users.push(await chat.user());
  });
  afterAll(() => chat.close());

  const shape = (user: { id: number; username: string }) => ({
    id: user.id,
    username: user.username,
    email: null,
    first_name: 'First',
    last_name: 'Last',
  });

  it('shows a group chat', async () => {
    const id = await chat.room('GroupChat', users.slice(0, 2), {
      name: 'Ünï 👍',
      description: 'about',
      group_locked: true,
    });
    expect(await readRoom(chat.context, id)).toEqual({
      type: 'GroupChat',
      id,
      created_at: '2026-01-01T00:00:00.000Z',
      updated_at: '2026-01-01T00:00:00.000Z',
      last_seq: 0,
      member_count: 2,
      property: { preferences: { theme: 'dark' } },
      name: 'Ünï 👍',
      description: 'about',
      creator: shape(users[0]!),
      participants: [shape(users[0]!), shape(users[1]!)],
      admins: [shape(users[0]!)],
      max_participants: 100,
      avatar: null,
      join_approval_required: false,
      group_locked: true,
    });
  });

  it('shows a channel', async () => {
    const id = await chat.room('Channel', users.slice(0, 1), { is_public: true, avatar: 'https://example.org/a.png' });
    expect(await readRoom(chat.context, id)).toEqual({
      type: 'Channel',
      id,
      created_at: '2026-01-01T00:00:00.000Z',
      updated_at: '2026-01-01T00:00:00.000Z',
      last_seq: 0,
      member_count: 1,
      property: { preferences: { theme: 'dark' } },
      name: 'Room',
      description: '',
      creator: shape(users[0]!),
      subscribers: [shape(users[0]!)],
      moderators: [shape(users[0]!)],
      max_subscribers: 300,
      avatar: 'https://example.org/a.png',
      is_public: true,
    });
  });

  it('shows a conversation of two', async () => {
    const id = await chat.room('OneToOneChat', users.slice(0, 2));
    expect(await readRoom(chat.context, id)).toEqual({
      type: 'OneToOneChat',
      id,
      created_at: '2026-01-01T00:00:00.000Z',
      updated_at: '2026-01-01T00:00:00.000Z',
      last_seq: 0,
      member_count: 2,
      property: { preferences: { theme: 'dark' } },
      participants: [shape(users[0]!), shape(users[1]!)],
    });
  });

  it('lists the first members, and admins even if they joined later', async () => {
    const id = await chat.room('GroupChat', users.slice(0, 5));
    await chat.member(id, users[5]!, { role: 'admin' });
    const room = (await readRoom(chat.context, id)) as GroupChatShape;
    expect(room.member_count).toBe(6);
    expect(room.participants.map((user) => user.id)).toEqual(users.slice(0, 4).map((user) => user.id));
    expect(room.admins.map((user) => user.id)).toEqual([users[0]!.id, users[5]!.id]);
  });

  it('shows no creator whose account is gone, and no rights of one who left', async () => {
    const id = await chat.room('Channel', users.slice(0, 2), { creator_id: null });
    expect(((await readRoom(chat.context, id)) as ChannelShape).creator).toBeNull();
    const left = await chat.room('GroupChat', users.slice(1, 3), { creator_id: users[0]!.id });
    await chat.models.RoomMember.update({ role: 'member' }, { where: { room_id: left } });
    const room = (await readRoom(chat.context, left)) as GroupChatShape;
    expect([room.creator!.id, room.admins]).toEqual([users[0]!.id, []]);
  });

  it('refuses a room that does not exist', async () => {
    await expect(readRoom(chat.context, NOTHING)).rejects.toThrow(NotFound);
    await expect(listMembers(chat.context, NOTHING)).rejects.toThrow(NotFound);
  });

  it('takes three queries for one room and for many', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 6; index++) ids.push(await chat.room('GroupChat', users.slice(index % 3)));
    ids.push(await chat.room('Channel', users), await chat.room('OneToOneChat', users.slice(4, 6)));
    const one = await chat.counted(() => readRooms(chat.context, ids.slice(0, 1)));
    const many = await chat.counted(() => readRooms(chat.context, [...ids, NOTHING]));
    expect([one.queries, many.queries]).toEqual([3, 3]);
    expect([...many.result.keys()]).toEqual(ids);
    expect((many.result.get(ids[7]!) as OneToOneChatShape).participants).toHaveLength(2);
  });

  it('lists members with their roles, first joined first, page by page', async () => {
    const id = await chat.room('GroupChat', users.slice(0, 3));
    await chat.member(id, users[4]!, { role: 'admin', joined_at: at(50) });
    await chat.member(id, users[3]!, { joined_at: at(50) });
    await chat.member(id, users[5]!, { joined_at: at(50.4) });
    const all = await listMembers(chat.context, id);
    expect(all).toMatchObject({ room_id: id, next_cursor: null });
    expect(all.members.map(({ user, role }) => [user.id, role])).toEqual([
      [users[0]!.id, 'creator'],
      [users[1]!.id, 'member'],
      [users[2]!.id, 'member'],
      [users[3]!.id, 'member'],
      [users[4]!.id, 'admin'],
      [users[5]!.id, 'member'],
    ]);
    expect(all.members[1]).toEqual({ user: shape(users[1]!), role: 'member', joined_at: at(1).toISOString() });
    const pages: MemberPageShape[] = [];
    let cursor: string | undefined;
    do {
      const page = await listMembers(chat.context, id, { limit: 1, cursor });
      pages.push(page);
      cursor = page.next_cursor ?? undefined;
    } while (cursor);
    expect(pages.flatMap((page) => page.members)).toEqual(all.members);
    const { queries } = await chat.counted(() => listMembers(chat.context, id));
    expect(queries).toBe(3);
  });

  it('calls the admin of a channel a moderator', async () => {
    const id = await chat.room('Channel', users.slice(0, 2), { creator_id: users[1]!.id });
    const { members } = await listMembers(chat.context, id);
    expect(members.map(({ role }) => role)).toEqual(['moderator', 'creator']);
  });

  it('refuses a cursor it did not give', async () => {
    const id = await chat.room('Channel', users.slice(0, 2));
    const forged = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const bad = ['', 'x', forged(null), forged({}), forged([]), forged([at(0).toISOString()]), forged(['now', 1])];
    bad.push(forged([at(0).toISOString(), {}]), forged([at(0).toISOString(), 1.5]), 'a'.repeat(100_000));
    for (const cursor of bad) {
      await expect(listMembers(chat.context, id, { cursor }), cursor.slice(0, 50)).rejects.toThrow(ValidationError);
    }
  });
});
