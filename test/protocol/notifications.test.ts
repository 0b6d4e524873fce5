import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  acknowledged,
  createGroup,
  expectKeys,
  expectMessage,
  historyOf,
  quiet,
  received,
  type Scene,
  sceneOn,
  sendMessage,
  useStack,
} from '../helpers/chat.js';
import type { WireMessage } from '../helpers/shapes.js';
import { type Chatter, type OwnStack, type Person, STACK_KINDS, startStack } from '../helpers/stack.js';

interface Notification {
  id: string;
  notification_type: string;
  message: WireMessage;
}

type Notifications = Record<string, Notification[]>;

describe.each(STACK_KINDS)('chat.notifications on %s', (kind) => {
  const scene = useStack(kind);

  /** What that person is shown on connecting now. */
  async function shown(person: Person): Promise<Notifications> {
    const client = await scene.device(person);
    await client.close();
    return client.notifications as Notifications;
  }

  const types = (list: Notification[] | undefined) =>
    (list ?? []).map(({ notification_type, message }) => `${notification_type} ${message.content}`).sort();

  async function threeStrangers(): Promise<[Chatter, Chatter, Chatter]> {
    return (await scene.strangers(3)) as [Chatter, Chatter, Chatter];
  }

  test('is an empty object for somebody new', async () => {
    const person = await scene.stack.newUser();
    const client = await scene.stack.open({ token: person.token });
    const first = await client.next();
    expect(first).toEqual({ eventType: 'chat.notifications', data: {} });
    await client.silence();
  });

  test('shows each message of others, with exactly its keys, and on every connection again', async () => {
    const [alice, bob, carol] = await threeStrangers();
    const room = await createGroup(alice, [bob]);
    const other = await createGroup(carol, [bob]);
    const one = await sendMessage(alice, room, 'one', [bob]);
    await sendMessage(bob, room, 'own', [alice]);
    await sendMessage(alice, room, 'answer', [bob], { extra_fields: { parent_message_id: one.id } });
    await sendMessage(carol, other, 'elsewhere', [bob]);
    const notifications = await shown(bob);
    expectKeys(notifications, [room.id, other.id]);
    expect(types(notifications[room.id])).toEqual(['NEW_MESSAGE one', 'REPLY answer']);
    expect(types(notifications[other.id])).toEqual(['NEW_MESSAGE elsewhere']);
    for (const item of Object.values(notifications).flat()) {
      expectKeys(item, ['id', 'notification_type', 'message']);
      expectMessage(item.message);
    }
    expect(await shown(bob)).toEqual(notifications);
    const toAlice = await shown(alice);
    expect(types(toAlice[room.id])).toEqual(['NEW_MESSAGE own']);
    expect(toAlice[other.id]).toBeUndefined();
  });

  test('shows a message no more once it is acknowledged or read', async () => {
    const [alice, bob, carol] = await threeStrangers();
    const room = await createGroup(alice, [bob, carol]);
    const messages: WireMessage[] = [];
    for (const text of ['one', 'two', 'three']) messages.push(await sendMessage(alice, room, text, [bob, carol]));
    await acknowledged(bob, 'message.acknowledged', { message_id: messages[1]!.id });
    expect(types((await shown(bob))[room.id])).toEqual(['NEW_MESSAGE one', 'NEW_MESSAGE three']);
    await acknowledged(bob, 'message.read', { message_id: messages[2]!.id });
    expect(types((await shown(bob))[room.id])).toEqual(['NEW_MESSAGE one']);
    expect(types((await shown(carol))[room.id])).toHaveLength(3);
    await acknowledged(bob, 'message.acknowledged', { message_id: [messages[0]!.id] });
    expect(await shown(bob)).toEqual({});
  });

  test('shows a reaction to its author until that message is acknowledged or read', async () => {
    const [alice, bob, carol] = await threeStrangers();
    const room = await createGroup(alice, [bob, carol]);
    const message = await sendMessage(alice, room, 'like me', [bob, carol]);
    await acknowledged(bob, 'message.react', { type: 'add', message_id: message.id, reaction_content: '👍' });
    expect(types((await shown(alice))[room.id])).toEqual(['REACTION like me']);
    expect(types((await shown(carol))[room.id])).toEqual(['NEW_MESSAGE like me']);
    await acknowledged(alice, 'message.read', { message_id: message.id });
    expect(await shown(alice)).toEqual({});
  });

  test('does not show a reaction that was taken back, nor one of the author', async () => {
    const [alice, bob] = await threeStrangers();
    const room = await createGroup(alice, [bob]);
    const message = await sendMessage(alice, room, 'hm', [bob]);
    const reaction = { message_id: message.id, reaction_content: '👍' };
    await acknowledged(alice, 'message.react', { type: 'add', ...reaction });
    expect(await shown(alice)).toEqual({});
    await acknowledged(bob, 'message.react', { type: 'add', ...reaction });
    expect(types((await shown(alice))[room.id])).toEqual(['REACTION hm']);
  });

  test('shows a message no more once it is deleted, its reactions neither', async () => {
    const [alice, bob] = await threeStrangers();
    const room = await createGroup(alice, [bob]);
    const message = await sendMessage(alice, room, 'oops', [bob]);
    await acknowledged(bob, 'message.react', { type: 'add', message_id: message.id, reaction_content: '👍' });
    await acknowledged(alice, 'message.modify', { action: 'delete', message_id: message.id });
    expect(await shown(bob)).toEqual({});
    expect(await shown(alice)).toEqual({});
  });

  test('shows nothing of a room that one left, also after coming back', async () => {
    const [alice, bob] = await threeStrangers();
    const room = await createGroup(alice, [bob]);
    await sendMessage(alice, room, 'before', [bob]);
    await acknowledged(alice, 'room.remove_members', { room_id: room.id, members: [bob.user.id] });
    expect(await shown(bob)).toEqual({});
    await acknowledged(alice, 'message.send', { room_id: room.id, content: 'meanwhile' });
    await acknowledged(alice, 'room.add_members', { room_id: room.id, members: [bob.user.id] });
    await acknowledged(alice, 'message.send', { room_id: room.id, content: 'after' });
    expect(types((await shown(bob))[room.id])).toEqual(['NEW_MESSAGE after']);
  });

  test('shows nothing of a room that was deleted', async () => {
    const [alice, bob] = await threeStrangers();
    const room = await createGroup(alice, [bob]);
    await sendMessage(alice, room, 'the end', [bob]);
    await acknowledged(alice, 'room.modify', { room_id: room.id, action: 'delete', data: {} });
    expect(await shown(bob)).toEqual({});
  });

  test('shows at most the newest 100 of a room', async () => {
    const [alice, bob] = await threeStrangers();
    const room = await createGroup(alice, [bob]);
    await Promise.all(
      Array.from({ length: 105 }, (_, n) =>
        acknowledged(alice, 'message.send', { room_id: room.id, content: `m${n + 1}` }),
      ),
    );
    const list = (await shown(bob))[room.id]!;
    const seqs = list.map(({ message }) => message.seq).sort((a, b) => a - b);
    expect(seqs).toEqual(Array.from({ length: 100 }, (_, n) => n + 6));
  });

  test('shows at most the newest 1,000 in all', async () => {
    const [alice, bob] = await threeStrangers();
    const rooms = await Promise.all(Array.from({ length: 11 }, () => createGroup(alice, [bob])));
    for (const room of rooms) {
      await Promise.all(
        Array.from({ length: 95 }, (_, n) =>
          acknowledged(alice, 'message.send', { room_id: room.id, content: `m${n + 1}` }),
        ),
      );
    }
    const notifications = await shown(bob);
    expect(Object.values(notifications).flat()).toHaveLength(1000);
    // 45 of 1,045 do not fit: the oldest ones, which are those of the first room.
    expect(rooms.map(({ id }) => notifications[id]?.length ?? 0)).toEqual([50, ...Array(10).fill(95)]);
  }, 60_000);

  test('is the first frame, and what was sent before it is answered in order', async () => {
    const [alice, bob] = await threeStrangers();
    const room = await createGroup(alice, [bob]);
    const client = await scene.stack.open({ token: bob.token });
    const ids = Array.from({ length: 10 }, (_, n) => `early-${n}`);
    for (const id of ids) client.send('message.send', { room_id: room.id, content: id }, id);
    expect((await client.next()).eventType).toBe('chat.notifications');
    const answers = await Promise.all(ids.map((id) => client.answer<{ seq: number }>(id)));
    expect(answers.map(({ data }) => data.seq)).toEqual(ids.map((_, n) => n + 1));
    const contents = (await historyOf(alice, room)).map(({ content }) => content);
    expect(contents).toEqual([...ids].reverse());
  });
});

describe.each(STACK_KINDS)('with notifications off, on %s,', (kind) => {
  let stack: OwnStack;
  let scene: Scene;

  beforeAll(async () => {
    stack = await startStack(kind, { env: { CHAT_ENABLE_NOTIFICATION: '0' }, apps: 1, workers: 1 });
    scene = sceneOn(stack);
  });

  afterAll(async () => {
    await stack?.close();
  });

  test('there is no chat.notifications frame, and delivery still works', async () => {
    const people = await Promise.all([stack.newUser(), stack.newUser()]);
    const [alice, bob] = await Promise.all(
      people.map(async (person) => {
        const client = await stack.open({ token: person.token });
        await client.silence();
        return Object.assign(client, person, { notifications: null });
      }),
    );
    const room = await createGroup(alice!, [bob!]);
    const message = await sendMessage(alice!, room, 'hi', [bob!]);
    await acknowledged(bob!, 'message.acknowledged', { message_id: message.id });
    const [frame] = await received<WireMessage[]>([alice!], 'messagedelivered.dispatch');
    expect(frame!.data[0]!.delivered_to).toEqual([bob!.user.username]);
    await quiet(alice!, bob!);
    expect(scene.stack.gateways).toHaveLength(1);
  });
});
