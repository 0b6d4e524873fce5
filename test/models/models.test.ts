import { DataTypes, type InferAttributes, Model, type ModelStatic } from 'sequelize';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Columns, ModelContext } from '../../src/models/index.js';
import {
  AbstractGroupChat,
  AbstractMessage,
  type ChatModels,
  createUserModel,
  initModels,
  Message,
  type OwnModelOptions,
  replaceableModelNames,
} from '../../src/models/index.js';
import { migrate } from '../../src/models/migrate.js';
import { createGroup, createMessage, createTestChat } from './chat.js';
import { createDatabases, type Databases, DIALECTS } from './databases.js';

/** A host's message, as its documentation tells to write it. */
class PriorityMessage extends AbstractMessage<InferAttributes<PriorityMessage>> {
  declare priority: number;

  static override columns(context: ModelContext): Columns {
    // biome-ignore lint/complexity/noThisInStatic: what a subclass adds to.
    return { ...super.columns(context), priority: { type: DataTypes.INTEGER, allowNull: false, defaultValue: 3 } };
  }

  static override modelOptions(): OwnModelOptions {
    return { defaultScope: { order: [['priority', 'DESC']] } };
  }
}

/** A room type of a host's own. */
class SupportTicket extends Model<InferAttributes<SupportTicket>, Partial<InferAttributes<SupportTicket>>> {
  static readonly table: string = 'support_tickets';
  declare room_id: string;
  declare status: string;

  static columns(): Columns {
    return {
      room_id: { type: DataTypes.UUID, primaryKey: true },
      status: { type: DataTypes.STRING(16), defaultValue: 'open' },
    };
  }
}

describe.each(DIALECTS)('models on %s', (dialect) => {
  let databases: Databases;
  let models: ChatModels;
  const queries: string[] = [];

  beforeAll(async () => {
    databases = await createDatabases(dialect);
    models = await createTestChat(await databases.open(undefined, { logging: (sql) => queries.push(sql) }));
  });
  afterAll(() => databases?.close());

  const classes = (of: ChatModels) =>
    Object.values(of as object).filter((value: unknown): value is ModelStatic<Model> => typeof value === 'function');

  it('load rooms of all types with one query, each with the row of its type', async () => {
    const one = await models.Room.create({ type: 'OneToOneChat' });
    await models.OneToOneChat.create({ room_id: one.id, first_user_id: 1, second_user_id: 2 });
    const group = await createGroup(models, 'the group');
    const channel = await models.Room.create({ type: 'Channel' });
    await models.Channel.create({ room_id: channel.id, name: 'the channel', creator_id: 2, is_public: true });
    await models.RoomMember.bulkCreate([1, 2].map((user_id) => ({ room_id: group.id, user_id })));

    queries.length = 0;
    const rooms = await models.Room.findAll({
      where: { id: [one.id, group.id, channel.id] },
      include: [...models.Room.withDetails(), 'property', { association: 'members', include: ['user'] }],
    });
    expect(queries).toHaveLength(1);
    const byId = new Map(rooms.map((room) => [room.id, room]));
    expect(byId.get(one.id)?.details).toMatchObject({ first_user_id: 1, second_user_id: 2 });
    expect(byId.get(group.id)?.details).toMatchObject({ name: 'the group', description: '', max_participants: 100 });
    expect(byId.get(channel.id)?.details).toMatchObject({ max_subscribers: 300, is_public: true });
    expect(byId.get(channel.id)?.group_chat).toBeNull();
    const names = byId.get(group.id)?.members?.map((member) => member.user?.username);
    expect(names?.sort()).toEqual(['ann', 'ben']);
  });

  it('give back what was stored: text, booleans, JSON, counters, milliseconds', async () => {
    const room = await createGroup(models);
    const at = new Date('2026-02-03T04:05:06.789Z');
    const big = 2 ** 53 - 1;
    const { id } = await createMessage(models, room.id, {
      client_id: 'né 👍\0 ',
      seq: big,
      created_at: at,
      content: 'שלום 👩‍👩‍👧',
    });
    const message = await models.Message.findByPk(id, { rejectOnEmpty: true });
    expect(message.get({ plain: true })).toMatchObject({
      client_id: 'né 👍\0 ',
      seq: big,
      is_deleted: false,
      created_at: at,
      content: 'שלום 👩‍👩‍👧',
      parent_message_id: null,
      delivered_count: 0,
    });
    expect(message.updated_at.getTime()).toBeGreaterThan(Date.now() - 60_000);
    expect(await models.Message.count({ where: { client_id: 'né 👍\0 ' } })).toBe(1);
    expect(await models.Message.count({ where: { client_id: 'né 👍\0' } })).toBe(0);

    const preferences = { theme: 'dark', nested: { list: [1, 'zwei', null] } };
    await models.RoomProperty.create({ room_id: room.id, preferences });
    const property = await models.RoomProperty.findByPk(room.id, { rejectOnEmpty: true });
    expect(property.preferences).toEqual(preferences);
    await property.update({ preferences: {} });
    await property.reload();
    expect(property.toJSON()).toEqual({ room_id: room.id, preferences: {} });
  });

  it('load a message with all that hangs on it', async () => {
    const room = await createGroup(models);
    const parent = await createMessage(models, room.id);
    const { id: message_id } = await createMessage(models, room.id, { parent_message_id: parent.id, sender_id: 2 });
    await models.Reaction.create({ message_id, user_id: 3, reaction_content: '👍' });
    await models.ReadReceipt.create({ message_id, user_id: 1 });
    await models.MessageDelivery.create({ message_id, user_id: 3 });
    const message = await models.Message.findByPk(message_id, {
      include: [
        'room',
        'sender',
        'media',
        'parent_message',
        'forwarded_from',
        ...['reactions', 'deliveries'].map((association) => ({ association, include: ['user'] })),
        { association: 'read_receipts', include: ['reader'] },
      ],
    });
    expect(message).toMatchObject({
      room: { type: 'GroupChat' },
      sender: { username: 'ben' },
      media: [],
      parent_message: { id: parent.id },
      forwarded_from: null,
      reactions: [{ reaction_content: '👍', user: { username: 'cat' } }],
      deliveries: [{ user: { username: 'cat' } }],
      read_receipts: [{ reader: { username: 'ann' } }],
    });
  });

  it('make ids that grow with time, so that inserts append', async () => {
    const room = await createGroup(models);
    const ids: string[] = [];
    for (let count = 0; count < 5; count += 1) ids.push((await createMessage(models, room.id)).id);
    expect([...ids].sort()).toEqual(ids);
  });

  it('keep two chats apart: same instance, other prefix', async () => {
    const sequelize = models.Room.sequelize!;
    const other = await createTestChat(sequelize, { tablePrefix: 'other_', userModel: createUserModel(sequelize) });
    expect(other.Message).not.toBe(models.Message);
    expect([models.Message.name, other.Message.name]).toEqual(['Message', 'Message']);
    expect([models.Message.getTableName(), other.Message.getTableName()]).toEqual(['chat_messages', 'other_messages']);
    const room = await createGroup(other);
    await createMessage(other, room.id);
    expect(await models.Room.findByPk(room.id)).toBeNull();
    const found = await other.Room.findByPk(room.id, { include: ['messages', ...other.Room.withDetails()] });
    expect(found?.details).toBeInstanceOf(other.GroupChat);
    expect(found?.details).not.toBeInstanceOf(models.GroupChat);
  });

  it('keep two chats apart: other instance, same prefix', async () => {
    const sequelize = await databases.open();
    const other = await createTestChat(sequelize);
    expect(classes(other).filter((model) => classes(models).includes(model))).toEqual([]);
    expect(classes(other).every((model) => model.sequelize === sequelize)).toBe(true);
    expect(Message.sequelize).toBeUndefined();
  });

  it("leave the host's own models of the same names alone", async () => {
    const sequelize = await databases.open();
    const Session = sequelize.define('Session', { sid: { type: DataTypes.STRING, primaryKey: true } });
    const User = sequelize.define('User', { username: DataTypes.STRING(20) }, { tableName: 'users' });
    await User.sync();
    await migrate(sequelize);
    initModels(sequelize, { userModel: User });
    expect(sequelize.models).toEqual({ Session, User });
    expect(sequelize.model('Session')).toBe(Session);
    expect(Object.keys(User.associations)).toEqual([]);
    await sequelize.sync();
    const tables = await sequelize.getQueryInterface().showAllTables();
    expect(tables.filter((table) => !table.startsWith('chat_')).sort()).toEqual(['SequelizeMeta', 'Sessions', 'users']);
  });

  it("do not inherit the host's defaults for models", async () => {
    const define = { underscored: true, paranoid: true, timestamps: true, version: true, schema: 'elsewhere' };
    const sequelize = await databases.open(undefined, { define });
    const other = await createTestChat(sequelize, {});
    const room = await createGroup(other);
    await createMessage(other, room.id);
    expect(await other.Message.findAll()).toHaveLength(1);
    await room.destroy();
    expect(await other.Room.findByPk(room.id, { paranoid: false })).toBeNull();
  });

  it("take a host's class with own columns, options and name", async () => {
    const sequelize = await databases.open();
    await migrate(sequelize, { createUsersTable: true });
    await sequelize
      .getQueryInterface()
      .addColumn('chat_messages', 'priority', { type: DataTypes.INTEGER, defaultValue: 3 });
    const other = await createTestChat(sequelize, { models: { Message: PriorityMessage } });
    expect(other.Message.name).toBe('PriorityMessage');
    expect(other.Message).not.toBe(PriorityMessage);
    const room = await createGroup(other);
    for (const priority of [1, 5, 2]) await createMessage(other, room.id, { priority });
    const messages = await other.Message.findAll({ where: { room_id: room.id } });
    expect(messages.map((message) => message.get('priority'))).toEqual([5, 2, 1]);
    expect(messages.every((message) => message instanceof PriorityMessage)).toBe(true);
  });

  it("take a host's own room type beside the others", async () => {
    const sequelize = await databases.open();
    const other = await createTestChat(sequelize, { roomTypes: { SupportTicket: { model: SupportTicket } } });
    const { model } = other.roomTypes.get('SupportTicket')!;
    await sequelize.query('CREATE TABLE chat_support_tickets (room_id CHAR(36) PRIMARY KEY, status VARCHAR(16))');
    const room = await other.Room.create({ type: 'SupportTicket' });
    await model.create({ room_id: room.id });
    const [found] = await other.Room.findAll({ include: other.Room.withDetails() });
    expect(found?.details).toMatchObject({ status: 'open' });
    expect([...other.roomTypes].map(([type, { alias }]) => [type, alias])).toEqual([
      ['OneToOneChat', 'one_to_one_chat'],
      ['GroupChat', 'group_chat'],
      ['Channel', 'channel'],
      ['SupportTicket', 'support_ticket'],
    ]);
    expect(models.roomTypes.has('SupportTicket')).toBe(false);
  });
});

describe('initModels', () => {
  let databases: Databases;
  beforeAll(async () => {
    databases = await createDatabases('sqlite');
  });
  afterAll(() => databases?.close());

  it('refuses a class whose field hides a column, and has no such field itself', async () => {
    const sequelize = await databases.open();
    const userModel = createUserModel(sequelize);
    class Shadowing extends AbstractMessage<InferAttributes<Shadowing>> {
      override content = 'always this';
    }
    expect(() => initModels(sequelize, { userModel, models: { Message: Shadowing } })).toThrow(
      'The field "content" of the model class Shadowing hides its column.',
    );
    const models = initModels(sequelize, { userModel });
    for (const model of Object.values<ModelStatic<Model>>({ ...models, roomTypes: undefined } as never).filter(
      Boolean,
    )) {
      const instance = model.build();
      const own = [...Object.keys(model.getAttributes()), ...Object.keys(model.associations)];
      expect(
        own.filter((name) => Object.hasOwn(instance, name)),
        model.name,
      ).toEqual([]);
    }
  });

  it('refuses a class that does not extend the model of its key, by name', async () => {
    const sequelize = await databases.open();
    const userModel = createUserModel(sequelize);
    class Group extends AbstractGroupChat<InferAttributes<Group>> {}
    const init = (Message: unknown) => () => initModels(sequelize, { userModel, models: { Message } as never });
    expect(init(Group)).toThrow('The class given for models.Message must extend AbstractMessage (or Message).');
    expect(init(createUserModel(sequelize))).toThrow('models.Message');
    expect(init(Message)).not.toThrow();
    expect(init(undefined)).not.toThrow();
  });

  it('refuses a user model of another Sequelize instance, one that is not initialised, and one without a single key', async () => {
    const [sequelize, other] = [await databases.open(), await databases.open()];
    expect(() => initModels(sequelize, { userModel: createUserModel(other) })).toThrow(
      'userModel belongs to another Sequelize instance than database',
    );
    expect(() => initModels(sequelize, { userModel: class extends Model {} })).toThrow('initialised Sequelize model');
    expect(() => initModels(sequelize, { userModel: undefined as never })).toThrow('initialised Sequelize model');
    const key = { type: DataTypes.INTEGER, primaryKey: true };
    const Pair = sequelize.define('Pair', { left: key, right: key });
    expect(() => initModels(sequelize, { userModel: Pair })).toThrow('a primary key of one column; Pair has 2');
  });

  it('refuses a room type that exists', async () => {
    const sequelize = await databases.open();
    const settings = { userModel: createUserModel(sequelize), roomTypes: { Channel: { model: SupportTicket } } };
    expect(() => initModels(sequelize, settings)).toThrow('The room type Channel exists already');
  });

  it('names the eleven models that may be replaced', () => {
    expect(replaceableModelNames()).toEqual(
      (
        'Session Room RoomProperty OneToOneChat GroupChat Channel Message MessageMediaAsset ReadReceipt ' +
        'ChatNotification Reaction'
      ).split(' '),
    );
  });
});
