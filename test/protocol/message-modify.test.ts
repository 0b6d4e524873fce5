import { describe, expect, test } from 'vitest';
import {
  acknowledged,
  answered,
  createGroup,
  expectKeys,
  expectMessage,
  historyOf,
  NOBODYS_ID,
  quiet,
  received,
  refused,
  sendMessage,
  useStack,
} from '../helpers/chat.js';
import type { WireListRoom, WireMessage } from '../helpers/shapes.js';
import { STACK_KINDS } from '../helpers/stack.js';

interface Modification {
  status: string;
  action: string;
  message: WireMessage;
  message_ids: string[];
}

describe.each(STACK_KINDS)('message.modify on %s', (kind) => {
  const scene = useStack(kind);

  test('update tells everybody in the room, and the message is edited', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const phone = await scene.device(alice!);
    const room = await createGroup(alice!, [bob!, phone]);
    const message = await sendMessage(alice!, room, 'frist', [bob!, phone]);
    await acknowledged(alice!, 'message.modify', {
      action: 'update',
      message_id: message.id,
      extra_fields: { content: 'first' },
    });
    const [frame] = await received<Modification>([alice!, phone, bob!], 'messagemodification.dispatch');
    expectKeys(frame, ['eventType', 'data', 'room_id', 'offset']);
    expectKeys(frame!.data, ['status', 'action', 'message']);
    expect(frame!.data).toMatchObject({ status: 'successful', action: 'update' });
    expectMessage(frame!.data.message);
    expect(frame!.data.message).toMatchObject({ id: message.id, seq: 1, content: 'first', is_edited: true });
    expect(frame!.data.message.created_at).toBe(message.created_at);
    await quiet(alice!, phone, bob!, carol!);
    expect(await historyOf(bob!, room)).toEqual([frame!.data.message]);
  });

  test('update is for the sender alone', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const room = await createGroup(alice!, [bob!]);
    const message = await sendMessage(bob!, room, 'mine', [alice!]);
    const update = { action: 'update', message_id: message.id, extra_fields: { content: 'yours' } };
    await refused(alice!, 4002, 'message.modify', update);
    await refused(carol!, 4002, 'message.modify', update);
    await quiet(carol!, alice!, bob!);
    expect((await historyOf(alice!, room))[0]!.content).toBe('mine');
  });

  test('a sender who left may no longer edit or delete', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const message = await sendMessage(bob!, room, 'mine', [alice!]);
    await acknowledged(bob!, 'room.leave', { room_id: room.id });
    const id = { message_id: message.id };
    await refused(bob!, 4002, 'message.modify', { action: 'update', ...id, extra_fields: { content: 'x' } });
    await refused(bob!, 4002, 'message.modify', { action: 'delete', ...id });
    expect((await historyOf(alice!, room))[0]!.content).toBe('mine');
  });

  test('refuses wrong updates', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const message = await sendMessage(alice!, room, 'fine', [bob!]);
    const id = { message_id: message.id };
    for (const data of [
      { action: 'update', ...id },
      { action: 'update', ...id, extra_fields: { content: '' } },
      { action: 'update', ...id, extra_fields: { content: '  ' } },
      { action: 'update', ...id, extra_fields: { content: '<script>x</script>' } },
      { action: 'update', ...id, extra_fields: { content: 7 } },
      { action: 'update', ...id, extra_fields: { content: 'x', seq: 9 } },
      { action: 'update', ...id, extra_fields: { content: 'x', sender_id: bob!.user.id } },
      { action: 'update', ...id, extra_fields: { content: 'x' }, nonsense: 1 },
      { action: 'update', message_id: 'nonsense', extra_fields: { content: 'x' } },
      { action: 'nonsense', ...id, extra_fields: { content: 'x' } },
      { ...id, extra_fields: { content: 'x' } },
      { action: 'update', extra_fields: { content: 'x' } },
    ]) {
      await refused(alice!, 4003, 'message.modify', data);
    }
    await refused(alice!, 4004, 'message.modify', {
      action: 'update',
      message_id: NOBODYS_ID,
      extra_fields: { content: 'x' },
    });
    await quiet(alice!, bob!);
    expect(await historyOf(alice!, room)).toEqual([message]);
  });

  test('delete tells everybody, and the message is gone for everybody', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const room = await createGroup(alice!, [bob!]);
    const message = await sendMessage(alice!, room, 'oops', [bob!]);
    await acknowledged(alice!, 'message.modify', { action: 'delete', message_id: message.id });
    const [frame] = await received<Modification>([alice!, bob!], 'messagemodification.dispatch');
    expectKeys(frame, ['eventType', 'data', 'room_id', 'offset']);
    expect(frame!.data).toEqual({ status: 'successful', action: 'delete', message_ids: [message.id] });
    await quiet(alice!, bob!, carol!);
    expect(await historyOf(bob!, room)).toEqual([]);
    for (const [event, data] of [
      ['message.modify', { action: 'delete', message_id: message.id }],
      ['message.modify', { action: 'update', message_id: message.id, extra_fields: { content: 'x' } }],
      ['message.react', { type: 'add', message_id: message.id, reaction_content: 'x' }],
      ['message.read', { message_id: message.id }],
      ['message.acknowledged', { message_id: message.id }],
    ] as const) {
      await refused(alice!, 4004, event, data);
    }
  });

  test('delete takes a list, and all of it or nothing', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const other = await createGroup(alice!, [bob!]);
    const one = await sendMessage(alice!, room, 'one', [bob!]);
    const two = await sendMessage(alice!, room, 'two', [bob!]);
    const bobs = await sendMessage(bob!, room, 'bob', [alice!]);
    const elsewhere = await sendMessage(alice!, other, 'elsewhere', [bob!]);
    const remove = (...messages: { id: string }[]) => ({
      action: 'delete',
      message_id: messages.map(({ id }) => id),
    });
    await refused(alice!, 4003, 'message.modify', remove(one, elsewhere));
    await refused(alice!, 4002, 'message.modify', remove(one, bobs));
    await refused(alice!, 4004, 'message.modify', remove(one, { id: NOBODYS_ID }));
    await refused(alice!, 4003, 'message.modify', remove());
    await quiet(alice!, bob!);
    expect(await historyOf(alice!, room)).toHaveLength(3);
    await acknowledged(alice!, 'message.modify', remove(one, two));
    const [frame] = await received<Modification>([alice!, bob!], 'messagemodification.dispatch');
    expect(frame!.data).toMatchObject({ status: 'successful', action: 'delete' });
    expect([...frame!.data.message_ids].sort()).toEqual([one.id, two.id].sort());
    expect(await historyOf(alice!, room)).toEqual([bobs]);
  });

  test('a deleted message leaves a gap in seq, and last_message falls back to the newest left', async () => {
    const [alice, bob] = await scene.strangers(2);
    const room = await createGroup(alice!, [bob!]);
    const first = await sendMessage(alice!, room, 'first', [bob!]);
    const second = await sendMessage(alice!, room, 'second', [bob!]);
    await acknowledged(alice!, 'message.modify', { action: 'delete', message_id: second.id });
    const list = await answered<WireListRoom[]>(bob!, 'room.list', {}, 'roomlist.dispatch');
    expect(list.map(({ last_message, unread_count }) => [last_message?.id, unread_count])).toEqual([[first.id, 1]]);
    await received([alice!, bob!], 'messagemodification.dispatch');
    expect((await sendMessage(alice!, room, 'third', [bob!])).seq).toBe(3);
    expect((await historyOf(bob!, room)).map(({ seq }) => seq)).toEqual([3, 1]);
  });
});
