/** The event handler replaced, as the examples of the original's documentation do it. */
import { DataTypes, type Model, type ModelStatic } from 'sequelize';
import { afterEach, describe, expect, test } from 'vitest';
import {
  type ActingUser,
  EventHandler,
  type EventPayloads,
  type MembershipResult,
  type MessageShape,
  NotFound,
  type NotificationType,
  type RoomReference,
  type UserId,
  ValidationError,
  type WriteOptions,
} from '../../src/index.js';
import { errorOf, openTestChat, type TestChat } from '../../src/testing/index.js';

let host: TestChat;

afterEach(() => host?.close());

describe('an extension point', () => {
  test('runs after the commit: a webhook hears of the message that others have', async () => {
    const calls: object[] = [];
    class Webhook extends EventHandler {
      override async createMessage(data: EventPayloads['message.send'], user: ActingUser) {
        const message = await super.createMessage(data, user);
        const isStored = (await this.models.Message.findByPk(message.id)) !== null;
        calls.push({ room: message.room.id, sender: message.sender.username, isStored });
        return message;
      }
    }
    host = await openTestChat({ eventHandlerClass: Webhook });
    const { ann, ben } = host.people;
    const room = await host.group(ann, ben);
    const [sender, other] = [await host.connect(ann), await host.connect(ben)];
    await sender.request('message.send', { room_id: room, content: 'Hello' });
    await other.expect('message.dispatch');
    await expect.poll(() => calls, { timeout: 10_000 }).toEqual([{ room, sender: 'ann', isStored: true }]);
  });

  test('that throws undoes, repeats and hides nothing', async () => {
    class Broken extends EventHandler {
      override async createMessage(data: EventPayloads['message.send'], user: ActingUser): Promise<MessageShape> {
        await super.createMessage(data, user);
        throw new Error('The webhook is down.');
      }
    }
    host = await openTestChat({ eventHandlerClass: Broken });
    const { ann, ben } = host.people;
    const room = await host.group(ann, ben);
    const [sender, other] = [await host.connect(ann), await host.connect(ben)];
    const answer = await sender.request<{ status: string; seq: number }>('message.send', {
      room_id: room,
      content: 'Hello',
    });
    expect(answer).toMatchObject({ eventType: 'event.ack', data: { status: 'successful', seq: 1 } });
    expect((await other.expect<MessageShape>('message.dispatch')).data.content).toBe('Hello');
    await sender.expect('message.dispatch');
    await other.silence();
    await sender.silence();
    expect(await host.texts(room)).toEqual(['Hello']);
    expect(host.log.filter(({ level }) => level === 'error').map(({ message }) => message)).toEqual([
      'The event was committed, but something after it failed.',
    ]);
    const made = await host.chat.as(ann).send('message.send', { room_id: room, content: 'From the server' });
    expect(made).toMatchObject({ seq: 2 });
  });

  test('that never settles leaves the answer as it was', async () => {
    class Hanging extends EventHandler {
      override async createMessage(data: EventPayloads['message.send'], user: ActingUser): Promise<MessageShape> {
        await super.createMessage(data, user);
        return new Promise(() => {});
      }
    }
    host = await openTestChat({ eventHandlerClass: Hanging, handlerTimeout: 2 });
    const { ann } = host.people;
    const room = await host.group(ann);
    const sender = await host.connect(ann);
    const answer = await sender.request('message.send', { room_id: room, content: 'Hello' });
    expect(answer.data).toMatchObject({ status: 'successful', seq: 1 });
    // The next event waits in the same connection's order, not for the hanging one.
    expect((await sender.request('session.heartbeat', {})).status).toBe('success');
    expect(await host.chat.as(ann).send('message.send', { room_id: room, content: 'Again' })).toMatchObject({ seq: 2 });
  });

  test('counts joins, and what it sends besides is told as if it were an event of its own', async () => {
    const tracked: unknown[][] = [];
    class Analytics extends EventHandler {
      override async joinRoom(user: ActingUser, roomId: string): Promise<MembershipResult> {
        const result = await super.joinRoom(user, roomId);
        tracked.push(['room_joined', user.id, roomId]);
        await this.createMessage({ room_id: roomId, content: 'I am new here', extra_fields: { media: [] } }, user);
        return result;
      }
    }
    host = await openTestChat({ eventHandlerClass: Analytics });
    const { ann, ben } = host.people;
    const { room_id: room } = await host.chat
      .as(ann)
      .send('room.create', { type: 'Channel', name: 'News', extra_fields: { is_public: true } });
    const [owner, newcomer] = [await host.connect(ann), await host.connect(ben)];
    const answer = await newcomer.request('room.join', { room_id: room });
    expect(answer).toMatchObject({ eventType: 'event.ack', data: { status: 'successful' } });
    for (const client of [owner, newcomer]) {
      expect((await client.next()).eventType).toBe('roomaddmembers.dispatch');
      expect((await client.next<MessageShape>()).data.content).toBe('I am new here');
    }
    expect(tracked).toEqual([['room_joined', ben.id, room]]);
  });
});

describe('afterCommit', () => {
  class Pushing extends EventHandler {
    static readonly pushed: string[] = [];

    override async _createMessage(data: EventPayloads['message.send'], user: ActingUser, options: WriteOptions) {
      this.afterCommit(() => {
        Pushing.pushed.push(data.content);
        if (data.content === 'loud') throw new Error('No push today.');
      });
      const message = await super._createMessage(data, user, options);
      if (data.content === 'refused') throw new ValidationError('Not this one.');
      if (data.content === 'kept') throw new ValidationError('Not this one either.', { commit: true });
      return message;
    }
  }

  test('runs effects of what was committed only, and logs those that throw', async () => {
    Pushing.pushed.length = 0;
    host = await openTestChat({ eventHandlerClass: Pushing });
    const { ann } = host.people;
    const room = await host.group(ann);
    for (const content of ['one', 'refused', 'kept', 'loud']) {
      await host.chat
        .as(ann)
        .send('message.send', { room_id: room, content })
        .catch((error: Error) => expect(error.message).toMatch(/^Not this one/));
    }
    expect(Pushing.pushed).toEqual(['one', 'kept', 'loud']);
    expect(await host.texts(room)).toEqual(['one', 'kept', 'loud']);
    expect(host.log.map(({ message }) => message)).toEqual(['A side effect after the commit failed.']);
  });
});

describe('a replacement point', () => {
  test('may write another content, and a repeat is still a repeat', async () => {
    class Loud extends EventHandler {
      override async _createMessage(data: EventPayloads['message.send'], user: ActingUser, options: WriteOptions) {
        return super._createMessage({ ...data, content: `${data.content}!` }, user, options);
      }
    }
    host = await openTestChat({ eventHandlerClass: Loud });
    const { ann, ben } = host.people;
    const event = { room_id: await host.group(ann, ben), content: 'Hello', client_id: 'mine' };
    const [sender, other] = [await host.connect(ann), await host.connect(ben)];
    const first = await sender.request('message.send', event);
    expect((await other.expect<MessageShape>('message.dispatch')).data.content).toBe('Hello!');
    expect((await sender.request('message.send', event)).data).toEqual(first.data);
    await other.silence();
  });

  test('refuses prohibited words with 4003 and leaves nothing', async () => {
    class Moderated extends EventHandler {
      override async _createMessage(data: EventPayloads['message.send'], user: ActingUser, options: WriteOptions) {
        const message = await super._createMessage(data, user, options);
        if (['spam', 'buy now'].some((word) => data.content.toLowerCase().includes(word))) {
          throw new ValidationError('Message contains prohibited content');
        }
        return message;
      }
    }
    host = await openTestChat({ eventHandlerClass: Moderated });
    const { ann, ben } = host.people;
    const room = await host.group(ann, ben);
    const [sender, other] = [await host.connect(ann), await host.connect(ben)];
    const refused = await sender.request('message.send', { room_id: room, content: 'Buy NOW!' });
    expect(refused.error).toEqual({ code: 4003, detail: 'Message contains prohibited content' });
    const sent = await sender.request<{ seq: number }>('message.send', { room_id: room, content: 'Sorry' });
    expect(sent.data.seq).toBe(1);
    expect((await other.expect<MessageShape>('message.dispatch')).data.content).toBe('Sorry');
    await other.silence();
    expect(await host.texts(room)).toEqual(['Sorry']);
  });

  test('of joining keeps the request it stored, answers 4003, and lets an admin approve it', async () => {
    let JoinRequest!: ModelStatic<Model>;
    class Approval extends EventHandler {
      override async _joinRoom(user: ActingUser, roomId: string, options: WriteOptions): Promise<MembershipResult> {
        const { transaction } = options;
        const { Room } = this.models;
        const room = await Room.findByPk(roomId, { include: Room.withDetails(), transaction });
        if (!room) throw new NotFound();
        if (room.type !== 'GroupChat') return super._joinRoom(user, roomId, options);
        if (room.group_chat!.join_approval_required) {
          await JoinRequest.create({ room_id: roomId, user_id: user.id }, { transaction });
          throw new ValidationError('Join request submitted. Awaiting approval.', { commit: true });
        }
        return this._addMembersToRoom([user.id], room, options);
      }
    }
    host = await openTestChat((sequelize) => {
      JoinRequest = sequelize.define('JoinRequest', { room_id: DataTypes.STRING, user_id: DataTypes.INTEGER });
      return { eventHandlerClass: Approval };
    });
    const { ann, ben, cleo } = host.people;
    const room = await host.group(ann);
    const [owner, stranger] = [await host.connect(ann), await host.connect(ben)];
    await owner.request('room.modify', { room_id: room, action: 'update', data: { join_approval_required: true } });
    await owner.expect('roomupdate.dispatch');
    const refused = await stranger.request('room.join', { room_id: room });
    expect(refused.error).toEqual({ code: 4003, detail: 'Join request submitted. Awaiting approval.' });
    expect(await JoinRequest.count({ where: { room_id: room, user_id: ben.id } })).toBe(1);
    await stranger.silence();
    await owner.silence();
    expect(errorOf(await stranger.request('room.info', { room_id: room })).code).toBe(4002);

    await owner.request('room.add_members', { room_id: room, members: [ben.id] });
    await stranger.expect('roomaddmembers.dispatch');
    await owner.expect('roomaddmembers.dispatch');

    const open = await host.group(ann);
    const third = await host.connect(cleo);
    expect((await third.request('room.join', { room_id: open })).data).toMatchObject({ status: 'successful' });
    expect((await third.expect('roomaddmembers.dispatch')).data).toMatchObject({ new_members: ['cleo'] });
    expect(errorOf(await third.request('room.join', { room_id: '0190a000-0000-7000-8000-000000000000' })).code).toBe(
      4004,
    );
  });

  test('serves an action of its own in room.modify', async () => {
    let Welcome!: ModelStatic<Model>;
    class Welcoming extends EventHandler {
      override async _modifyRoom(data: EventPayloads['room.modify'], room: RoomReference, options: WriteOptions) {
        if (data.action !== 'set_welcome_message') return super._modifyRoom(data, room, options);
        const { welcome_message: text } = data.data as { welcome_message?: unknown };
        if (typeof text !== 'string') throw new ValidationError({ welcome_message: ['A text is required.'] });
        expect(room.details?.get('name')).toBe('A group');
        await Welcome.upsert({ room_id: room.id, text }, options);
        return this._retrieveRoom(room, options);
      }
    }
    host = await openTestChat((sequelize) => {
      Welcome = sequelize.define('Welcome', {
        room_id: { type: DataTypes.STRING, primaryKey: true },
        text: DataTypes.STRING,
      });
      return { eventHandlerClass: Welcoming };
    });
    const { ann, ben } = host.people;
    const room = await host.group(ann, ben);
    const [admin, member] = [await host.connect(ann), await host.connect(ben)];
    const action = 'set_welcome_message';
    const data = { welcome_message: 'Hello, stranger' };
    expect(errorOf(await member.request('room.modify', { room_id: room, action, data })).code).toBe(4002);
    expect(errorOf(await admin.request('room.modify', { room_id: room, action, data: {} })).code).toBe(4003);
    expect((await admin.request('room.modify', { room_id: room, action, data })).data).toEqual({
      status: 'successful',
    });
    expect((await member.expect('roomupdate.dispatch')).data).toMatchObject({ id: room });
    expect((await Welcome.findByPk(room))!.get('text')).toBe('Hello, stranger');
    expect(errorOf(await admin.request('room.modify', { room_id: room, action: 'nonsense', data: {} })).code).toBe(
      4003,
    );
  });

  test('may call super without the options: those of the write under way are taken', async () => {
    class Short extends EventHandler {
      override async _createMessage(data: EventPayloads['message.send'], user: ActingUser) {
        const message = await super._createMessage({ ...data, content: `${data.content}!` }, user);
        const { name } = (await this._retrieveRoom({ id: data.room_id })) as { name: string };
        if (data.content === name) throw new ValidationError('That is its name.');
        return message;
      }

      override async _leaveRoom(user: ActingUser, room: RoomReference): Promise<never> {
        await super._leaveRoom(user, room);
        throw new ValidationError('Stay.');
      }

      override async retrieveRoom(room: RoomReference) {
        await this._createMessage({ room_id: room.id, content: 'x', extra_fields: { media: [] } }, this.scope.user);
        return super.retrieveRoom(room);
      }
    }
    host = await openTestChat({ eventHandlerClass: Short });
    const { ann, ben } = host.people;
    const room = await host.group(ann, ben);
    const as = host.chat.as(ann);
    await as.send('message.send', { room_id: room, content: 'Hello' });
    await expect(as.send('message.send', { room_id: room, content: 'A group' })).rejects.toThrow('That is its name.');
    await expect(as.send('room.leave', { room_id: room })).rejects.toThrow('Stay.');
    await expect(as.send('room.info', { room_id: room })).rejects.toThrow('inside a transaction only');
    expect(await host.texts(room)).toEqual(['Hello!']);
    expect(await host.chat.models.RoomMember.count({ where: { room_id: room } })).toBe(2);
  });

  test('gets { transaction } as its last argument, of reads too', async () => {
    const seen: string[] = [];
    class Watching extends EventHandler {
      override async _listRooms(...args: Parameters<EventHandler['_listRooms']>) {
        const [, , { transaction } = { transaction: null }] = args;
        seen.push(`_listRooms ${transaction}`);
        return super._listRooms(...args);
      }

      override async _registerSession(...args: Parameters<EventHandler['_registerSession']>) {
        const [user, channelName, { transaction } = { transaction: null }] = args;
        seen.push(`_registerSession ${user.id} ${channelName.includes('.')} ${transaction}`);
        return super._registerSession(...args);
      }

      override async _leaveRoom(...args: Parameters<EventHandler['_leaveRoom']>) {
        const [, , { transaction } = { transaction: null }] = args;
        seen.push(`_leaveRoom ${typeof transaction}`);
        return super._leaveRoom(...args);
      }
    }
    host = await openTestChat({ eventHandlerClass: Watching });
    const { ann, ben } = host.people;
    const room = await host.group(ann, ben);
    const client = await host.connect(ben);
    await client.request('room.list', {});
    await client.request('room.leave', { room_id: room });
    expect(seen).toEqual([`_registerSession ${ben.id} true undefined`, '_listRooms undefined', '_leaveRoom object']);
  });
});

describe('notifications', () => {
  test('are pushed by the hook, which gets the message, the type, the recipients and the transaction', async () => {
    const pushed: unknown[][] = [];
    class Push extends EventHandler {
      override async createChatNotification(
        message: MessageShape,
        type: NotificationType,
        recipients: readonly UserId[],
        options: WriteOptions,
      ) {
        await super.createChatNotification(message, type, recipients, options);
        expect(options.transaction).toBeDefined();
        this.afterCommit(() => pushed.push([type, message.content, [...recipients].sort()]));
      }
    }
    host = await openTestChat({ eventHandlerClass: Push });
    const { ann, ben, cleo } = host.people;
    const room = await host.group(ann, ben, cleo);
    const sender = await host.connect(ann);
    const first = await sender.request<{ message_id: string }>('message.send', { room_id: room, content: 'Hello' });
    await host.chat.as(ben).send('message.send', {
      room_id: room,
      content: 'Hi',
      extra_fields: { parent_message_id: first.data.message_id },
    });
    await host.chat
      .as(cleo)
      .send('message.react', { type: 'add', message_id: first.data.message_id, reaction_content: '👍' });
    await expect
      .poll(() => pushed, { timeout: 10_000 })
      .toEqual([
        ['NEW_MESSAGE', 'Hello', [ben.id, cleo.id]],
        ['REPLY', 'Hi', [ann.id, cleo.id]],
        ['REACTION', 'Hello', [ann.id]],
      ]);
  });

  test('on connecting can be reshaped, and left out', async () => {
    class Counting extends EventHandler {
      override async getAndGroupChatNotifications(user: ActingUser) {
        if (user.username === 'cleo') return null;
        const rooms = (await super.getAndGroupChatNotifications(user)) as Record<string, unknown[]>;
        return Object.fromEntries(Object.entries(rooms).map(([id, unseen]) => [id, unseen.length]));
      }
    }
    host = await openTestChat({ eventHandlerClass: Counting });
    const { ann, ben, cleo } = host.people;
    const room = await host.group(ann, ben, cleo);
    await host.chat.as(ann).send('message.send', { room_id: room, content: 'Hello' });
    await host.chat.as(ann).send('message.send', { room_id: room, content: 'Anybody?' });
    const first = await (await host.connect(ben, { takeFirst: false })).next();
    expect(first).toEqual({ eventType: 'chat.notifications', data: { [room]: 2 } });
    const silent = await host.connect(cleo, { takeFirst: false });
    await silent.silence();
  });
});
