import { describe, expect, test } from 'vitest';
import {
  acknowledged,
  answered,
  createGroup,
  expectKeys,
  expectMessage,
  NOBODYS_ID,
  refused,
  useStack,
} from '../helpers/chat.js';
import type { WireMessage, WireRoom } from '../helpers/shapes.js';
import { type Chatter, STACK_KINDS } from '../helpers/stack.js';

interface History {
  data: { room_id: string; messages: WireMessage[] };
  has_before: boolean;
  has_after: boolean;
}

interface Page extends History {
  has_next: boolean;
  has_previous: boolean;
  next_page_number: number | null;
  prev_page_number: number | null;
  page: number;
  size: number;
}

const PAGE_KEYS = ['has_next', 'has_previous', 'next_page_number', 'prev_page_number', 'page', 'size', 'data'];

const read = <T extends History>(who: Chatter, room: WireRoom, query: object = {}) =>
  answered<T>(who, 'room.messages', { room_id: room.id, ...query }, 'roommessages.dispatch');
const seqs = (history: History) => history.data.messages.map(({ seq }) => seq);
const range = (from: number, to: number) => Array.from({ length: from - to + 1 }, (_, n) => from - n);

describe.each(STACK_KINDS)('room.messages on %s', (kind) => {
  const scene = useStack(kind);

  /** A room of the first two people with that many messages. */
  async function roomWith(count: number): Promise<{ room: WireRoom; alice: Chatter; bob: Chatter }> {
    const [alice, bob] = (await scene.people(2)) as [Chatter, Chatter];
    const room = await createGroup(alice, [bob]);
    const sent = Array.from({ length: count }, (_, n) =>
      acknowledged(alice, 'message.send', { room_id: room.id, content: `m${n + 1}` }),
    );
    await Promise.all(sent);
    return { room, alice, bob };
  }

  test('answers the newest 50, newest first', async () => {
    const { room, bob } = await roomWith(60);
    const history = await read(bob, room);
    expectKeys(history, ['data']);
    expectKeys(history.data, ['room_id', 'messages']);
    expect(history.data.room_id).toBe(room.id);
    expect(seqs(history)).toEqual(range(60, 11));
    expect(history.data.messages[0]!.content).toBe('m60');
    for (const message of history.data.messages) expectMessage(message);
  });

  test('of an empty room is an empty list', async () => {
    const { room, alice } = await roomWith(0);
    expect(await read(alice, room)).toEqual({ data: { room_id: room.id, messages: [] } });
    const page = await read<Page>(alice, room, { paginate: { page: 1, size: 5 } });
    expect(page).toMatchObject({ has_next: false, has_previous: false, page: 1, size: 5, data: { messages: [] } });
    const after = await read(alice, room, { after: 0 });
    expect(after).toEqual({ has_before: false, has_after: false, data: { room_id: room.id, messages: [] } });
  });

  test('goes by pages', async () => {
    const { room, alice, bob } = await roomWith(23);
    const page = (number: number, size = 10) => read<Page>(bob, room, { paginate: { page: number, size } });
    const first = await page(1);
    expectKeys(first, PAGE_KEYS);
    expectKeys(first.data, ['room_id', 'messages']);
    expect(first).toMatchObject({
      has_next: true,
      has_previous: false,
      next_page_number: 2,
      prev_page_number: null,
      page: 1,
      size: 10,
    });
    expect(seqs(first)).toEqual(range(23, 14));
    const second = await page(2);
    expect(second).toMatchObject({
      has_next: true,
      has_previous: true,
      next_page_number: 3,
      prev_page_number: 1,
      page: 2,
    });
    expect(seqs(second)).toEqual(range(13, 4));
    const third = await page(3);
    expect(third).toMatchObject({
      has_next: false,
      has_previous: true,
      next_page_number: null,
      prev_page_number: 2,
      page: 3,
    });
    expect(seqs(third)).toEqual([3, 2, 1]);
    expect(await page(99)).toEqual(third);
    expect(seqs(await page(1, 200))).toEqual(range(23, 1));
    expect(alice.pending.every(({ eventType }) => eventType !== 'roommessages.dispatch')).toBe(true);
  });

  test('goes by seq: after takes the lowest above, before the highest below', async () => {
    const { room, bob } = await roomWith(20);
    const after = await read(bob, room, { after: 5, limit: 3 });
    expectKeys(after, ['has_before', 'has_after', 'data']);
    expect(seqs(after)).toEqual([8, 7, 6]);
    expect(after).toMatchObject({ has_before: true, has_after: true });
    const before = await read(bob, room, { before: 5, limit: 3 });
    expect(seqs(before)).toEqual([4, 3, 2]);
    expect(before).toMatchObject({ has_before: true, has_after: true });
    const start = await read(bob, room, { before: 4, limit: 3 });
    expect(seqs(start)).toEqual([3, 2, 1]);
    expect(start).toMatchObject({ has_before: false, has_after: true });
    const end = await read(bob, room, { after: 17, limit: 3 });
    expect(seqs(end)).toEqual([20, 19, 18]);
    expect(end).toMatchObject({ has_before: true, has_after: false });
    const around = await read(bob, room, { around: 10, limit: 5 });
    expect(seqs(around)).toHaveLength(5);
    expect(seqs(around)).toContain(10);
    expect(around).toMatchObject({ has_before: true, has_after: true });
    expect(seqs(await read(bob, room, { after: 0, limit: 200 }))).toEqual(range(20, 1));
    expect(seqs(await read(bob, room, { after: 20 }))).toEqual([]);
    expect(seqs(await read(bob, room, { before: 1 }))).toEqual([]);
  });

  test('is not put off by deleted messages', async () => {
    const { room, alice, bob } = await roomWith(10);
    const { messages } = (await read(alice, room)).data;
    const gone = messages.filter(({ seq }) => [2, 5, 6, 10].includes(seq)).map(({ id }) => id);
    await acknowledged(alice, 'message.modify', { action: 'delete', message_id: gone });
    expect(seqs(await read(bob, room))).toEqual([9, 8, 7, 4, 3, 1]);
    expect(seqs(await read(bob, room, { after: 4, limit: 2 }))).toEqual([8, 7]);
    expect(seqs(await read(bob, room, { before: 7, limit: 2 }))).toEqual([4, 3]);
    expect(await read(bob, room, { after: 9 })).toMatchObject({ has_after: false });
    const page = await read<Page>(bob, room, { paginate: { page: 2, size: 3 } });
    expect(seqs(page)).toEqual([4, 3, 1]);
    expect(page.has_next).toBe(false);
  });

  test('names page and size when one is missing', async () => {
    const { room, alice } = await roomWith(1);
    for (const paginate of [{}, { page: 1 }, { size: 10 }]) {
      const error = await refused(alice, 4003, 'room.messages', { room_id: room.id, paginate });
      expect(error.detail).toBe('page and size required');
    }
  });

  test('refuses wrong queries', async () => {
    const { room, alice, bob } = await roomWith(1);
    for (const query of [
      { paginate: { page: 0, size: 10 } },
      { paginate: { page: 1, size: 0 } },
      { paginate: { page: 1, size: 201 } },
      { paginate: { page: 1.5, size: 10 } },
      { paginate: { page: '1', size: 10 } },
      { paginate: { page: 1, size: 10, nonsense: 1 } },
      { paginate: 'all' },
      { paginate: { page: 1, size: 10 }, before: 5 },
      { before: 5, after: 1 },
      { after: 1, around: 1 },
      { before: 'x' },
      { before: -1 },
      { after: 1.5 },
      { after: 1, limit: 0 },
      { after: 1, limit: 201 },
      { nonsense: 1 },
    ]) {
      await refused(alice, 4003, 'room.messages', { room_id: room.id, ...query });
    }
    await refused(alice, 4003, 'room.messages', {});
    await refused(alice, 4004, 'room.messages', { room_id: NOBODYS_ID });
    const [, , carol] = await scene.people(3);
    await refused(carol!, 4002, 'room.messages', { room_id: room.id });
    await refused(carol!, 4002, 'room.messages', { room_id: room.id, paginate: { page: 1, size: 1 } });
    await refused(carol!, 4002, 'room.messages', { room_id: room.id, after: 0 });
    expect(seqs(await read(bob, room))).toEqual([1]);
  });

  test('bounds an answer by bytes and keeps the way on', async () => {
    const [alice, bob] = (await scene.people(2)) as [Chatter, Chatter];
    const room = await createGroup(alice, [bob]);
    const content = '€'.repeat(10_000);
    for (let n = 0; n < 45; n++) await acknowledged(alice, 'message.send', { room_id: room.id, content });
    const seen = new Set<number>();
    let after = 0;
    for (let turn = 0; turn < 45; turn++) {
      const history = await read(bob, room, { after, limit: 200 });
      expect(Buffer.byteLength(JSON.stringify(history))).toBeLessThan(1024 * 1024);
      const numbers = seqs(history);
      expect(numbers.length).toBeGreaterThan(0);
      for (const number of numbers) seen.add(number);
      after = Math.max(...numbers);
      if (!history.has_after) break;
    }
    expect(seen.size).toBe(45);
  });
});
