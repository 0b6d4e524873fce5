import { describe, expect, test } from 'vitest';
import {
  acknowledged,
  answered,
  createChannel,
  createGroup,
  createOneToOne,
  expectKeys,
  expectRoom,
  expectUser,
  idsOf,
  NOBODYS_USER_ID,
  quiet,
  received,
  refused,
  uniqueName,
  useStack,
} from '../helpers/chat.js';
import type { WireListRoom, WireRoom } from '../helpers/shapes.js';
import { type Chatter, STACK_KINDS } from '../helpers/stack.js';

describe.each(STACK_KINDS)('room.create on %s', (kind) => {
  const scene = useStack(kind);
  const roomsOf = (who: Chatter) => answered<WireListRoom[]>(who, 'room.list', {}, 'roomlist.dispatch');
  const infoOf = (who: Chatter, room_id: string) =>
    answered<WireRoom>(who, 'room.info', { room_id }, 'roominfo.dispatch');

  test('of a group tells all first members on all devices, and nobody else', async () => {
    const [alice, bob, carol, dave] = await scene.people(4);
    const phone = await scene.device(bob!);
    const name = uniqueName();
    const ack = await acknowledged(alice!, 'room.create', {
      type: 'GroupChat',
      name,
      description: 'About nothing',
      participants: [bob!.user.id, carol!.user.id],
    });
    expectKeys(ack, ['status', 'room_id']);
    const [frame] = await received<WireRoom>([alice!, bob!, phone, carol!], 'roomcreate.dispatch');
    expectKeys(frame, ['eventType', 'data', 'room_id', 'offset']);
    expect(frame!.room_id).toBe(ack.room_id);
    const room = frame!.data;
    expectRoom(room);
    expect(room).toMatchObject({
      type: 'GroupChat',
      id: ack.room_id,
      name,
      description: 'About nothing',
      last_seq: 0,
      member_count: 3,
      max_participants: 100,
      avatar: null,
      join_approval_required: false,
      group_locked: false,
      property: { preferences: {} },
    });
    expectUser(room.creator, alice);
    expect(idsOf(room.participants)).toEqual(idsOf([alice!.user, bob!.user, carol!.user]));
    expect(idsOf(room.admins)).toEqual([alice!.user.id]);
    await quiet(alice!, bob!, phone, carol!, dave!);
    expect(await infoOf(carol!, ack.room_id)).toEqual(room);
  });

  test('of a channel makes the creator a subscriber and moderator', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const room = await createChannel(alice!, [bob!]);
    expectRoom(room);
    expect(room).toMatchObject({
      type: 'Channel',
      member_count: 2,
      max_subscribers: 300,
      avatar: null,
      is_public: false,
    });
    expect(idsOf(room.subscribers)).toEqual(idsOf([alice!.user, bob!.user]));
    expect(idsOf(room.moderators)).toEqual([alice!.user.id]);
    await quiet(alice!, bob!, carol!);
  });

  test('of a one-to-one makes a room of two', async () => {
    const [alice, bob] = await scene.strangers(2);
    const room = await createOneToOne(alice!, [bob!]);
    expectRoom(room);
    expect(room).toMatchObject({ type: 'OneToOneChat', member_count: 2, last_seq: 0, property: { preferences: {} } });
    expect(idsOf(room.participants)).toEqual(idsOf([alice!.user, bob!.user]));
    expect(await infoOf(bob!, room.id)).toEqual(room);
    await quiet(alice!, bob!);
  });

  test('takes the fields of the type from extra_fields', async () => {
    const [alice] = await scene.people(1);
    const group = await createGroup(alice!, [], {
      extra_fields: {
        max_participants: 7,
        avatar: 'https://example.com/a.png',
        join_approval_required: true,
        group_locked: true,
        property: { preferences: { theme: 'dark', nested: { list: [1, 2] } } },
      },
    });
    expect(group).toMatchObject({
      max_participants: 7,
      avatar: 'https://example.com/a.png',
      join_approval_required: true,
      group_locked: true,
      property: { preferences: { theme: 'dark', nested: { list: [1, 2] } } },
      member_count: 1,
    });
    const channel = await createChannel(alice!, [], { extra_fields: { max_subscribers: 9, is_public: true } });
    expect(channel).toMatchObject({ max_subscribers: 9, is_public: true });
  });

  test('counts the creator and users named twice once', async () => {
    const [alice, bob] = await scene.people(2);
    const participants = [bob!.user.id, alice!.user.id, bob!.user.id];
    await acknowledged(alice!, 'room.create', { type: 'GroupChat', name: uniqueName(), participants });
    const [frame] = await received<WireRoom>([alice!, bob!], 'roomcreate.dispatch');
    expect(frame!.data.member_count).toBe(2);
    expect(frame!.data.participants).toHaveLength(2);
    await quiet(alice!, bob!);
  });

  test('of a second one-to-one of the same two answers 4005 with the room there is, from either side', async () => {
    const [alice, bob] = await scene.strangers(2);
    const room = await createOneToOne(alice!, [bob!]);
    for (const [me, other] of [
      [alice!, bob!],
      [bob!, alice!],
    ] as const) {
      const error = await refused(me, 4005, 'room.create', { type: 'OneToOneChat', participants: [other.user.id] });
      expect(error).toEqual({ code: 4005, detail: 'Chat already exists', room_id: room.id });
    }
    await quiet(alice!, bob!);
  });

  test('many at once of the same one-to-one make one room', async () => {
    const [alice, bob] = await scene.strangers(2);
    const devices = [alice!, bob!, await scene.device(alice!, 1), await scene.device(bob!, 0)];
    const answers = await Promise.all(
      Array.from({ length: 24 }, (_, n) => {
        const me = devices[n % 4]!;
        const other = me.user.id === alice!.user.id ? bob! : alice!;
        return me.request<{ room_id: string }>('room.create', {
          type: 'OneToOneChat',
          participants: [other.user.id],
        });
      }),
    );
    const made = answers.filter(({ eventType }) => eventType === 'event.ack');
    const errors = answers.filter(({ error }) => error !== undefined);
    expect([made.length, errors.length]).toEqual([1, 23]);
    for (const { error } of errors) expect(error).toMatchObject({ code: 4005, room_id: made[0]!.data.room_id });
    expect((await roomsOf(alice!)).map(({ id }) => id)).toEqual([made[0]!.data.room_id]);
    expect((await roomsOf(bob!)).map(({ id }) => id)).toEqual([made[0]!.data.room_id]);
    await received(devices, 'roomcreate.dispatch');
    await quiet(alice!, ...devices.slice(1));
  });

  test('of a one-to-one names exactly one other user', async () => {
    const [alice, bob, carol] = await scene.strangers(3);
    for (const participants of [[alice!.user.id], [bob!.user.id, carol!.user.id]]) {
      const error = await refused(alice!, 4003, 'room.create', { type: 'OneToOneChat', participants });
      expect(error.detail).toBe('A one to one chat can only have 2 participants');
    }
    await refused(alice!, 4003, 'room.create', { type: 'OneToOneChat', participants: [] });
    await refused(alice!, 4003, 'room.create', { type: 'OneToOneChat' });
    await quiet(alice!, bob!, carol!);
  });

  test('with a user id of nobody is 4004, with what is no user id 4003, and makes nothing', async () => {
    const [alice, bob] = await scene.strangers(2);
    for (const [code, id] of [
      [4004, NOBODYS_USER_ID],
      [4003, 'nobody'],
      [4003, -1],
      [4003, 1.5],
      [4003, null],
      [4003, { id: 1 }],
    ] as const) {
      await refused(alice!, code, 'room.create', {
        type: 'GroupChat',
        name: uniqueName(),
        participants: [bob!.user.id, id],
      });
      await refused(alice!, code, 'room.create', { type: 'Channel', name: uniqueName(), subscribers: [id] });
      await refused(alice!, code, 'room.create', { type: 'OneToOneChat', participants: [id] });
    }
    expect(await roomsOf(alice!)).toEqual([]);
    expect(await roomsOf(bob!)).toEqual([]);
    await quiet(alice!, bob!);
  });

  test('over the cap is 4003 and leaves nothing behind', async () => {
    const [alice, bob, carol] = await scene.strangers(3);
    const members = [bob!.user.id, carol!.user.id];
    const group = await refused(alice!, 4003, 'room.create', {
      type: 'GroupChat',
      name: uniqueName(),
      participants: members,
      extra_fields: { max_participants: 2 },
    });
    expect(group.detail).toBe('Maximum number of group participants exceeded');
    const channel = await refused(alice!, 4003, 'room.create', {
      type: 'Channel',
      name: uniqueName(),
      subscribers: members,
      extra_fields: { max_subscribers: 2 },
    });
    expect(channel.detail).toBe('Maximum number of channel subscribers exceeded');
    for (const who of [alice!, bob!, carol!]) expect(await roomsOf(who)).toEqual([]);
    await quiet(alice!, bob!, carol!);
  });

  test('refuses wrong input', async () => {
    const [alice, bob] = await scene.strangers(2);
    const group = { type: 'GroupChat', name: 'Fine', participants: [bob!.user.id] };
    const channel = { type: 'Channel', name: 'Fine', subscribers: [bob!.user.id] };
    for (const data of [
      {},
      { ...group, type: undefined },
      { ...group, type: 'Nonsense' },
      { ...group, type: 'constructor' },
      { ...group, name: undefined },
      { ...group, name: '' },
      { ...group, name: '   ' },
      { ...group, name: 'x'.repeat(65) },
      { ...group, name: 7 },
      { ...group, description: 7 },
      { ...group, participants: 'bob' },
      { ...group, nonsense: 1 },
      { ...group, creator_id: bob!.user.id },
      { ...group, extra_fields: { nonsense: 1 } },
      { ...group, extra_fields: { creator_id: bob!.user.id } },
      { ...group, extra_fields: { is_public: true } },
      { ...group, extra_fields: { max_subscribers: 9 } },
      { ...group, extra_fields: { max_participants: 0 } },
      { ...group, extra_fields: { max_participants: 10_001 } },
      { ...group, extra_fields: { max_participants: 'many' } },
      { ...group, extra_fields: { avatar: 'javascript:alert(1)' } },
      { ...group, extra_fields: { avatar: 'ftp://example.com/a.png' } },
      { ...group, extra_fields: { property: { preferences: [] } } },
      { ...group, extra_fields: { property: { preferences: 'x' } } },
      { ...group, extra_fields: { property: { preferences: null } } },
      { ...channel, name: undefined },
      { ...channel, extra_fields: { group_locked: true } },
      { ...channel, extra_fields: { max_participants: 9 } },
      { ...channel, extra_fields: { is_public: 'yes' } },
      { type: 'OneToOneChat', participants: [bob!.user.id], extra_fields: { group_locked: true } },
    ]) {
      await refused(alice!, 4003, 'room.create', data);
    }
    const tooMany = Array.from({ length: 1001 }, (_, n) => n + 1);
    await refused(alice!, 4003, 'room.create', { ...group, participants: tooMany });
    await quiet(alice!, bob!);
    expect((await roomsOf(bob!)).map(({ name }) => name)).not.toContain('Fine');
  });

  test('takes a name of 1 to 64 characters of any script', async () => {
    const [alice] = await scene.people(1);
    for (const name of ['x', 'x'.repeat(64), 'שלום', '👩‍👩‍👧‍👦 family']) {
      expect((await createGroup(alice!, [], { name })).name).toBe(name);
    }
  });
});
