import { DataTypes, type InferAttributes, Model, type ModelStatic, type NonAttribute } from 'sequelize';
import type { Channel } from './channel.js';
import {
  bytes,
  type Columns,
  counter,
  type ModelContext,
  type OwnModelOptions,
  time,
  type UserId,
  uniqueKey,
  userId,
  uuidKey,
} from './columns.js';
import type { GroupChat } from './group-chat.js';
import type { OneToOneChat } from './one-to-one-chat.js';
import type { RoomMember } from './room-member.js';
import type { RoomPermission } from './room-permission.js';
import type { RoomProperty } from './room-property.js';
import type { UserRow } from './user.js';

/** One type of room: the model of its own table, and what is particular to it. */
export interface RoomType {
  readonly model: ModelStatic<Model>;
  /** The name under which a loaded room holds the row of its type. */
  readonly alias: string;
  /** The field of `room.create` that names the first members besides the creator. */
  readonly membersField: string;
  /** What members can be permitted one by one; admins may all of it. */
  readonly permissions: readonly string[];
  /** Members at most: a number, or the column that holds it. Absent: no limit of its own. */
  readonly cap?: number | string | undefined;
  /** The column that holds the creator; absent: only `rooms.created_by_id` does. */
  readonly creatorColumn?: string | undefined;
  /** Whether the host added it. */
  readonly isOwn: boolean;
}

/** Columns of `rooms`: what rooms of every type have. */
export abstract class AbstractRoom<A extends object = InferAttributes<Room>> extends Model<A, Partial<A>> {
  static readonly table: string = 'rooms';
  /** Room type name -> its model, set by `initModels` on the class of each chat. */
  declare static roomTypes: ReadonlyMap<string, RoomType>;

  declare id: string;
  /** 'OneToOneChat', 'GroupChat', 'Channel', or a type of the host's. */
  declare type: string;
  /** The seq of the newest message; taken under this row's lock. */
  declare last_seq: number;
  /** The offset of the newest broadcast; taken under this row's lock. */
  declare last_offset: number;
  declare member_count: number;
  /** Rooms are listed by it, newest first. */
  declare last_activity_at: Date;
  declare created_by_id: UserId | null;
  /** What the creator's client called the request, so that sending it again makes no second room. */
  declare client_id: string | null;
  /** A hash of that request's content, to tell a repeat from another request. */
  declare request_hash: string | null;
  declare created_at: Date;
  declare updated_at: Date;

  declare one_to_one_chat?: NonAttribute<OneToOneChat | null>;
  declare group_chat?: NonAttribute<GroupChat | null>;
  declare channel?: NonAttribute<Channel | null>;
  declare property?: NonAttribute<RoomProperty | null>;
  declare members?: NonAttribute<RoomMember[]>;
  declare permissions?: NonAttribute<RoomPermission[]>;
  declare created_by?: NonAttribute<UserRow | null>;

  /** The loaded row of this room's own type; null when it was not loaded, or the type is unknown. */
  get details(): NonAttribute<Model | null> {
    const alias = (this.constructor as typeof AbstractRoom).roomTypes.get(this.type)?.alias;
    return alias === undefined ? null : ((this as unknown as Record<string, Model | null>)[alias] ?? null);
  }

  /** What to `include` so that one query loads rooms of all types, each with its `details`. */
  static withDetails(): Array<{ model: ModelStatic<Model>; as: string }> {
    // biome-ignore lint/complexity/noThisInStatic: the class of one chat, not this one, holds the types.
    return [...this.roomTypes.values()].map(({ model, alias }) => ({ model, as: alias }));
  }

  /** The columns. A subclass returns `{ ...super.columns(context), own: {...} }`. */
  static columns(context: ModelContext): Columns {
    const request = uniqueKey(context, 'rooms', 'created_by_id', 'client_id');
    return {
      id: uuidKey(),
      type: { type: DataTypes.STRING(64), allowNull: false },
      last_seq: counter(),
      last_offset: counter(),
      member_count: { type: DataTypes.INTEGER, allowNull: false, defaultValue: 0 },
      last_activity_at: time(),
      created_by_id: userId(context, { allowNull: true, unique: request }),
      client_id: bytes('client_id', { allowNull: true, unique: request }),
      request_hash: { type: DataTypes.CHAR(64), allowNull: true },
      created_at: time(),
      updated_at: time(),
    };
  }

  /** For a subclass: a default scope (an order, say), scopes, hooks and validators. */
  static modelOptions?(context: ModelContext): OwnModelOptions;
}

/** A room; what only its type has is in `details`. */
export class Room extends AbstractRoom<InferAttributes<Room>> {}
