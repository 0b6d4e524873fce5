import { describe, expect, test } from 'vitest';
import { acknowledged, answered, createGroup, historyOf, quiet, refused, useStack } from '../helpers/chat.js';
import type { WireListRoom, WireMessage } from '../helpers/shapes.js';
import { type Chatter, STACK_KINDS } from '../helpers/stack.js';

describe.each(STACK_KINDS)('order on %s', (kind) => {
  const scene = useStack(kind);

  test('messages of one connection take effect in the order sent', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const texts = Array.from({ length: 100 }, (_, n) => `m${n}`);
    for (const content of texts) alice!.send('message.send', { room_id: room.id, content });
    for (const [n, content] of texts.entries()) {
      const frame = await bob!.expect<WireMessage>('message.dispatch');
      expect([frame.data.content, frame.data.seq]).toEqual([content, n + 1]);
    }
  });

  test('an answer never misses the effect of an earlier event of the connection', async () => {
    const [alice] = await scene.people(1);
    const room = await createGroup(alice!);
    for (let n = 1; n <= 30; n++) {
      alice!.send('message.send', { room_id: room.id, content: `m${n}` });
      const [newest] = await historyOf(alice!, room);
      expect(newest!.seq).toBe(n);
    }
  });

  test('that holds for rooms and rights too', async () => {
    const [alice, bob] = await scene.strangers(2);
    const room = await createGroup(alice!, [bob!]);
    alice!.send('room.remove_members', { room_id: room.id, members: [bob!.user.id] });
    const removed = await answered<{ members: unknown[] }>(
      alice!,
      'room.members',
      { room_id: room.id },
      'roommembers.dispatch',
    );
    expect(removed.members).toHaveLength(1);
    await refused(bob!, 4002, 'message.send', { room_id: room.id, content: 'x' });
    alice!.send('room.leave', { room_id: room.id });
    await refused(alice!, 4004, 'message.send', { room_id: room.id, content: 'x' });
    alice!.send('room.create', { type: 'GroupChat', name: 'new' });
    const rooms = await answered<WireListRoom[]>(alice!, 'room.list', {}, 'roomlist.dispatch');
    expect(rooms.map(({ name }) => name)).toEqual(['new']);
  });

  test('answers come in the order of the events', async () => {
    const [alice] = await scene.people(1);
    const room = await createGroup(alice!);
    const order: string[] = [];
    const sent: Promise<unknown>[] = [];
    for (let n = 0; n < 30; n++) {
      const id = `n${n}`;
      sent.push(alice!.answer(id).then(() => order.push(id)));
      if (n % 3 === 0) alice!.send('message.send', { room_id: room.id, content: id }, id);
      else if (n % 3 === 1) alice!.send('room.messages', { room_id: room.id }, id);
      else alice!.send('message.send', { room_id: room.id, content: '' }, id);
    }
    await Promise.all(sent);
    expect(order).toEqual(Array.from({ length: 30 }, (_, n) => `n${n}`));
  });

  test('everybody sees the broadcasts of a room in one order, however many send', async () => {
    const people = (await scene.people(4)) as Chatter[];
    const phone = await scene.device(people[0]!);
    const room = await createGroup(people[0]!, [...people.slice(1), phone]);
    const each = 40;
    await Promise.all(
      people.flatMap((person) =>
        Array.from({ length: each }, (_, n) =>
          acknowledged(person, 'message.send', { room_id: room.id, content: `${person.user.username} ${n}` }),
        ),
      ),
    );
    const views: string[][] = [];
    for (const client of [...people, phone]) {
      const view: string[] = [];
      let offset: number | undefined;
      for (let n = 0; n < each * people.length; n++) {
        const frame = await client.expect<WireMessage>('message.dispatch');
        expect(frame.data.seq).toBe(n + 1);
        if (offset !== undefined) expect(frame.offset).toBe(offset + 1);
        offset = frame.offset;
        view.push(frame.data.content);
      }
      views.push(view);
    }
    for (const view of views) expect(view).toEqual(views[0]);
    for (const person of people) {
      const own = views[0]!.filter((content) => content.startsWith(person.user.username));
      expect(own).toEqual(Array.from({ length: each }, (_, n) => `${person.user.username} ${n}`));
    }
    await quiet(people[0]!, ...people.slice(1), phone);
  }, 60_000);

  test('broadcasts of every kind share one offset', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const room = await createGroup(alice!, [bob!]);
    const { message_id } = await acknowledged(alice!, 'message.send', { room_id: room.id, content: 'one' });
    await acknowledged(bob!, 'message.read', { message_id });
    await acknowledged(bob!, 'message.react', { type: 'add', message_id, reaction_content: '👍' });
    await acknowledged(bob!, 'message.typing', { room_id: room.id });
    await acknowledged(alice!, 'message.modify', { action: 'update', message_id, extra_fields: { content: 'two' } });
    await acknowledged(alice!, 'room.modify', { room_id: room.id, action: 'update', data: { name: 'new' } });
    await acknowledged(alice!, 'room.add_members', { room_id: room.id, members: [carol!.user.id] });
    await acknowledged(alice!, 'room.remove_members', { room_id: room.id, members: [carol!.user.id] });
    await acknowledged(alice!, 'message.modify', { action: 'delete', message_id });
    const seen: [string, number][] = [];
    while (seen.length < 8) {
      const frame = await bob!.next();
      if (frame.eventType !== 'messagetyping.dispatch' && frame.offset !== undefined) {
        seen.push([frame.eventType, frame.offset]);
      }
    }
    expect(seen.map(([type]) => type)).toEqual([
      'message.dispatch',
      'readreceipt.dispatch',
      'reaction.dispatch',
      'messagemodification.dispatch',
      'roomupdate.dispatch',
      'roomaddmembers.dispatch',
      'roomremovemembers.dispatch',
      'messagemodification.dispatch',
    ]);
    const first = seen[0]![1];
    expect(seen.map(([, offset]) => offset)).toEqual(seen.map((_, n) => first + n));
  });
});
