import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readNotifications } from '../../../src/store/reads/notifications.js';
import { readNotificationsOfMany } from '../../../src/store/reads/notifications-of-many.js';
import { at, databases, type Fixture, openFixture } from './fixture.js';

describe.each(databases)('notifications of many users read together from %s', (kind) => {
  let chat: Fixture;
  type User = Awaited<ReturnType<Fixture['user']>>;

  beforeAll(async () => {
    chat = await openFixture(kind);
  });
  afterAll(() => chat.close());

  /** Both ways give the same, to each of them. */
  async function expectSame(users: readonly User[]) {
    const together = await readNotificationsOfMany(
      chat.context,
      users.map(({ id }) => id),
    );
    expect([...together.keys()]).toEqual(users.map(({ id }) => String(id)));
    for (const user of users) {
      expect(together.get(String(user.id))).toEqual(await readNotifications(chat.context, user.id));
    }
    return together;
  }

  it('are those that each would have been told of alone', async () => {
    const users = await Promise.all(Array.from({ length: 6 }, () => chat.user()));
    const [ann, ben, cas, dan, eve, fay] = users as [User, User, User, User, User, User];
    const room = await chat.room('GroupChat', [ann, ben, cas, dan]);
    const other = await chat.room('Channel', [ann, eve]);
    const mine = await chat.message(room, ann);
    const [first, second] = [await chat.message(room, ben), await chat.message(room, ben)];
    await chat.message(room, ben);
    await chat.message(room, ben, { parent_message_id: mine });
    await chat.message(other, eve);
    const where = (user: User, room_id = room) => ({ where: { room_id, user_id: user.id } });
    await chat.models.RoomMember.update({ acked_seq: 2 }, where(cas));
    await chat.models.RoomMember.update({ joined_seq: 4 }, where(dan));
    // Acknowledged out of turn.
    await chat.models.MessageDelivery.create({ message_id: second!, user_id: ann.id, created_at: at(1) });
    await chat.models.Message.update({ delivered_count: 1 }, { where: { id: second! } });
    await chat.models.Message.update({ is_deleted: true }, { where: { id: first! } });
    for (const [actor, type] of [
      [ben, 'REACTION'],
      [cas, 'REACTION'],
    ] as const) {
      await chat.models.ChatNotification.create({
        id: v7(),
        recipient_id: ann.id,
        room_id: room,
        message_id: mine,
        actor_id: actor.id,
        notification_type: type,
        created_at: at(2),
      });
    }
    const together = await expectSame(users);
    expect(together.get(String(fay.id))).toEqual({});
    const told = (user: User) => Object.values(together.get(String(user.id))!).map((list) => list.length);
    expect(Object.fromEntries(users.map((user, index) => [index, told(user)]))).toEqual({
      0: expect.arrayContaining([4, 1]),
      1: [1],
      2: [3],
      3: [1],
      4: [],
      5: [],
    });
  });

  it('are as many as alone for who has missed much, and for more rooms than one statement names', async () => {
    const [ann, ben, cas] = await Promise.all([chat.user(), chat.user(), chat.user()]);
    const busy = await chat.room('GroupChat', [ann, ben]);
    await chat.messages(busy, ben, 120);
    const people = [ann, ben, cas];
    for (let count = 0; count < 3; count++) {
      const missing = await chat.user();
      people.push(missing);
      for (let index = 0; index < 35; index++) await chat.message(await chat.room('Channel', [missing, ben]), ben);
    }
    await expectSame(people);
  });

  it('cost as many statements for thirty who missed the same as for three', async () => {
    const users = await Promise.all(Array.from({ length: 31 }, () => chat.user()));
    const room = await chat.room('GroupChat', users);
    await chat.messages(room, users[30]!, 2);
    const countOf = async (some: readonly User[]) => {
      const ids = some.map(({ id }) => id);
      const { queries } = await chat.counted(() => readNotificationsOfMany(chat.context, ids));
      return queries;
    };
    const few = await countOf(users.slice(0, 3));
    expect(await countOf(users.slice(0, 30))).toBe(few);
    expect(few).toBeLessThan(10);
  });
});
