import { describe, expect, test } from 'vitest';
import {
  createGroup,
  expectError,
  expectKeys,
  historyOf,
  NOBODYS_ID,
  quiet,
  received,
  refused,
  sendMessage,
  useStack,
} from '../helpers/chat.js';
import type { WireAck } from '../helpers/shapes.js';
import { STACK_KINDS } from '../helpers/stack.js';

describe.each(STACK_KINDS)('frames on %s', (kind) => {
  const scene = useStack(kind);

  test('a private dispatch has eventType and data, and the id of its event', async () => {
    const [alice] = await scene.people(1);
    const room = await createGroup(alice!);
    alice!.send('room.info', { room_id: room.id });
    const plain = await alice!.next();
    expectKeys(plain, ['eventType', 'data']);
    const withId = await alice!.request('room.info', { room_id: room.id }, 'my own id');
    expect(withId).toEqual({ ...plain, id: 'my own id' });
  });

  test('without an id there is no ack and no id in an error', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    alice!.send('message.send', { room_id: room.id, content: 'x' });
    await received([alice!, bob!], 'message.dispatch');
    alice!.send('message.send', { room_id: NOBODYS_ID, content: 'x' });
    expectError(await alice!.next(), 4004, false);
    await quiet(alice!, bob!);
  });

  test('a broadcast carries no id, also to the connection whose event had one', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    alice!.send('message.send', { room_id: room.id, content: 'x' }, 'one');
    const [frame] = await received([alice!, bob!], 'message.dispatch');
    expect(frame!.id).toBeUndefined();
    expect((await alice!.answer('one')).eventType).toBe('event.ack');
  });

  test('an unknown event type has its own answer', async () => {
    const [alice] = await scene.people(1);
    for (const type of [
      'nonsense',
      'message',
      'MESSAGE.SEND',
      'constructor',
      '__proto__',
      'toString',
      'chat.notifications',
      '',
    ]) {
      alice!.send(type, {});
      expect(await alice!.next(), type).toEqual({ error: 'invalid event type' });
      const id = alice!.newId();
      expect(await alice!.request(type, {}, id), type).toEqual({ error: 'invalid event type', id });
    }
    await alice!.silence();
  });

  test('an id used again is a new event', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const send = () => alice!.request<WireAck>('message.send', { room_id: room.id, content: 'x' }, 'again');
    const [first, second] = [await send(), await send()];
    expect(second.data.message_id).not.toBe(first.data.message_id);
    expect(await historyOf(bob!, room)).toHaveLength(2);
  });

  test('an id has 1 to 64 characters', async () => {
    const [alice] = await scene.people(1);
    for (const id of ['x', 'x'.repeat(64), 'ä 👍 "\\']) {
      expect(await alice!.request('session.heartbeat', {}, id)).toEqual({ status: 'success', id });
    }
    for (const id of ['', 'x'.repeat(65), 7, null, {}, ['x'], true]) {
      alice!.sendRaw(JSON.stringify({ event_type: 'session.heartbeat', data: {}, id }));
      expect((await alice!.next()).error, String(id)).toMatchObject({ code: 4003 });
    }
    // Wrong ids are echoed or not; either way no other frame came.
    expect(alice!.pending).toEqual([]);
  });

  test('a private answer goes to the asking connection, not to the user’s others', async () => {
    const [alice, bob] = await scene.people(2);
    const phone = await scene.device(alice!);
    const room = await createGroup(alice!, [bob!, phone]);
    await sendMessage(alice!, room, 'x', [bob!, phone]);
    for (const [event, data] of [
      ['room.list', {}],
      ['room.info', { room_id: room.id }],
      ['room.members', { room_id: room.id }],
      ['room.messages', { room_id: room.id }],
      ['room.discover', {}],
      ['session.heartbeat', {}],
      ['session.resume', { rooms: {} }],
    ] as const) {
      expect((await alice!.request(event, data)).error).toBeUndefined();
    }
    await refused(alice!, 4003, 'message.send', { room_id: room.id });
    await quiet(alice!, bob!, phone);
  });

  test('each event with an id has one answer, whatever it is', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const message = await sendMessage(alice!, room, 'x', [bob!]);
    const id = { message_id: message.id };
    const events: [string, unknown][] = [
      ['message.send', { room_id: room.id, content: 'y' }],
      ['message.send', { room_id: room.id, content: '' }],
      ['message.typing', { room_id: room.id }],
      ['message.acknowledged', id],
      ['message.acknowledged', id],
      ['message.read', id],
      ['message.read', id],
      ['message.read', { message_id: [message.id] }],
      ['message.react', { type: 'add', ...id, reaction_content: 'x' }],
      ['message.react', { type: 'remove', ...id, reaction_content: 'x' }],
      ['message.react', { type: 'remove', ...id, reaction_content: 'x' }],
      ['room.add_members', { room_id: room.id, members: [bob!.user.id] }],
      ['room.info', { room_id: room.id }],
      ['nonsense', {}],
      ['session.heartbeat', {}],
      ['session.resume', { rooms: {} }],
    ];
    const answers = await Promise.all(events.map(([event, data]) => bob!.request(event, data)));
    for (const [index, answer] of answers.entries()) {
      const kinds = [answer.error !== undefined, answer.status !== undefined, answer.eventType !== undefined];
      expect(kinds.filter(Boolean), JSON.stringify([events[index], answer])).toHaveLength(1);
    }
    await bob!.request('session.heartbeat', {});
    // A second answer to any of these ids would be a breach, which close() reports.
    expect(bob!.breaches).toEqual([]);
  });
});
