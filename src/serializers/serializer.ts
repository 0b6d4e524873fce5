import type { Schema } from 'joi';
import type {
  AttachmentShape,
  ChannelListShape,
  ChannelShape,
  ChatNotificationShape,
  GroupChatListShape,
  GroupChatShape,
  MessageShape,
  OneToOneChatListShape,
  OneToOneChatShape,
  ReactionShape,
  ReadReceiptShape,
  RoomListShape,
  RoomPropertyShape,
  RoomShape,
  UserShape,
} from '../protocol/shapes.js';
import type {
  LoadedMedia,
  LoadedMessage,
  LoadedNotification,
  LoadedReaction,
  LoadedReceipt,
  LoadedRoom,
  LoadedUser,
  Row,
} from './loaded.js';
import { columnValue } from './values.js';

/** The fifteen serializers by name: what each is given and what it makes. */
export interface SerializerTypes {
  UserSerializer: [LoadedUser, UserShape];
  MessageSerializer: [LoadedMessage, MessageShape];
  RoomPropertySerializer: [{ readonly preferences: unknown }, RoomPropertyShape];
  ReadReceiptSerializer: [LoadedReceipt, ReadReceiptShape];
  ReactionSerializer: [LoadedReaction, ReactionShape];
  MessageMediaAssetSerializer: [LoadedMedia, AttachmentShape];
  ChatNotificationSerializer: [LoadedNotification, ChatNotificationShape];
  OneToOneChatSerializer: [LoadedRoom, OneToOneChatShape];
  GroupChatSerializer: [LoadedRoom, GroupChatShape];
  ChannelSerializer: [LoadedRoom, ChannelShape];
  OneToOneChatListSerializer: [LoadedRoom, OneToOneChatListShape];
  GroupChatListSerializer: [LoadedRoom, GroupChatListShape];
  ChannelListSerializer: [LoadedRoom, ChannelListShape];
  RoomPolymorphicSerializer: [LoadedRoom, RoomShape];
  RoomListPolymorphicSerializer: [LoadedRoom, RoomListShape];
}

/** The key of a serializer in the setting `serializers`. */
export type SerializerName = keyof SerializerTypes;

/** A column that a host added to a model, declared on its serializer: clients see it, and with a `schema` may set it. */
export interface SerializerField {
  /** The Joi rule for the value in an event's `extra_fields`. Absent: clients see the column and cannot set it. */
  readonly schema?: Schema | undefined;
  /** May be changed after creation; default false. */
  readonly updatable?: boolean | undefined;
}

/** The columns that a serializer shows beside its own, by name. */
export type SerializerFields = Readonly<Record<string, SerializerField>>;

/** Makes one wire shape. */
export interface SerializerLike<Instance, Shape> {
  serialize(instance: Instance): Shape;
}

/** Where the row of a room type is found, and which serializers show it. */
export interface RoomTypeEntry {
  /** The property of a room under which the type's row hangs, `group_chat` for example. */
  readonly alias: string;
  /** The column of that row that holds the creator; absent: the room's `created_by_id` does. */
  readonly creatorColumn?: string | undefined;
  /** Default: `<type>Serializer`. */
  readonly serializer?: string;
  /** Default: `<type>ListSerializer`. */
  readonly listSerializer?: string;
}

/** What a serializer is made with. */
export interface SerializerContext {
  readonly settings: { readonly exposeEmail: boolean };
  /** Room type name -> where its row is and who shows it. */
  readonly roomTypes: ReadonlyMap<string, RoomTypeEntry>;
  /** The fields that a serializer class shows: its own, or for a list those of the room type. */
  fieldsOf(Class: object): SerializerFields;
  /** The serializer of that name, or the host's in its place: nested shapes are made through this. */
  serializer<N extends SerializerName>(name: N): SerializerLike<SerializerTypes[N][0], SerializerTypes[N][1]>;
  serializer(name: string): SerializerLike<never, unknown>;
}

/**
 * Base of all serializers: a pure function from a row with everything read to its wire shape. It is synchronous, so
 * it can cost no query. To change one, subclass it, override `serialize` and name the class in `serializers`.
 */
export abstract class Serializer<Instance extends Row, Shape extends object>
  implements SerializerLike<Instance, Shape>
{
  /**
   * Columns of the host, name -> rule; they are appended to the shape. A list serializer that says nothing here shows those
   * of its room type.
   */
  static fields: SerializerFields = {};

  protected readonly context: SerializerContext;

  constructor(context: SerializerContext) {
    this.context = context;
  }

  /** The wire shape of a loaded row. Must not change the row. */
  abstract serialize(instance: Instance): Shape;

  /** Appends the columns named in the class's `fields`, from the first source that has them; else null. */
  protected withFields(shape: Shape, ...sources: readonly Row[]): Shape {
    for (const name of Object.keys(this.context.fieldsOf(this.constructor))) {
      if (Object.hasOwn(shape, name)) continue;
      const source = sources.find((one) => (one as Record<string, unknown>)[name] !== undefined);
      (shape as Record<string, unknown>)[name] = source === undefined ? null : columnValue(source, name);
    }
    return shape;
  }

  /** A user's shape; of one who is gone, only the id. */
  protected user(user: LoadedUser | undefined, id: unknown): UserShape {
    return this.context.serializer('UserSerializer').serialize(user ?? ({ id } as LoadedUser));
  }
}
