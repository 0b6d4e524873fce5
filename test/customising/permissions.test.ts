/** The permission handler replaced: one question, or one of its helpers. */
import { DataTypes, type Model, type ModelStatic } from 'sequelize';
import { afterEach, expect, test } from 'vitest';
import {
  type ActingUser,
  ChatMessagingConsumer,
  EventHandler,
  type EventPayloads,
  type MessageShape,
  type Permission,
  PermissionHandler,
  type PermissionOptions,
  type UserId,
} from '../../src/index.js';
import { errorOf, openTestChat, type TestChat } from '../../src/testing/index.js';

let host: TestChat;

afterEach(() => host?.close());

const isStaff = (user: ActingUser) => (user as ActingUser & { is_staff?: boolean }).is_staff === true;

test('staff may post anywhere, and nobody else gets in by that', async () => {
  class StaffPosts extends PermissionHandler {
    override async haveSendMessagePermission(
      user: ActingUser,
      roomId: string,
      options: PermissionOptions = {},
    ): Promise<Permission> {
      const answer = await super.haveSendMessagePermission(user, roomId, options);
      return isStaff(user) ? { ...answer, room: answer.room, isPermitted: true } : answer;
    }
  }
  host = await openTestChat({ permissionHandlerClass: StaffPosts });
  const { ann, ben, cleo, dan } = host.people;
  const room = await host.group(ann, ben);
  const [member, outsider, staff] = [await host.connect(ben), await host.connect(cleo), await host.connect(dan)];
  const event = { room_id: room, content: 'Please read the rules' };
  expect((await staff.request('message.send', event)).data).toMatchObject({ status: 'successful', seq: 1 });
  expect((await member.expect<MessageShape>('message.dispatch')).data.sender.username).toBe('dan');
  expect(errorOf(await outsider.request('message.send', event)).code).toBe(4002);
  expect(errorOf(await staff.request('room.messages', { room_id: room })).code).toBe(4002);
  await staff.silence();
});

test('archived rooms are readable for all and writable for none', async () => {
  const isArchived = (room: Model) =>
    (room as Model & { group_chat?: { description: string } }).group_chat?.description === 'archived';
  class Archive extends PermissionHandler {
    override async haveRoomPermission(user: ActingUser, roomId: string, options: PermissionOptions = {}) {
      const { isPermitted, room } = await super.haveRoomPermission(user, roomId, options);
      return { isPermitted: isPermitted || isArchived(room), room };
    }

    override async haveSendMessagePermission(user: ActingUser, roomId: string, options: PermissionOptions = {}) {
      const { isPermitted, room } = await super.haveSendMessagePermission(user, roomId, options);
      return { isPermitted: isPermitted && !isArchived(room), room };
    }
  }
  host = await openTestChat({ permissionHandlerClass: Archive });
  const { ann, ben } = host.people;
  const room = await host.group(ann);
  const [owner, reader] = [await host.connect(ann), await host.connect(ben)];
  await owner.request('message.send', { room_id: room, content: 'Long ago' });
  expect(errorOf(await reader.request('room.messages', { room_id: room })).code).toBe(4002);
  await owner.request('room.modify', { room_id: room, action: 'update', data: { description: 'archived' } });
  expect((await reader.request('room.messages', { room_id: room })).data).toMatchObject({
    data: { messages: [{ content: 'Long ago' }] },
  });
  expect(errorOf(await owner.request('message.send', { room_id: room, content: 'More' })).code).toBe(4002);
  // Reading is not being in it.
  expect(errorOf(await reader.request('room.leave', { room_id: room })).code).toBe(4002);
  expect(await host.texts(room)).toEqual(['Long ago']);
});

test('who may contact whom is asked for new rooms and new members, not about oneself', async () => {
  let Block!: ModelStatic<Model>;
  const asked: unknown[][] = [];
  class Contacts extends PermissionHandler {
    override async haveContactPermission(
      user: ActingUser,
      userIds: readonly UserId[],
      type: string,
      { transaction }: PermissionOptions = {},
    ) {
      asked.push([user.id, [...userIds], type, transaction !== undefined]);
      const where = { blocker_id: [...userIds] as number[], blocked_id: user.id };
      return (await Block.count({ where, transaction: transaction ?? null })) === 0;
    }
  }
  host = await openTestChat((sequelize) => {
    Block = sequelize.define('Block', { blocker_id: DataTypes.INTEGER, blocked_id: DataTypes.INTEGER });
    return { permissionHandlerClass: Contacts };
  });
  const { ann, ben, cleo } = host.people;
  await Block.create({ blocker_id: cleo.id, blocked_id: ann.id });
  const client = await host.connect(ann);
  const pair = (participants: number[]) => client.request('room.create', { type: 'OneToOneChat', participants });
  expect(errorOf(await pair([cleo.id])).code).toBe(4002);
  expect((await pair([ben.id])).data).toMatchObject({ status: 'successful' });
  const room = await host.group(ann);
  const add = (members: number[]) => client.request('room.add_members', { room_id: room, members });
  expect(errorOf(await add([ben.id, cleo.id])).code).toBe(4002);
  expect(await host.chat.models.RoomMember.count({ where: { room_id: room } })).toBe(1);
  expect(asked).toEqual([
    [ann.id, [cleo.id], 'OneToOneChat', true],
    [ann.id, [ben.id], 'OneToOneChat', true],
    [ann.id, [ben.id, cleo.id], 'GroupChat', true],
  ]);
});

test('one helper can be replaced: a role of the host in place of the admins', async () => {
  let Role!: ModelStatic<Model>;
  class Roles extends PermissionHandler {
    override async _haveAdminPrivileges(user: ActingUser, roomId: string, action: string, options: PermissionOptions) {
      const { room } = await this._haveRoomPermission(user, roomId, options);
      const where = { room_id: roomId, user_id: user.id, name: action === 'delete' ? 'owner' : 'caretaker' };
      const role = await Role.findOne({ where, transaction: options.transaction ?? null });
      return { isPermitted: role !== null, room };
    }
  }
  host = await openTestChat((sequelize) => {
    Role = sequelize.define('Role', {
      room_id: DataTypes.STRING,
      user_id: DataTypes.INTEGER,
      name: DataTypes.STRING,
    });
    return { permissionHandlerClass: Roles };
  });
  const { ann, ben } = host.people;
  const room = await host.group(ann, ben);
  const [creator, caretaker] = [await host.connect(ann), await host.connect(ben)];
  await Role.create({ room_id: room, user_id: ben.id, name: 'caretaker' });
  const update = { room_id: room, action: 'update', data: { name: 'Renamed' } };
  expect(errorOf(await creator.request('room.modify', update)).code).toBe(4002);
  expect((await caretaker.request('room.modify', update)).data).toEqual({ status: 'successful' });
  const remove = { room_id: room, action: 'delete', data: {} };
  expect(errorOf(await caretaker.request('room.modify', remove)).code).toBe(4002);
});

const writes: ReadonlyArray<[type: string, data: (room: string, message: string) => object]> = [
  ['message.react', (_, message) => ({ type: 'add', message_id: message, reaction_content: '👍' })],
  ['room.modify', (room) => ({ room_id: room, action: 'update', data: { name: 'New' } })],
  ['room.remove_members', (room) => ({ room_id: room, members: [2] })],
];

test.each(writes)("an overridden question is asked again under %s's lock", async (type, data) => {
  const asked: boolean[] = [];
  let isOpen = true;
  const once = (answer: Permission, { transaction }: PermissionOptions): Permission => {
    if (!isOpen) return answer;
    asked.push(transaction !== undefined);
    return { room: answer.room, isPermitted: transaction === undefined };
  };
  class Fickle extends PermissionHandler {
    override async haveRoomPermission(user: ActingUser, roomId: string, options: PermissionOptions = {}) {
      return once(await super.haveRoomPermission(user, roomId, options), options);
    }

    override async haveAdminPrivileges(
      user: ActingUser,
      roomId: string,
      action: string,
      options: PermissionOptions = {},
    ) {
      return once(await super.haveAdminPrivileges(user, roomId, action, options), options);
    }

    override async haveRoomPermissionsToAddOrRemoveMembers(
      user: ActingUser,
      roomId: string,
      action: 'add' | 'remove',
      options: PermissionOptions = {},
    ) {
      return once(await super.haveRoomPermissionsToAddOrRemoveMembers(user, roomId, action, options), options);
    }
  }
  host = await openTestChat({ permissionHandlerClass: Fickle });
  const { ann, ben } = host.people;
  isOpen = false;
  const room = await host.group(ann, ben);
  const { message_id: message } = await host.chat.as(ann).send('message.send', { room_id: room, content: 'Hello' });
  isOpen = true;
  await expect(host.chat.as(ann).send(type, data(room, String(message)))).rejects.toMatchObject({ code: 4002 });
  expect(asked).toEqual([false, true]);
  isOpen = false;
  expect(await host.chat.models.Reaction.count()).toBe(0);
  expect(await host.chat.models.RoomMember.count({ where: { room_id: room } })).toBe(2);
});

test('an overridden handler that writes nothing runs only for those the guard lets through', async () => {
  const seen: string[] = [];
  class Echo extends ChatMessagingConsumer {
    override async receiveMessageSend({ room_id, content }: EventPayloads['message.send']): Promise<void> {
      seen.push(content);
      this.sendGroup(`group-${room_id}`, 'echo', { content });
    }
  }
  host = await openTestChat({ consumerClass: Echo });
  const { ann, ben, cleo } = host.people;
  const room = await host.group(ann, ben);
  const [member, outsider] = [await host.connect(ben), await host.connect(cleo)];
  expect(errorOf(await outsider.request('message.send', { room_id: room, content: 'let me in' })).code).toBe(4002);
  await member.silence();
  expect(seen).toEqual([]);
  await member.request('message.send', { room_id: room, content: 'hello' });
  expect((await member.expect('echo')).data).toEqual({ content: 'hello' });
  expect(seen).toEqual(['hello']);
});

test('an operation extended before its write is extended only for those the guard lets through', async () => {
  const seen: string[] = [];
  class Noted extends EventHandler {
    override async createMessage(...[data, user]: Parameters<EventHandler['createMessage']>) {
      seen.push(data.content);
      return super.createMessage(data, user);
    }
  }
  host = await openTestChat({ eventHandlerClass: Noted });
  const { ann, ben, cleo } = host.people;
  const room = await host.group(ann, ben);
  const [member, outsider] = [await host.connect(ben), await host.connect(cleo)];
  expect(errorOf(await outsider.request('message.send', { room_id: room, content: 'let me in' })).code).toBe(4002);
  await member.silence();
  expect(seen).toEqual([]);
  await member.request('message.send', { room_id: room, content: 'hello' });
  expect(seen).toEqual(['hello']);
});
