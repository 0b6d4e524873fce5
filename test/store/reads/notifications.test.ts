import { v7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readNotifications } from '../../../src/store/reads/notifications.js';
import { at, databases, type Fixture, openFixture } from './fixture.js';

describe.each(databases)('notifications read from %s', (kind) => {
  let chat: Fixture;
  let alice: { id: number; username: string };
  let bob: { id: number; username: string };

  beforeAll(async () => {
    chat = await openFixture(kind);
  });
  beforeEach(async () => {
    alice = await chat.user();
    bob = await chat.user();
  });
  afterAll(() => chat.close());

  const read = (user = alice) => readNotifications(chat.context, user.id);
  const member = (room_id: string, values: object) =>
    chat.models.RoomMember.update(values, { where: { room_id, user_id: alice.id } });
  const reaction = (room_id: string, message_id: string, time: Date) =>
    chat.models.ChatNotification.create({
      id: v7(),
      recipient_id: alice.id,
      room_id,
      message_id,
      actor_id: bob.id,
      notification_type: 'REACTION',
      created_at: time,
    });

  it('shows nobody anything when there is nothing', async () => {
    await chat.room('GroupChat', [alice, bob]);
    expect(await read()).toEqual({});
  });

  it('shows messages of others, replies and reactions, oldest first, reactions after messages of the same time', async () => {
    const room = await chat.room('GroupChat', [alice, bob]);
    const mine = await chat.message(room, alice);
    const first = await chat.message(room, bob);
    const reply = await chat.message(room, bob, { parent_message_id: mine });
    const { id } = await reaction(room, mine, at(2));
    const answer = await read();
    expect(Object.keys(answer)).toEqual([room]);
    expect(answer[room]!.map(({ id, notification_type }) => [id, notification_type])).toEqual([
      [first, 'NEW_MESSAGE'],
      [id, 'REACTION'],
      [reply, 'REPLY'],
    ]);
    expect(answer[room]![1]!.message.id).toBe(mine);
    expect(answer[room]![2]!.message.parent_message).toMatchObject({ id: mine });
    expect(Object.keys(answer[room]![0]!)).toEqual(['id', 'notification_type', 'message']);
    expect(Object.keys((await read(bob))[room]!)).toHaveLength(1);
  });

  it('leaves out what was acknowledged, deleted, or sent before joining, and rooms that were left', async () => {
    const room = await chat.room('GroupChat', [alice, bob]);
    const ids = await chat.messages(room, bob, 10);
    await member(room, { joined_seq: 2 });
    await chat.delivered(ids[4]!, alice);
    await chat.delivered(ids[5]!, bob);
    await chat.models.Message.update({ is_deleted: true }, { where: { id: ids[6]! } });
    const seqs = async () => (await read())[room]?.map(({ message }) => message.seq);
    expect(await seqs()).toEqual([3, 4, 6, 8, 9, 10]);
    await member(room, { acked_seq: 8 });
    expect(await seqs()).toEqual([9, 10]);
    await reaction(room, ids[6]!, at(1));
    expect(await seqs()).toEqual([9, 10]);
    await chat.models.RoomMember.destroy({ where: { room_id: room, user_id: alice.id } });
    await reaction(room, ids[8]!, at(1));
    expect(await read()).toEqual({});
  });

  it('shows the newest 100 of a room, however far back', async () => {
    const room = await chat.room('GroupChat', [alice, bob]);
    await chat.messages(room, bob, 150);
    const seqs = async () => (await read())[room]!.map(({ message }) => message.seq);
    expect(await seqs()).toEqual(Array.from({ length: 100 }, (_, index) => 51 + index));
    // Thousands of own messages above: the ones that count are far down.
    await chat.messages(room, alice, 1500, 151);
    expect(await seqs()).toEqual(Array.from({ length: 100 }, (_, index) => 51 + index));
    await reaction(room, (await chat.messages(room, alice, 1, 1651))[0]!, at(5000));
    expect(await seqs()).toEqual([...Array.from({ length: 99 }, (_, index) => 52 + index), 1651]);
  });

  it('shows 1,000 in all, the newest', async () => {
    const rooms: string[] = [];
    for (let index = 0; index < 12; index++) {
      const room = await chat.room('GroupChat', [alice, bob]);
      rooms.push(room);
      await chat.messages(room, bob, 90, 1 + index * 100);
    }
    const answer = await readNotifications(chat.with({ maxBufferedBytes: 1e9 }), alice.id);
    const counts = rooms.map((room) => answer[room]?.length ?? 0);
    expect(counts).toEqual([10, ...Array(11).fill(90)]);
    const small = await readNotifications(chat.with({ maxBufferedBytes: 20_000 }), alice.id);
    expect(Object.keys(small)).toEqual([rooms[11]]);
    expect(small[rooms[11]!]!.at(-1)).toEqual(answer[rooms[11]!]!.at(-1));
  });

  it('takes the same number of queries for one room and for many', async () => {
    const make = async (user: typeof alice, rooms: number, messages: number) => {
      for (let index = 0; index < rooms; index++) {
        const room = await chat.room('GroupChat', [user, bob]);
        const ids = await chat.messages(room, bob, messages);
        await chat.models.Message.update({ parent_message_id: ids[0]! }, { where: { id: ids } });
        const last = ids.at(-1)!;
        await chat.delivered(last, bob);
        await chat.read(last, bob);
        await chat.reacted(last, bob, '👍');
      }
    };
    await make(alice, 1, 1);
    const carol = await chat.user();
    await make(carol, 15, 3);
    await make(carol, 2, 400);
    const one = await chat.counted(() => read(alice));
    const many = await chat.counted(() => read(carol));
    expect([one.queries, many.queries]).toEqual([10, 10]);
    expect(Object.values(many.result).map((list) => list.length)).toEqual([100, 100, ...Array(15).fill(3)]);
  });
});
