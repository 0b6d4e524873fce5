/** A send takes few round trips to the database, and sees all the same what was committed while it waited for its room. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { rememberDeleted } from '../../src/store/requests.js';
import type { UnitOfWork } from '../../src/store/unit-of-work.js';
import { DATABASES, openDatabase, type TestDatabase, type TestRuntime } from '../system/runtimes.js';

describe.each(DATABASES)('writing on %s', (kind) => {
  let database: TestDatabase;
  let worker: TestRuntime;
  let ann: number;
  let ben: number;
  let cas: number;
  let rooms: string[];
  let sent = 0;

  beforeAll(async () => {
    database = await openDatabase(kind, 3);
    worker = database.open({ settings: { userCacheFor: 600 } });
    [ann, ben, cas] = database.userIds as [number, number, number];
  });
  beforeEach(async () => {
    rooms = [];
    for (const name of ['one', 'two']) {
      const { data } = await worker.run(ann, 'room.create', { type: 'GroupChat', name, participants: [ben] });
      rooms.push(String(data.room_id));
    }
    // What is read once for all is read now.
    for (const user of [ann, ben]) await send(user, rooms[0]!);
    worker.statements.length = 0;
    worker.roundTrips.length = 0;
  });
  afterAll(() => database?.close());

  const send = (user: number, room_id: string, more: object = {}) =>
    worker.run(user, 'message.send', { room_id, content: 'hello', client_id: `send ${sent++}`, ...more });
  /** What was asked between the beginning and the end of transactions, by verb and first table. */
  const asked = () =>
    worker.statements.flatMap((line) => {
      const sql = line.replaceAll('`', '');
      const [, verb, table] = /^(SELECT|INSERT|UPDATE|DELETE)\b.*?\b(chat_\w+)/s.exec(sql) ?? [];
      return verb ? [`${verb} ${table}`] : [];
    });
  const commits = () => worker.statements.filter((line) => /^COMMIT/.test(line)).length;
  const members = (roomId: string) =>
    database.query<{ user_id: number; read_seq: number; acked_seq: number }>(
      'SELECT user_id, read_seq, acked_seq FROM chat_room_members WHERE room_id = ? ORDER BY user_id',
      [roomId],
    );
  const counters = async (roomId: string) =>
    (
      await database.query<{ last_seq: number; last_offset: number; last_activity_at: unknown }>(
        'SELECT last_seq, last_offset, last_activity_at FROM chat_rooms WHERE id = ?',
        [roomId],
      )
    )[0]!;
  const inserts = ['INSERT chat_messages', 'INSERT chat_outcomes'];
  const ofOneRoom = kind === 'SQLite' ? ['UPDATE chat_room_members', 'UPDATE chat_rooms'] : ['UPDATE chat_rooms'];

  it('of one message asks once for all it needs to know', async () => {
    expect((await send(ann, rooms[0]!)).error).toBeUndefined();
    expect(commits()).toBe(1);
    expect(asked()).toEqual(['SELECT chat_rooms', ...inserts, ...ofOneRoom]);
    // It is locked and read in one block, written and committed in another.
    if (kind === 'MariaDB') expect(worker.roundTrips).toHaveLength(2);
  });

  it('of many messages in one room asks twice', async () => {
    const answers = await Promise.all([ann, ben, ann, ben].map((user) => send(user, rooms[0]!)));
    expect(answers.map(({ data }) => data.seq)).toEqual([3, 4, 5, 6]);
    expect(commits()).toBe(1);
    expect(asked()).toEqual(['SELECT chat_rooms', 'SELECT chat_room_members', ...inserts, ...ofOneRoom]);
    expect(await members(rooms[0]!)).toMatchObject([{ read_seq: 5 }, { read_seq: 6 }]);
    expect(await counters(rooms[0]!)).toMatchObject({ last_seq: 6 });
  });

  it('of a repeat writes nothing, alone and in a group', async () => {
    const first = await send(ann, rooms[0]!, { client_id: `once ${rooms[0]}` });
    worker.statements.length = 0;
    expect(await send(ann, rooms[0]!, { client_id: `once ${rooms[0]}` })).toMatchObject({ data: first.data });
    // The second is what the first was answered with.
    expect(asked()).toEqual(['SELECT chat_rooms', 'SELECT chat_outcomes']);
    const [other, again] = await Promise.all([
      send(ben, rooms[0]!),
      send(ann, rooms[0]!, { client_id: `once ${rooms[0]}` }),
    ]);
    expect(again).toMatchObject({ data: first.data });
    expect(other?.data.seq).toBe(4);
    expect(await members(rooms[0]!)).toMatchObject([{ read_seq: 3 }, { read_seq: 4 }]);
  });

  const progress = (roomIds: readonly string[], work: (unit: UnitOfWork) => void) =>
    worker.runtime.store.transaction(async (unit) => {
      await unit.lockRooms(roomIds);
      worker.statements.length = 0;
      work(unit);
    });

  it('moves marks up and never down, and each only where it is meant', async () => {
    const [one, two] = rooms as [string, string];
    await progress([one], (unit) => {
      unit.takeSeq(one);
      unit.markRead(one, ann, 3);
      unit.markAcked(one, ann, 2);
      unit.markRead(one, ben, 1);
    });
    expect(asked()).toEqual(ofOneRoom);
    expect(await members(one)).toMatchObject([
      { user_id: ann, read_seq: 3, acked_seq: 2 },
      { user_id: ben, read_seq: 2, acked_seq: 0 },
    ]);
    const before = await members(two);
    await progress([one], (unit) => {
      unit.takeOffset(one);
      unit.markRead(one, ann, 1);
      unit.markAcked(one, ben, 1);
    });
    expect(await members(one)).toMatchObject([
      { user_id: ann, read_seq: 3, acked_seq: 2 },
      { user_id: ben, read_seq: 2, acked_seq: 1 },
    ]);
    expect(await members(two)).toEqual(before);
  });

  it('writes the marks of one room and the counters of another', async () => {
    const [one, two] = rooms as [string, string];
    const [ones, twos] = [await counters(one), await counters(two)];
    await progress(rooms, (unit) => {
      unit.markRead(one, ann, 9);
      unit.takeSeq(two);
      unit.takeOffset(two);
    });
    expect(asked()).toEqual(['UPDATE chat_room_members', 'UPDATE chat_rooms']);
    expect(await members(one)).toMatchObject([{ read_seq: 9 }, { read_seq: 2 }]);
    expect(await members(two)).toMatchObject([{ read_seq: 0 }, { read_seq: 0 }]);
    expect(await counters(one)).toEqual(ones);
    expect(await counters(two)).toMatchObject({
      last_seq: Number(twos.last_seq) + 1,
      last_offset: Number(twos.last_offset) + 1,
    });
  });

  it('writes the marks and counters of several rooms, and either without the other', async () => {
    const [one, two] = rooms as [string, string];
    await progress(rooms, (unit) => {
      for (const [index, id] of rooms.entries()) {
        for (let times = 0; times <= index; times++) unit.takeSeq(id);
        unit.markRead(id, ben, 5 + index);
      }
    });
    expect(await members(one)).toMatchObject([{ read_seq: 1 }, { read_seq: 5 }]);
    expect(await members(two)).toMatchObject([{ read_seq: 0 }, { read_seq: 6 }]);
    expect([await counters(one), await counters(two)]).toMatchObject([{ last_seq: 3 }, { last_seq: 2 }]);
    await progress([one], (unit) => unit.markAcked(one, ben, 4));
    expect(asked()).toEqual(['UPDATE chat_room_members']);
    expect(await members(one)).toMatchObject([{ acked_seq: 0 }, { acked_seq: 4 }]);
    await progress([one], (unit) => void unit.takeOffset(one));
    expect(asked()).toEqual(['UPDATE chat_rooms']);
  });

  it('moves a room on where its mark is of nobody in it', async () => {
    const [one] = rooms as [string];
    const before = await counters(one);
    await progress([one], (unit) => {
      unit.takeOffset(one);
      unit.markRead(one, cas, 2);
    });
    // The time is left as it was: no message came.
    expect(await counters(one)).toEqual({ ...before, last_offset: Number(before.last_offset) + 1 });
    expect(await members(one)).toHaveLength(2);
  });
});

describe('a repeat on MariaDB that waits for its room', () => {
  let database: TestDatabase;
  let worker: TestRuntime;
  let holder: TestRuntime;
  let ann: number;
  let ben: number;
  let room_id: string;

  beforeAll(async () => {
    database = await openDatabase('MariaDB', 2, { own: true });
    worker = database.open({ settings: { userCacheFor: 600 } });
    holder = database.open();
    [ann, ben] = database.userIds as [number, number];
  });
  beforeEach(async () => {
    const data = { type: 'GroupChat', name: 'group', participants: [ben] };
    room_id = String((await worker.run(ann, 'room.create', data)).data.room_id);
  });
  afterAll(() => database?.close());

  const send = (user: number, client_id: string) =>
    worker.run(user, 'message.send', { room_id, content: 'once', client_id });
  const waiting = () =>
    vi.waitFor(
      async () =>
        expect(await database.query("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'")).toMatchObject([
          { Value: '1' },
        ]),
      { timeout: 10_000, interval: 10 },
    );

  describe.each([
    ['alone', 0],
    ['in a group', 3],
  ])('%s', (_, others) => {
    /** Sends while somebody else holds the room; `change` is what that one commits. */
    async function sendMeanwhile(client_id: string, change: (unit: UnitOfWork) => Promise<unknown>) {
      let sending: Promise<unknown> | undefined;
      await holder.runtime.store.transaction(async (unit) => {
        await unit.lockRooms([room_id]);
        worker.statements.length = 0;
        sending ??= Promise.all([
          send(ann, client_id),
          ...Array.from({ length: others }, (_, index) => send(ben, `${client_id} beside ${index}`)),
        ]);
        await waiting();
        await change(unit);
      });
      const [answer, ...beside] = (await sending) as Awaited<ReturnType<typeof send>>[];
      expect(beside.map(({ error }) => error)).toEqual(beside.map(() => undefined));
      return answer!;
    }
    const rowOf = async (messageId: unknown) =>
      (await worker.models.Message.findByPk(String(messageId)))!.get({ plain: true });

    it('finds the message that was committed meanwhile, before it inserts one', async () => {
      const client_id = `repeat ${room_id}`;
      const first = await send(ann, client_id);
      const row = await rowOf(first.data.message_id);
      // As if the first one was only about to be committed.
      await worker.models.Message.destroy({ where: { id: row.id } });
      const answer = await sendMeanwhile(client_id, ({ transaction }) =>
        holder.models.Message.create(row as never, { transaction }),
      );
      expect(answer.data).toEqual(first.data);
      const inserted = worker.statements.filter((sql) => /INSERT INTO `?chat_messages/.test(sql));
      // Not by the unique key, which would undo the whole group.
      expect(inserted).toHaveLength(others === 0 ? 0 : 1);
      expect(await worker.models.Message.count({ where: { room_id } })).toBe(1 + others);
    });

    it('finds that its message was deleted meanwhile', async () => {
      const client_id = `deleted ${room_id}`;
      const first = await send(ann, client_id);
      const row = await rowOf(first.data.message_id);
      const answer = await sendMeanwhile(client_id, async ({ transaction }) => {
        const { request_hash, id: message_id } = row;
        const made = { request_hash, answer: { message_id, seq: Number(row.seq) }, userId: ann, clientId: client_id };
        await rememberDeleted(holder.runtime, 'message', [made], transaction);
        await holder.models.Message.destroy({ where: { id: row.id }, transaction });
      });
      expect(answer.data).toEqual(first.data);
      expect(await worker.models.Message.count({ where: { room_id } })).toBe(others);
    });
  });
});
