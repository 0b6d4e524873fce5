import { DataTypes, type InferAttributes, Model, type NonAttribute } from 'sequelize';
import {
  bytes,
  type Columns,
  flag,
  type ModelContext,
  type OwnModelOptions,
  time,
  type UserId,
  uniqueKey,
  userId,
  uuid,
  uuidKey,
} from './columns.js';
import type { MessageDelivery } from './message-delivery.js';
import type { MessageMediaAsset } from './message-media-asset.js';
import type { Reaction } from './reaction.js';
import type { ReadReceipt } from './read-receipt.js';
import type { Room } from './room.js';
import type { UserRow } from './user.js';

/**
 * Columns of `messages`. To add own ones: extend this class, return `{ ...super.columns(context), own: {...} }` from
 * `columns`, write `declare own: type` (a plain field would hide the column), pass the class in `models`, and add the
 * columns by a migration of your own.
 */
export abstract class AbstractMessage<A extends object = InferAttributes<Message>> extends Model<A, Partial<A>> {
  static readonly table: string = 'messages';

  declare id: string;
  declare room_id: string;
  declare sender_id: UserId;
  /** What the sender's client called it, or the job's id: the same one again is the same message. */
  declare client_id: string;
  /** A hash of the request's content, to tell a repeat from another request. */
  declare request_hash: string | null;
  /** Its place in the room: 1, 2, 3, ... */
  declare seq: number;
  /** A sanitised HTML fragment. */
  declare content: string;
  declare is_deleted: boolean;
  declare is_edited: boolean;
  declare is_forwarded: boolean;
  declare parent_message_id: string | null;
  declare forwarded_from_id: string | null;
  declare delivered_count: number;
  declare read_count: number;
  declare created_at: Date;
  declare updated_at: Date;

  declare room?: NonAttribute<Room>;
  declare sender?: NonAttribute<UserRow>;
  declare media?: NonAttribute<MessageMediaAsset[]>;
  declare reactions?: NonAttribute<Reaction[]>;
  declare read_receipts?: NonAttribute<ReadReceipt[]>;
  declare deliveries?: NonAttribute<MessageDelivery[]>;
  declare parent_message?: NonAttribute<Message | null>;
  declare forwarded_from?: NonAttribute<Message | null>;

  /** The columns. A subclass returns `{ ...super.columns(context), own: {...} }`. */
  static columns(context: ModelContext): Columns {
    const request = uniqueKey(context, 'messages', 'sender_id', 'client_id');
    const place = uniqueKey(context, 'messages', 'room_id', 'seq');
    return {
      id: uuidKey(),
      room_id: uuid({ unique: place }),
      sender_id: userId(context, { unique: request }),
      client_id: bytes('client_id', { unique: request }),
      request_hash: { type: DataTypes.CHAR(64), allowNull: true },
      seq: { type: DataTypes.BIGINT, allowNull: false, unique: place },
      content: { type: DataTypes.TEXT, allowNull: false },
      is_deleted: flag(),
      is_edited: flag(),
      is_forwarded: flag(),
      parent_message_id: uuid({ allowNull: true }),
      forwarded_from_id: uuid({ allowNull: true }),
      delivered_count: { type: DataTypes.INTEGER, allowNull: false, defaultValue: 0 },
      read_count: { type: DataTypes.INTEGER, allowNull: false, defaultValue: 0 },
      created_at: time(),
      updated_at: time(),
    };
  }

  /** For a subclass: a default scope (an order, say), scopes, hooks and validators. */
  static modelOptions?(context: ModelContext): OwnModelOptions;
}

/** A message of a room. */
export class Message extends AbstractMessage<InferAttributes<Message>> {}
