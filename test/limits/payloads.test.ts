/** Sizes, depths, lists and pages at the edges that a host's settings give them: so many are taken, one more is not. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorOf, openTestChat, type TestChat, type TestClient } from '../../src/testing/index.js';

const limits = {
  maxPayload: 4096,
  maxDepth: 6,
  maxContentLength: 10,
  maxRoomMembers: 4,
  maxRoomsPerUser: 6,
  maxMembersPerCall: 2,
  maxIdsPerEvent: 3,
  maxMediaPerMessage: 2,
  maxPageSize: 3,
  maxRoomPageSize: 2,
  maxMemberPageSize: 2,
} as const;

let host: TestChat;
let ann: TestClient;
let room_id: string;
const message_id: string[] = [];

beforeAll(async () => {
  host = await openTestChat({ ...limits, maxBufferedBytes: 65_536 });
  const { people } = host;
  ann = await host.connect(people.ann);
  room_id = await host.group(people.ann, people.ben, people.cleo);
  for (let number = 0; number < 4; number++) {
    const { data } = await ann.request<{ message_id: string }>('message.send', { room_id, content: `${number}` });
    message_id.push(data.message_id);
  }
});
afterAll(() => host?.close());

/** Asks, and expects to be refused with 4003; gives the detail. */
async function refused(event: string, data: object): Promise<string> {
  const error = errorOf(await ann.request(event, data));
  expect(error.code).toBe(4003);
  return JSON.stringify(error.detail);
}

async function taken<T>(event: string, data: object): Promise<T> {
  const frame = await ann.request<T>(event, data);
  expect(frame.error).toBeUndefined();
  return frame.data;
}

const media = { media_url: 'https://a.example/b.png', media_type: 'image', mime_type: 'image/png', file_size: 1 };
const attachments = (count: number) => ({ media: Array.from({ length: count }, () => media) });
const nested = (levels: number): unknown => (levels === 0 ? 1 : { a: nested(levels - 1) });

describe('a frame', () => {
  it('of maxPayload bytes is read; one byte more closes with 1009, and that connection only', async () => {
    const client = await host.connect(host.people.ann);
    const frame = (bytes: number) => {
      const text = '{"event_type":"session.heartbeat","id":"a"}';
      return `${text.slice(0, -1)}${' '.repeat(bytes - text.length)}}`;
    };
    client.sendRaw(frame(limits.maxPayload));
    expect((await client.answer('a')).status).toBe('success');
    client.sendRaw(frame(limits.maxPayload + 1));
    expect((await client.closed).code).toBe(1009);
    expect((await ann.request('session.heartbeat', {})).status).toBe('success');
  });

  it('of maxDepth levels is read, one level more is not', async () => {
    // Frame, data, data.data, property and preferences are five.
    const update = (levels: number) => ({
      room_id,
      action: 'update',
      data: { property: { preferences: nested(levels) } },
    });
    await taken('room.modify', update(limits.maxDepth - 4));
    expect(await refused('room.modify', update(limits.maxDepth - 3))).toContain('more than 6 levels deep');
  });
});

describe('a message', () => {
  it('has maxContentLength code points', async () => {
    await taken('message.send', { room_id, content: '👍'.repeat(10) });
    expect(await refused('message.send', { room_id, content: '👍'.repeat(11) })).toContain('at most 10');
  });

  it('has maxMediaPerMessage attachments', async () => {
    await taken('message.send', { room_id, extra_fields: attachments(2) });
    await refused('message.send', { room_id, extra_fields: attachments(3) });
  });
});

describe('a list', () => {
  it('has maxIdsPerEvent messages', async () => {
    await taken('message.read', { message_id: message_id.slice(0, 3) });
    for (const event of ['message.read', 'message.acknowledged']) {
      expect(await refused(event, { message_id })).toContain('more than 3 entries');
    }
    await refused('message.modify', { action: 'delete', message_id });
  });

  it('has maxMembersPerCall users', async () => {
    const { ben, cleo, dan } = host.people;
    const three = [ben.id, cleo.id, dan.id];
    await taken('room.add_members', { room_id, members: three.slice(0, 2) });
    for (const event of ['room.add_members', 'room.remove_members']) {
      expect(await refused(event, { room_id, members: three })).toContain('more than 2 entries');
    }
    await refused('room.create', { type: 'GroupChat', name: 'x', participants: three });
    await refused('room.create', { type: 'Channel', name: 'x', subscribers: three });
    for (const action of ['add_admin', 'remove_admin', 'add_moderator', 'remove_moderator']) {
      await refused('room.modify', { room_id, action, data: { users: three } });
    }
    const permission = ['can_add_new_participants'];
    await taken('room.modify', { room_id, action: 'add_permission', data: { users: three.slice(0, 2), permission } });
    await refused('room.modify', { room_id, action: 'add_permission', data: { users: three, permission } });
  });
});

describe('a page', () => {
  it('has maxPageSize messages', async () => {
    type Page = { data: { messages: unknown[] } };
    for (const data of [{ paginate: { page: 1, size: 3 } }, { before: 5, limit: 3 }, { after: 0, limit: 3 }]) {
      expect((await taken<Page>('room.messages', { room_id, ...data })).data.messages).toHaveLength(3);
    }
    expect((await taken<Page>('room.messages', { room_id })).data.messages).toHaveLength(3);
    await refused('room.messages', { room_id, paginate: { page: 1, size: 4 } });
    await refused('room.messages', { room_id, before: 5, limit: 4 });
    await refused('room.messages', { room_id, around: 2, limit: 4 });
  });

  it('has maxRoomPageSize rooms', async () => {
    for (let number = 0; number < 3; number++) await host.channel(host.people.ben);
    for (const event of ['room.discover', 'room.list']) {
      await refused(event, { limit: 3 });
      const page = await taken<{ rooms: unknown[]; next_cursor: string | null }>(event, { limit: 2 });
      expect(page.rooms.length).toBeLessThanOrEqual(2);
    }
    const found = await taken<{ rooms: unknown[]; next_cursor: string | null }>('room.discover', {});
    expect(found.rooms).toHaveLength(2);
    expect(found.next_cursor).not.toBeNull();
  });

  it('has maxMemberPageSize members', async () => {
    type Page = { members: unknown[]; next_cursor: string | null };
    await refused('room.members', { room_id, limit: 3 });
    for (const data of [{ room_id }, { room_id, limit: 2 }]) {
      const page = await taken<Page>('room.members', data);
      expect(page.members).toHaveLength(2);
      expect(page.next_cursor).not.toBeNull();
    }
  });
});

describe('what is refused', () => {
  it('reaches nobody and changes nothing, and the others of the room go on', async () => {
    const { people, chat, texts } = host;
    const [ben, cleo] = [await host.connect(people.ben), await host.connect(people.cleo)];
    const members = () => chat.models.RoomMember.count({ where: { room_id } });
    const before = [await members(), ...(await texts(room_id))];
    await refused('message.send', { room_id, content: 'x'.repeat(limits.maxContentLength + 1) });
    await refused('message.send', { room_id, extra_fields: attachments(limits.maxMediaPerMessage + 1) });
    await refused('message.send', { room_id, content: 'x', extra_fields: nested(limits.maxDepth) });
    await refused('message.modify', { action: 'delete', message_id });
    await refused('message.read', { message_id });
    const users = [people.ben.id, people.cleo.id, people.dan.id];
    await refused('room.remove_members', { room_id, members: users });
    await refused('room.modify', { room_id, action: 'add_admin', data: { users } });
    await refused('room.modify', { room_id, action: 'update', data: { max_participants: limits.maxRoomMembers + 1 } });
    expect([await members(), ...(await texts(room_id))]).toEqual(before);
    expect((await ben.request('message.send', { room_id, content: 'go on' })).error).toBeUndefined();
    expect(await cleo.next<{ content: string }>()).toMatchObject({ data: { content: 'go on' } });
    await cleo.silence();
  });
});

describe('a room', () => {
  it('may be given a cap of maxRoomMembers', async () => {
    const update = (max_participants: number) => ({ room_id, action: 'update', data: { max_participants } });
    await taken('room.modify', update(4));
    await refused('room.modify', update(5));
    await refused('room.create', { type: 'GroupChat', name: 'x', extra_fields: { max_participants: 5 } });
  });
});

describe('a user', () => {
  it('is in maxRoomsPerUser rooms: no one more by creating, joining or being added, and leaving makes room', async () => {
    const { people, chat, createUser } = host;
    const eve = await createUser({ username: 'eve' });
    const client = await host.connect(eve);
    const create = () => client.request('room.create', { type: 'GroupChat', name: 'x' });
    for (let number = 0; number < limits.maxRoomsPerUser; number++) expect((await create()).error).toBeUndefined();
    expect(errorOf(await create())).toEqual({ code: 4003, detail: 'eve is a member of too many rooms already.' });
    const open = await host.channel(people.dan);
    expect(errorOf(await client.request('room.join', { room_id: open })).code).toBe(4003);
    expect(await refused('room.add_members', { room_id, members: [eve.id] })).toContain('eve is a member of too many');
    expect(await refused('room.create', { type: 'OneToOneChat', participants: [eve.id] })).toContain('eve is a member');
    expect(await chat.models.RoomMember.count({ where: { user_id: eve.id } })).toBe(limits.maxRoomsPerUser);
    // A refused room leaves nothing behind.
    expect(await chat.models.OneToOneChat.count()).toBe(0);
    const [own] = await chat.models.RoomMember.findAll({ where: { user_id: eve.id } });
    expect((await client.request('room.leave', { room_id: own!.room_id })).error).toBeUndefined();
    expect((await client.request('room.join', { room_id: open })).error).toBeUndefined();
  });
});
