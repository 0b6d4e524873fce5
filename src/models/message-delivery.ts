import { type InferAttributes, Model, type NonAttribute } from 'sequelize';
import { type Columns, type ModelContext, time, type UserId, userId, uuid } from './columns.js';
import type { UserRow } from './user.js';

/** One user's device has acknowledged one message. */
export class MessageDelivery extends Model<
  InferAttributes<MessageDelivery>,
  Partial<InferAttributes<MessageDelivery>>
> {
  static readonly table: string = 'message_deliveries';

  declare message_id: string;
  declare user_id: UserId;
  declare created_at: Date;

  declare user?: NonAttribute<UserRow>;

  /** The columns. A subclass returns `{ ...super.columns(context), own: {...} }`. */
  static columns(context: ModelContext): Columns {
    return {
      message_id: uuid({ primaryKey: true }),
      user_id: userId(context, { primaryKey: true }),
      created_at: time(),
    };
  }
}
