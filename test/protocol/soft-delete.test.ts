import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  acknowledged,
  answered,
  createGroup,
  historyOf,
  quiet,
  received,
  refused,
  type Scene,
  sceneOn,
  sendMessage,
} from '../helpers/chat.js';
import type { WireListRoom } from '../helpers/shapes.js';
import { type Chatter, type OwnStack, STACK_KINDS, startStack } from '../helpers/stack.js';

describe.each(STACK_KINDS)('with messageSoftDelete on %s', (kind) => {
  let stack: OwnStack;
  let scene: Scene;

  beforeAll(async () => {
    stack = await startStack(kind, { env: { CHAT_MESSAGE_SOFT_DELETE: '1' }, apps: 1, workers: 1 });
    scene = sceneOn(stack);
  });

  afterEach(() => stack?.disconnectAll());

  afterAll(async () => {
    await stack?.close();
  });

  const list = (who: Chatter) => answered<WireListRoom[]>(who, 'room.list', {}, 'roomlist.dispatch');

  test('a deleted message is gone from history, last_message and unread counts', async () => {
    const [alice, bob] = await scene.strangers(2);
    const room = await createGroup(alice!, [bob!]);
    const first = await sendMessage(alice!, room, 'first', [bob!]);
    const second = await sendMessage(alice!, room, 'second', [bob!]);
    expect((await list(bob!))[0]!.unread_count).toBe(2);
    await acknowledged(alice!, 'message.modify', { action: 'delete', message_id: second.id });
    const [frame] = await received([alice!, bob!], 'messagemodification.dispatch');
    expect(frame!.data).toEqual({ status: 'successful', action: 'delete', message_ids: [second.id] });
    await quiet(alice!, bob!);
    expect(await historyOf(bob!, room)).toEqual([first]);
    const listed = (await list(bob!)).find(({ id }) => id === room.id)!;
    expect(listed).toMatchObject({ unread_count: 1, last_message: { id: first.id }, last_seq: 2 });
    await acknowledged(alice!, 'message.modify', { action: 'delete', message_id: first.id });
    expect((await list(bob!)).find(({ id }) => id === room.id)).toMatchObject({ unread_count: 0, last_message: null });
    expect((await sendMessage(alice!, room, 'third', [bob!])).seq).toBe(3);
  });

  test('every event that names it answers 4004', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const message = await sendMessage(alice!, room, 'gone', [bob!]);
    const other = await sendMessage(alice!, room, 'stays', [bob!]);
    await acknowledged(bob!, 'message.react', { type: 'add', message_id: message.id, reaction_content: '👍' });
    await received([alice!, bob!], 'reaction.dispatch');
    await acknowledged(alice!, 'message.modify', { action: 'delete', message_id: message.id });
    await received([alice!, bob!], 'messagemodification.dispatch');
    const id = { message_id: message.id };
    for (const [who, event, data] of [
      [bob!, 'message.read', id],
      [bob!, 'message.read', { message_id: [other.id, message.id] }],
      [bob!, 'message.acknowledged', id],
      [bob!, 'message.react', { type: 'add', ...id, reaction_content: 'x' }],
      [bob!, 'message.react', { type: 'remove', ...id, reaction_content: '👍' }],
      [alice!, 'message.modify', { action: 'update', ...id, extra_fields: { content: 'back' } }],
      [alice!, 'message.modify', { action: 'delete', ...id }],
      [alice!, 'message.modify', { action: 'delete', message_id: [other.id, message.id] }],
      [bob!, 'message.send', { room_id: room.id, content: 'x', extra_fields: { parent_message_id: message.id } }],
      [bob!, 'message.send', { room_id: room.id, content: 'x', extra_fields: { forwarded_from_id: message.id } }],
    ] as const) {
      await refused(who, 4004, event, data);
    }
    await quiet(alice!, bob!);
    expect((await historyOf(bob!, room)).map((item) => [item.id, item.read_count])).toEqual([[other.id, 0]]);
  });

  test('replies and forwards show only that their source is deleted', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const media = [
      { media_url: 'https://example.com/a.png', media_type: 'image', mime_type: 'image/png', file_size: 1 },
    ];
    const source = await sendMessage(alice!, room, 'secret', [bob!], { extra_fields: { media } });
    await sendMessage(bob!, room, 'reply', [alice!], { extra_fields: { parent_message_id: source.id } });
    await sendMessage(bob!, room, 'forward', [alice!], { extra_fields: { forwarded_from_id: source.id } });
    await acknowledged(alice!, 'message.modify', { action: 'delete', message_id: source.id });
    const deleted = { id: source.id, is_deleted: true, content: '' };
    const [forward, reply] = await historyOf(bob!, room);
    expect(forward!.forwarded_from).toEqual(deleted);
    expect(reply!.parent_message).toEqual(deleted);
    expect((await list(alice!))[0]!.last_message!.forwarded_from).toEqual(deleted);
    const edited = await bob!.request('message.react', { type: 'add', message_id: reply!.id, reaction_content: 'x' });
    expect(edited.error).toBeUndefined();
    const dispatch = await alice!.expect('reaction.dispatch');
    expect(JSON.stringify(dispatch)).not.toContain('secret');
  });

  test('its notifications go', async () => {
    const [alice, bob] = await scene.strangers(2);
    const room = await createGroup(alice!, [bob!]);
    const message = await sendMessage(alice!, room, 'gone', [bob!]);
    await acknowledged(bob!, 'message.react', { type: 'add', message_id: message.id, reaction_content: '👍' });
    await acknowledged(alice!, 'message.modify', { action: 'delete', message_id: message.id });
    expect((await scene.device(bob!)).notifications).toEqual({});
    expect((await scene.device(alice!)).notifications).toEqual({});
  });

  test('client_id of a deleted message is answered with the first result', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const data = { room_id: room.id, content: 'once', client_id: 'once' };
    const first = await acknowledged(alice!, 'message.send', data);
    await received([alice!, bob!], 'message.dispatch');
    await acknowledged(alice!, 'message.modify', { action: 'delete', message_id: first.message_id });
    await received([alice!, bob!], 'messagemodification.dispatch');
    expect(await acknowledged(alice!, 'message.send', data)).toEqual(first);
    await quiet(alice!, bob!);
    expect(await historyOf(bob!, room)).toEqual([]);
  });
});
