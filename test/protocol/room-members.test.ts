import { describe, expect, test } from 'vitest';
import {
  acknowledged,
  answered,
  createChannel,
  createGroup,
  createOneToOne,
  expectKeys,
  expectRoom,
  expectTime,
  expectUser,
  historyOf,
  idsOf,
  NOBODYS_ID,
  NOBODYS_USER_ID,
  quiet,
  received,
  refused,
  sendMessage,
  useStack,
} from '../helpers/chat.js';
import type { WireRoom, WireUser } from '../helpers/shapes.js';
import { type Chatter, STACK_KINDS } from '../helpers/stack.js';

interface Members {
  room_id: string;
  members: { user: WireUser; role: string; joined_at: string }[];
  next_cursor: string | null;
}

interface Change {
  room: WireRoom;
  new_members: string[];
  added_by: string;
  removed_members: string[];
  removed_by: string;
  message: string;
}

const infoOf = (who: Chatter, room_id: string) =>
  answered<WireRoom>(who, 'room.info', { room_id }, 'roominfo.dispatch');

async function grant(owner: Chatter, room: WireRoom, who: Chatter, permission: string, all: Chatter[]): Promise<void> {
  await acknowledged(owner, 'room.modify', {
    room_id: room.id,
    action: 'add_permission',
    data: { users: [who.user.id], permission: [permission] },
  });
  await received(all, 'roomupdate.dispatch');
}

describe.each(STACK_KINDS)('room.add_members on %s', (kind) => {
  const scene = useStack(kind);

  test('tells everybody, the new ones included, and the new ones hear the room from then on', async () => {
    const [alice, bob, carol, dave] = await scene.people(4);
    const phone = await scene.device(carol!);
    const room = await createGroup(alice!, [bob!]);
    await acknowledged(alice!, 'room.add_members', { room_id: room.id, members: [carol!.user.id] });
    const all = [alice!, bob!, carol!, phone];
    const [frame] = await received<Change>(all, 'roomaddmembers.dispatch');
    expectKeys(frame, ['eventType', 'data', 'room_id', 'offset']);
    expectKeys(frame!.data, ['room', 'new_members', 'added_by']);
    expect(frame!.data).toMatchObject({
      room: { id: room.id, member_count: 3 },
      new_members: [carol!.user.username],
      added_by: alice!.user.username,
    });
    await sendMessage(alice!, room, 'welcome', [bob!, carol!, phone]);
    await sendMessage(carol!, room, 'thanks', [alice!, bob!, phone]);
    await quiet(alice!, bob!, carol!, phone, dave!);
    expect(idsOf((await infoOf(carol!, room.id)).participants)).toEqual(idsOf([alice!.user, bob!.user, carol!.user]));
  });

  test('lets the new ones see the whole history', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!);
    const before = await sendMessage(alice!, room, 'before');
    await acknowledged(alice!, 'room.add_members', { room_id: room.id, members: [bob!.user.id] });
    expect(await historyOf(bob!, room)).toEqual([before]);
  });

  test('skips who is a member already', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const room = await createGroup(alice!, [bob!]);
    await acknowledged(alice!, 'room.add_members', {
      room_id: room.id,
      members: [bob!.user.id, carol!.user.id, carol!.user.id, alice!.user.id],
    });
    const [frame] = await received<Change>([alice!, bob!, carol!], 'roomaddmembers.dispatch');
    expect(frame!.data.new_members).toEqual([carol!.user.username]);
    const again = await alice!.request('room.add_members', { room_id: room.id, members: [bob!.user.id] });
    expect(again.error).toBeUndefined();
    expect((await infoOf(bob!, room.id)).member_count).toBe(3);
  });

  test('with an unknown user adds nobody', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!);
    const members = [bob!.user.id, NOBODYS_USER_ID];
    await refused(alice!, 4004, 'room.add_members', { room_id: room.id, members });
    await quiet(alice!, bob!);
    expect((await infoOf(alice!, room.id)).member_count).toBe(1);
    await refused(bob!, 4002, 'room.info', { room_id: room.id });
  });

  test('is for creator, admins and holders of the permission', async () => {
    const [alice, bob, carol, dave] = await scene.people(4);
    const room = await createGroup(alice!, [bob!, carol!]);
    const members = [dave!.user.id];
    await refused(bob!, 4002, 'room.add_members', { room_id: room.id, members });
    await refused(dave!, 4002, 'room.add_members', { room_id: room.id, members });
    await quiet(bob!, alice!, carol!, dave!);
    await grant(alice!, room, bob!, 'can_add_new_participants', [alice!, bob!, carol!]);
    await acknowledged(bob!, 'room.add_members', { room_id: room.id, members });
    const [frame] = await received<Change>([alice!, bob!, carol!, dave!], 'roomaddmembers.dispatch');
    expect(frame!.data.added_by).toBe(bob!.user.username);
    await refused(bob!, 4002, 'room.remove_members', { room_id: room.id, members });
  });

  test('in a channel is for creator, moderators and holders of the permission', async () => {
    const [alice, bob, carol, dave] = await scene.people(4);
    const room = await createChannel(alice!, [bob!, carol!]);
    await refused(bob!, 4002, 'room.add_members', { room_id: room.id, members: [dave!.user.id] });
    await grant(alice!, room, bob!, 'can_add_new_subscribers', [alice!, bob!, carol!]);
    await acknowledged(bob!, 'room.add_members', { room_id: room.id, members: [dave!.user.id] });
    await received([alice!, bob!, carol!, dave!], 'roomaddmembers.dispatch');
    await grant(alice!, room, carol!, 'can_remove_subscribers', [alice!, bob!, carol!, dave!]);
    await acknowledged(carol!, 'room.remove_members', { room_id: room.id, members: [dave!.user.id] });
    await received([alice!, bob!, carol!], 'roomremovemembers.dispatch');
  });

  test('a one-to-one takes no more and loses none', async () => {
    const [alice, bob, carol] = await scene.strangers(3);
    const room = await createOneToOne(alice!, [bob!]);
    await refused(alice!, 4003, 'room.add_members', { room_id: room.id, members: [carol!.user.id] });
    await refused(alice!, 4003, 'room.remove_members', { room_id: room.id, members: [bob!.user.id] });
    await quiet(alice!, bob!, carol!);
  });

  test('refuses wrong input', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    for (const event of ['room.add_members', 'room.remove_members']) {
      await refused(alice!, 4003, event, { room_id: room.id, members: [] });
      await refused(alice!, 4003, event, { room_id: room.id });
      await refused(alice!, 4003, event, { room_id: room.id, members: bob!.user.id });
      await refused(alice!, 4003, event, { room_id: room.id, members: ['bob'] });
      await refused(alice!, 4003, event, { room_id: room.id, members: [bob!.user.id], nonsense: 1 });
      await refused(alice!, 4003, event, { room_id: 'nonsense', members: [bob!.user.id] });
      await refused(alice!, 4004, event, { room_id: NOBODYS_ID, members: [bob!.user.id] });
      const tooMany = Array.from({ length: 1001 }, (_, n) => n + 1);
      await refused(alice!, 4003, event, { room_id: room.id, members: tooMany });
    }
    await quiet(alice!, bob!);
  });

  test('holds the cap against many at once', async () => {
    const people = await scene.people(8);
    const [alice, ...others] = people as [Chatter, ...Chatter[]];
    const phone = await scene.device(alice);
    const room = await createGroup(alice, [phone], { extra_fields: { max_participants: 4 } });
    const answers = await Promise.all(
      others.map((other, n) =>
        (n % 2 ? alice : phone).request('room.add_members', { room_id: room.id, members: [other.user.id] }),
      ),
    );
    const errors = answers.filter(({ error }) => error !== undefined);
    expect(errors).toHaveLength(4);
    for (const { error } of errors) {
      expect(error).toEqual({ code: 4003, detail: 'Maximum number of group participants exceeded' });
    }
    const info = await infoOf(alice, room.id);
    expect(info.member_count).toBe(4);
    expect(info.participants).toHaveLength(4);
  });

  test('over the cap adds none of the list', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const room = await createChannel(alice!, [], { extra_fields: { max_subscribers: 2 } });
    const members = [bob!.user.id, carol!.user.id];
    const error = await refused(alice!, 4003, 'room.add_members', { room_id: room.id, members });
    expect(error.detail).toBe('Maximum number of channel subscribers exceeded');
    await quiet(alice!, bob!, carol!);
    expect((await infoOf(alice!, room.id)).member_count).toBe(1);
  });
});

describe.each(STACK_KINDS)('room.remove_members on %s', (kind) => {
  const scene = useStack(kind);

  test('tells the removed that they are out, the others who went, and then nothing more to the removed', async () => {
    const [alice, bob, carol, dave] = await scene.people(4);
    const phone = await scene.device(carol!);
    const room = await createGroup(alice!, [bob!, carol!, phone]);
    await acknowledged(alice!, 'room.remove_members', { room_id: room.id, members: [carol!.user.id] });
    const [exit] = await received<Change>([carol!, phone], 'roomexit.dispatch');
    expectKeys(exit!.data, ['room', 'message']);
    expect(exit!.data.message).toBe(`You have been removed by ${alice!.user.username}`);
    expect(exit!.data.room.id).toBe(room.id);
    const [frame] = await received<Change>([alice!, bob!], 'roomremovemembers.dispatch');
    expectKeys(frame, ['eventType', 'data', 'room_id', 'offset']);
    expectKeys(frame!.data, ['room', 'removed_members', 'removed_by']);
    expect(frame!.data).toMatchObject({
      room: { id: room.id, member_count: 2 },
      removed_members: [carol!.user.username],
      removed_by: alice!.user.username,
    });
    await sendMessage(alice!, room, 'alone at last', [bob!]);
    for (const event of ['room.info', 'room.members', 'room.messages', 'room.leave', 'message.typing']) {
      await refused(carol!, 4002, event, { room_id: room.id });
    }
    await refused(carol!, 4002, 'message.send', { room_id: room.id, content: 'x' });
    await quiet(alice!, bob!, carol!, phone, dave!);
  });

  test('skips the creator, unless removing themself', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const room = await createGroup(alice!, [bob!, carol!]);
    await acknowledged(alice!, 'room.modify', {
      room_id: room.id,
      action: 'add_admin',
      data: { users: [bob!.user.id] },
    });
    await received([alice!, bob!, carol!], 'roomupdate.dispatch');
    const skipped = await bob!.request('room.remove_members', { room_id: room.id, members: [alice!.user.id] });
    expect(skipped.error).toBeUndefined();
    expect((await infoOf(alice!, room.id)).member_count).toBe(3);
    await acknowledged(alice!, 'room.remove_members', { room_id: room.id, members: [alice!.user.id] });
    await alice!.expect('roomexit.dispatch');
    expect((await infoOf(bob!, room.id)).member_count).toBe(2);
    await refused(alice!, 4002, 'room.info', { room_id: room.id });
  });

  test('is for creator, admins and holders of the permission', async () => {
    const [alice, bob, carol, dave] = await scene.people(4);
    const room = await createGroup(alice!, [bob!, carol!]);
    const members = [carol!.user.id];
    await refused(bob!, 4002, 'room.remove_members', { room_id: room.id, members });
    await refused(dave!, 4002, 'room.remove_members', { room_id: room.id, members });
    await quiet(bob!, alice!, carol!, dave!);
    await grant(alice!, room, bob!, 'can_remove_participants', [alice!, bob!, carol!]);
    await acknowledged(bob!, 'room.remove_members', { room_id: room.id, members });
    await received([alice!, bob!], 'roomremovemembers.dispatch');
    await carol!.expect('roomexit.dispatch');
  });

  test('who is added again hears the room again', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const members = [bob!.user.id];
    for (let round = 0; round < 3; round++) {
      await acknowledged(alice!, 'room.remove_members', { room_id: room.id, members });
      await bob!.expect('roomexit.dispatch');
      await alice!.expect('roomremovemembers.dispatch');
      await sendMessage(alice!, room, `without bob ${round}`);
      await acknowledged(alice!, 'room.add_members', { room_id: room.id, members });
      await received([alice!, bob!], 'roomaddmembers.dispatch');
      await sendMessage(alice!, room, `with bob ${round}`, [bob!]);
    }
    await quiet(alice!, bob!);
  });

  test('leaves the messages of the removed', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const message = await sendMessage(bob!, room, 'I was here', [alice!]);
    await acknowledged(alice!, 'room.remove_members', { room_id: room.id, members: [bob!.user.id] });
    expect(await historyOf(alice!, room)).toEqual([message]);
  });
});

describe.each(STACK_KINDS)('room.info and room.members on %s', (kind) => {
  const scene = useStack(kind);

  test('room.info is for members', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const room = await createGroup(alice!, [bob!]);
    const info = await infoOf(bob!, room.id);
    expectRoom(info);
    expect(info).toEqual(room);
    for (const event of ['room.info', 'room.members']) {
      await refused(carol!, 4002, event, { room_id: room.id });
      await refused(alice!, 4004, event, { room_id: NOBODYS_ID });
      await refused(alice!, 4003, event, { room_id: 'nonsense' });
      await refused(alice!, 4003, event, {});
      await refused(alice!, 4003, event, { room_id: room.id, nonsense: 1 });
    }
  });

  test('only the asking connection gets the answer', async () => {
    const [alice, bob] = await scene.people(2);
    const phone = await scene.device(alice!);
    const room = await createGroup(alice!, [bob!, phone]);
    await infoOf(alice!, room.id);
    await answered(alice!, 'room.members', { room_id: room.id }, 'roommembers.dispatch');
    await quiet(alice!, bob!, phone);
  });

  test('room.members names everybody with role and time of joining', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const answer = await answered<Members>(bob!, 'room.members', { room_id: room.id }, 'roommembers.dispatch');
    expectKeys(answer, ['room_id', 'members', 'next_cursor']);
    expect(answer.room_id).toBe(room.id);
    expect(answer.next_cursor).toBeNull();
    for (const member of answer.members) {
      expectKeys(member, ['user', 'role', 'joined_at']);
      expectUser(member.user);
      expectTime(member.joined_at);
      expect(typeof member.role).toBe('string');
    }
    expect(idsOf(answer.members.map(({ user }) => user))).toEqual(idsOf([alice!.user, bob!.user]));
  });

  test('room.members goes through everybody by cursor, each once', async () => {
    const people = await scene.people(7);
    const [alice, ...others] = people as [Chatter, ...Chatter[]];
    const room = await createGroup(alice, others);
    const seen: WireUser[] = [];
    let cursor: string | null | undefined;
    for (let page = 0; cursor !== null; page++) {
      expect(page).toBeLessThan(5);
      const data = { room_id: room.id, limit: 3, ...(cursor === undefined ? {} : { cursor }) };
      const answer = await answered<Members>(alice, 'room.members', data, 'roommembers.dispatch');
      expect(answer.members.length).toBeLessThanOrEqual(3);
      seen.push(...answer.members.map(({ user }) => user));
      cursor = answer.next_cursor;
    }
    expect(idsOf(seen)).toEqual(idsOf(people.map(({ user }) => user)));
    for (const limit of [0, 501, -1, 1.5, '3', null]) {
      await refused(alice, 4003, 'room.members', { room_id: room.id, limit });
    }
    await refused(alice, 4003, 'room.members', { room_id: room.id, cursor: 'nonsense' });
  });
});
