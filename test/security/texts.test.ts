/** Texts that an attacker would send: whatever is well-formed comes back as it was sent, everywhere, and does nothing. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acknowledged, answered } from '../helpers/chat.js';
import type { WireMessage, WireRoom } from '../helpers/shapes.js';
import type { Chatter } from '../helpers/stack.js';
import { framesBefore, type Scenery, setScenery } from './scenery.js';
import { HOSTILE_TEXTS, unescaped } from './texts.js';

describe.each(['embedded', 'distributed'] as const)('texts, %s', (kind) => {
  let scenery: Scenery;
  let ann: Chatter;
  let roomId: string;
  const png = { media_url: 'https://e.example/x.png', media_type: 'image', mime_type: 'image/png' };

  beforeAll(async () => {
    scenery = await setScenery(kind);
    ann = scenery.intruder;
    roomId = scenery.home.id;
  });
  afterAll(async () => {
    await scenery?.close();
  });

  async function newest(): Promise<WireMessage> {
    const { data } = await answered<{ data: { messages: WireMessage[] } }>(
      ann,
      'room.messages',
      { room_id: roomId },
      'roommessages.dispatch',
    );
    return data.messages[0]!;
  }

  describe.each(Object.entries(HOSTILE_TEXTS))('with %s come back as sent', (_name, text) => {
    it('as content, client_id, caption and metadata of a message', async () => {
      const media = [{ ...png, caption: text, metadata: { [text === '__proto__' ? 'x' : text]: [text] } }];
      const sent = { room_id: roomId, content: text, client_id: `${text}#1`, extra_fields: { media } };
      const { message_id } = await acknowledged(ann, 'message.send', sent);
      // Sent again, it is the same message.
      expect((await acknowledged(ann, 'message.send', sent)).message_id).toBe(message_id);
      const live = await ann.expect<WireMessage>('message.dispatch', ({ data }) => data.id === message_id);
      const stored = await newest();
      await acknowledged(ann, 'message.modify', { action: 'update', message_id, extra_fields: { content: text } });
      for (const message of [live.data, stored, await newest()]) {
        expect(unescaped(message.content)).toBe(text.trim());
        expect(message.client_id).toBe(sent.client_id);
        expect(message.attachments[0]).toMatchObject({ caption: text, metadata: media[0]!.metadata });
      }
      await ann.expect('messagemodification.dispatch');
      for (const type of ['message', 'messagemodification']) await scenery.device.expect(`${type}.dispatch`);
    });

    it('as a reaction', async () => {
      const message_id = scenery.home.messageId;
      for (const type of ['add', 'remove'] as const) {
        await acknowledged(ann, 'message.react', { type, message_id, reaction_content: text });
        const { data } = await ann.expect<{ message: WireMessage }>('reaction.dispatch');
        await scenery.device.expect('reaction.dispatch');
        expect(data.message.reactions.map(({ reaction_content }) => reaction_content)).toEqual(
          type === 'add' ? [text] : [],
        );
        if (type === 'add') expect(Object.entries(data.message.reaction_counts)).toEqual([[text, 1]]);
      }
    });

    it('as name, description and preferences of a room', async () => {
      const preferences = { theme: text, [`${text}.`]: { nested: [text, null, 1.5, true] } };
      const fields = { name: text, description: text };
      const created = { type: 'GroupChat', ...fields, extra_fields: { property: { preferences } } };
      const { room_id } = await acknowledged(ann, 'room.create', created);
      const change = { room_id, action: 'update', data: { ...fields, property: { preferences } } };
      await acknowledged(ann, 'room.modify', change);
      const room = await answered<WireRoom>(ann, 'room.info', { room_id }, 'roominfo.dispatch');
      expect(room).toMatchObject({ name: text.trim(), description: text });
      expect(room.property).toEqual({ preferences });
      for (const client of [ann, scenery.device]) {
        await client.expect('roomcreate.dispatch');
        await client.expect('roomupdate.dispatch');
      }
    });

    it('as id of an event, and as a search that finds what has that name', async () => {
      const id = text.slice(0, 60);
      expect(await ann.request('session.heartbeat', {}, id)).toEqual({ status: 'success', id });
      const channel = { type: 'Channel', name: `${text}!`, extra_fields: { is_public: true } };
      const { room_id } = await acknowledged(ann, 'room.create', channel);
      for (const client of [ann, scenery.device]) await client.expect('roomcreate.dispatch');
      const search = { query: `${text}!`.trim(), limit: 100 };
      const { rooms } = await answered<{ rooms: WireRoom[] }>(ann, 'room.discover', search, 'roomdiscover.dispatch');
      expect(rooms.map(({ id: found }) => found)).toEqual([room_id]);
    });
  });

  it('nobody else heard of any of it', async () => {
    const { owner, witness, intruder, device } = scenery;
    expect(await framesBefore(owner, [owner, witness, intruder, device])).toEqual([]);
  });
});
