import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PageHistoryShape, SeqHistoryShape } from '../../../src/protocol/shapes.js';
import { type HistoryQuery, readHistory, readHistoryText } from '../../../src/store/reads/history.js';
import { databases, type Fixture, openFixture } from './fixture.js';

/** The numbers from `high` down to `low`. */
const down = (high: number, low: number) => Array.from({ length: high - low + 1 }, (_, index) => high - index);

describe.each(databases)('history read from %s', (kind) => {
  let chat: Fixture;
  let alice: { id: number };
  let room: string;

  beforeAll(async () => {
    chat = await openFixture(kind);
    alice = await chat.user();
    room = await chat.room('GroupChat', [alice]);
    await chat.messages(room, alice, 120);
    await chat.models.Message.destroy({ where: { room_id: room, seq: 118 } });
    await chat.models.Message.update({ is_deleted: true }, { where: { room_id: room, seq: [60, 117] } });
    const other = await chat.room('GroupChat', [alice]);
    await chat.messages(other, alice, 5);
  });
  afterAll(() => chat.close());

  async function seqs(query: HistoryQuery, context = chat.context) {
    const answer = (await readHistory(context, room, query)) as SeqHistoryShape;
    expect(answer.data.room_id).toBe(room);
    return [answer.data.messages.map(({ seq }) => seq), answer.has_before, answer.has_after];
  }

  it('gives the newest 50, newest first, without deleted ones', async () => {
    const answer = await readHistory(chat.context, room);
    expect(Object.keys(answer)).toEqual(['data']);
    expect(answer.data.messages.map(({ seq }) => seq)).toEqual([120, 119, ...down(116, 69)]);
  });

  it('gives pages with their numbers', async () => {
    const { data, ...first } = (await readHistory(chat.context, room, {
      paginate: { page: 1, size: 50 },
    })) as PageHistoryShape;
    expect(first).toEqual({
      has_next: true,
      has_previous: false,
      next_page_number: 2,
      prev_page_number: null,
      page: 1,
      size: 50,
    });
    expect(data.messages.map(({ seq }) => seq)).toEqual([120, 119, ...down(116, 69)]);
    const middle = await readHistory(chat.context, room, { paginate: { page: 2, size: 50 } });
    expect(middle).toMatchObject({ has_next: true, has_previous: true, next_page_number: 3, prev_page_number: 1 });
    expect(middle.data.messages.map(({ seq }) => seq)).toEqual([...down(68, 61), ...down(59, 18)]);
  });

  it('gives the last page for a page past the end', async () => {
    const last = await readHistory(chat.context, room, { paginate: { page: 99, size: 50 } });
    expect(last).toMatchObject({ page: 3, has_next: false, next_page_number: null, prev_page_number: 2 });
    expect(last.data.messages.map(({ seq }) => seq)).toEqual(down(17, 1));
  });

  it('gives page 1 of an empty room', async () => {
    const empty = await chat.room('GroupChat', [alice]);
    expect(await readHistory(chat.context, empty, { paginate: { page: 3, size: 10 } })).toEqual({
      has_next: false,
      has_previous: false,
      next_page_number: null,
      prev_page_number: null,
      page: 1,
      size: 10,
      data: { room_id: empty, messages: [] },
    });
    expect(await readHistory(chat.context, empty, { around: 4 })).toEqual({
      has_before: false,
      has_after: false,
      data: { room_id: empty, messages: [] },
    });
  });

  it('gives the highest below a seq', async () => {
    expect(await seqs({ before: 119, limit: 3 })).toEqual([[116, 115, 114], true, true]);
    expect(await seqs({ before: 4, limit: 3 })).toEqual([[3, 2, 1], false, true]);
    expect(await seqs({ before: 1 })).toEqual([[], false, true]);
    expect(await seqs({ before: 500, limit: 2 })).toEqual([[120, 119], true, false]);
  });

  it('gives the lowest above a seq', async () => {
    expect(await seqs({ after: 116, limit: 1 })).toEqual([[119], true, true]);
    expect(await seqs({ after: 116, limit: 2 })).toEqual([[120, 119], true, false]);
    expect(await seqs({ after: 0, limit: 2 })).toEqual([[2, 1], false, true]);
    expect(await seqs({ after: 120 })).toEqual([[], true, false]);
  });

  it('gives the neighbours of a seq on both sides', async () => {
    expect(await seqs({ around: 30, limit: 5 })).toEqual([down(32, 28), true, true]);
    expect(await seqs({ around: 30, limit: 1 })).toEqual([[30], true, true]);
    expect(await seqs({ around: 60, limit: 4 })).toEqual([[62, 61, 59, 58], true, true]);
    expect(await seqs({ around: 1, limit: 4 })).toEqual([[4, 3, 2, 1], false, true]);
    expect(await seqs({ around: 120, limit: 4 })).toEqual([[120, 119, 116, 115], true, false]);
    expect(await seqs({ around: 1, limit: 200 })).toEqual([[120, 119, ...down(116, 61), ...down(59, 1)], false, false]);
  });

  it('stops at the bytes an answer may have, nearest first, and tells that there is more', async () => {
    const { data } = await readHistory(chat.context, room, { before: 100, limit: 1 });
    const size = Buffer.byteLength(JSON.stringify(data.messages[0]));
    const tight = chat.with({ maxBufferedBytes: size * 7 });
    expect(await seqs({ before: 100, limit: 50 }, tight)).toEqual([[99, 98, 97], true, true]);
    expect(await seqs({ after: 20, limit: 50 }, tight)).toEqual([[23, 22, 21], true, true]);
    expect(await seqs({ around: 30, limit: 50 }, tight)).toEqual([[31, 30, 29], true, true]);
    expect(await seqs({ before: 100, limit: 50 }, chat.with({ maxBufferedBytes: 10 }))).toEqual([[99], true, true]);
    const page = await readHistory(tight, room, { paginate: { page: 2, size: 50 } });
    expect(page).toMatchObject({ page: 2, next_page_number: 3 });
    expect(page.data.messages.map(({ seq }) => seq)).toEqual([68, 67, 66]);
  });

  it('is the same as a text', async () => {
    const queries: HistoryQuery[] = [
      {},
      { paginate: { page: 2, size: 20 } },
      { paginate: { page: 99, size: 50 } },
      { before: 119 },
      { after: 3, limit: 2 },
      { around: 118, limit: 5 },
      { before: 1 },
    ];
    for (const query of queries) {
      const shape = await readHistory(chat.context, room, query);
      const { text, isMember } = await readHistoryText(chat.context, room, query, alice.id);
      expect(JSON.parse(text)).toEqual(shape);
      expect(isMember).toBe(shape.data.messages.length > 0);
    }
  });

  it('as a text holds nothing for who is no member', async () => {
    const stranger = await chat.user();
    for (const query of [{}, { paginate: { page: 2, size: 10 } }, { before: 50 }, { around: 50 }]) {
      const { text, isMember } = await readHistoryText(chat.context, room, query, stranger.id);
      expect([JSON.parse(text).data.messages, isMember]).toEqual([[], false]);
    }
  });

  it('takes the same number of queries however many messages it gives', async () => {
    for (const query of [{ before: 100 }, { after: 20 }, { around: 60 }]) {
      const few = await chat.counted(() => readHistory(chat.context, room, { ...query, limit: 2 }));
      const many = await chat.counted(() => readHistory(chat.context, room, { ...query, limit: 50 }));
      expect(few.queries).toBe(many.queries);
      expect(many.queries).toBeLessThanOrEqual(10);
    }
  });
});
