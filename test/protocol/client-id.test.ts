import { describe, expect, test } from 'vitest';
import {
  acknowledged,
  answered,
  createGroup,
  expectKeys,
  historyOf,
  quiet,
  received,
  refused,
  uniqueName,
  useStack,
} from '../helpers/chat.js';
import type { WireListRoom, WireMessage } from '../helpers/shapes.js';
import { STACK_KINDS } from '../helpers/stack.js';

describe.each(STACK_KINDS)('client_id on %s', (kind) => {
  const scene = useStack(kind);

  test('message.send again answers with the first result and broadcasts nothing new', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const data = { room_id: room.id, content: 'once <b>only</b>', client_id: uniqueName('c') };
    const first = await acknowledged(alice!, 'message.send', data);
    const [frame] = await received<WireMessage>([alice!, bob!], 'message.dispatch');
    expect(frame!.data.client_id).toBe(data.client_id);
    const phone = await scene.device(alice!);
    for (const device of [alice!, phone, alice!]) {
      const again = await acknowledged(device, 'message.send', data);
      expectKeys(again, ['status', 'message_id', 'seq']);
      expect(again).toEqual(first);
    }
    await quiet(alice!, bob!, phone);
    expect(await historyOf(bob!, room)).toHaveLength(1);
  });

  test('message.send again is the same message also when its content is changed by cleaning', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    for (const content of ['a < b && c', ' spaces around ', '<b onclick="x()">bold</b>']) {
      const data = { room_id: room.id, content, client_id: uniqueName('c') };
      const first = await acknowledged(alice!, 'message.send', data);
      await received([alice!, bob!], 'message.dispatch');
      expect(await acknowledged(alice!, 'message.send', data)).toEqual(first);
      await refused(alice!, 4003, 'message.send', { ...data, content: `${content}!` });
    }
    await quiet(alice!, bob!);
    expect(await historyOf(bob!, room)).toHaveLength(3);
  });

  test('message.send again with other content is 4003', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const other = await createGroup(alice!, [bob!]);
    const client_id = uniqueName('c');
    const data = { room_id: room.id, content: 'one', client_id };
    await acknowledged(alice!, 'message.send', data);
    await received([alice!, bob!], 'message.dispatch');
    await refused(alice!, 4003, 'message.send', { ...data, content: 'two' });
    await refused(alice!, 4003, 'message.send', { ...data, room_id: other.id });
    await quiet(alice!, bob!);
    expect((await historyOf(bob!, room)).map(({ content }) => content)).toEqual(['one']);
    expect(await historyOf(bob!, other)).toEqual([]);
  });

  test('many at once of the same message are one', async () => {
    const [alice, bob] = await scene.people(2);
    const phone = await scene.device(alice!);
    const room = await createGroup(alice!, [bob!, phone]);
    const data = { room_id: room.id, content: 'once', client_id: uniqueName('c') };
    const acks = await Promise.all(
      Array.from({ length: 20 }, (_, n) => acknowledged(n % 2 ? alice! : phone, 'message.send', data)),
    );
    for (const ack of acks) expect(ack).toEqual(acks[0]);
    await received([alice!, bob!, phone], 'message.dispatch');
    await quiet(alice!, bob!, phone);
    expect(await historyOf(bob!, room)).toHaveLength(1);
  });

  test('is one user’s own, and compared byte by byte', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const base = uniqueName('c');
    const ids = [`${base}a`, `${base}A`, `${base}á`, `${base}a `, `${base}👍`, `${base}👎`];
    const seen = new Set<string>();
    for (const client_id of ids) {
      for (const who of [alice!, bob!]) {
        seen.add((await acknowledged(who, 'message.send', { room_id: room.id, content: 'x', client_id })).message_id);
      }
    }
    expect(seen.size).toBe(ids.length * 2);
    const stored = (await historyOf(alice!, room)).map(({ client_id }) => client_id);
    expect(new Set(stored)).toEqual(new Set(ids));
  });

  test('takes 1 to 64 characters', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const send = (client_id: unknown) => ({ room_id: room.id, content: 'x', client_id });
    for (const wrong of ['', 'x'.repeat(65), 7, null, {}, ['x']]) {
      await refused(alice!, 4003, 'message.send', send(wrong));
      await refused(alice!, 4003, 'room.create', { type: 'GroupChat', name: 'x', client_id: wrong });
    }
    const long = uniqueName('c').padEnd(64, 'x');
    await acknowledged(alice!, 'message.send', send(long));
    const [frame] = await received<WireMessage>([alice!, bob!], 'message.dispatch');
    expect(frame!.data.client_id).toBe(long);
    await quiet(alice!, bob!);
  });

  test('room.create again answers with the first room and broadcasts nothing new', async () => {
    const [alice, bob] = await scene.strangers(2);
    const data = {
      type: 'GroupChat',
      name: uniqueName(),
      participants: [bob!.user.id],
      client_id: uniqueName('c'),
    };
    const phone = await scene.device(alice!);
    const acks = await Promise.all(
      Array.from({ length: 12 }, (_, n) => acknowledged(n % 2 ? alice! : phone, 'room.create', data)),
    );
    for (const ack of acks) expect(ack).toEqual(acks[0]);
    await received([alice!, bob!, phone], 'roomcreate.dispatch');
    expect(await acknowledged(alice!, 'room.create', data)).toEqual(acks[0]);
    await refused(alice!, 4003, 'room.create', { ...data, name: 'another' });
    await quiet(alice!, bob!, phone);
    const rooms = await answered<WireListRoom[]>(bob!, 'room.list', {}, 'roomlist.dispatch');
    expect(rooms.filter(({ name }) => name === data.name)).toHaveLength(1);
  });

  test('what was deleted does not come back by a repeat', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const data = { room_id: room.id, content: 'soon gone', client_id: uniqueName('c') };
    const sent = await acknowledged(alice!, 'message.send', data);
    await received([alice!, bob!], 'message.dispatch');
    await acknowledged(alice!, 'message.modify', { action: 'delete', message_id: sent.message_id });
    await received([alice!, bob!], 'messagemodification.dispatch');
    expect(await acknowledged(alice!, 'message.send', data)).toEqual(sent);
    await refused(alice!, 4003, 'message.send', { ...data, content: 'something else' });
    await quiet(alice!, bob!);
    expect(await historyOf(bob!, room)).toEqual([]);

    const creation = { type: 'GroupChat', name: 'short lived', participants: [], client_id: uniqueName('c') };
    const made = await acknowledged(alice!, 'room.create', creation);
    await received([alice!], 'roomcreate.dispatch');
    await acknowledged(alice!, 'room.modify', { room_id: made.room_id, action: 'delete', data: {} });
    await received([alice!], 'roomdelete.dispatch');
    expect(await acknowledged(alice!, 'room.create', creation)).toEqual(made);
    await quiet(alice!);
  });

  test('a failed event does not use its client_id up', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(bob!);
    const data = { room_id: room.id, content: 'let me in', client_id: uniqueName('c') };
    await refused(alice!, 4002, 'message.send', data);
    await acknowledged(bob!, 'room.add_members', { room_id: room.id, members: [alice!.user.id] });
    await acknowledged(alice!, 'message.send', data);
    expect(await historyOf(bob!, room)).toHaveLength(1);
  });
});
