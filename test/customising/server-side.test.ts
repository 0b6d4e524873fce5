/** The chat used by the host's own code, without a socket. */
import { afterEach, describe, expect, test } from 'vitest';
import {
  addGroupToUserGroups,
  EventHandler,
  fetchUserGroups,
  type MessageShape,
  removeGroupFromUserGroups,
  updateUserGroups,
} from '../../src/index.js';
import { openTestChat, type TestChat } from '../../src/testing/index.js';

let host: TestChat;

afterEach(() => host?.close());

const nothing = '0190a000-0000-7000-8000-000000000000';

describe('chat.as(user).send', () => {
  test('sends with the permissions of that user, and everybody hears of it', async () => {
    host = await openTestChat();
    const { ann, ben, cleo } = host.people;
    const room = await host.group(ann, ben);
    const member = await host.connect(ben);
    const sent = await host.chat.as(ann).send('message.send', { room_id: room, content: 'Your order has left' });
    expect(sent).toMatchObject({ status: 'successful', seq: 1, message_id: expect.any(String) });
    const frame = await member.expect<MessageShape>('message.dispatch');
    expect(frame).toMatchObject({
      room_id: room,
      data: { content: 'Your order has left', sender: { username: 'ann' } },
    });
    await expect(host.chat.as(cleo).send('message.send', { room_id: room, content: 'Hi' })).rejects.toMatchObject({
      name: 'ChatError',
      code: 4002,
    });
    await expect(host.chat.as(ann).send('message.send', { room_id: room, content: '' })).rejects.toMatchObject({
      code: 4003,
      detail: { content: [expect.any(String)] },
    });
    await expect(host.chat.as(ann).send('message.send', { room_id: nothing, content: 'Hi' })).rejects.toMatchObject({
      code: 4004,
    });
    await expect(host.chat.as({ id: 99 }).send('room.list', {})).rejects.toMatchObject({ code: 4002 });
    await expect(host.chat.as(ann).send('message.sent', {})).rejects.toThrow('There is no event message.sent');
  });

  test('serves every event that has an answer', async () => {
    host = await openTestChat();
    const { ann, ben } = host.people;
    const room = await host.group(ann, ben);
    const as = host.chat.as(ben);
    const { message_id } = await host.chat.as(ann).send('message.send', { room_id: room, content: 'Hello' });
    const id = String(message_id);
    const events: ReadonlyArray<[string, object]> = [
      ['message.acknowledged', { message_id: id }],
      ['message.read', { message_id: [id] }],
      ['message.react', { type: 'add', message_id: id, reaction_content: '👍' }],
      ['message.typing', { room_id: room }],
      ['room.list', {}],
      ['room.discover', {}],
      ['room.info', { room_id: room }],
      ['room.members', { room_id: room }],
      ['room.messages', { room_id: room }],
      ['session.heartbeat', {}],
      ['session.resume', { rooms: { [room]: 0 } }],
      ['room.leave', { room_id: room }],
    ];
    for (const [type, data] of events) await as.send(type, data);
    const message = await host.chat.models.Message.findByPk(id);
    expect(message).toMatchObject({ read_count: 1, delivered_count: 1 });
  });

  test('gives the same result for the same client_id', async () => {
    host = await openTestChat();
    const { ann } = host.people;
    const room = await host.group(ann);
    const event = { room_id: room, content: 'Once', client_id: 'order-7' };
    const first = await host.chat.as(ann).send('message.send', event);
    expect(await host.chat.as(ann).send('message.send', event)).toEqual(first);
    expect(await host.texts(room)).toEqual(['Once']);
  });

  test('rejects with what was thrown when that is nothing for clients', async () => {
    class Broken extends EventHandler {
      override async _createMessage(): Promise<never> {
        throw new TypeError('A bug');
      }
    }
    host = await openTestChat({ eventHandlerClass: Broken });
    const { ann } = host.people;
    const room = await host.group(ann);
    await expect(host.chat.as(ann).send('message.send', { room_id: room, content: 'Hi' })).rejects.toThrow('A bug');
  });
});

describe('chat.system.send', () => {
  test('asks for no permission, in whoever’s name it acts, and still checks the data', async () => {
    host = await openTestChat();
    const { ann, ben, cleo, dan } = host.people;
    const room = await host.group(ann, ben);
    const [owner, member] = [await host.connect(ann), await host.connect(ben)];
    const { system } = host.chat;

    const { message_id } = await system.send(dan, 'message.send', { room_id: room, content: 'Maintenance at noon' });
    for (const client of [owner, member]) {
      expect((await client.expect<MessageShape>('message.dispatch')).data.sender.username).toBe('dan');
    }
    await system.send(dan, 'room.modify', { room_id: room, action: 'update', data: { name: 'Renamed' } });
    await system.send(dan, 'room.add_members', { room_id: room, members: [cleo.id] });
    await system.send(dan, 'message.modify', {
      action: 'update',
      message_id: String(message_id),
      extra_fields: { content: 'Maintenance at one' },
    });
    await system.send(ann, 'room.remove_members', { room_id: room, members: [cleo.id] });
    for (const client of [owner, member]) {
      const got = [];
      for (let count = 0; count < 4; count++) got.push((await client.next()).eventType);
      expect(got).toEqual([
        'roomupdate.dispatch',
        'roomaddmembers.dispatch',
        'messagemodification.dispatch',
        'roomremovemembers.dispatch',
      ]);
    }
    const { data } = (await system.send(cleo, 'room.messages', { room_id: room })) as { data: { messages: object[] } };
    expect(data.messages).toHaveLength(1);

    await expect(system.send(dan, 'message.send', { room_id: room, content: '' })).rejects.toMatchObject({
      code: 4003,
    });
    await expect(system.send(dan, 'message.send', { room_id: nothing, content: 'x' })).rejects.toMatchObject({
      code: 4004,
    });
    // Rules of a room's type are no permissions.
    await expect(system.send(dan, 'room.join', { room_id: room })).rejects.toMatchObject({ code: 4003 });
    await expect(host.chat.as(dan).send('message.send', { room_id: room, content: 'x' })).rejects.toMatchObject({
      code: 4002,
    });
    await system.send(dan, 'room.modify', { room_id: room, action: 'delete', data: {} });
    await member.expect('roomdelete.dispatch');
    expect(await host.chat.models.Room.count()).toBe(0);
  });
});

describe('models', () => {
  test('load rooms of all types in one query, each with its details', async () => {
    host = await openTestChat();
    const { ann, ben } = host.people;
    await host.group(ann);
    await host.chat.as(ann).send('room.create', { type: 'Channel', name: 'News' });
    await host.chat.as(ann).send('room.create', { type: 'OneToOneChat', participants: [ben.id] });
    const { Room } = host.chat.models;
    const rooms = await Room.findAll({ include: Room.withDetails(), order: ['created_at', 'id'] });
    expect(rooms.map(({ type, details }) => [type, details?.get('name') ?? null])).toEqual([
      ['GroupChat', 'A group'],
      ['Channel', 'News'],
      ['OneToOneChat', null],
    ]);
    expect(host.chat.getModel('Room')).toBe(Room);
    expect(host.chat.getSerializer('MessageSerializer')).toBeDefined();
  });
});

describe('user groups', () => {
  test('are those of the memberships in the database', async () => {
    host = await openTestChat();
    const { chat, people } = host;
    const first = await host.group(people.ann, people.ben);
    const second = await host.group(people.cleo, people.ben);
    expect(await chat.fetchUserGroups(people.ben.id)).toEqual([`group-${first}`, `group-${second}`]);
    expect(await fetchUserGroups(chat, people.dan.id)).toEqual([]);
  });

  test('follow memberships that were changed by hand, on open connections too', async () => {
    host = await openTestChat();
    const { chat, people } = host;
    const { ann, ben } = people;
    const room = await host.group(ann);
    const group = `group-${room}`;
    const [owner, other] = [await host.connect(ann), await host.connect(ben)];
    await owner.request('message.send', { room_id: room, content: 'Before' });
    await owner.expect('message.dispatch');

    await expect(addGroupToUserGroups(chat, ben.id, group)).rejects.toThrow('room.add_members');
    const now = new Date();
    await chat.models.RoomMember.create({ room_id: room, user_id: ben.id, role: 'member', joined_at: now } as never);
    expect(await addGroupToUserGroups(chat, ben.id, group)).toEqual([group]);
    await expect
      .poll(
        async () => {
          await owner.request('message.send', { room_id: room, content: 'After' });
          return other.pending.map(({ eventType, room_id }) => [eventType, room_id])[0];
        },
        { timeout: 10_000 },
      )
      .toEqual(['message.dispatch', room]);

    await expect(removeGroupFromUserGroups(chat, ben.id, group)).rejects.toThrow('room.remove_members');
    await chat.models.RoomMember.destroy({ where: { room_id: room, user_id: ben.id } });
    expect(await removeGroupFromUserGroups(chat, ben.id, group)).toEqual([]);
    expect(await updateUserGroups(chat, ben.id)).toEqual([]);
    await expect
      .poll(
        async () => {
          other.pending.length = 0;
          await owner.request('message.send', { room_id: room, content: 'Alone' });
          await other.request('session.heartbeat', {});
          return other.pending.length;
        },
        { timeout: 10_000 },
      )
      .toBe(0);
  });
});
