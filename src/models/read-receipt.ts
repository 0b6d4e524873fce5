import { type InferAttributes, Model, type NonAttribute } from 'sequelize';
import { type Columns, type ModelContext, type OwnModelOptions, time, type UserId, userId, uuid } from './columns.js';
import type { UserRow } from './user.js';

/** Columns of `read_receipts`: at most one per message and user. */
export abstract class AbstractReadReceipt<A extends object = InferAttributes<ReadReceipt>> extends Model<
  A,
  Partial<A>
> {
  static readonly table: string = 'read_receipts';

  declare message_id: string;
  declare user_id: UserId;
  declare read_at: Date;

  declare reader?: NonAttribute<UserRow>;

  /** The columns. A subclass returns `{ ...super.columns(context), own: {...} }`. */
  static columns(context: ModelContext): Columns {
    return {
      message_id: uuid({ primaryKey: true }),
      user_id: userId(context, { primaryKey: true }),
      read_at: time(),
    };
  }

  /** For a subclass: a default scope (an order, say), scopes, hooks and validators. */
  static modelOptions?(context: ModelContext): OwnModelOptions;
}

/** One user has read one message. */
export class ReadReceipt extends AbstractReadReceipt<InferAttributes<ReadReceipt>> {}
