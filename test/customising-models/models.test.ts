/** Models of the host's own, with columns that clients give, see and change as far as serializers say so. */
import { DataTypes, type InferAttributes, type Model } from 'sequelize';
import { afterEach, describe, expect, test } from 'vitest';
import {
  AbstractChannel,
  AbstractChatNotification,
  AbstractGroupChat,
  AbstractMessage,
  AbstractMessageMediaAsset,
  AbstractOneToOneChat,
  AbstractReaction,
  AbstractReadReceipt,
  AbstractRoom,
  AbstractRoomProperty,
  AbstractSession,
  ChannelSerializer,
  ChatNotificationSerializer,
  type Columns,
  EventHandler,
  type EventPayloads,
  GroupChatSerializer,
  Joi,
  MessageMediaAssetSerializer,
  MessageSerializer,
  type MessageShape,
  type ModelContext,
  OneToOneChatSerializer,
  type OwnModelOptions,
  ReactionSerializer,
  ReadReceiptSerializer,
  RoomPropertySerializer,
} from '../../src/index.js';
import { errorOf, openTestChat, type TestChat } from '../../src/testing/index.js';

let host: TestChat;

afterEach(() => host?.close());

class CustomMessage extends AbstractMessage<InferAttributes<CustomMessage>> {
  declare priority: string;
  declare is_pinned: boolean;
  declare expiry_date: Date | null;
  declare labels: string[];
  declare score: number;

  static override columns(context: ModelContext): Columns {
    return {
      // biome-ignore lint/complexity/noThisInStatic: what a subclass adds to.
      ...super.columns(context),
      priority: {
        type: DataTypes.STRING(10),
        allowNull: false,
        defaultValue: 'normal',
        validate: { notIn: [['forbidden']] },
      },
      is_pinned: { type: DataTypes.BOOLEAN, allowNull: false, defaultValue: false },
      expiry_date: { type: DataTypes.DATE(3), allowNull: true },
      labels: { type: DataTypes.JSON, allowNull: false, defaultValue: () => ['new'] },
      score: { type: DataTypes.BIGINT, allowNull: true },
      isUrgent: {
        type: DataTypes.VIRTUAL,
        get(this: Model) {
          return this.getDataValue('priority' as never) === 'urgent';
        },
      },
    };
  }

  static override modelOptions(): OwnModelOptions {
    return { defaultScope: { where: { is_pinned: true }, order: [['created_at', 'ASC']] } };
  }
}

class CustomMessageSerializer extends MessageSerializer {
  static override fields = {
    priority: { schema: Joi.string().valid('low', 'normal', 'urgent', 'forbidden'), updatable: true },
    is_pinned: {},
    expiry_date: { schema: Joi.date().iso().greater('2020-01-01').allow(null).default(null), updatable: true },
    labels: { schema: Joi.array().items(Joi.string().max(20)) },
    isUrgent: {},
  };
}

const messageColumns = [
  "ALTER TABLE chat_messages ADD COLUMN priority VARCHAR(10) NOT NULL DEFAULT 'normal'",
  'ALTER TABLE chat_messages ADD COLUMN is_pinned TINYINT(1) NOT NULL DEFAULT 0',
  'ALTER TABLE chat_messages ADD COLUMN expiry_date DATETIME',
  "ALTER TABLE chat_messages ADD COLUMN labels JSON NOT NULL DEFAULT '[]'",
  'ALTER TABLE chat_messages ADD COLUMN score BIGINT',
];

const custom = { models: { Message: CustomMessage }, serializers: { MessageSerializer: CustomMessageSerializer } };

type Shown = MessageShape & Record<string, unknown>;

async function openMessages(settings = {}) {
  host = await openTestChat({ ...custom, ...settings });
  for (const statement of messageColumns) await host.sequelize.query(statement);
  const { ann, ben } = host.people;
  const room = await host.group(ann, ben);
  const [anns, bens] = [await host.connect(ann), await host.connect(ben)];
  const send = async (content: string, extra_fields: object = {}) => {
    await anns.request('message.send', { room_id: room, content, extra_fields });
    await anns.expect('message.dispatch');
    return (await bens.expect<Shown>('message.dispatch')).data;
  };
  return { anns, bens, room, send };
}

describe('a message with own columns', () => {
  test('takes them from extra_fields and shows them in the dispatch, the history and nested', async () => {
    const { bens, room, send } = await openMessages();
    const expiry_date = '2031-05-06T07:08:09.123Z';
    const sent = await send('Fire!', { priority: 'urgent', expiry_date, labels: ['a', 'b'] });
    const own = { priority: 'urgent', is_pinned: false, expiry_date, labels: ['a', 'b'], isUrgent: true };
    expect(sent).toMatchObject(own);
    expect(sent).not.toHaveProperty('score');

    const reply = await send('Where?', { parent_message_id: sent.id });
    expect(reply.parent_message).toMatchObject(own);
    expect(reply).toMatchObject({ priority: 'normal', expiry_date: null, labels: ['new'], is_pinned: false });

    const history = await bens.request<{ data: { messages: Shown[] } }>('room.messages', { room_id: room });
    const { messages } = history.data.data;
    expect(messages.map(({ content }) => content)).toEqual(['Where?', 'Fire!']);
    expect(messages[1]).toEqual(sent);
    const { id: _, ...rest } = reply;
    expect(messages[0]).toMatchObject(rest);
    const list = await bens.request<Array<{ last_message: Shown }>>('room.list', {});
    expect(list.data[0]!.last_message).toMatchObject({ priority: 'normal', labels: ['new'] });
  });

  test('refuses what their rules refuse, and names nobody declared, with 4003', async () => {
    const { anns, room, send } = await openMessages();
    const refused = async (extra_fields: object) =>
      errorOf(await anns.request('message.send', { room_id: room, content: 'x', extra_fields }));
    expect(await refused({ priority: 'high' })).toMatchObject({
      code: 4003,
      detail: { 'extra_fields.priority': [expect.stringContaining('low')] },
    });
    expect(await refused({ expiry_date: 'tomorrow' })).toMatchObject({ code: 4003 });
    for (const field of ['is_pinned', 'score', 'isUrgent', 'seq', 'sender_id', 'room_id', 'is_deleted', 'id']) {
      const error = await refused({ [field]: 1 });
      expect(error).toMatchObject({ code: 4003, detail: { [`extra_fields.${field}`]: ['Unknown field.'] } });
    }
    // A validator of the model, which the schema lets through.
    expect(await refused({ priority: 'forbidden' })).toMatchObject({
      code: 4003,
      detail: { priority: [expect.stringContaining('notIn')] },
    });
    expect((await send('fine')).seq).toBe(1);
  });

  test('can be changed where they are updatable, and keep what a change does not name', async () => {
    const { anns, bens, send } = await openMessages();
    const sent = await send('x', { priority: 'low', expiry_date: '2031-01-01T00:00:00.000Z', labels: ['a'] });
    const modify = (extra_fields: object) =>
      anns.request('message.modify', { action: 'update', message_id: sent.id, extra_fields });
    await modify({ priority: 'urgent' });
    const changed = await bens.expect<{ message: Shown }>('messagemodification.dispatch');
    expect(changed.data.message).toMatchObject({
      priority: 'urgent',
      expiry_date: '2031-01-01T00:00:00.000Z',
      labels: ['a'],
      is_edited: false,
    });
    await anns.expect('messagemodification.dispatch');
    expect(errorOf(await modify({ labels: ['b'] }))).toMatchObject({
      code: 4003,
      detail: { 'extra_fields.labels': ['This field cannot be changed.'] },
    });
    for (const field of ['is_pinned', 'score', 'seq', 'client_id', 'created_at']) {
      expect(errorOf(await modify({ [field]: 1 }))).toMatchObject({
        code: 4003,
        detail: { [`extra_fields.${field}`]: ['Unknown field.'] },
      });
    }
  });

  test('have a default order and filter for the host, which move and hide nothing for the chat', async () => {
    const { bens, room, send } = await openMessages();
    for (const content of ['one', 'two', 'three']) await send(content);
    const { Message } = host.chat.models;
    expect(await Message.findAll()).toEqual([]);
    await Message.unscoped().update({ is_pinned: true } as never, { where: { seq: [1, 3] } });
    expect((await Message.findAll()).map(({ content }) => content)).toEqual(['one', 'three']);
    const page = await bens.request<{ data: { messages: Shown[] } }>('room.messages', {
      room_id: room,
      before: 3,
      limit: 1,
    });
    expect(page.data.data.messages.map(({ seq }) => seq)).toEqual([2]);
    expect(host.chat.getModel('Message')).toBe(Message);
  });

  test('may be set by an override, which still cannot write what the chat decides', async () => {
    class Scoring extends EventHandler {
      override async _createMessage(...[data, user, options]: Parameters<EventHandler['_createMessage']>) {
        const extra_fields = { ...data.extra_fields, score: 7, seq: 99, sender_id: 3, is_deleted: true, id: 'x' };
        return super._createMessage({ ...data, extra_fields }, user, options);
      }
      override async _modifyMessage(...[data, options]: Parameters<EventHandler['_modifyMessage']>) {
        if (data.action === 'delete') return super._modifyMessage(data, options);
        const extra_fields = { ...data.extra_fields, score: 8, seq: 99, sender_id: 3, is_deleted: true };
        return super._modifyMessage({ ...data, extra_fields } as EventPayloads['message.modify'], options);
      }
    }
    const { anns, send } = await openMessages({ eventHandlerClass: Scoring });
    const sent = await send('x');
    expect(sent).toMatchObject({ seq: 1, is_deleted: false, sender: { username: 'ann' } });
    await anns.request('message.modify', { action: 'update', message_id: sent.id, extra_fields: { content: 'y' } });
    const row = (await host.chat.models.Message.unscoped().findByPk(sent.id))!.get() as Record<string, unknown>;
    expect(row).toMatchObject({ seq: 1, sender_id: host.people.ann.id, is_deleted: false, content: 'y' });
    expect(Number(row.score)).toBe(8);
  });

  test('are part of what a client_id stands for', async () => {
    const { anns, room } = await openMessages();
    const send = (expiry_date: string) =>
      anns.request('message.send', { room_id: room, content: 'x', client_id: 'a', extra_fields: { expiry_date } });
    const first = await send('2031-01-01T00:00:00.000Z');
    expect((await send('2031-01-01T00:00:00.000Z')).data).toEqual(first.data);
    expect(errorOf(await send('2032-01-01T00:00:00.000Z'))).toMatchObject({ code: 4003 });
  });
});

describe('models that no client writes', () => {
  const column = { type: DataTypes.STRING(20), allowNull: false, defaultValue: 'mine' };
  class OwnRoom extends AbstractRoom<InferAttributes<OwnRoom>> {
    static override columns(context: ModelContext): Columns {
      // biome-ignore lint/complexity/noThisInStatic: what a subclass adds to.
      return { ...super.columns(context), own_room: column };
    }
  }
  class OwnReceipt extends AbstractReadReceipt<InferAttributes<OwnReceipt>> {
    static override columns(context: ModelContext): Columns {
      // biome-ignore lint/complexity/noThisInStatic: what a subclass adds to.
      return { ...super.columns(context), own_receipt: column };
    }
  }
  class OwnNotification extends AbstractChatNotification<InferAttributes<OwnNotification>> {
    static override columns(context: ModelContext): Columns {
      // biome-ignore lint/complexity/noThisInStatic: what a subclass adds to.
      return { ...super.columns(context), own_notification: column };
    }
  }
  class OwnSession extends AbstractSession<InferAttributes<OwnSession>> {
    static override columns(context: ModelContext): Columns {
      // biome-ignore lint/complexity/noThisInStatic: what a subclass adds to.
      return { ...super.columns(context), own_session: column };
    }
  }
  class OwnChannel extends AbstractChannel<InferAttributes<OwnChannel>> {
    static override columns(context: ModelContext): Columns {
      // biome-ignore lint/complexity/noThisInStatic: what a subclass adds to.
      return { ...super.columns(context), own_channel: column };
    }
  }

  test('have their own columns filled by defaults, and shown as their serializers say', async () => {
    host = await openTestChat({
      models: {
        Room: OwnRoom,
        ReadReceipt: OwnReceipt,
        ChatNotification: OwnNotification,
        Session: OwnSession,
        Channel: OwnChannel,
      },
      serializers: {
        GroupChatSerializer: class extends GroupChatSerializer {
          static override fields = { own_room: {} };
        },
        ChannelSerializer: class extends ChannelSerializer {
          static override fields = { own_room: {}, own_channel: {} };
        },
        ReadReceiptSerializer: class extends ReadReceiptSerializer {
          static override fields = { own_receipt: {} };
        },
        ChatNotificationSerializer: class extends ChatNotificationSerializer {
          static override fields = { own_notification: {} };
        },
      },
    });
    for (const [table, name] of [
      ['rooms', 'own_room'],
      ['read_receipts', 'own_receipt'],
      ['notifications', 'own_notification'],
      ['sessions', 'own_session'],
      ['channels', 'own_channel'],
    ]) {
      await host.sequelize.query(`ALTER TABLE chat_${table} ADD COLUMN ${name} VARCHAR(20) NOT NULL DEFAULT 'theirs'`);
    }
    const { ann, ben } = host.people;
    const room_id = await host.group(ann, ben);
    const [as, bs] = [host.chat.as(ann), host.chat.as(ben)];
    expect(await as.send('room.info', { room_id })).toMatchObject({ own_room: 'mine' });
    await as.send('room.create', { type: 'Channel', name: 'c' });
    expect(await as.send('room.list', {})).toMatchObject([
      { type: 'Channel', own_room: 'mine', own_channel: 'mine' },
      { type: 'GroupChat', own_room: 'mine' },
    ]);
    const { message_id } = (await as.send('message.send', { room_id, content: 'x' })) as { message_id: string };
    const anns = await host.connect(ann);
    await bs.send('message.read', { message_id });
    const read = await anns.expect<MessageShape>('readreceipt.dispatch');
    expect(read.data.read_receipts).toMatchObject([{ own_receipt: 'mine' }]);
    await bs.send('message.react', { type: 'add', message_id, reaction_content: '!' });
    const again = await host.connect(ann, { takeFirst: false });
    expect((await again.next()).data).toMatchObject({
      [room_id]: [{ notification_type: 'REACTION', own_notification: 'mine' }],
    });
    const sessions = await host.chat.models.Session.findAll();
    expect(sessions.map((session) => session.get('own_session' as never))).toEqual(['mine', 'mine']);
  });
});

describe('several models at once', () => {
  class CustomGroup extends AbstractGroupChat<InferAttributes<CustomGroup>> {
    static override columns(context: ModelContext): Columns {
      return {
        // biome-ignore lint/complexity/noThisInStatic: what a subclass adds to.
        ...super.columns(context),
        welcome_message: { type: DataTypes.STRING(200), allowNull: false, defaultValue: '' },
        topic: { type: DataTypes.STRING(20), allowNull: false },
      };
    }
  }
  class CustomGroupSerializer extends GroupChatSerializer {
    static override fields = {
      welcome_message: { schema: Joi.string().max(200), updatable: true },
      topic: { schema: Joi.string().required() },
    };
  }
  class CustomPair extends AbstractOneToOneChat<InferAttributes<CustomPair>> {
    static override columns(context: ModelContext): Columns {
      // biome-ignore lint/complexity/noThisInStatic: what a subclass adds to.
      return { ...super.columns(context), is_muted: { type: DataTypes.BOOLEAN, defaultValue: false } };
    }
  }
  class CustomPairSerializer extends OneToOneChatSerializer {
    static override fields = { is_muted: { schema: Joi.boolean(), updatable: true } };
  }
  class CustomProperty extends AbstractRoomProperty<InferAttributes<CustomProperty>> {
    static override columns(context: ModelContext): Columns {
      return {
        // biome-ignore lint/complexity/noThisInStatic: what a subclass adds to.
        ...super.columns(context),
        theme: { type: DataTypes.STRING(20), allowNull: false, defaultValue: 'light' },
        origin: { type: DataTypes.STRING(20) },
      };
    }
  }
  class CustomPropertySerializer extends RoomPropertySerializer {
    static override fields = {
      theme: { schema: Joi.string().valid('light', 'dark'), updatable: true },
      origin: { schema: Joi.string().default('web') },
    };
  }
  class CustomAsset extends AbstractMessageMediaAsset<InferAttributes<CustomAsset>> {
    static override columns(context: ModelContext): Columns {
      // biome-ignore lint/complexity/noThisInStatic: what a subclass adds to.
      return { ...super.columns(context), blurhash: { type: DataTypes.STRING(40), defaultValue: 'none' } };
    }
  }
  class CustomAssetSerializer extends MessageMediaAssetSerializer {
    static override fields = { blurhash: { schema: Joi.string().max(40) } };
  }
  class CustomReaction extends AbstractReaction<InferAttributes<CustomReaction>> {
    static override columns(context: ModelContext): Columns {
      // biome-ignore lint/complexity/noThisInStatic: what a subclass adds to.
      return { ...super.columns(context), skin: { type: DataTypes.INTEGER, defaultValue: 0 } };
    }
  }
  class CustomReactionSerializer extends ReactionSerializer {
    static override fields = { skin: { schema: Joi.number().integer().max(5) } };
  }

  test('are all stored, shown and changed', async () => {
    host = await openTestChat({
      models: {
        GroupChat: CustomGroup,
        OneToOneChat: CustomPair,
        RoomProperty: CustomProperty,
        MessageMediaAsset: CustomAsset,
        Reaction: CustomReaction,
      },
      serializers: {
        GroupChatSerializer: CustomGroupSerializer,
        OneToOneChatSerializer: CustomPairSerializer,
        RoomPropertySerializer: CustomPropertySerializer,
        MessageMediaAssetSerializer: CustomAssetSerializer,
        ReactionSerializer: CustomReactionSerializer,
      },
    });
    for (const statement of [
      "ALTER TABLE chat_group_chats ADD COLUMN welcome_message VARCHAR(200) NOT NULL DEFAULT ''",
      "ALTER TABLE chat_group_chats ADD COLUMN topic VARCHAR(20) NOT NULL DEFAULT ''",
      'ALTER TABLE chat_one_to_one_chats ADD COLUMN is_muted TINYINT(1)',
      "ALTER TABLE chat_room_properties ADD COLUMN theme VARCHAR(20) NOT NULL DEFAULT 'light'",
      'ALTER TABLE chat_room_properties ADD COLUMN origin VARCHAR(20)',
      'ALTER TABLE chat_message_media_assets ADD COLUMN blurhash VARCHAR(40)',
      'ALTER TABLE chat_reactions ADD COLUMN skin INTEGER',
    ])
      await host.sequelize.query(statement);
    const { ann, ben } = host.people;
    const [anns, bens] = [await host.connect(ann), await host.connect(ben)];
    type Room = Record<string, unknown> & { id: string };

    const create = (extra_fields: object) =>
      anns.request('room.create', { type: 'GroupChat', name: 'g', participants: [ben.id], extra_fields });
    expect(errorOf(await create({}))).toMatchObject({
      code: 4003,
      detail: { 'extra_fields.topic': ['This field is required.'] },
    });
    const without = await anns.request('room.create', { type: 'GroupChat', name: 'g' });
    expect(errorOf(without)).toMatchObject({ code: 4003, detail: { extra_fields: ['This field is required.'] } });
    await create({ topic: 'cars', welcome_message: 'Hi', property: { theme: 'dark', preferences: { a: 1 } } });
    const group = (await bens.expect<Room>('roomcreate.dispatch')).data;
    expect(group).toMatchObject({
      topic: 'cars',
      welcome_message: 'Hi',
      property: { preferences: { a: 1 }, theme: 'dark', origin: 'web' },
    });
    const listed = await bens.request<Room[]>('room.list', {});
    expect(listed.data[0]).toMatchObject({ topic: 'cars', welcome_message: 'Hi' });

    const modify = (room: Room, data: object) =>
      anns.request('room.modify', { room_id: room.id, action: 'update', data });
    await modify(group, { welcome_message: 'Welcome', property: { theme: 'light' } });
    const updated = (await bens.expect<Room>('roomupdate.dispatch')).data;
    expect(updated).toMatchObject({
      topic: 'cars',
      welcome_message: 'Welcome',
      property: { preferences: { a: 1 }, theme: 'light', origin: 'web' },
    });
    expect(errorOf(await modify(group, { topic: 'boats' }))).toMatchObject({ code: 4003 });
    expect(errorOf(await modify(group, { property: { origin: 'app' } }))).toMatchObject({ code: 4003 });
    expect(errorOf(await modify(group, { property: { room_id: 'x' } }))).toMatchObject({ code: 4003 });

    await anns.request('room.create', {
      type: 'OneToOneChat',
      participants: [ben.id],
      extra_fields: { is_muted: true },
    });
    const pair = (await bens.expect<Room>('roomcreate.dispatch')).data;
    expect(pair).toMatchObject({ is_muted: true, property: { theme: 'light', origin: 'web' } });
    await modify(pair, { is_muted: false });
    expect((await bens.expect<Room>('roomupdate.dispatch')).data).toMatchObject({ is_muted: false });

    const media = { media_url: 'https://example.org/a', media_type: 'image', mime_type: 'image/png' };
    await anns.request('message.send', {
      room_id: pair.id,
      content: '',
      extra_fields: { media: [{ ...media, blurhash: 'abc' }, media] },
    });
    const message = (await bens.expect<MessageShape>('message.dispatch')).data;
    expect(message.attachments).toMatchObject([{ blurhash: 'abc' }, { blurhash: 'none' }]);
    await anns.request('message.send', { room_id: group.id, extra_fields: { forwarded_from_id: message.id } });
    const forward = (await bens.expect<MessageShape>('message.dispatch')).data;
    expect(forward.attachments).toMatchObject([{ blurhash: 'abc' }, { blurhash: 'none' }]);

    const react = (extra: object) =>
      bens.request('message.react', { type: 'add', message_id: message.id, reaction_content: '👍', ...extra });
    await react({ extra_fields: { skin: 3 } });
    const reacted = await anns.expect<{ message: MessageShape }>('reaction.dispatch');
    expect(reacted.data.message.reactions).toMatchObject([{ reaction_content: '👍', skin: 3 }]);
    expect(errorOf(await react({ extra_fields: { skin: 9 } }))).toMatchObject({ code: 4003 });
    expect(errorOf(await react({ extra_fields: { user_id: 1 } }))).toMatchObject({ code: 4003 });
  });
});
