/** Receipts that wait at the same time share transactions, and each is as if it had been alone. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DATABASES, openDatabase, type TestDatabase, type TestRuntime } from './runtimes.js';

const READERS = 30;
const LISTED = 5;

interface Shown {
  readonly id: string;
  readonly delivered_count: number;
  readonly delivered_to: string[];
  readonly read_count: number;
  readonly read_receipts: Array<{ readonly reader: { readonly id: number } }>;
}

describe.each(DATABASES)('receipts at the same time, on %s', (kind) => {
  let database: TestDatabase;
  let worker: TestRuntime;
  let ann: number;
  let readers: number[];
  let stranger: number;
  let room_id: string;
  let ids: string[];

  beforeAll(async () => {
    database = await openDatabase(kind, READERS + 2);
    worker = database.open({ settings: { receiptListSize: LISTED, userCacheFor: 600 } });
    ann = database.userIds[0]!;
    readers = database.userIds.slice(1, READERS + 1);
    stranger = database.userIds.at(-1)!;
  });
  beforeEach(async () => {
    room_id = String(
      (await does(ann, 'room.create', { type: 'GroupChat', name: 'group', participants: readers })).room_id,
    );
    ids = [];
    for (let index = 0; index < 4; index++) ids.push(await send(ann));
    worker.statements.length = 0;
    for (const list of [worker.told.envelopes, worker.told.controls]) list.length = 0;
  });
  afterAll(() => database?.close());

  const does = async (userId: number, type: string, data: object) => {
    const answer = await worker.run(userId, type, data);
    if (answer.error) throw new Error(`${type}: ${JSON.stringify(answer.error)}`);
    return answer.data;
  };
  const send = async (userId: number) =>
    String((await does(userId, 'message.send', { room_id, content: 'hello' })).message_id);
  const transactions = () => worker.statements.filter((sql) => /^COMMIT/.test(sql)).length;
  /** What the room was told, in the order of its offsets. */
  const broadcasts = () =>
    worker.told.envelopes
      .filter(({ roomId }) => roomId === room_id)
      .toSorted((a, b) => a.offset - b.offset)
      .map(({ frame }) => (JSON.parse(frame!) as { data: Shown }).data);
  const marks = async () =>
    new Map(
      (
        await database.query<{ user_id: number; read_seq: number; acked_seq: number }>(
          'SELECT user_id, read_seq, acked_seq FROM chat_room_members WHERE room_id = ?',
          [room_id],
        )
      ).map(({ user_id, read_seq, acked_seq }) => [user_id, { read: Number(read_seq), acked: Number(acked_seq) }]),
    );
  const rowsOf = async (table: string, id: string) =>
    (await database.query<{ user_id: number }>(`SELECT user_id FROM chat_${table} WHERE message_id = ?`, [id]))
      .map(({ user_id }) => user_id)
      .toSorted((a, b) => a - b);
  const countsOf = async (id: string) =>
    (
      await database.query<{ delivered_count: number; read_count: number }>(
        'SELECT delivered_count, read_count FROM chat_messages WHERE id = ?',
        [id],
      )
    )[0];

  it('of one message by everybody: each is told with what stood before it, in few transactions', async () => {
    const [id] = ids as [string];
    await Promise.all(readers.map((reader) => does(reader, 'message.read', { message_id: id })));
    expect(transactions()).toBeLessThanOrEqual(8);
    expect(await rowsOf('read_receipts', id)).toEqual(readers);
    expect(await rowsOf('message_deliveries', id)).toEqual(readers);
    expect(await countsOf(id)).toEqual({ delivered_count: READERS, read_count: READERS });
    const told = broadcasts();
    expect(told.map(({ read_count }) => read_count)).toEqual(readers.map((_, index) => index + 1));
    expect(told.map(({ delivered_count }) => delivered_count)).toEqual(readers.map((_, index) => index + 1));
    const seen = new Set(told.map(({ read_receipts }) => read_receipts.at(-1)!.reader.id));
    expect([...seen].toSorted((a, b) => a - b)).toEqual(readers);
    for (const [index, { read_receipts, delivered_to }] of told.entries()) {
      expect(read_receipts).toHaveLength(Math.min(index + 1, LISTED));
      expect(delivered_to).toHaveLength(Math.min(index + 1, LISTED));
    }
    for (const reader of readers) expect((await marks()).get(reader)).toEqual({ read: 1, acked: 1 });
  });

  it('twice by two devices, again with a list longer than is shown, and by the sender: each row once', async () => {
    const [id] = ids as [string];
    await Promise.all(readers.map((reader) => does(reader, 'message.acknowledged', { message_id: id })));
    expect(worker.told.controls).toHaveLength(READERS);
    await Promise.all(
      [...readers, ...readers, ann].flatMap((reader) => [
        does(reader, 'message.acknowledged', { message_id: ids }),
        does(reader, 'message.read', { message_id: [id, id] }),
      ]),
    );
    for (const one of ids) expect(await rowsOf('message_deliveries', one)).toEqual(readers);
    expect(await rowsOf('read_receipts', id)).toEqual(readers);
    expect(await countsOf(id)).toEqual({ delivered_count: READERS, read_count: READERS });
    expect(await countsOf(ids[1]!)).toEqual({ delivered_count: READERS, read_count: 0 });
    expect(broadcasts()).toHaveLength(READERS);
    const all = await marks();
    for (const reader of readers) expect(all.get(reader)).toEqual({ read: 1, acked: 4 });
  });

  it('move the mark only over what is acknowledged, in whatever order that is', async () => {
    const [reader, other] = readers as [number, number];
    const own = await send(reader);
    ids.push(await send(ann));
    // In one event: of two, the one that is done last decides how far the mark is moved.
    const ack = (...at: number[]) =>
      does(reader, 'message.acknowledged', { message_id: at.map((index) => ids[index]) });
    const acked = async () => (await marks()).get(reader)!.acked;
    await ack(2);
    expect(await acked()).toBe(0);
    await ack(0);
    expect(await acked()).toBe(1);
    await ack(1, 4);
    // 4 is pending; 3 and, with it, what lies before.
    expect(await acked()).toBe(3);
    await ack(3);
    expect(await acked()).toBeGreaterThanOrEqual(4);
    await does(reader, 'message.read', { message_id: [...ids, own] });
    await does(other, 'message.read', { message_id: own });
    expect((await marks()).get(reader)).toMatchObject({ read: 6 });
    expect(await rowsOf('read_receipts', own)).toEqual([other]);
  });

  it('beside messages, and with some that are refused: the others are done', async () => {
    const [id, gone] = ids as [string, string];
    await does(ann, 'message.modify', { action: 'delete', message_id: gone });
    const answers = await Promise.all([
      ...readers.slice(0, 10).map((reader) => worker.run(reader, 'message.read', { message_id: id })),
      worker.run(stranger, 'message.read', { message_id: id }),
      worker.run(readers[0]!, 'message.acknowledged', { message_id: [ids[2], gone] }),
      ...readers.slice(0, 10).map((reader) => worker.run(reader, 'message.send', { room_id, content: 'meanwhile' })),
    ]);
    expect(answers.map(({ error }) => error?.code)).toEqual([
      ...Array(10).fill(undefined),
      4002,
      4004,
      ...Array(10).fill(undefined),
    ]);
    expect(await rowsOf('read_receipts', id)).toEqual(readers.slice(0, 10));
    expect(await rowsOf('message_deliveries', ids[2]!)).toEqual([]);
    const offsets = worker.told.envelopes.filter(({ roomId }) => roomId === room_id).map(({ offset }) => offset);
    const first = Math.min(...offsets);
    expect(offsets.toSorted((a, b) => a - b)).toEqual(offsets.map((_, index) => first + index));
  });

  it('take at most 16 statements for one alone, and of all members of a room few more than for three', async () => {
    const [one, two, three, four] = ids as [string, string, string, string];
    const [reader] = readers as [number];
    const count = async (readers: number[], type: string, message_id: string) => {
      worker.statements.length = 0;
      await Promise.all(readers.map((userId) => does(userId, type, { message_id })));
      return worker.statements.length;
    };
    await count([reader], 'message.acknowledged', one);
    expect(await count([reader], 'message.acknowledged', two)).toBeLessThanOrEqual(15);
    expect(await count([reader], 'message.read', three)).toBeLessThanOrEqual(16);
    // A first one alone, while the rest gathers.
    expect(await count(readers.slice(1), 'message.read', four)).toBeLessThanOrEqual(60);
  });

  it('of a room that is deleted meanwhile are refused, though its messages were known', async () => {
    const [id] = ids as [string];
    const [reader, other] = readers as [number, number];
    await does(reader, 'message.read', { message_id: id });
    await does(ann, 'room.modify', { room_id, action: 'delete', data: {} });
    expect((await worker.run(other, 'message.read', { message_id: id })).error?.code).toBe(4004);
  });
});
