import { describe, expect, test } from 'vitest';
import {
  acknowledged,
  answered,
  createChannel,
  createGroup,
  createOneToOne,
  expectKeys,
  historyOf,
  NOBODYS_ID,
  quiet,
  received,
  refused,
  sendMessage,
  useStack,
} from '../helpers/chat.js';
import type { WireListRoom, WireRoom } from '../helpers/shapes.js';
import { type Chatter, STACK_KINDS } from '../helpers/stack.js';

interface Change {
  room: WireRoom;
  new_members: string[];
  added_by: string;
  removed_members: string[];
  removed_by: string;
  message: string;
}

const openChannel = { extra_fields: { is_public: true } };

describe.each(STACK_KINDS)('room.join on %s', (kind) => {
  const scene = useStack(kind);

  test('lets anybody into a public channel, and everybody there hears of it', async () => {
    const [alice, bob, carol, dave] = await scene.people(4);
    const phone = await scene.device(carol!);
    const room = await createChannel(alice!, [bob!], openChannel);
    const before = await sendMessage(alice!, room, 'before', [bob!]);
    await acknowledged(carol!, 'room.join', { room_id: room.id });
    const [frame] = await received<Change>([alice!, bob!, carol!, phone], 'roomaddmembers.dispatch');
    expectKeys(frame, ['eventType', 'data', 'room_id', 'offset']);
    expectKeys(frame!.data, ['room', 'new_members', 'added_by']);
    expect(frame!.data).toMatchObject({
      room: { id: room.id, member_count: 3 },
      new_members: [carol!.user.username],
      added_by: 'self',
    });
    await sendMessage(alice!, room, 'after', [bob!, carol!, phone]);
    await quiet(alice!, bob!, carol!, phone, dave!);
    expect((await historyOf(carol!, room))[1]).toEqual(before);
  });

  test('of a member is acknowledged and told to nobody', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createChannel(alice!, [bob!], openChannel);
    await acknowledged(bob!, 'room.join', { room_id: room.id });
    await quiet(bob!, alice!);
  });

  test('is refused for everything but a public channel', async () => {
    const [alice, bob, carol] = await scene.strangers(3);
    const group = await createGroup(alice!, [bob!]);
    const channel = await createChannel(alice!, [bob!]);
    const oneToOne = await createOneToOne(alice!, [bob!]);
    const error = await refused(carol!, 4003, 'room.join', { room_id: group.id });
    expect(error.detail).toBe('Ask an admin to add you to the group');
    await refused(carol!, 4003, 'room.join', { room_id: channel.id });
    await refused(carol!, 4003, 'room.join', { room_id: oneToOne.id });
    await refused(carol!, 4004, 'room.join', { room_id: NOBODYS_ID });
    await refused(carol!, 4003, 'room.join', { room_id: 'nonsense' });
    await refused(carol!, 4003, 'room.join', {});
    await quiet(carol!, alice!, bob!);
  });

  test('holds the cap against many at once', async () => {
    const people = await scene.people(8);
    const [alice, ...others] = people as [Chatter, ...Chatter[]];
    const room = await createChannel(alice, [], { extra_fields: { is_public: true, max_subscribers: 4 } });
    const answers = await Promise.all(others.map((other) => other.request('room.join', { room_id: room.id })));
    const errors = answers.filter(({ error }) => error !== undefined);
    expect(errors).toHaveLength(4);
    for (const { error } of errors) {
      expect(error).toEqual({ code: 4003, detail: 'Maximum number of channel subscribers exceeded' });
    }
    const info = await answered<WireRoom>(alice, 'room.info', { room_id: room.id }, 'roominfo.dispatch');
    expect(info.member_count).toBe(4);
  });

  test('many at once by one user are one membership', async () => {
    const [alice, bob] = await scene.people(2);
    const phone = await scene.device(bob!);
    const room = await createChannel(alice!, [], openChannel);
    await Promise.all(
      Array.from({ length: 10 }, (_, n) => acknowledged(n % 2 ? bob! : phone, 'room.join', { room_id: room.id })),
    );
    const [frame] = await received<Change>([alice!, bob!, phone], 'roomaddmembers.dispatch');
    expect(frame!.data.room.member_count).toBe(2);
    await quiet(alice!, bob!, phone);
  });
});

describe.each(STACK_KINDS)('room.leave on %s', (kind) => {
  const scene = useStack(kind);

  test('tells the leaver and those who stay, and is the last the leaver hears', async () => {
    const [alice, bob, carol, dave] = await scene.people(4);
    const phone = await scene.device(bob!);
    const room = await createGroup(alice!, [bob!, carol!, phone]);
    await acknowledged(bob!, 'room.leave', { room_id: room.id });
    const [exit] = await received<Change>([bob!, phone], 'roomexit.dispatch');
    expectKeys(exit!.data, ['room', 'message']);
    expect(exit!.data.message).toBe(`You left ${room.name}`);
    expect(exit!.data.room.id).toBe(room.id);
    const [frame] = await received<Change>([alice!, carol!], 'roomremovemembers.dispatch');
    expectKeys(frame, ['eventType', 'data', 'room_id', 'offset']);
    expectKeys(frame!.data, ['room', 'removed_members', 'removed_by']);
    expect(frame!.data).toMatchObject({
      room: { id: room.id, member_count: 2 },
      removed_members: [bob!.user.username],
      removed_by: 'self',
    });
    await sendMessage(alice!, room, 'gone', [carol!]);
    await quiet(alice!, bob!, phone, carol!, dave!);
    await refused(bob!, 4002, 'room.leave', { room_id: room.id });
    await refused(bob!, 4002, 'room.messages', { room_id: room.id });
  });

  test('of the last one deletes the room', async () => {
    const [alice, bob] = await scene.people(2);
    const phone = await scene.device(alice!);
    const room = await createGroup(alice!, [bob!, phone]);
    await acknowledged(bob!, 'room.leave', { room_id: room.id });
    await bob!.expect('roomexit.dispatch');
    await received([alice!, phone], 'roomremovemembers.dispatch');
    await acknowledged(alice!, 'room.leave', { room_id: room.id });
    const [gone] = await received([alice!, phone], 'roomdelete.dispatch');
    expect(gone!.data).toEqual({ room_id: room.id });
    await received([alice!, phone], 'roomexit.dispatch');
    await quiet(alice!, phone, bob!);
    await refused(alice!, 4004, 'room.info', { room_id: room.id });
  });

  test('of all at once deletes the room once', async () => {
    const people = await scene.people(5);
    const [alice, ...others] = people as [Chatter, ...Chatter[]];
    const room = await createGroup(alice, others);
    await Promise.all(people.map((person) => acknowledged(person, 'room.leave', { room_id: room.id })));
    await refused(alice, 4004, 'room.info', { room_id: room.id });
    for (const person of people) {
      const list = await answered<WireListRoom[]>(person, 'room.list', {}, 'roomlist.dispatch');
      expect(list.map(({ id }) => id)).not.toContain(room.id);
    }
  });

  test('is not for a one-to-one, nor for strangers', async () => {
    const [alice, bob, carol] = await scene.strangers(3);
    const oneToOne = await createOneToOne(alice!, [bob!]);
    const group = await createGroup(alice!, [bob!]);
    await refused(alice!, 4003, 'room.leave', { room_id: oneToOne.id });
    await refused(carol!, 4002, 'room.leave', { room_id: group.id });
    await refused(carol!, 4004, 'room.leave', { room_id: NOBODYS_ID });
    await refused(carol!, 4003, 'room.leave', {});
    await quiet(alice!, bob!, carol!);
  });

  test('takes the rights of a creator away', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    await acknowledged(alice!, 'room.leave', { room_id: room.id });
    await alice!.expect('roomexit.dispatch');
    await bob!.expect('roomremovemembers.dispatch');
    await refused(alice!, 4002, 'room.modify', { room_id: room.id, action: 'update', data: { name: 'x' } });
    await refused(alice!, 4002, 'room.modify', { room_id: room.id, action: 'delete', data: {} });
    await refused(alice!, 4002, 'room.add_members', { room_id: room.id, members: [alice!.user.id] });
    await quiet(alice!, bob!);
  });
});
