import { describe, expect, test } from 'vitest';
import {
  acknowledged,
  createChannel,
  createGroup,
  expectKeys,
  historyOf,
  NOBODYS_ID,
  quiet,
  received,
  refused,
  sendMessage,
  useStack,
} from '../helpers/chat.js';
import { STACK_KINDS } from '../helpers/stack.js';

describe.each(STACK_KINDS)('message.typing on %s', (kind) => {
  const scene = useStack(kind);

  test('is shown to the members of the room, without an offset', async () => {
    const [alice, bob, carol, dave] = await scene.people(4);
    const room = await createGroup(alice!, [bob!, carol!]);
    alice!.send('message.typing', { room_id: room.id });
    const [frame] = await received([alice!, bob!, carol!], 'messagetyping.dispatch');
    expectKeys(frame, ['eventType', 'data', 'room_id']);
    expect(frame).toMatchObject({
      room_id: room.id,
      data: { username: alice!.user.username, user_id: alice!.user.id, room_id: room.id },
    });
    expectKeys(frame!.data, ['username', 'user_id', 'room_id']);
    await quiet(alice!, bob!, carol!, dave!);
  });

  test('with an id is acknowledged', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    await acknowledged(alice!, 'message.typing', { room_id: room.id });
    await received([alice!, bob!], 'messagetyping.dispatch');
  });

  test('takes no offset and no seq, and is not stored', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    await acknowledged(alice!, 'message.send', { room_id: room.id, content: 'one' });
    const [one] = await received([alice!, bob!], 'message.dispatch');
    await acknowledged(bob!, 'message.typing', { room_id: room.id });
    await received([alice!, bob!], 'messagetyping.dispatch');
    await acknowledged(alice!, 'message.send', { room_id: room.id, content: 'two' });
    const [two] = await received<{ seq: number }>([alice!, bob!], 'message.dispatch');
    expect(two!.offset).toBe(one!.offset! + 1);
    expect(two!.data.seq).toBe(2);
    expect(await historyOf(bob!, room)).toHaveLength(2);
  });

  test('follows the send rule', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const locked = await createGroup(alice!, [bob!], { extra_fields: { group_locked: true } });
    const channel = await createChannel(alice!, [bob!]);
    for (const room of [locked, channel]) {
      await refused(bob!, 4002, 'message.typing', { room_id: room.id });
      await refused(carol!, 4002, 'message.typing', { room_id: room.id });
    }
    await quiet(bob!, alice!, carol!);
  });

  test('without an id is refused to its sender alone, and holds up nobody who types at the time', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const room = await createGroup(alice!, [bob!]);
    const crowd = [alice!, carol!, bob!];
    for (const person of crowd) person.send('message.typing', { room_id: room.id });
    carol!.send('message.typing', { room_id: NOBODYS_ID });
    carol!.send('message.typing', { room_id: '👍' });
    const isTyping = ({ eventType }: { eventType?: string }) => eventType === 'messagetyping.dispatch';
    for (const person of [alice!, bob!]) {
      const shown = [await person.next(isTyping), await person.next(isTyping)];
      const names = shown.map(({ data }) => (data as { username: string }).username);
      expect(names.toSorted()).toEqual([alice!.user.username, bob!.user.username].toSorted());
    }
    const refusals = [await carol!.next(), await carol!.next(), await carol!.next()];
    expect(refusals.map(({ error }) => (error as { code: number }).code).toSorted()).toEqual([4002, 4003, 4004]);
    expect(refusals.map(({ id }) => id)).toEqual([undefined, undefined, undefined]);
    await quiet(alice!, bob!, carol!);
  });

  test('names a room, never a message', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const message = await sendMessage(alice!, room, 'hi', [bob!]);
    await refused(alice!, 4003, 'message.typing', { message_id: message.id });
    await refused(alice!, 4003, 'message.typing', { room_id: room.id, message_id: message.id });
    await refused(alice!, 4004, 'message.typing', { room_id: message.id });
    await refused(alice!, 4004, 'message.typing', { room_id: NOBODYS_ID });
    await refused(alice!, 4003, 'message.typing', { room_id: 'nonsense' });
    await quiet(alice!, bob!);
  });
});
