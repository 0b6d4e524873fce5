import { describe, expect, test } from 'vitest';
import type { TestFrame } from '../../src/testing/client.js';
import {
  acknowledged,
  createGroup,
  expectKeys,
  NOBODYS_ID,
  quiet,
  received,
  refused,
  sendMessage,
  useStack,
} from '../helpers/chat.js';
import type { WireMessage } from '../helpers/shapes.js';
import { type Chatter, STACK_KINDS } from '../helpers/stack.js';

interface Resumed {
  rooms: Record<string, { recovered: boolean; offset: number; code?: number }>;
}

/** Resumes and returns the frames that came up to the answer, and the answer. */
async function resume(
  client: Chatter,
  rooms: Record<string, number>,
): Promise<{ replayed: TestFrame[]; answer: Resumed }> {
  const id = client.newId();
  client.send('session.resume', { rooms }, id);
  const replayed: TestFrame[] = [];
  for (;;) {
    const frame = await client.next();
    if (frame.id !== id) {
      replayed.push(frame);
      continue;
    }
    if (frame.eventType !== 'session.resumed') throw new Error(`answered with ${JSON.stringify(frame)}`);
    expectKeys(frame, ['eventType', 'data', 'id']);
    expectKeys(frame.data, ['rooms']);
    return { replayed, answer: frame.data as Resumed };
  }
}

describe.each(STACK_KINDS)('session.heartbeat on %s', (kind) => {
  const scene = useStack(kind);

  test('is answered with success, with or without an id', async () => {
    const [alice] = await scene.people(1);
    const answer = await alice!.request('session.heartbeat', {});
    expectKeys(answer, ['status', 'id']);
    expect(answer.status).toBe('success');
    alice!.send('session.heartbeat', {});
    expect(await alice!.next()).toEqual({ status: 'success' });
    await refused(alice!, 4003, 'session.heartbeat', { nonsense: 1 });
  });
});

describe.each(STACK_KINDS)('session.resume on %s', (kind) => {
  const scene = useStack(kind);

  test('replays every broadcast since, in order, each with its offset, and then answers', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    await acknowledged(alice!, 'message.send', { room_id: room.id, content: 'seen' });
    const [seen] = await received<WireMessage>([alice!, bob!], 'message.dispatch');
    await bob!.terminate();
    const { message_id } = await acknowledged(alice!, 'message.send', { room_id: room.id, content: 'one' });
    await acknowledged(alice!, 'message.react', { type: 'add', message_id, reaction_content: '👍' });
    await acknowledged(alice!, 'message.typing', { room_id: room.id });
    await acknowledged(alice!, 'message.modify', { action: 'update', message_id, extra_fields: { content: 'two' } });
    await acknowledged(alice!, 'room.modify', { room_id: room.id, action: 'update', data: { name: 'new' } });
    const live: TestFrame[] = [];
    while (live.length < 4) {
      const frame = await alice!.next();
      if (frame.offset !== undefined) live.push(frame);
    }
    const again = await scene.device(bob!);
    const { replayed, answer } = await resume(again, { [room.id]: seen!.offset! });
    expect(replayed).toEqual(live);
    expect(answer).toEqual({ rooms: { [room.id]: { recovered: true, offset: live.at(-1)!.offset } } });
    // Live again, and nothing twice.
    await sendMessage(alice!, room, 'live', [again]);
    await again.silence();
  });

  test('with nothing missed replays nothing', async () => {
    const [alice] = await scene.people(1);
    const room = await createGroup(alice!);
    await acknowledged(alice!, 'message.send', { room_id: room.id, content: 'one' });
    const { offset } = await alice!.expect('message.dispatch');
    const { replayed, answer } = await resume(alice!, { [room.id]: offset! });
    expect(replayed).toEqual([]);
    expect(answer).toEqual({ rooms: { [room.id]: { recovered: true, offset } } });
    expect((await resume(alice!, {})).answer).toEqual({ rooms: {} });
  });

  test('replays what also came live since connecting', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    await acknowledged(alice!, 'message.send', { room_id: room.id, content: 'before' });
    const [before] = await received([alice!, bob!], 'message.dispatch');
    const again = await scene.device(bob!);
    await acknowledged(alice!, 'message.send', { room_id: room.id, content: 'live' });
    const [live] = await received([alice!, bob!, again], 'message.dispatch');
    const { replayed, answer } = await resume(again, { [room.id]: before!.offset! });
    expect(replayed).toEqual([live]);
    expect(answer.rooms[room.id]).toEqual({ recovered: true, offset: live!.offset });
  });

  test('answers for each room apart: unknown ones, foreign ones, and those that were left', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const good = await createGroup(alice!, [bob!]);
    const foreign = await createGroup(carol!);
    const left = await createGroup(alice!, [bob!]);
    await acknowledged(alice!, 'message.send', { room_id: good.id, content: 'one' });
    const [first] = await received([alice!, bob!], 'message.dispatch');
    await acknowledged(alice!, 'message.send', { room_id: left.id, content: 'one' });
    const [inLeft] = await received([alice!, bob!], 'message.dispatch', ({ room_id }) => room_id === left.id);
    await acknowledged(alice!, 'room.remove_members', { room_id: left.id, members: [bob!.user.id] });
    await bob!.expect('roomexit.dispatch');
    await acknowledged(alice!, 'message.send', { room_id: left.id, content: 'without bob' });
    await acknowledged(alice!, 'message.send', { room_id: good.id, content: 'two' });
    const second = await alice!.expect('message.dispatch', ({ room_id }) => room_id === good.id);
    await bob!.expect('message.dispatch', ({ room_id }) => room_id === good.id);
    const again = await scene.device(bob!);
    const { replayed, answer } = await resume(again, {
      [good.id]: first!.offset!,
      [foreign.id]: 0,
      [left.id]: inLeft!.offset!,
      [NOBODYS_ID]: 3,
    });
    expect(replayed).toEqual([second]);
    expectKeys(answer.rooms, [good.id, foreign.id, left.id, NOBODYS_ID]);
    expect(answer.rooms[good.id]).toEqual({ recovered: true, offset: second.offset });
    expect(answer.rooms[foreign.id]).toMatchObject({ recovered: false, code: 4002 });
    expect(answer.rooms[left.id]).toMatchObject({ recovered: false, code: 4002 });
    expect(answer.rooms[NOBODYS_ID]).toMatchObject({ recovered: false, code: 4004 });
  });

  test('does not recover from before the present membership', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    await acknowledged(alice!, 'message.send', { room_id: room.id, content: 'one' });
    const [seen] = await received([alice!, bob!], 'message.dispatch');
    const members = [bob!.user.id];
    await acknowledged(alice!, 'room.remove_members', { room_id: room.id, members });
    await acknowledged(alice!, 'message.send', { room_id: room.id, content: 'without bob' });
    await acknowledged(alice!, 'room.add_members', { room_id: room.id, members });
    const joined = await bob!.expect('roomaddmembers.dispatch');
    await acknowledged(alice!, 'message.send', { room_id: room.id, content: 'with bob' });
    const last = await bob!.expect('message.dispatch');
    const again = await scene.device(bob!);
    const refusedOne = await resume(again, { [room.id]: seen!.offset! });
    expect(refusedOne.replayed).toEqual([]);
    expect(refusedOne.answer.rooms[room.id]).toMatchObject({ recovered: false });
    expect(refusedOne.answer.rooms[room.id]!.code).toBeUndefined();
    const fine = await resume(again, { [room.id]: joined.offset! });
    expect(fine.replayed).toEqual([last]);
    expect(fine.answer.rooms[room.id]).toEqual({ recovered: true, offset: last.offset });
  });

  test('does not recover from an offset that was never given', async () => {
    const [alice] = await scene.people(1);
    const room = await createGroup(alice!);
    await sendMessage(alice!, room, 'one');
    const { replayed, answer } = await resume(alice!, { [room.id]: 999_999 });
    expect(replayed).toEqual([]);
    expect(answer.rooms[room.id]).toMatchObject({ recovered: false });
  });

  test('recovers the last 1,000 broadcasts, and never a part of more', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    await acknowledged(alice!, 'message.send', { room_id: room.id, content: 'first' });
    const [first] = await received([alice!, bob!], 'message.dispatch');
    await bob!.close();
    const total = 1010;
    for (let sent = 0; sent < total; sent += 101) {
      await Promise.all(
        Array.from({ length: 101 }, () => acknowledged(alice!, 'message.send', { room_id: room.id, content: 'm' })),
      );
    }
    const again = await scene.device(bob!);
    const tooMany = await resume(again, { [room.id]: first!.offset! });
    expect(tooMany.replayed).toEqual([]);
    expect(tooMany.answer.rooms[room.id]).toMatchObject({ recovered: false });
    const from = first!.offset! + total - 900;
    const fine = await resume(again, { [room.id]: from });
    expect(fine.answer.rooms[room.id]).toEqual({ recovered: true, offset: first!.offset! + total });
    expect(fine.replayed.map(({ offset }) => offset)).toEqual(Array.from({ length: 900 }, (_, n) => from + 1 + n));
  }, 120_000);

  test('is for the asking connection alone, and refuses wrong input', async () => {
    const [alice, bob] = await scene.people(2);
    const phone = await scene.device(alice!);
    const room = await createGroup(alice!, [bob!, phone]);
    await acknowledged(alice!, 'message.send', { room_id: room.id, content: 'one' });
    const [frame] = await received([alice!, bob!, phone], 'message.dispatch');
    const { replayed } = await resume(alice!, { [room.id]: frame!.offset! - 1 });
    expect(replayed).toEqual([frame]);
    for (const data of [
      {},
      { rooms: [] },
      { rooms: 'all' },
      { rooms: { [room.id]: -1 } },
      { rooms: { [room.id]: 'x' } },
      { rooms: { [room.id]: 1.5 } },
      { rooms: { [room.id]: null } },
      { rooms: { nonsense: 1 } },
      { rooms: {}, nonsense: 1 },
    ]) {
      await refused(alice!, 4003, 'session.resume', data);
    }
    await quiet(alice!, bob!, phone);
  });
});
