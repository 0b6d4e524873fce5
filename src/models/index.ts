import type { Model, ModelStatic, Sequelize } from 'sequelize';
import { AbstractChannel, Channel } from './channel.js';
import { AbstractChatNotification, ChatNotification } from './chat-notification.js';
import type { ChatModelStatics, ModelContext } from './columns.js';
import { type ChatModelClass, defineModel } from './define-model.js';
import { AbstractGroupChat, GroupChat } from './group-chat.js';
import { AbstractMessage, Message } from './message.js';
import { MessageDelivery } from './message-delivery.js';
import { AbstractMessageMediaAsset, MessageMediaAsset } from './message-media-asset.js';
import { AbstractOneToOneChat, OneToOneChat } from './one-to-one-chat.js';
import { Outcome } from './outcome.js';
import { AbstractReaction, Reaction } from './reaction.js';
import { AbstractReadReceipt, ReadReceipt } from './read-receipt.js';
import { AbstractRoom, Room, type RoomType } from './room.js';
import { RoomMember } from './room-member.js';
import { RoomPermission } from './room-permission.js';
import { AbstractRoomProperty, RoomProperty } from './room-property.js';
import { makeRoomTypes, type OwnRoomType } from './room-types.js';
import { AbstractSession, Session } from './session.js';
import type { UserRow } from './user.js';

/** The models a host may replace: name -> what its class must extend, and the class used unless it does. */
const REPLACEABLE = {
  Session: [AbstractSession, Session],
  Room: [AbstractRoom, Room],
  RoomProperty: [AbstractRoomProperty, RoomProperty],
  OneToOneChat: [AbstractOneToOneChat, OneToOneChat],
  GroupChat: [AbstractGroupChat, GroupChat],
  Channel: [AbstractChannel, Channel],
  Message: [AbstractMessage, Message],
  MessageMediaAsset: [AbstractMessageMediaAsset, MessageMediaAsset],
  ReadReceipt: [AbstractReadReceipt, ReadReceipt],
  ChatNotification: [AbstractChatNotification, ChatNotification],
  Reaction: [AbstractReaction, Reaction],
} as const;

const INTERNAL = { RoomMember, RoomPermission, MessageDelivery, Outcome } as const;

/** The keys of the setting `models`. */
export type ReplaceableModelName = keyof typeof REPLACEABLE;

type Replaceable = { readonly [Name in ReplaceableModelName]: (typeof REPLACEABLE)[Name][1] };

/** The model classes of one chat, by name. They belong to this chat alone. */
export interface ChatModels extends Replaceable, Readonly<typeof INTERNAL> {
  /** The host's user model, as given. */
  readonly User: ModelStatic<UserRow>;
  /** Room type name -> its model and alias, the host's own types included. */
  readonly roomTypes: ReadonlyMap<string, RoomType>;
}

/** What the models of a chat are made from. */
export interface ModelSettings {
  /** Stands before every table name, `chat_` by default. */
  readonly tablePrefix?: string | undefined;
  /** The host's user model. Its primary key may be of any type. */
  readonly userModel: ModelStatic<Model>;
  /** Classes that replace ours, each extending the abstract class of its key. */
  readonly models?: { readonly [Name in ReplaceableModelName]?: ChatModelClass | undefined } | undefined;
  /** Further room types by name, each with a model whose primary key is `room_id`. */
  readonly roomTypes?: Readonly<Record<string, OwnRoomType>> | undefined;
}

/** The class that a replacement of a model must extend. */
export function abstractModel(name: ReplaceableModelName): abstract new (...args: never[]) => Model {
  return REPLACEABLE[name][0] as unknown as abstract new (
    ...args: never[]
  ) => Model;
}

/** The keys of the setting `models`, in order. */
export function replaceableModelNames(): ReplaceableModelName[] {
  return Object.keys(REPLACEABLE) as ReplaceableModelName[];
}

/**
 * Makes the models of one chat on a Sequelize instance: fresh classes each time, so that two chats do not meet, whatever
 * their prefixes and instances. Throws a sentence when the user model or a replacement does not fit.
 */
export function initModels(sequelize: Sequelize, settings: ModelSettings): ChatModels {
  const { userModel } = settings;
  const prefix = settings.tablePrefix ?? 'chat_';
  const context: ModelContext = {
    userIdType: userIdType(sequelize, userModel),
    table: (base) => prefix + base,
  };
  const made: Record<string, ModelStatic<Model>> = {};
  for (const [name, [abstract, standard]] of Object.entries(REPLACEABLE)) {
    const base = settings.models?.[name as ReplaceableModelName] ?? standard;
    if (base !== standard && !(base.prototype instanceof abstract)) {
      throw new Error(`The class given for models.${name} must extend Abstract${name} (or ${name}).`);
    }
    made[name] = defineModel(base as ChatModelClass, sequelize, context, {
      setting: `models.${name}`,
      needed: Object.keys((abstract as unknown as ChatModelStatics).columns(context)),
      standard: standard as ChatModelClass,
    });
  }
  for (const [name, base] of Object.entries(INTERNAL)) {
    made[name] = defineModel(base as ChatModelClass, sequelize, context);
  }
  const roomTypes = makeRoomTypes(sequelize, context, { ...made, User: userModel }, settings.roomTypes);
  // An own type's model is found by the type's name, as those of the three are.
  for (const [type, { model }] of roomTypes) made[type] = model;
  const models = { ...made, User: userModel, roomTypes } as unknown as ChatModels;
  models.Room.roomTypes = roomTypes;
  associate(models);
  return models;
}

/** The model in use under that name, a host's room types by theirs. Throws for a name that no model has. */
export function modelNamed<N extends keyof ChatModels>(models: ChatModels, name: N): ChatModels[N] {
  if (Object.hasOwn(models, name)) return models[name];
  const names = Object.keys(models).filter((key) => key !== 'roomTypes');
  throw new Error(`There is no model named ${String(name)}; those are ${names.join(', ')}.`);
}

function userIdType(sequelize: Sequelize, userModel: ModelStatic<Model>): ModelContext['userIdType'] {
  if (!userModel?.sequelize || !userModel.rawAttributes) {
    throw new Error('userModel must be an initialised Sequelize model: call its init() or define() before createChat.');
  }
  if (userModel.sequelize !== sequelize) {
    throw new Error(
      'userModel belongs to another Sequelize instance than database: give createChat the instance that the model was made with.',
    );
  }
  const keys = userModel.primaryKeyAttributes;
  const type = keys.length === 1 ? userModel.rawAttributes[keys[0]!]?.type : undefined;
  if (type === undefined) {
    throw new Error(`userModel must have a primary key of one column; ${userModel.name} has ${keys.length}.`);
  }
  return type;
}

/** Who loads what by which name. No constraints: the migrations made them. */
function associate(models: ChatModels): void {
  const { User, Room, Message, ChatNotification } = models;
  const many = (from: ModelStatic<Model>, to: ModelStatic<Model>, as: string, foreignKey: string) =>
    from.hasMany(to, { as, foreignKey, constraints: false });
  const one = (from: ModelStatic<Model>, to: ModelStatic<Model>, as: string, foreignKey: string) =>
    from.hasOne(to, { as, foreignKey, constraints: false });
  const parent = (from: ModelStatic<Model>, to: ModelStatic<Model>, as: string, foreignKey: string) =>
    from.belongsTo(to, { as, foreignKey, constraints: false });

  for (const { model, alias } of models.roomTypes.values()) {
    one(Room, model, alias, 'room_id');
    parent(model, Room, 'room', 'room_id');
  }
  one(Room, models.RoomProperty, 'property', 'room_id');
  many(Room, models.RoomMember, 'members', 'room_id');
  many(Room, models.RoomPermission, 'permissions', 'room_id');
  many(Room, Message, 'messages', 'room_id');
  parent(Room, User, 'created_by', 'created_by_id');
  parent(models.OneToOneChat, User, 'first_user', 'first_user_id');
  parent(models.OneToOneChat, User, 'second_user', 'second_user_id');
  parent(models.GroupChat, User, 'creator', 'creator_id');
  parent(models.Channel, User, 'creator', 'creator_id');
  for (const model of [models.RoomProperty, models.RoomMember, models.RoomPermission]) {
    parent(model, Room, 'room', 'room_id');
  }
  parent(models.RoomMember, User, 'user', 'user_id');
  parent(models.RoomPermission, User, 'user', 'user_id');

  parent(Message, Room, 'room', 'room_id');
  parent(Message, User, 'sender', 'sender_id');
  parent(Message, Message, 'parent_message', 'parent_message_id');
  parent(Message, Message, 'forwarded_from', 'forwarded_from_id');
  many(Message, models.MessageMediaAsset, 'media', 'message_id');
  many(Message, models.Reaction, 'reactions', 'message_id');
  many(Message, models.ReadReceipt, 'read_receipts', 'message_id');
  many(Message, models.MessageDelivery, 'deliveries', 'message_id');
  for (const model of [models.MessageMediaAsset, models.Reaction, models.ReadReceipt, models.MessageDelivery]) {
    parent(model, Message, 'message', 'message_id');
  }
  parent(models.Reaction, User, 'user', 'user_id');
  parent(models.ReadReceipt, User, 'reader', 'user_id');
  parent(models.MessageDelivery, User, 'user', 'user_id');

  parent(ChatNotification, User, 'recipient', 'recipient_id');
  parent(ChatNotification, User, 'actor', 'actor_id');
  parent(ChatNotification, Message, 'message', 'message_id');
  parent(ChatNotification, Room, 'room', 'room_id');
  parent(models.Session, User, 'user', 'user_id');
}

export type { ChatModelStatics, Columns, ModelContext, OwnModelOptions, UserId } from './columns.js';
export type { ChatModelClass } from './define-model.js';
export { completed, isStandard, ownColumnsOf, ownValues } from './own-columns.js';
export { AbstractRoomType, type OwnRoomType } from './room-types.js';
export { createUserModel, DefaultUser, type UserRow } from './user.js';
export type { RoomType };
export {
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
  Channel,
  ChatNotification,
  GroupChat,
  Message,
  MessageDelivery,
  MessageMediaAsset,
  OneToOneChat,
  Outcome,
  Reaction,
  ReadReceipt,
  Room,
  RoomMember,
  RoomPermission,
  RoomProperty,
  Session,
};
