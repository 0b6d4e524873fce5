import { describe, expect, test } from 'vitest';
import {
  acknowledged,
  answered,
  createGroup,
  expectKeys,
  expectMessage,
  expectUser,
  historyOf,
  NOBODYS_ID,
  quiet,
  received,
  refused,
  sendMessage,
  useStack,
} from '../helpers/chat.js';
import type { WireListRoom, WireMessage } from '../helpers/shapes.js';
import { type Chatter, STACK_KINDS } from '../helpers/stack.js';

const ids = (messages: { id: string }[]) => messages.map(({ id }) => id).sort();

describe.each(STACK_KINDS)('message.acknowledged on %s', (kind) => {
  const scene = useStack(kind);

  test('tells the sender, on all devices, and nobody else', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const phone = await scene.device(alice!);
    const room = await createGroup(alice!, [bob!, carol!, phone]);
    const message = await sendMessage(alice!, room, 'hi', [bob!, carol!, phone]);
    await acknowledged(bob!, 'message.acknowledged', { message_id: message.id });
    const [frame] = await received<WireMessage[]>([alice!, phone], 'messagedelivered.dispatch');
    expectKeys(frame, ['eventType', 'data']);
    expect(frame!.data).toHaveLength(1);
    expectMessage(frame!.data[0]!);
    expect(frame!.data[0]).toMatchObject({
      id: message.id,
      delivered_to: [bob!.user.username],
      delivered_count: 1,
      read_receipts: [],
      read_count: 0,
    });
    await quiet(bob!, alice!, phone, carol!);
    expect(await historyOf(carol!, room)).toEqual(frame!.data);
  });

  test('of a list over rooms tells each sender of their own messages', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const room = await createGroup(alice!, [bob!, carol!]);
    const other = await createGroup(alice!, [carol!]);
    const a1 = await sendMessage(alice!, room, 'a1', [bob!, carol!]);
    const a2 = await sendMessage(alice!, other, 'a2', [carol!]);
    const b1 = await sendMessage(bob!, room, 'b1', [alice!, carol!]);
    await acknowledged(carol!, 'message.acknowledged', { message_id: [a1.id, b1.id, a2.id] });
    // One dispatch for each sender, or one for each room of it: what counts is what they were told.
    const toldAlice: WireMessage[] = [];
    while (toldAlice.length < 2) {
      toldAlice.push(...(await alice!.expect<WireMessage[]>('messagedelivered.dispatch')).data);
    }
    expect(ids(toldAlice)).toEqual(ids([a1, a2]));
    const toldBob = await bob!.expect<WireMessage[]>('messagedelivered.dispatch');
    expect(ids(toldBob.data)).toEqual([b1.id]);
    await quiet(carol!, alice!, bob!);
  });

  test('twice changes nothing and is no error', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const message = await sendMessage(alice!, room, 'hi', [bob!]);
    for (let n = 0; n < 3; n++) {
      const answer = await bob!.request('message.acknowledged', { message_id: [message.id, message.id] });
      expect(answer.error).toBeUndefined();
    }
    expect((await historyOf(alice!, room))[0]).toMatchObject({
      delivered_to: [bob!.user.username],
      delivered_count: 1,
    });
  });

  test('is for members of every message, and all or nothing', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const room = await createGroup(alice!, [bob!, carol!]);
    const foreign = await createGroup(alice!, [carol!]);
    const mine = await sendMessage(alice!, room, 'hi', [bob!, carol!]);
    const theirs = await sendMessage(alice!, foreign, 'hi', [carol!]);
    for (const event of ['message.acknowledged', 'message.read']) {
      await refused(bob!, 4002, event, { message_id: theirs.id });
      await refused(bob!, 4002, event, { message_id: [mine.id, theirs.id] });
      await refused(bob!, 4004, event, { message_id: NOBODYS_ID });
      await refused(bob!, 4004, event, { message_id: [mine.id, NOBODYS_ID] });
      await refused(bob!, 4003, event, { message_id: [] });
      await refused(bob!, 4003, event, { message_id: 'nonsense' });
      await refused(bob!, 4003, event, { message_id: [mine.id, 7] });
      await refused(bob!, 4003, event, {});
      await refused(bob!, 4003, event, { message_id: mine.id, room_id: room.id });
      await refused(bob!, 4003, event, { message_id: Array.from({ length: 101 }, () => mine.id) });
    }
    await quiet(bob!, alice!, carol!);
    expect((await historyOf(alice!, room))[0]).toEqual(mine);
  });
});

describe.each(STACK_KINDS)('message.read on %s', (kind) => {
  const scene = useStack(kind);

  test('of one id tells the room one Message, which counts as delivered too', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const outsider = (await scene.people(4))[3]!;
    const room = await createGroup(alice!, [bob!, carol!]);
    const message = await sendMessage(alice!, room, 'hi', [bob!, carol!]);
    await acknowledged(bob!, 'message.read', { message_id: message.id });
    const [frame] = await received<WireMessage>([alice!, bob!, carol!], 'readreceipt.dispatch');
    expectKeys(frame, ['eventType', 'data', 'room_id', 'offset']);
    expectMessage(frame!.data);
    expect(frame!.data).toMatchObject({
      id: message.id,
      delivered_to: [bob!.user.username],
      delivered_count: 1,
      read_count: 1,
    });
    expect(frame!.data.read_receipts).toHaveLength(1);
    expectUser(frame!.data.read_receipts[0]!.reader, bob);
    await alice!.silence();
    await quiet(bob!, carol!, outsider);
    expect(await historyOf(carol!, room)).toEqual([frame!.data]);
  });

  test('of a list tells each room the list of its messages', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const room = await createGroup(alice!, [bob!]);
    const other = await createGroup(alice!, [bob!, carol!]);
    const one = await sendMessage(alice!, room, 'one', [bob!]);
    const two = await sendMessage(alice!, room, 'two', [bob!]);
    const three = await sendMessage(alice!, other, 'three', [bob!, carol!]);
    await acknowledged(bob!, 'message.read', { message_id: [one.id, two.id, three.id] });
    const here = (room_id: string) => (frame: { room_id?: string }) => frame.room_id === room_id;
    const [first] = await received<WireMessage[]>([alice!, bob!], 'readreceipt.dispatch', here(room.id));
    expect(ids(first!.data)).toEqual(ids([one, two]));
    for (const message of first!.data) expectMessage(message);
    const [second] = await received<WireMessage[]>([alice!, bob!, carol!], 'readreceipt.dispatch', here(other.id));
    expect(ids(second!.data)).toEqual([three.id]);
    await quiet(bob!, alice!, carol!);
  });

  test('skips own messages', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const own = await sendMessage(bob!, room, 'own', [alice!]);
    const other = await sendMessage(alice!, room, 'other', [bob!]);
    await acknowledged(bob!, 'message.read', { message_id: [own.id, other.id] });
    const [frame] = await received<WireMessage[]>([alice!, bob!], 'readreceipt.dispatch');
    expect(ids(frame!.data)).toEqual([other.id]);
    const alone = await bob!.request('message.read', { message_id: own.id });
    expect(alone.error).toBeUndefined();
    const [, ownAfter] = await historyOf(alice!, room);
    expect(ownAfter).toMatchObject({ id: own.id, read_count: 0, delivered_count: 0, read_receipts: [] });
  });

  test('twice changes nothing and is no error, at once too', async () => {
    const [alice, bob] = await scene.people(2);
    const phone = await scene.device(bob!);
    const room = await createGroup(alice!, [bob!, phone]);
    const message = await sendMessage(alice!, room, 'hi', [bob!, phone]);
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) => (n % 2 ? bob! : phone).request('message.read', { message_id: message.id })),
    );
    for (const answer of answers) expect(answer.error).toBeUndefined();
    const [first] = await historyOf(alice!, room);
    expect(first).toMatchObject({ read_count: 1, delivered_count: 1 });
    expect(first!.read_receipts).toHaveLength(1);
    await bob!.request('message.read', { message_id: [message.id] });
    expect(await historyOf(alice!, room)).toEqual([first]);
  });

  test('one message read before does not spoil a list', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const one = await sendMessage(alice!, room, 'one', [bob!]);
    const two = await sendMessage(alice!, room, 'two', [bob!]);
    await acknowledged(bob!, 'message.read', { message_id: one.id });
    await acknowledged(bob!, 'message.read', { message_id: [one.id, two.id] });
    expect((await historyOf(alice!, room)).map(({ read_count }) => read_count)).toEqual([1, 1]);
  });

  test('lowers the unread count of the reader only', async () => {
    const [alice, bob, carol] = await scene.strangers(3);
    const room = await createGroup(alice!, [bob!, carol!]);
    const messages: WireMessage[] = [];
    for (const text of ['one', 'two', 'three']) messages.push(await sendMessage(alice!, room, text, [bob!, carol!]));
    const unread = async (who: typeof alice) =>
      (await answered<WireListRoom[]>(who!, 'room.list', {}, 'roomlist.dispatch')).map((item) => item.unread_count);
    expect([await unread(alice), await unread(bob), await unread(carol)]).toEqual([[0], [3], [3]]);
    await acknowledged(bob!, 'message.read', { message_id: messages[1]!.id });
    expect([await unread(bob), await unread(carol)]).toEqual([[1], [3]]);
    // What one has answered, one has seen.
    await sendMessage(carol!, room, 'four', [alice!, bob!]);
    expect([await unread(alice), await unread(bob), await unread(carol)]).toEqual([[1], [2], [0]]);
  });

  test('shows the newest 50 of a list, and counts all', async () => {
    const people = await scene.people(54);
    const [alice, ...readers] = people as [Chatter, ...Chatter[]];
    const room = await createGroup(alice, readers);
    const message = await sendMessage(alice, room, 'hi', readers);
    const id = { message_id: message.id };
    for (const reader of readers) {
      await acknowledged(reader, 'message.read', id);
      await acknowledged(reader, 'message.react', { type: 'add', ...id, reaction_content: '👍' });
    }
    const [after] = await historyOf(alice, room);
    expectMessage(after!);
    expect(after).toMatchObject({ read_count: 53, delivered_count: 53, reaction_counts: { '👍': 53 } });
    const newest = readers
      .slice(3)
      .map(({ user }) => user.username)
      .sort();
    expect(after!.read_receipts.map(({ reader }) => reader.username).sort()).toEqual(newest);
    expect(after!.reactions.map(({ user }) => user.username).sort()).toEqual(newest);
    expect([...after!.delivered_to].sort()).toEqual(newest);
  }, 60_000);
});
