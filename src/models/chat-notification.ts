import { DataTypes, type InferAttributes, Model, type NonAttribute } from 'sequelize';
import {
  type Columns,
  type ModelContext,
  type OwnModelOptions,
  time,
  type UserId,
  uniqueKey,
  userId,
  uuid,
  uuidKey,
} from './columns.js';
import type { Message } from './message.js';
import type { Room } from './room.js';
import type { UserRow } from './user.js';

/** Columns of `notifications`: reactions to a user's messages. New messages need no rows, they follow from what is unread. */
export abstract class AbstractChatNotification<A extends object = InferAttributes<ChatNotification>> extends Model<
  A,
  Partial<A>
> {
  static readonly table: string = 'notifications';

  declare id: string;
  declare recipient_id: UserId;
  declare room_id: string;
  declare message_id: string;
  declare actor_id: UserId | null;
  declare notification_type: string;
  declare created_at: Date;

  declare recipient?: NonAttribute<UserRow>;
  declare actor?: NonAttribute<UserRow | null>;
  declare message?: NonAttribute<Message>;
  declare room?: NonAttribute<Room>;

  /** The columns. A subclass returns `{ ...super.columns(context), own: {...} }`. */
  static columns(context: ModelContext): Columns {
    const one = uniqueKey(context, 'notifications', 'message_id', 'recipient_id', 'actor_id', 'notification_type');
    return {
      id: uuidKey(),
      recipient_id: userId(context, { unique: one }),
      room_id: uuid(),
      message_id: uuid({ unique: one }),
      actor_id: userId(context, { allowNull: true, unique: one }),
      notification_type: { type: DataTypes.STRING(16), allowNull: false, unique: one },
      created_at: time(),
    };
  }

  /** For a subclass: a default scope (an order, say), scopes, hooks and validators. */
  static modelOptions?(context: ModelContext): OwnModelOptions;
}

/** Something that a user is shown on connecting, until they have seen it. */
export class ChatNotification extends AbstractChatNotification<InferAttributes<ChatNotification>> {}
