/** A fourth room type: its table, shapes, first members and rules are the host's. */
import { DataTypes } from 'sequelize';
import { afterEach, describe, expect, test } from 'vitest';
import {
  AbstractRoomType,
  type ChatSettings,
  type Columns,
  EventHandler,
  Joi,
  type LoadedRoom,
  type ModelContext,
  PermissionHandler,
  type RoomBaseShape,
  RoomSerializer,
  type UserShape,
} from '../../src/index.js';
import { errorOf, openTestChat, type TestChat } from '../../src/testing/index.js';

class SupportTicket extends AbstractRoomType {
  static override readonly table = 'support_tickets';
  static override columns(context: ModelContext): Columns {
    return {
      // biome-ignore lint/complexity/noThisInStatic: what a subclass adds to.
      ...super.columns(context),
      requester_id: { type: context.userIdType as never, allowNull: true },
      status: { type: DataTypes.STRING(10), allowNull: false, defaultValue: 'open' },
      severity: { type: DataTypes.INTEGER, allowNull: false },
      seats: { type: DataTypes.INTEGER, allowNull: false, defaultValue: 3 },
    };
  }
}

interface TicketShape extends RoomBaseShape {
  requester: UserShape | null;
  agents?: UserShape[];
}

class TicketSerializer extends RoomSerializer<TicketShape> {
  static override fields = {
    status: { schema: Joi.string().valid('open', 'closed'), updatable: true },
    severity: { schema: Joi.number().integer().min(1).max(5).required() },
    seats: { schema: Joi.number().integer().min(1), updatable: true },
  };
  override serialize(room: LoadedRoom): TicketShape {
    const requester = this.creator(room);
    const agents = this.users(room.member_users).filter(({ id }) => id !== requester?.id);
    const shape = { type: room.type, ...this.common(room), ...this.alone(room), requester, agents };
    return this.withFields(shape, this.details(room));
  }
}

class TicketListSerializer extends RoomSerializer<TicketShape> {
  override serialize(room: LoadedRoom): TicketShape {
    const shape = { type: room.type, ...this.common(room), ...this.inList(room), requester: this.creator(room) };
    return this.withFields(shape, this.details(room));
  }
}

class TicketPermissions extends PermissionHandler {
  override async _haveSendMessagePermission(...asked: Parameters<PermissionHandler['_haveSendMessagePermission']>) {
    const { isPermitted, room } = await super._haveSendMessagePermission(...asked);
    const { type, details } = room as unknown as { type: string; details: { status?: string } };
    return { room, isPermitted: isPermitted && !(type === 'SupportTicket' && details.status === 'closed') };
  }
}

let host: TestChat;

afterEach(() => host?.close());

async function open(settings: ChatSettings = {}) {
  host = await openTestChat({
    permissionHandlerClass: TicketPermissions,
    roomTypes: {
      SupportTicket: {
        model: SupportTicket,
        serializer: TicketSerializer,
        listSerializer: TicketListSerializer,
        membersField: 'agents',
        creatorColumn: 'requester_id',
        permissions: ['can_add_new_participants', 'can_escalate'],
        cap: 'seats',
      },
    },
    ...settings,
  });
  await expect(host.chat.ready()).rejects.toThrow(
    'The table chat_support_tickets of your room type SupportTicket does not exist: run the migration of your own',
  );
  await host.sequelize.query(`CREATE TABLE chat_support_tickets (
    room_id CHAR(36) PRIMARY KEY REFERENCES chat_rooms (id) ON DELETE CASCADE,
    requester_id INTEGER REFERENCES users (id) ON DELETE SET NULL,
    status VARCHAR(10) NOT NULL, severity INTEGER NOT NULL, seats INTEGER NOT NULL)`);
  await host.chat.ready();
  const { ann, ben, cleo } = host.people;
  const clients = [await host.connect(ann), await host.connect(ben), await host.connect(cleo)] as const;
  const create = (more: object = {}) =>
    clients[0].request<{ room_id: string }>('room.create', {
      type: 'SupportTicket',
      agents: [ben.id],
      extra_fields: { severity: 2 },
      ...more,
    });
  return { anns: clients[0], bens: clients[1], cleos: clients[2], create, ann, ben, cleo };
}

type Ticket = TicketShape & Record<string, unknown>;

describe('a room type of the host', () => {
  test('is created with its columns and members, and told to its members only', async () => {
    const { anns, bens, cleos, create, ann, ben } = await open();
    const { data } = await create({ extra_fields: { severity: 2, property: { preferences: { a: 1 } } } });
    const [frame] = [await bens.expect<Ticket>('roomcreate.dispatch'), await anns.expect('roomcreate.dispatch')];
    expect(frame.data).toEqual({
      type: 'SupportTicket',
      id: data.room_id,
      created_at: expect.any(String),
      updated_at: expect.any(String),
      last_seq: 0,
      member_count: 2,
      property: { preferences: { a: 1 } },
      requester: expect.objectContaining(ann),
      agents: [expect.objectContaining(ben)],
      status: 'open',
      severity: 2,
      seats: 3,
    });
    await cleos.request('session.heartbeat', {});
    await cleos.silence();
    const row = await SupportTicketRow();
    expect(row).toMatchObject({ requester_id: ann.id, status: 'open', severity: 2 });
  });

  const SupportTicketRow = async () => {
    const [rows] = await host.sequelize.query('SELECT * FROM chat_support_tickets');
    return rows[0];
  };

  test('takes what it declares and nothing else', async () => {
    const { create, cleo } = await open();
    for (const more of [
      { extra_fields: {} },
      { extra_fields: undefined },
      { extra_fields: { severity: 9 } },
      { extra_fields: { severity: 1, requester_id: cleo.id } },
      { extra_fields: { severity: 1, room_id: 'x' } },
      { name: 'A name' },
      { description: 'Words' },
      { participants: [cleo.id] },
      { subscribers: [cleo.id] },
      { agents: 'cleo' },
    ]) {
      expect(errorOf(await create(more)), JSON.stringify(more)).toMatchObject({ code: 4003 });
    }
    expect(errorOf(await create({ agents: [999] }))).toMatchObject({ code: 4004 });
    expect(await SupportTicketRow()).toBeUndefined();
  });

  test('is listed beside the others, and loaded with them by one query', async () => {
    const { bens, create, ann, ben } = await open();
    const { data } = await create();
    await host.group(ann, ben);
    await host.chat.as(ann).send('message.send', { room_id: data.room_id, content: 'Help' });
    const list = await bens.request<Ticket[]>('room.list', {});
    expect(list.data.map(({ type }) => type)).toEqual(['SupportTicket', 'GroupChat']);
    expect(list.data[0]).toMatchObject({
      requester: { username: 'ann' },
      last_message: { content: 'Help' },
      unread_count: 1,
      status: 'open',
      severity: 2,
    });
    expect(list.data[0]).not.toHaveProperty('agents');
    const info = await bens.request<Ticket>('room.info', { room_id: data.room_id });
    expect(info.data).toMatchObject({ agents: [{ username: 'ben' }], status: 'open' });
    const { Room } = host.chat.models;
    const rooms = await Room.findAll({ include: Room.withDetails() });
    expect(rooms.map(({ details }) => details?.get('severity')).filter(Boolean)).toEqual([2]);
    expect(await host.chat.getModel('SupportTicket' as never)).toBe(
      host.chat.models.roomTypes.get('SupportTicket')?.model,
    );
    const members = await bens.request<{ members: Array<{ role: string }> }>('room.members', { room_id: data.room_id });
    expect(members.data.members.map(({ role }) => role).sort()).toEqual(['creator', 'member']);
  });

  test('has messages under its send rule, which is asked again under the lock', async () => {
    const { anns, bens, cleos, create } = await open();
    const { data } = await create();
    const send = (client: typeof anns) => client.request('message.send', { room_id: data.room_id, content: 'x' });
    await send(bens);
    await anns.expect('message.dispatch');
    expect(errorOf(await send(cleos))).toMatchObject({ code: 4002 });
    const modify = (client: typeof anns, change: object) =>
      client.request('room.modify', { room_id: data.room_id, action: 'update', data: change });
    expect(errorOf(await modify(bens, { status: 'closed' }))).toMatchObject({ code: 4002 });
    expect(errorOf(await modify(anns, { severity: 5 }))).toMatchObject({ code: 4003 });
    expect(errorOf(await modify(anns, { requester_id: 3 }))).toMatchObject({ code: 4003 });
    await modify(anns, { status: 'closed' });
    expect((await bens.expect<Ticket>('roomupdate.dispatch')).data).toMatchObject({ status: 'closed', severity: 2 });
    expect(errorOf(await send(bens))).toMatchObject({ code: 4002 });
  });

  test('has members as other rooms have: added up to its cap, removed, leaving, admins and permissions', async () => {
    const { anns, bens, cleos, create, ben, cleo } = await open();
    const dan = host.people.dan;
    const { data } = await create();
    const { room_id } = data;
    const add = (client: typeof anns, ...members: number[]) => client.request('room.add_members', { room_id, members });
    expect(errorOf(await add(bens, cleo.id))).toMatchObject({ code: 4002 });
    const modify = (action: string, change: object) => anns.request('room.modify', { room_id, action, data: change });
    const permit = (permission: string[]) => modify('add_permission', { users: [ben.id], permission });
    expect(errorOf(await permit(['can_send_messages']))).toMatchObject({ code: 4003 });
    await permit(['can_add_new_participants', 'can_escalate']);
    await add(bens, cleo.id);
    expect((await cleos.expect<{ room: Ticket }>('roomaddmembers.dispatch')).data.room.agents).toHaveLength(2);
    expect(errorOf(await add(bens, dan.id))).toMatchObject({
      code: 4003,
      detail: 'Maximum number of members exceeded',
    });
    expect(errorOf(await modify('update', { seats: 2 }))).toMatchObject({ code: 4003 });
    await modify('add_admin', { users: [cleo.id] });
    await cleos.expect('roomupdate.dispatch');
    const remove = await cleos.request('room.remove_members', { room_id, members: [ben.id] });
    expect(remove.data).toMatchObject({ status: 'successful' });
    await bens.expect('roomexit.dispatch');
    expect(errorOf(await bens.request('room.join', { room_id }))).toMatchObject({ code: 4003 });
    await cleos.request('room.leave', { room_id });
    expect(errorOf(await cleos.request('room.info', { room_id }))).toMatchObject({ code: 4002 });
    await modify('delete', {});
    expect(await SupportTicketRow()).toBeUndefined();
  });

  test('may choose its members itself: those that _createRoom adds hear the room', async () => {
    class Assigning extends EventHandler {
      override async _createRoom(...[user, data, options]: Parameters<EventHandler['_createRoom']>) {
        const agents = data.type === 'SupportTicket' ? [host.people.cleo.id] : data.agents;
        return super._createRoom(user, { ...data, agents }, options);
      }
    }
    const { bens, cleos, create } = await open({ eventHandlerClass: Assigning });
    const { data } = await create();
    expect((await cleos.expect<Ticket>('roomcreate.dispatch')).data.agents).toMatchObject([{ username: 'cleo' }]);
    await host.chat.as(host.people.ann).send('message.send', { room_id: data.room_id, content: 'x' });
    await cleos.expect('message.dispatch');
    await bens.request('session.heartbeat', {});
    await bens.silence();
  });
});
