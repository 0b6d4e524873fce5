/** What overrides return, leave out and ask for by name. */
import { afterEach, describe, expect, test } from 'vitest';
import {
  type ActingUser,
  ChatMessagingConsumer,
  canAccessRoom,
  EventHandler,
  type EventMap,
  type EventPayloads,
  Joi,
  mapEventTypesToHandlers,
  PermissionHandler,
  type PermissionOptions,
  type WriteOptions,
} from '../../src/index.js';
import { errorOf, openTestChat, type TestChat } from '../../src/testing/index.js';

let host: TestChat;

afterEach(() => host?.close());

type Sent = EventPayloads['message.send'];

describe('what an override returns', () => {
  class Forgetful extends EventHandler {
    override async _createMessage(data: Sent, user: ActingUser, options: WriteOptions): Promise<never> {
      await super._createMessage(data, user, options);
      return undefined as never;
    }

    override async _addMembersToRoom(...args: Parameters<EventHandler['_addMembersToRoom']>): Promise<never> {
      return (await super._addMembersToRoom(...args)).room as never;
    }

    override async _modifyMessage(...args: Parameters<EventHandler['_modifyMessage']>): Promise<never> {
      await super._modifyMessage(...args);
      return 'changed' as never;
    }
  }

  test('in a replacement point is refused when nothing can be told of it: undone, with a sentence in the log', async () => {
    host = await openTestChat({ eventHandlerClass: Forgetful });
    const { ann, ben, cleo } = host.people;
    const room_id = await host.group(ann, ben);
    const [sender, other] = [await host.connect(ann), await host.connect(ben)];
    const refused = [
      await sender.request('message.send', { room_id, content: 'Hello' }),
      await sender.request('room.add_members', { room_id, members: [cleo.id] }),
    ];
    expect(refused.map((frame) => errorOf(frame).code)).toEqual([4006, 4006]);
    await other.silence();
    expect(await host.texts(room_id)).toEqual([]);
    expect(await host.chat.models.RoomMember.count({ where: { room_id } })).toBe(2);
    const log = JSON.stringify(host.log);
    expect(log).toContain(
      'Forgetful: createMessage and _createMessage must return the Message, as super does, but gave undefined.',
    );
    expect(log).toContain(
      'Forgetful: addMembersToRoom and _addMembersToRoom must return { room, members }, with who came in members, as super does, but gave an object with type,',
    );
  });

  test('is refused when it is a room that lacks its members: nobody is shown an empty one', async () => {
    class Unread extends EventHandler {
      override async _modifyRoom(...[data, room, options]: Parameters<EventHandler['_modifyRoom']>) {
        if (data.action !== 'rename') return super._modifyRoom(data, room, options);
        const { Room } = this.models;
        const found = await Room.findByPk(room.id, {
          include: Room.withDetails(),
          transaction: options?.transaction ?? null,
        });
        return this.getSerializer('RoomPolymorphicSerializer').serialize(found!);
      }
    }
    host = await openTestChat({ eventHandlerClass: Unread });
    const { ann, ben } = host.people;
    const room_id = await host.group(ann, ben);
    const [admin, other] = [await host.connect(ann), await host.connect(ben)];
    const answer = await admin.request('room.modify', { room_id, action: 'rename', data: {} });
    expect(errorOf(answer).code).toBe(4006);
    expect(JSON.stringify(host.log)).toContain('in a handler return await this._retrieveRoom(room, options)');
    await other.silence();
  });

  test('in an extension point changes nothing for others, and the log says once where to change it', async () => {
    class Translating extends EventHandler {
      override async createMessage(data: Sent, user: ActingUser) {
        const message = await super.createMessage(data, user);
        return data.content === 'as is' ? message : { ...message, content: 'Hallo' };
      }
    }
    host = await openTestChat({ eventHandlerClass: Translating });
    const { ann, ben } = host.people;
    const room_id = await host.group(ann, ben);
    const [sender, other] = [await host.connect(ann), await host.connect(ben)];
    const warnings = () => host.log.filter(({ message }) => message.includes('returns something else'));
    for (const content of ['as is', 'Hello', 'Hello']) {
      expect(warnings()).toEqual([]);
      expect((await sender.request('message.send', { room_id, content })).data).toMatchObject({ status: 'successful' });
      expect((await other.next<{ content: string }>()).data.content).toBe(content);
      if (content === 'Hello') break;
    }
    await sender.request('message.send', { room_id, content: 'Hello' });
    expect(warnings().map(({ message }) => message)).toEqual([
      'Translating.createMessage returns something else than what was committed and told. To change what others get, override _createMessage.',
    ]);
  });

  test('may be less than an event has: no extra_fields, no media', async () => {
    class Greeting extends EventHandler {
      override async joinRoom(user: ActingUser, roomId: string) {
        const result = await super.joinRoom(user, roomId);
        await this.createMessage({ room_id: roomId, content: 'I am new here.' } as Sent, user);
        await this.createMessage({ room_id: roomId, content: 'Hello, all.' } as Sent, user);
        for (const name of ['My own', 'My other']) {
          await this.createRoom(user, { type: 'GroupChat', name } as EventPayloads['room.create']);
        }
        return result;
      }
    }
    host = await openTestChat({
      eventHandlerClass: Greeting,
      permissionHandlerClass: class extends PermissionHandler {
        override async _haveSendMessagePermission(user: ActingUser, roomId: string, options: PermissionOptions) {
          return { ...(await this._haveRoomPermission(user, roomId, options)) };
        }
      },
    });
    const { ann, ben } = host.people;
    const room_id = await host.channel(ann);
    const newcomer = await host.connect(ben);
    expect((await newcomer.request('room.join', { room_id })).data).toEqual({ status: 'successful' });
    for (const name of ['My own', 'My other']) {
      expect((await newcomer.expect<{ name: string }>('roomcreate.dispatch')).data.name).toBe(name);
    }
    expect(await host.texts(room_id)).toEqual(['I am new here.', 'Hello, all.']);
    const rows = await host.chat.models.Message.findAll({ where: { room_id }, order: ['seq'] });
    expect(rows[1]!.client_id).toBe(`${rows[0]!.client_id}-2`);
  });
});

test('models and serializers are found by their names in handlers, permissions and consumers', async () => {
  const found: unknown[] = [];
  const missing: string[] = [];
  class Naming extends EventHandler {
    override async retrieveRoom(room: { id: string }) {
      const message = await this.getModel('Message').findOne({ where: { room_id: room.id } });
      found.push(this.getSerializer('MessageSerializer').serialize(message!).content);
      return super.retrieveRoom(room);
    }
  }
  class Named extends PermissionHandler {
    override async haveRoomPermission(user: ActingUser, roomId: string, options?: PermissionOptions) {
      const answer = await super.haveRoomPermission(user, roomId, options);
      const group = await this.getModel('GroupChat').findByPk(roomId);
      found.push(group!.name, answer.room.group_chat!.name, this.models.User.name, this.settings.maxRoomMembers);
      return answer;
    }
  }
  class NamingConsumer extends ChatMessagingConsumer {
    async receiveName({ room_id }: { room_id: string }): Promise<void> {
      const { length } = await this.getModel('RoomMember').findAll({ where: { room_id } });
      found.push(length, typeof this.getSerializer('RoomPolymorphicSerializer').serialize, this.settings.tablePrefix);
      try {
        this.getModel('Nobody' as 'Message');
      } catch (error) {
        missing.push((error as Error).message);
      }
    }
  }
  host = await openTestChat({
    eventHandlerClass: Naming,
    permissionHandlerClass: Named,
    consumerClass: NamingConsumer,
    eventMapper: (consumer: NamingConsumer): EventMap => ({
      ...mapEventTypesToHandlers(consumer),
      name: {
        guard: canAccessRoom,
        handler: consumer.receiveName,
        schema: Joi.object({ room_id: Joi.string().uuid().required() }),
      },
    }),
  });
  const { ann, ben } = host.people;
  const room_id = await host.group(ann, ben);
  await host.chat.as(ann).send('message.send', { room_id, content: 'Hello' });
  await host.chat.as(ann).send('room.info', { room_id });
  const asked = ['A group', 'A group', 'User', 10_000];
  expect(found.splice(0)).toEqual([...asked, 'Hello']);
  await host.chat.as(ann).send('name', { room_id });
  expect(found).toEqual([...asked, 2, 'function', 'chat_']);
  expect(missing).toEqual([
    expect.stringMatching(/^There is no model named Nobody; those are Session, Room, .*User\.$/),
  ]);
});
