/** What somebody who left a room, or was removed, learns of what happens in it afterwards: nothing. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acknowledged, answered, createRoom, historyOf, quiet } from '../helpers/chat.js';
import type { WireMessage } from '../helpers/shapes.js';
import type { Chatter } from '../helpers/stack.js';
import { framesBefore, type Scenery, setScenery } from './scenery.js';

const WAYS = ['room.leave', 'room.remove_members'];

describe.each(['embedded', 'distributed'] as const)('who is gone, %s', (kind) => {
  let scenery: Scenery;
  let owner: Chatter;
  let witness: Chatter;
  let intruder: Chatter;

  beforeAll(async () => {
    scenery = await setScenery(kind);
    ({ owner, witness, intruder } = scenery);
  });
  afterAll(async () => {
    await scenery?.close();
  });

  const say = async (author: Chatter, room_id: string, content: string, more: object = {}) =>
    (await acknowledged(author, 'message.send', { room_id, content, ...more })).message_id as string;

  describe.each(['GroupChat', 'Channel'] as const)('from a %s', (type) => {
    it.each(WAYS)('by %s, hears nothing more of it on any device', async (way) => {
      const { id: room_id } = await createRoom(type, owner, [witness, intruder, scenery.device]);
      const action = type === 'Channel' ? 'add_moderator' : 'add_admin';
      const users = [witness.user.id, intruder.user.id];
      await acknowledged(owner, 'room.modify', { room_id, action, data: { users } });
      const own = await say(intruder, room_id, 'of who leaves');
      if (way === 'room.leave') await acknowledged(intruder, way, { room_id });
      else await acknowledged(owner, way, { room_id, members: [intruder.user.id] });
      for (const device of [intruder, scenery.device]) await device.expect('roomexit.dispatch');
      await framesBefore(owner, [intruder, scenery.device, owner, witness]);

      // All that can be done to their message, and in the room.
      await acknowledged(owner, 'message.react', { type: 'add', message_id: own, reaction_content: 'SECRET' });
      await acknowledged(witness, 'message.acknowledged', { message_id: own });
      await acknowledged(owner, 'message.read', { message_id: [own] });
      const reply = await say(owner, room_id, 'SECRET', { extra_fields: { parent_message_id: own } });
      const edit = { action: 'update', message_id: reply, extra_fields: { content: 'SECRET too' } };
      await acknowledged(owner, 'message.modify', edit);
      await acknowledged(witness, 'message.acknowledged', { message_id: [own, reply] });
      await acknowledged(owner, 'room.modify', { room_id, action: 'update', data: { description: 'SECRET' } });
      await acknowledged(owner, 'room.add_members', { room_id, members: [scenery.stranger] });
      await acknowledged(owner, 'message.typing', { room_id });
      await acknowledged(owner, 'message.modify', { action: 'delete', message_id: reply });
      const told = await framesBefore(owner, [intruder, scenery.device, owner, witness]);
      expect(told.filter(({ to }) => to === intruder.user.id)).toEqual([]);
      // Those who are there were told: it is not that nothing happened.
      expect(told.filter(({ to }) => to === witness.user.id).length).toBeGreaterThan(5);
      expect(told.some(({ to, frame }) => to === owner.user.id && frame.includes('messagedelivered'))).toBe(true);
      // Nor when they come again.
      const again = await scenery.gateways[0]!.open({ token: String(intruder.user.id) });
      expect(JSON.stringify(await again.expect('chat.notifications'))).not.toContain('SECRET');
      await again.close();
    });
  });

  it('and took a message along by forwarding it, has it as it was', async () => {
    const { id: room_id } = await createRoom('GroupChat', owner, [witness, intruder, scenery.device]);
    const source = await say(owner, room_id, 'first words');
    const { id: elsewhere } = await createRoom('GroupChat', intruder, [scenery.device]);
    const forward = { extra_fields: { forwarded_from_id: source } };
    const [bare, said] = [await say(intruder, elsewhere, '', forward), await say(intruder, elsewhere, 'look', forward)];
    const here = await say(owner, room_id, 'here', forward);
    const shown = async (reader: Chatter, room: string, id: string) =>
      (await historyOf(reader, { id: room })).find((message) => message.id === id)!;
    expect(await shown(intruder, elsewhere, said)).toMatchObject({ forwarded_from: { content: 'first words' } });

    await acknowledged(intruder, 'room.leave', { room_id });
    const edit = { action: 'update', message_id: source, extra_fields: { content: 'SECRET' } };
    await acknowledged(owner, 'message.modify', edit);
    for (const [id, content] of [
      [bare, 'first words'],
      [said, 'look'],
    ] as const) {
      const message = await shown(intruder, elsewhere, id);
      expect(message).toMatchObject({ content, forwarded_from: { id: source, is_edited: true, content: '' } });
    }
    // Nor by what else shows it.
    const { message_id } = await acknowledged(intruder, 'message.send', {
      ...{ room_id: elsewhere, content: 'reply', extra_fields: { parent_message_id: said } },
    });
    await acknowledged(intruder, 'message.react', { type: 'add', message_id: said, reaction_content: 'x' });
    const list = await answered<unknown>(intruder, 'room.list', {}, 'roomlist.dispatch');
    const frames = [...intruder.pending.splice(0), ...scenery.device.pending.splice(0), list];
    expect(JSON.stringify(frames)).not.toContain('SECRET');
    expect(message_id).toBeDefined();
    // In its own room a forward shows its source as it is, as a reply does.
    const own: WireMessage = await shown(owner, room_id, here);
    expect(own.forwarded_from).toMatchObject({ content: 'SECRET' });
    for (const client of [owner, witness]) client.pending.splice(0);
    await quiet(owner, witness);
  });
});
