import Joi from 'joi';
import { describe, expect, it } from 'vitest';
import type { ChatNotificationShape, MessageShape, RoomShape, UserShape } from '../../src/protocol/shapes.js';
import {
  createSerializers,
  defaultSerializers,
  GroupChatSerializer,
  type LoadedMessage,
  type LoadedRoom,
  type LoadedUser,
  MessageSerializer,
  RoomSerializer,
  UserSerializer,
} from '../../src/serializers/index.js';
import { alice, message, room } from './fixtures.js';

const settings = { exposeEmail: false };

describe('serializers of a chat', () => {
  it('are the fifteen of the setting', () => {
    expect([...createSerializers(settings).classes.keys()]).toEqual(Object.keys(defaultSerializers));
    expect(Object.keys(defaultSerializers)).toHaveLength(15);
  });

  it('throw a sentence for a name that nobody has', () => {
    expect(() => createSerializers(settings).getSerializer('NoSerializer')).toThrow('no serializer named NoSerializer');
  });

  it('show a replaced user serializer everywhere', () => {
    class Titled extends UserSerializer {
      override serialize(user: LoadedUser): UserShape {
        const shape = super.serialize(user);
        return { ...shape, username: `Dr. ${shape.username}` };
      }
    }
    const { getSerializer } = createSerializers(settings, { UserSerializer: Titled });
    const shown = getSerializer('MessageSerializer').serialize(
      message({
        delivered_count: 1,
        deliveries: [{ user_id: 1, user: alice }],
        read_receipts: [{ user_id: 1, reader: alice, read_at: '2026-01-01 00:00:00.005 +00:00' }],
        reactions: [{ id: 'x', user_id: 1, user: alice, reaction_content: Buffer.from('👍'), created_at: new Date(7) }],
        parent_message_id: 'm0',
        parent_message: message({ id: 'm0' }),
      }),
    );
    expect(shown.sender.username).toBe('Dr. alice');
    expect(shown.delivered_to).toEqual(['Dr. alice']);
    expect(shown.read_receipts).toEqual([
      { reader: expect.objectContaining({ username: 'Dr. alice' }), read_at: '2026-01-01T00:00:00.005Z' },
    ]);
    expect(shown.reactions[0]).toMatchObject({ user: { username: 'Dr. alice' }, reaction_content: '👍' });
    expect((shown.parent_message as MessageShape).sender.username).toBe('Dr. alice');
    const group = getSerializer('RoomPolymorphicSerializer').serialize(room({ member_users: [alice] }));
    expect(JSON.stringify(group).match(/Dr\. alice/g)).toHaveLength(2);
  });

  it('append the columns that a subclass declares, nested messages and notifications included', () => {
    class Prioritised extends MessageSerializer {
      static override fields = { priority: { schema: Joi.string(), updatable: true }, due: { schema: Joi.date() } };
    }
    const { classes, getSerializer } = createSerializers(settings, { MessageSerializer: Prioritised });
    const source = { ...message({ id: 'm0' }), priority: 'low' };
    const row = { ...message({ parent_message_id: 'm0', parent_message: source }), priority: 'high', due: new Date(0) };
    const shape: ChatNotificationShape = getSerializer('ChatNotificationSerializer').serialize({
      id: 'm1',
      notification_type: 'REPLY',
      message: row,
    });
    expect(shape.message).toMatchObject({ priority: 'high', due: '1970-01-01T00:00:00.000Z' });
    expect(shape.message.parent_message).toMatchObject({ priority: 'low', due: null });
    expect(Object.keys(classes.get('MessageSerializer')!.fields)).toEqual(['priority', 'due']);
    expect(MessageSerializer.fields).toEqual({});
  });

  it('append the columns of a room type from the row of its table', () => {
    class Themed extends GroupChatSerializer {
      static override fields = { theme: { schema: Joi.string() } };
    }
    const { getSerializer } = createSerializers(settings, { GroupChatSerializer: Themed });
    const details = { ...room().details, theme: 'blue' };
    expect(getSerializer('RoomPolymorphicSerializer').serialize(room({ details, member_users: [] }))).toMatchObject({
      theme: 'blue',
    });
  });

  it('find the row of a room type under its alias as well', () => {
    const { getSerializer } = createSerializers(settings);
    const loaded = { ...room({ type: 'Channel', details: undefined }), channel: { name: 'News', is_public: 1 } };
    expect(getSerializer('RoomListPolymorphicSerializer').serialize(loaded)).toMatchObject({
      type: 'Channel',
      name: 'News',
      is_public: true,
      creator: null,
      last_message: null,
      unread_count: 0,
    });
  });

  it("show a host's own room type", () => {
    class Broadcast extends RoomSerializer<RoomShape> {
      override serialize(loaded: LoadedRoom): RoomShape {
        const own = { type: 'Broadcast', ...this.common(loaded), slogan: this.details(loaded).slogan };
        return own as unknown as RoomShape;
      }
    }
    const { getSerializer } = createSerializers(
      settings,
      { BroadcastSerializer: Broadcast },
      new Map([['Broadcast', { alias: 'broadcast' }]]),
    );
    const shape = getSerializer('RoomPolymorphicSerializer').serialize(
      room({ type: 'Broadcast', details: { slogan: 'Hear!' } }),
    );
    expect(shape).toMatchObject({ type: 'Broadcast', id: 'r1', slogan: 'Hear!' });
  });

  it('refuse a room of an unknown type with a sentence', () => {
    const serializer = createSerializers(settings).getSerializer('RoomListPolymorphicSerializer');
    expect(() => serializer.serialize(room({ type: 'Nothing' }))).toThrow(
      'of type Nothing, which this chat does not know',
    );
  });

  it('say nothing of a deleted message or source, and nest one level', () => {
    const serializer = createSerializers(settings).getSerializer('MessageSerializer');
    const deleted = serializer.serialize(message({ is_deleted: 1, media: [{} as never] }));
    expect(deleted).toMatchObject({ is_deleted: true, content: '', attachments: [] });
    const nested = (parent_message: LoadedMessage | null) =>
      serializer.serialize(message({ parent_message_id: 'm0', parent_message })).parent_message;
    const marker = { id: 'm0', is_deleted: true, content: '' };
    expect(nested(null)).toEqual(marker);
    expect(nested(message({ id: 'm0', is_deleted: true, content: 'secret' }))).toEqual(marker);
    const deep = message({ id: 'm0', forwarded_from_id: 'm-1', forwarded_from: message(), read_count: 3 });
    expect(nested(deep)).toMatchObject({ id: 'm0', forwarded_from: null, read_count: 0 });
  });

  it('show a forward’s source without what was changed in another room since', () => {
    class Marked extends MessageSerializer {
      static override fields = { mark: { schema: Joi.string(), updatable: true }, kind: { schema: Joi.string() } };
    }
    const serializer = createSerializers(settings, { MessageSerializer: Marked }).getSerializer('MessageSerializer');
    const source = (values: Partial<LoadedMessage>) =>
      message({ id: 'm0', room_id: 'r0', ...values, ...{ mark: 'later', kind: 'first' } });
    const shown = (values: Partial<LoadedMessage>) =>
      serializer.serialize(
        message({ forwarded_from_id: 'm0', forwarded_from: source(values), created_at: new Date(5) }),
      ).forwarded_from;
    const whole = { id: 'm0', content: 'hello', mark: 'later', kind: 'first' };
    expect(shown({ updated_at: new Date(4) })).toMatchObject(whole);
    expect(shown({ updated_at: new Date(6), room_id: 'r1' })).toMatchObject(whole);
    expect(shown({ updated_at: new Date(6) })).toMatchObject({ id: 'm0', content: '', mark: null, kind: 'first' });
  });
});
