import { describe, expect, test } from 'vitest';
import {
  acknowledged,
  answered,
  createChannel,
  createGroup,
  createOneToOne,
  expectKeys,
  expectRoom,
  idsOf,
  NOBODYS_ID,
  NOBODYS_USER_ID,
  quiet,
  received,
  refused,
  sendMessage,
  useStack,
} from '../helpers/chat.js';
import type { WireListRoom, WireRoom } from '../helpers/shapes.js';
import { type Chatter, STACK_KINDS } from '../helpers/stack.js';

const infoOf = (who: Chatter, room: { id: string }) =>
  answered<WireRoom>(who, 'room.info', { room_id: room.id }, 'roominfo.dispatch');

/** Modifies, and takes the update from everybody. */
async function modify(who: Chatter, room: WireRoom, action: string, data: unknown, all: Chatter[]): Promise<WireRoom> {
  await acknowledged(who, 'room.modify', { room_id: room.id, action, data });
  const [frame] = await received<WireRoom>(all, 'roomupdate.dispatch');
  expectKeys(frame, ['eventType', 'data', 'room_id', 'offset']);
  expect(frame!.room_id).toBe(room.id);
  expectRoom(frame!.data);
  return frame!.data;
}

describe.each(STACK_KINDS)('room.modify update on %s', (kind) => {
  const scene = useStack(kind);

  test('changes what is named and tells all members the Room', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const phone = await scene.device(bob!);
    const room = await createGroup(alice!, [bob!, phone]);
    const change = {
      name: 'New name',
      description: 'New description',
      avatar: 'https://example.com/new.png',
      group_locked: true,
      join_approval_required: true,
      max_participants: 20,
      property: { preferences: { colour: 'blue' } },
    };
    const updated = await modify(alice!, room, 'update', change, [alice!, bob!, phone]);
    expect(updated).toMatchObject({ ...change, id: room.id, member_count: 2, creator: room.creator });
    expect(await infoOf(bob!, room)).toEqual(updated);
    const only = await modify(alice!, room, 'update', { avatar: null }, [alice!, bob!, phone]);
    expect(only).toMatchObject({ ...change, avatar: null });
    await quiet(alice!, bob!, phone, carol!);
  });

  test('changes the fields of a channel', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createChannel(alice!, [bob!]);
    const change = { name: 'News', description: 'All of it', is_public: true, max_subscribers: 12 };
    expect(await modify(alice!, room, 'update', change, [alice!, bob!])).toMatchObject(change);
  });

  test('is for creator, admins and moderators', async () => {
    const [alice, bob, carol] = await scene.people(3);
    for (const [room, action] of [
      [await createGroup(alice!, [bob!]), 'add_admin'],
      [await createChannel(alice!, [bob!]), 'add_moderator'],
    ] as const) {
      const update = { room_id: room.id, action: 'update', data: { name: 'Mine' } };
      await refused(bob!, 4002, 'room.modify', update);
      await refused(carol!, 4002, 'room.modify', update);
      await quiet(bob!, alice!, carol!);
      await modify(alice!, room, action, { users: [bob!.user.id] }, [alice!, bob!]);
      expect((await modify(bob!, room, 'update', { name: 'Mine' }, [alice!, bob!])).name).toBe('Mine');
    }
  });

  test('of a one-to-one is for either participant, and for its property only', async () => {
    const [alice, bob, carol] = await scene.strangers(3);
    const room = await createOneToOne(alice!, [bob!]);
    for (const [who, colour] of [
      [alice!, 'red'],
      [bob!, 'green'],
    ] as const) {
      const property = { preferences: { colour } };
      expect((await modify(who, room, 'update', { property }, [alice!, bob!])).property).toEqual(property);
    }
    await refused(carol!, 4002, 'room.modify', { room_id: room.id, action: 'update', data: { property: {} } });
    // Fields of another type are ignored, not refused.
    const property = { preferences: { colour: 'blue' } };
    const updated = await modify(bob!, room, 'update', { name: 'Us', group_locked: true, property }, [alice!, bob!]);
    expect(updated.property).toEqual(property);
    expect(await infoOf(alice!, room)).toEqual(updated);
    await quiet(bob!, alice!, carol!);
  });

  test('ignores fields of another room type and refuses unknown ones', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const updated = await modify(alice!, room, 'update', { name: 'Named', is_public: true, max_subscribers: 3 }, [
      alice!,
      bob!,
    ]);
    expect(updated.name).toBe('Named');
    expectRoom(updated);
    for (const data of [
      { nonsense: 1 },
      { creator_id: bob!.user.id },
      { creator: bob!.user.id },
      { last_seq: 7 },
      { id: NOBODYS_ID },
      { type: 'Channel' },
      { name: '' },
      { name: 'x'.repeat(65) },
      { name: 7 },
      { avatar: 'javascript:alert(1)' },
      { group_locked: 'yes' },
      { max_participants: 0 },
      { max_participants: 10_001 },
      { property: { preferences: [] } },
      { property: { preferences: 'x' } },
      { property: { nonsense: {} } },
    ]) {
      await refused(alice!, 4003, 'room.modify', { room_id: room.id, action: 'update', data });
    }
    await refused(alice!, 4003, 'room.modify', { room_id: room.id, action: 'update' });
    await refused(alice!, 4003, 'room.modify', { room_id: room.id, data: { name: 'x' } });
    await refused(alice!, 4003, 'room.modify', { room_id: room.id, action: 'update', data: 'x' });
    await refused(alice!, 4004, 'room.modify', { room_id: NOBODYS_ID, action: 'update', data: { name: 'x' } });
    await refused(alice!, 4003, 'room.modify', { room_id: 'nonsense', action: 'update', data: { name: 'x' } });
    await quiet(alice!, bob!);
    expect(await infoOf(bob!, room)).toEqual(updated);
  });

  test('refuses a cap below the present count', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const group = await createGroup(alice!, [bob!, carol!]);
    const channel = await createChannel(alice!, [bob!, carol!]);
    const cap = (room: WireRoom, data: unknown) => ({ room_id: room.id, action: 'update', data });
    await refused(alice!, 4003, 'room.modify', cap(group, { max_participants: 2 }));
    await refused(alice!, 4003, 'room.modify', cap(channel, { max_subscribers: 2 }));
    await quiet(alice!, bob!, carol!);
    await modify(alice!, group, 'update', { max_participants: 3 }, [alice!, bob!, carol!]);
    await modify(alice!, channel, 'update', { max_subscribers: 3 }, [alice!, bob!, carol!]);
  });

  test('an action that nobody knows is 4003 for admins and 4002 for others', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const data = { users: [bob!.user.id] };
    for (const action of ['nonsense', 'constructor', 'add_moderator']) {
      await refused(alice!, 4003, 'room.modify', { room_id: room.id, action, data });
      await refused(bob!, 4002, 'room.modify', { room_id: room.id, action, data });
    }
    await refused(alice!, 4003, 'room.modify', { room_id: room.id, action: 7, data: {} });
    await quiet(alice!, bob!);
  });
});

describe.each(STACK_KINDS)('room.modify delete on %s', (kind) => {
  const scene = useStack(kind);

  test('tells all members, and then the room is gone', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const room = await createGroup(alice!, [bob!]);
    const message = await sendMessage(alice!, room, 'the end', [bob!]);
    await acknowledged(alice!, 'room.modify', { room_id: room.id, action: 'delete', data: {} });
    const [frame] = await received([alice!, bob!], 'roomdelete.dispatch');
    expect(frame!.data).toEqual({ room_id: room.id });
    await quiet(alice!, bob!, carol!);
    for (const who of [alice!, bob!]) {
      await refused(who, 4004, 'room.info', { room_id: room.id });
      await refused(who, 4004, 'message.send', { room_id: room.id, content: 'x' });
      await refused(who, 4004, 'message.read', { message_id: message.id });
      const list = await answered<WireListRoom[]>(who, 'room.list', {}, 'roomlist.dispatch');
      expect(list.map(({ id }) => id)).not.toContain(room.id);
    }
  });

  test('of a group or channel is for the creator only', async () => {
    const [alice, bob, carol] = await scene.people(3);
    for (const [room, action] of [
      [await createGroup(alice!, [bob!]), 'add_admin'],
      [await createChannel(alice!, [bob!]), 'add_moderator'],
    ] as const) {
      await modify(alice!, room, action, { users: [bob!.user.id] }, [alice!, bob!]);
      const remove = { room_id: room.id, action: 'delete', data: {} };
      const error = await refused(bob!, 4002, 'room.modify', remove);
      expect(error.detail).toBe('User is not the creator of this room');
      await refused(carol!, 4002, 'room.modify', remove);
      await quiet(bob!, alice!, carol!);
      await acknowledged(alice!, 'room.modify', remove);
      await received([alice!, bob!], 'roomdelete.dispatch');
    }
  });

  test('of a one-to-one is for either, and the two may begin again', async () => {
    const [alice, bob, carol] = await scene.strangers(3);
    const room = await createOneToOne(alice!, [bob!]);
    const remove = { room_id: room.id, action: 'delete', data: {} };
    await refused(carol!, 4002, 'room.modify', remove);
    await acknowledged(bob!, 'room.modify', remove);
    await received([alice!, bob!], 'roomdelete.dispatch');
    const next = await createOneToOne(bob!, [alice!]);
    expect(next.id).not.toBe(room.id);
    await quiet(bob!, alice!, carol!);
  });
});

describe.each(STACK_KINDS)('room.modify of admins and permissions on %s', (kind) => {
  const scene = useStack(kind);

  test('add_admin and remove_admin skip strangers, the unknown and the creator', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const room = await createGroup(alice!, [bob!]);
    const users = [bob!.user.id, carol!.user.id, NOBODYS_USER_ID];
    const added = await modify(alice!, room, 'add_admin', { users }, [alice!, bob!]);
    expect(idsOf(added.admins)).toEqual(idsOf([alice!.user, bob!.user]));
    const removed = await modify(bob!, room, 'remove_admin', { users: [alice!.user.id, bob!.user.id] }, [alice!, bob!]);
    expect(idsOf(removed.admins)).toEqual([alice!.user.id]);
    await refused(bob!, 4002, 'room.modify', { room_id: room.id, action: 'add_admin', data: { users } });
    await quiet(bob!, alice!, carol!);
    await refused(carol!, 4002, 'room.info', { room_id: room.id });
  });

  test('add_moderator and remove_moderator do the same in a channel', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const room = await createChannel(alice!, [bob!]);
    const users = [bob!.user.id, carol!.user.id, NOBODYS_USER_ID];
    const added = await modify(alice!, room, 'add_moderator', { users }, [alice!, bob!]);
    expect(idsOf(added.moderators)).toEqual(idsOf([alice!.user, bob!.user]));
    await sendMessage(bob!, room, 'I may speak', [alice!]);
    const removed = await modify(alice!, room, 'remove_moderator', { users: [bob!.user.id] }, [alice!, bob!]);
    expect(idsOf(removed.moderators)).toEqual([alice!.user.id]);
    await refused(bob!, 4002, 'message.send', { room_id: room.id, content: 'may I?' });
    await refused(alice!, 4003, 'room.modify', { room_id: room.id, action: 'add_admin', data: { users } });
  });

  test('becoming moderator grants the permissions of the type, ceasing or leaving revokes them', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const room = await createChannel(alice!, [bob!]);
    const permission = ['can_send_messages', 'can_add_new_subscribers', 'can_remove_subscribers'];
    await modify(alice!, room, 'add_permission', { users: [bob!.user.id], permission }, [alice!, bob!]);
    await sendMessage(bob!, room, 'granted', [alice!]);
    await acknowledged(bob!, 'room.leave', { room_id: room.id });
    await bob!.expect('roomexit.dispatch');
    await alice!.expect('roomremovemembers.dispatch');
    await acknowledged(alice!, 'room.add_members', { room_id: room.id, members: [bob!.user.id] });
    await received([alice!, bob!], 'roomaddmembers.dispatch');
    await refused(bob!, 4002, 'message.send', { room_id: room.id, content: 'still?' });
    await refused(bob!, 4002, 'room.add_members', { room_id: room.id, members: [carol!.user.id] });
    await modify(alice!, room, 'add_moderator', { users: [bob!.user.id] }, [alice!, bob!]);
    await modify(alice!, room, 'remove_moderator', { users: [bob!.user.id] }, [alice!, bob!]);
    await refused(bob!, 4002, 'message.send', { room_id: room.id, content: 'still?' });
    await quiet(bob!, alice!, carol!);
  });

  test('add_permission and remove_permission take codenames of the type only', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const group = await createGroup(alice!, [bob!]);
    const channel = await createChannel(alice!, [bob!]);
    const users = [bob!.user.id];
    for (const [room, permission] of [
      [group, ['can_send_messages']],
      [group, ['can_add_new_subscribers']],
      [group, ['nonsense']],
      [group, ['can_add_new_participants', 'nonsense']],
      [group, 'can_add_new_participants'],
      [channel, ['can_remove_participants']],
      [channel, [7]],
    ] as const) {
      for (const action of ['add_permission', 'remove_permission']) {
        await refused(alice!, 4003, 'room.modify', { room_id: room.id, action, data: { users, permission } });
      }
    }
    await refused(bob!, 4002, 'room.modify', {
      room_id: group.id,
      action: 'add_permission',
      data: { users, permission: ['can_add_new_participants'] },
    });
    const data = { users: [alice!.user.id, ...users], permission: ['can_add_new_participants'] };
    await modify(alice!, group, 'add_permission', data, [alice!, bob!]);
    await modify(alice!, group, 'remove_permission', data, [alice!, bob!]);
    await refused(bob!, 4002, 'room.add_members', { room_id: group.id, members: [carol!.user.id] });
    await acknowledged(alice!, 'room.add_members', { room_id: group.id, members: [carol!.user.id] });
    await received([alice!, bob!, carol!], 'roomaddmembers.dispatch');
    await quiet(alice!, bob!, carol!);
  });

  test('users must be a list of user ids', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    for (const action of ['add_admin', 'remove_admin']) {
      for (const data of [{}, { users: [] }, { users: bob!.user.id }, { users: ['x'] }, { users: [1], nonsense: 1 }]) {
        await refused(alice!, 4003, 'room.modify', { room_id: room.id, action, data });
      }
    }
    await quiet(alice!, bob!);
  });
});
