import { type InferAttributes, Model, type NonAttribute } from 'sequelize';
import {
  type Columns,
  type ModelContext,
  type OwnModelOptions,
  type UserId,
  uniqueKey,
  userId,
  uuid,
} from './columns.js';
import type { UserRow } from './user.js';

/** Columns of `one_to_one_chats`: the pair of users, in the order that makes it unique. */
export abstract class AbstractOneToOneChat<A extends object = InferAttributes<OneToOneChat>> extends Model<
  A,
  Partial<A>
> {
  static readonly table: string = 'one_to_one_chats';

  declare room_id: string;
  declare first_user_id: UserId;
  declare second_user_id: UserId;

  declare first_user?: NonAttribute<UserRow>;
  declare second_user?: NonAttribute<UserRow>;

  /** The columns. A subclass returns `{ ...super.columns(context), own: {...} }`. */
  static columns(context: ModelContext): Columns {
    const pair = uniqueKey(context, 'one_to_one_chats', 'first_user_id', 'second_user_id');
    return {
      room_id: uuid({ primaryKey: true }),
      first_user_id: userId(context, { unique: pair }),
      second_user_id: userId(context, { unique: pair }),
    };
  }

  /** For a subclass: a default scope (an order, say), scopes, hooks and validators. */
  static modelOptions?(context: ModelContext): OwnModelOptions;
}

/** A room of exactly two users. */
export class OneToOneChat extends AbstractOneToOneChat<InferAttributes<OneToOneChat>> {}
