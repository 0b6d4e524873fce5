/**
 * The protocol page's examples are real frames, and what it says beyond the rules that test/protocol checks on both
 * stacks is so.
 */
import { describe, expect, test } from 'vitest';
import { checkPayload, payloadSchemas, userIdSchema } from '../../src/protocol/payloads.js';
import { resolveSettings } from '../../src/settings/settings.js';
import type { TestClient } from '../../src/testing/client.js';
import {
  acknowledged,
  answered,
  createChannel,
  createGroup,
  createOneToOne,
  expectError,
  expectKeys,
  NOBODYS_USER_ID,
  received,
  refused,
  sendMessage,
  uniqueName,
  useStack,
} from '../helpers/chat.js';
import { ATTACHMENT_KEYS, MESSAGE_KEYS, USER_KEYS, type WireMessage, type WireRoom } from '../helpers/shapes.js';
import { codeBlocks } from './pages.js';

const examples = codeBlocks('docs/protocol.md')
  .filter(({ language }) => language === 'json')
  .map(({ code }) => JSON.parse(code) as Record<string, unknown>);

describe('the examples', () => {
  test('of events pass the checks of the server', () => {
    const schemas = payloadSchemas({ ...resolveSettings({}), userId: userIdSchema('integer') });
    const events = examples.filter((example) => 'event_type' in example);
    expect(events.length).toBeGreaterThan(5);
    for (const { event_type, data } of events) {
      const schema = schemas.get(event_type as string);
      expect(schema, String(event_type)).toBeDefined();
      expect(() => checkPayload(schema!, data), JSON.stringify(data)).not.toThrow();
    }
  });

  test('of shapes have the keys that the server sends', () => {
    const user = examples.find((example) => 'username' in example);
    const message = examples.find((example) => 'seq' in example) as unknown as WireMessage;
    const room = examples.find((example) => example.type === 'GroupChat');
    expectKeys(user, USER_KEYS);
    expectKeys(message, MESSAGE_KEYS);
    expectKeys(message.sender, USER_KEYS);
    expectKeys(message.attachments[0], ATTACHMENT_KEYS);
    expectKeys(message.reactions[0], ['id', 'user', 'reaction_content', 'created_at']);
    expectKeys(message.read_receipts[0], ['reader', 'read_at']);
    expectKeys(room, ['type', 'id', 'created_at', 'updated_at', 'last_seq', 'member_count', 'property']);
  });
});

describe('as the page says,', () => {
  const scene = useStack('embedded');
  const types = (client: TestClient) => client.pending.map(({ eventType }) => eventType);

  test('the ack comes after the broadcast that it is about', async () => {
    const [ann] = await scene.people(1);
    const room = await createGroup(ann!);
    ann!.send('message.send', { room_id: room.id, content: 'Hello' }, 'mine');
    expect((await ann!.next()).eventType).toBe('message.dispatch');
    expect(await ann!.next()).toMatchObject({ eventType: 'event.ack', id: 'mine' });
  });

  test('removing a reaction that is not there is told to the asker, and the id is on the ack', async () => {
    const [ann] = await scene.people(1);
    const room = await createGroup(ann!);
    const message = await sendMessage(ann!, room, 'Hello');
    const data = { type: 'remove', message_id: message.id, reaction_content: '👍' };
    ann!.send('message.react', data, 'gone');
    const dispatch = await ann!.next();
    expect(dispatch).toMatchObject({ eventType: 'reaction.dispatch', data: { status: 'failed', type: 'remove' } });
    expectKeys(dispatch, ['eventType', 'data']);
    expect(await ann!.next()).toEqual({ eventType: 'event.ack', data: { status: 'failed' }, id: 'gone' });
    ann!.send('message.react', data);
    expect((await ann!.next()).eventType).toBe('reaction.dispatch');
    await ann!.silence();
  });

  test('ids are not converted', async () => {
    const [ann, ben] = await scene.people(2);
    const room = await createGroup(ann!);
    const members = [String(ben!.user.id)];
    await refused(ann!, 4003, 'room.add_members', { room_id: room.id, members });
    const info = await answered<WireRoom>(ann!, 'room.info', { room_id: room.id.toUpperCase() }, 'roominfo.dispatch');
    expect(info.id).toBe(room.id);
  });

  test('the id of a broken frame is answered where it can be read, and other keys are refused', async () => {
    const [ann] = await scene.people(1);
    ann!.sendRaw('{"event_type": "room.list", "id": "b1", "data": {');
    const broken = await ann!.next();
    expect(broken.id).toBe('b1');
    expectError(broken, 4003);
    // The test client cannot read an id in broken JSON, so it takes the answer for one that nobody asked for.
    ann!.breaches.length = 0;
    ann!.sendRaw(JSON.stringify({ event_type: 'room.list', data: {}, id: 'b2', room: 1 }));
    expect(expectError(await ann!.next(), 4003).detail).toHaveProperty('room');
  });

  test('an exit has no offset, and the last one out is told that the room is gone', async () => {
    const [ann, ben] = await scene.people(2);
    const room = await createGroup(ann!, [ben!]);
    await acknowledged(ann!, 'room.remove_members', { room_id: room.id, members: [ben!.user.id] });
    const exit = await ben!.expect('roomexit.dispatch');
    expectKeys(exit, ['eventType', 'data']);
    await ann!.expect('roomremovemembers.dispatch');
    ann!.send('room.leave', { room_id: room.id }, 'bye');
    await ann!.answer('bye');
    expect(types(ann!)).toEqual(['roomexit.dispatch', 'roomdelete.dispatch']);
    ann!.pending.length = 0;
    await ben!.silence();
  });

  test('nobody new or nobody to remove is an ack and nothing else', async () => {
    const [ann, ben, cem] = await scene.people(3);
    const room = await createGroup(ann!, [ben!]);
    await acknowledged(ann!, 'room.add_members', { room_id: room.id, members: [ben!.user.id] });
    await acknowledged(ann!, 'room.remove_members', { room_id: room.id, members: [cem!.user.id] });
    await refused(ann!, 4004, 'room.remove_members', { room_id: room.id, members: [ben!.user.id, NOBODYS_USER_ID] });
    await ann!.silence();
    await ben!.silence();
  });

  test('a promotion of nobody is told to the room', async () => {
    const [ann, ben] = await scene.people(2);
    const room = await createGroup(ann!);
    const data = { users: [ben!.user.id] };
    await acknowledged(ann!, 'room.modify', { room_id: room.id, action: 'add_admin', data });
    await ann!.expect('roomupdate.dispatch');
    await refused(ann!, 4003, 'room.modify', { room_id: room.id, action: 'add_moderator', data });
    await ann!.silence();
  });

  test('preferences are replaced as a whole', async () => {
    const [ann] = await scene.people(1);
    const property = { preferences: { colour: 'green', sound: 'off' } };
    const room = await createGroup(ann!, [], { extra_fields: { property } });
    expect(room.property).toEqual(property);
    const data = { property: { preferences: { sound: 'on' } } };
    await acknowledged(ann!, 'room.modify', { room_id: room.id, action: 'update', data });
    const update = await ann!.expect<WireRoom>('roomupdate.dispatch');
    expect(update.data.property).toEqual(data.property);
  });

  test('a repeat without an id is silent, and one with an id gets the first ack', async () => {
    const [ann] = await scene.people(1);
    const room = await createGroup(ann!);
    const data = { room_id: room.id, content: 'once', client_id: uniqueName('c') };
    const first = await acknowledged(ann!, 'message.send', data);
    await ann!.expect('message.dispatch');
    ann!.send('message.send', data);
    expect(await acknowledged(ann!, 'message.send', data)).toEqual(first);
    await ann!.silence();
  });

  test('delivery is told in the order of seq, and reading tells receipts only', async () => {
    const [ann, ben] = await scene.people(2);
    const room = await createGroup(ann!, [ben!]);
    const sent: WireMessage[] = [];
    for (const text of ['one', 'two', 'three']) sent.push(await sendMessage(ann!, room, text, [ben!]));
    const ids = sent.map(({ id }) => id);
    await acknowledged(ben!, 'message.acknowledged', { message_id: [ids[1], ids[0], ids[0]] });
    const delivered = await ann!.expect<WireMessage[]>('messagedelivered.dispatch');
    expect(delivered.data.map(({ id }) => id)).toEqual([ids[0], ids[1]]);
    await acknowledged(ben!, 'message.read', { message_id: [ids[2], ids[0]] });
    const [read] = await received<WireMessage[]>([ann!, ben!], 'readreceipt.dispatch');
    expect(read!.data.map(({ id }) => id)).toEqual([ids[0], ids[2]]);
    expect(read!.data[1]).toMatchObject({ delivered_count: 1, delivered_to: [ben!.user.username], read_count: 1 });
    await ann!.silence();
  });

  test('the same reaction again takes the place of the first', async () => {
    const [ann] = await scene.people(1);
    const room = await createGroup(ann!);
    const message = await sendMessage(ann!, room, 'Hello');
    const data = { type: 'add', message_id: message.id, reaction_content: '👍' };
    for (let times = 0; times < 2; times++) {
      await acknowledged(ann!, 'message.react', data);
      const frame = await ann!.expect<{ message: WireMessage }>('reaction.dispatch');
      expect(frame.data.message.reaction_counts).toEqual({ '👍': 1 });
    }
  });

  test('a deletion names a list, an update of one message the message', async () => {
    const [ann] = await scene.people(1);
    const room = await createGroup(ann!);
    const { id } = await sendMessage(ann!, room, 'Hello');
    const change = { action: 'update', message_id: id, extra_fields: { content: 'Bye' } };
    await acknowledged(ann!, 'message.modify', change);
    const update = await ann!.expect<Record<string, unknown>>('messagemodification.dispatch');
    expectKeys(update.data, ['status', 'action', 'message']);
    expect(update.data.message).toMatchObject({ is_edited: true });
    await acknowledged(ann!, 'message.modify', { action: 'delete', message_id: id });
    const deletion = await ann!.expect('messagemodification.dispatch');
    expect(deletion.data).toEqual({ status: 'successful', action: 'delete', message_ids: [id] });
  });

  test('a name for a one-to-one is dropped', async () => {
    const [ann, ben] = await scene.strangers(2);
    const room = await createOneToOne(ann!, [ben!], { name: 'Us', description: 'Two' });
    expectKeys(room, [
      ...['type', 'id', 'created_at', 'updated_at', 'last_seq', 'member_count', 'property', 'participants'],
    ]);
  });

  test('members come first joined first, and strangers are shown nothing of a channel', async () => {
    const [ann, ben, cem] = await scene.people(3);
    const name = uniqueName('open');
    const room = await createChannel(ann!, [], { name, extra_fields: { is_public: true } });
    await acknowledged(cem!, 'room.join', { room_id: room.id });
    await acknowledged(ben!, 'room.join', { room_id: room.id });
    await sendMessage(ann!, room, 'Hello', [ben!, cem!]);
    const info = await answered<WireRoom>(ann!, 'room.info', { room_id: room.id }, 'roominfo.dispatch');
    expect(info.subscribers.map(({ id }) => id)).toEqual([ann!, cem!, ben!].map(({ user }) => user.id));
    const [stranger] = await scene.strangers(1);
    const found = await answered<{ rooms: WireRoom[] }>(
      stranger!,
      'room.discover',
      { query: name },
      'roomdiscover.dispatch',
    );
    expect(found.rooms).toMatchObject([{ id: room.id, last_message: null, unread_count: 0, member_count: 3 }]);
  });

  test('history around a seq holds it and its neighbours on both sides', async () => {
    const [ann] = await scene.people(1);
    const room = await createGroup(ann!);
    for (let seq = 1; seq <= 7; seq++) await sendMessage(ann!, room, `message ${seq}`);
    const around = async (seq: number, limit: number) => {
      const data = { room_id: room.id, around: seq, limit };
      const answer = await answered<{ has_before: boolean; has_after: boolean; data: { messages: WireMessage[] } }>(
        ann!,
        'room.messages',
        data,
        'roommessages.dispatch',
      );
      return [answer.data.messages.map((message) => message.seq), answer.has_before, answer.has_after];
    };
    expect(await around(4, 4)).toEqual([[6, 5, 4, 3], true, true]);
    expect(await around(7, 4)).toEqual([[7, 6, 5, 4], true, false]);
    expect(await around(1, 4)).toEqual([[4, 3, 2, 1], false, true]);
  });
});
