import { ChannelListSerializer, ChannelSerializer } from './channel.js';
import { ChatNotificationSerializer } from './chat-notification.js';
import { GroupChatListSerializer, GroupChatSerializer } from './group-chat.js';
import { MessageSerializer } from './message.js';
import { MessageMediaAssetSerializer } from './message-media-asset.js';
import { OneToOneChatListSerializer, OneToOneChatSerializer } from './one-to-one-chat.js';
import { ReactionSerializer } from './reaction.js';
import { ReadReceiptSerializer } from './read-receipt.js';
import { RoomListPolymorphicSerializer, RoomPolymorphicSerializer } from './room-polymorphic.js';
import { RoomPropertySerializer } from './room-property.js';
import type {
  RoomTypeEntry,
  Serializer,
  SerializerContext,
  SerializerField,
  SerializerFields,
  SerializerLike,
  SerializerName,
  SerializerTypes,
} from './serializer.js';
import { Serializer as SerializerBase } from './serializer.js';
import { UserSerializer } from './user.js';

export type {
  LoadedDelivery,
  LoadedMedia,
  LoadedMessage,
  LoadedNotification,
  LoadedReaction,
  LoadedReceipt,
  LoadedRoom,
  LoadedUser,
  Moment,
} from './loaded.js';
export { RoomSerializer } from './room.js';
export { Serializer } from './serializer.js';
export type {
  RoomTypeEntry,
  SerializerContext,
  SerializerField,
  SerializerFields,
  SerializerLike,
  SerializerName,
  SerializerTypes,
};
export {
  ChannelListSerializer,
  ChannelSerializer,
  ChatNotificationSerializer,
  GroupChatListSerializer,
  GroupChatSerializer,
  MessageMediaAssetSerializer,
  MessageSerializer,
  OneToOneChatListSerializer,
  OneToOneChatSerializer,
  ReactionSerializer,
  ReadReceiptSerializer,
  RoomListPolymorphicSerializer,
  RoomPolymorphicSerializer,
  RoomPropertySerializer,
  UserSerializer,
};

/** A serializer class, own or the host's. */
export type SerializerClass = {
  new (context: SerializerContext): Serializer<never, object>;
  readonly prototype: object;
  readonly fields: SerializerFields;
};

/** The serializers of one chat: the fifteen, the host's in place of the defaults. */
export interface Serializers {
  /** Name -> class in use; the classes carry the host's `fields`. */
  readonly classes: ReadonlyMap<string, SerializerClass>;
  /** The host's columns that the serializer of that name shows. */
  fieldsOf(name: string): SerializerFields;
  /** The one instance of that name. Throws an Error for a name nobody has. */
  getSerializer<N extends SerializerName>(name: N): SerializerLike<SerializerTypes[N][0], SerializerTypes[N][1]>;
  getSerializer(name: string): SerializerLike<never, unknown>;
}

/** The fifteen defaults by the keys of the setting `serializers`. */
export const defaultSerializers: Readonly<Record<SerializerName, SerializerClass>> = Object.freeze({
  UserSerializer,
  MessageSerializer,
  RoomPropertySerializer,
  ReadReceiptSerializer,
  ReactionSerializer,
  MessageMediaAssetSerializer,
  ChatNotificationSerializer,
  OneToOneChatSerializer,
  GroupChatSerializer,
  ChannelSerializer,
  OneToOneChatListSerializer,
  GroupChatListSerializer,
  ChannelListSerializer,
  RoomPolymorphicSerializer,
  RoomListPolymorphicSerializer,
});

const defaultRoomTypes: ReadonlyArray<readonly [string, RoomTypeEntry]> = [
  ['OneToOneChat', { alias: 'one_to_one_chat' }],
  ['GroupChat', { alias: 'group_chat', creatorColumn: 'creator_id' }],
  ['Channel', { alias: 'channel', creatorColumn: 'creator_id' }],
];

/**
 * Makes a chat's serializers. `overrides` (the setting `serializers`) are merged over the defaults and may hold more
 * than the fifteen: those of room types that a host adds, named in `roomTypes` or, by default, after the type.
 */
export function createSerializers(
  settings: SerializerContext['settings'],
  overrides: Readonly<Record<string, SerializerClass>> = {},
  roomTypes: ReadonlyMap<string, RoomTypeEntry> = new Map(defaultRoomTypes),
): Serializers {
  const classes = new Map<string, SerializerClass>(Object.entries({ ...defaultSerializers, ...overrides }));
  const instances = new Map<string, SerializerLike<never, unknown>>();
  const getSerializer = (name: string): SerializerLike<never, unknown> => {
    let instance = instances.get(name);
    if (!instance) {
      const Class = classes.get(name);
      if (!Class) throw new Error(`There is no serializer named ${name}; name its class in the setting "serializers".`);
      instance = new Class(context);
      instances.set(name, instance);
    }
    return instance;
  };
  const fields = new Map<object, SerializerFields>([...classes.values()].map((Class) => [Class, Class.fields]));
  for (const type of roomTypes.keys()) {
    const [alone, inList] = [classes.get(`${type}Serializer`), classes.get(`${type}ListSerializer`)];
    // Nothing of its own said: in lists a room shows what it shows alone.
    if (alone && inList && inList.fields === SerializerBase.fields) fields.set(inList, alone.fields);
  }
  const fieldsOfClass = (Class: object) => fields.get(Class) ?? (Class as Partial<SerializerClass>).fields ?? {};
  const context = {
    settings,
    roomTypes,
    fieldsOf: fieldsOfClass,
    serializer: getSerializer as SerializerContext['serializer'],
  };
  return {
    classes,
    fieldsOf: (name) => fieldsOfClass(classes.get(name) ?? {}),
    getSerializer: getSerializer as Serializers['getSerializer'],
  };
}
