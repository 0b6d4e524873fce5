import { describe, expect, test } from 'vitest';
import {
  acknowledged,
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
import type { WireMessage } from '../helpers/shapes.js';
import { type Chatter, STACK_KINDS } from '../helpers/stack.js';

interface ReactionDispatch {
  status: string;
  type: string;
  message: WireMessage;
}

describe.each(STACK_KINDS)('message.react on %s', (kind) => {
  const scene = useStack(kind);

  async function react(who: Chatter, message: WireMessage, type: string, content: string, all: Chatter[]) {
    await acknowledged(who, 'message.react', { type, message_id: message.id, reaction_content: content });
    const [frame] = await received<ReactionDispatch>(all, 'reaction.dispatch');
    return frame!;
  }

  test('add is shown to everybody in the room and to nobody else', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const room = await createGroup(alice!, [bob!]);
    const message = await sendMessage(alice!, room, 'hi', [bob!]);
    const frame = await react(bob!, message, 'add', '👍', [alice!, bob!]);
    expectKeys(frame, ['eventType', 'data', 'room_id', 'offset']);
    expectKeys(frame.data, ['status', 'type', 'message']);
    expect(frame.data).toMatchObject({ status: 'successful', type: 'add' });
    expectMessage(frame.data.message);
    expect(frame.data.message.id).toBe(message.id);
    const [reaction] = frame.data.message.reactions;
    expectUser(reaction!.user, bob);
    expect(reaction!.reaction_content).toBe('👍');
    expect(frame.data.message.reaction_counts).toEqual({ '👍': 1 });
    expect(frame.data.message.is_edited).toBe(false);
    await quiet(bob!, alice!, carol!);
    expect(await historyOf(alice!, room)).toEqual([frame.data.message]);
  });

  test('a user has one reaction per message: a new one replaces it', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const message = await sendMessage(alice!, room, 'hi', [bob!]);
    await react(bob!, message, 'add', '👍', [alice!, bob!]);
    const frame = await react(bob!, message, 'add', '👎', [alice!, bob!]);
    expect(frame.data.message.reactions.map(({ reaction_content }) => reaction_content)).toEqual(['👎']);
    expect(frame.data.message.reaction_counts).toEqual({ '👎': 1 });
    const same = await bob!.request('message.react', { type: 'add', message_id: message.id, reaction_content: '👎' });
    expect(same.error).toBeUndefined();
    expect((await historyOf(alice!, room))[0]!.reaction_counts).toEqual({ '👎': 1 });
  });

  test('counts reactions byte by byte: emoji, case and accents differ', async () => {
    const people = await scene.people(6);
    const [alice, ...others] = people as [Chatter, ...Chatter[]];
    const room = await createGroup(alice, others);
    const message = await sendMessage(alice, room, 'hi', others);
    const contents = ['👍', '👎', 'abc', 'ABC', 'ábc', '👍'];
    for (const [index, person] of people.entries()) await react(person, message, 'add', contents[index]!, people);
    expect((await historyOf(alice, room))[0]!.reaction_counts).toEqual({ '👍': 2, '👎': 1, abc: 1, ABC: 1, ábc: 1 });
  });

  test('remove takes the own reaction away and leaves the others', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const message = await sendMessage(alice!, room, 'hi', [bob!]);
    await react(alice!, message, 'add', '👍', [alice!, bob!]);
    await react(bob!, message, 'add', '👍', [alice!, bob!]);
    const frame = await react(bob!, message, 'remove', '👍', [alice!, bob!]);
    expect(frame.data).toMatchObject({ status: 'successful', type: 'remove' });
    expect(frame.data.message.reaction_counts).toEqual({ '👍': 1 });
    expect(frame.data.message.reactions.map(({ user }) => user.id)).toEqual([alice!.user.id]);
  });

  test('removing what is not there fails, and only the asking connection hears of it', async () => {
    const [alice, bob] = await scene.people(2);
    const phone = await scene.device(bob!);
    const room = await createGroup(alice!, [bob!, phone]);
    const message = await sendMessage(alice!, room, 'hi', [bob!, phone]);
    await react(alice!, message, 'add', '👍', [alice!, bob!, phone]);
    const remove = { type: 'remove', message_id: message.id, reaction_content: '👍' };
    const answer = await bob!.request<ReactionDispatch>('message.react', remove);
    expect(answer).toMatchObject({ data: { status: 'failed' } });
    expect(['reaction.dispatch', 'event.ack']).toContain(answer.eventType);
    bob!.send('message.react', remove);
    const dispatch = await bob!.expect<ReactionDispatch>('reaction.dispatch');
    expectKeys(dispatch, ['eventType', 'data']);
    expectKeys(dispatch.data, ['status', 'type', 'message']);
    expect(dispatch.data).toMatchObject({ status: 'failed', type: 'remove', message: { id: message.id } });
    if (answer.eventType === 'event.ack') await bob!.expect('reaction.dispatch');
    await quiet(bob!, alice!, phone);
    expect((await historyOf(alice!, room))[0]!.reaction_counts).toEqual({ '👍': 1 });
  });

  test('takes 1 to 128 characters', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const message = await sendMessage(alice!, room, 'hi', [bob!]);
    const family = '👩‍👩‍👧‍👦';
    await react(bob!, message, 'add', 'x'.repeat(128), [alice!, bob!]);
    const frame = await react(bob!, message, 'add', family, [alice!, bob!]);
    expect(frame.data.message.reaction_counts).toEqual({ [family]: 1 });
    for (const reaction_content of ['', 'x'.repeat(129), 7, null, undefined, ['👍']]) {
      await refused(bob!, 4003, 'message.react', { type: 'add', message_id: message.id, reaction_content });
    }
    await quiet(bob!, alice!);
  });

  test('is for members, on messages that exist, with a type that exists', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const room = await createGroup(alice!, [bob!]);
    const message = await sendMessage(alice!, room, 'hi', [bob!]);
    const add = { type: 'add', message_id: message.id, reaction_content: '👍' };
    await refused(carol!, 4002, 'message.react', add);
    await refused(carol!, 4002, 'message.react', { ...add, type: 'remove' });
    await refused(bob!, 4004, 'message.react', { ...add, message_id: NOBODYS_ID });
    await refused(bob!, 4003, 'message.react', { ...add, message_id: 'nonsense' });
    await refused(bob!, 4003, 'message.react', { ...add, message_id: [message.id] });
    await refused(bob!, 4003, 'message.react', { ...add, type: 'toggle' });
    await refused(bob!, 4003, 'message.react', { ...add, type: undefined });
    await refused(bob!, 4003, 'message.react', { ...add, user_id: alice!.user.id });
    await quiet(carol!, alice!, bob!);
    expect((await historyOf(alice!, room))[0]!.reactions).toEqual([]);
  });

  test('holds against many at once: one reaction per user', async () => {
    const [alice, bob] = await scene.people(2);
    const phone = await scene.device(bob!);
    const room = await createGroup(alice!, [bob!, phone]);
    const message = await sendMessage(alice!, room, 'hi', [bob!, phone]);
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, n) =>
        (n % 2 ? bob! : phone).request('message.react', {
          type: 'add',
          message_id: message.id,
          reaction_content: `r${n}`,
        }),
      ),
    );
    for (const answer of answers) expect(answer.error).toBeUndefined();
    const [after] = await historyOf(alice!, room);
    expect(after!.reactions).toHaveLength(1);
    expect(Object.values(after!.reaction_counts)).toEqual([1]);
  });
});
