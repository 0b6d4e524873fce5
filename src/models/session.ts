import { DataTypes, type InferAttributes, Model, type NonAttribute } from 'sequelize';
import {
  type Columns,
  type ModelContext,
  type OwnModelOptions,
  time,
  type UserId,
  uniqueKey,
  userId,
  uuidKey,
} from './columns.js';
import type { UserRow } from './user.js';

/** Columns of `sessions`: one row per open connection. */
export abstract class AbstractSession<A extends object = InferAttributes<Session>> extends Model<A, Partial<A>> {
  static readonly table: string = 'sessions';

  declare id: string;
  declare user_id: UserId;
  /** The connection's own address. */
  declare channel_name: string;
  /** The last heartbeat or event; older than `inactivityThreshold` is expired. */
  declare last_seen: Date;
  declare created_at: Date;

  declare user?: NonAttribute<UserRow>;

  /** The columns. A subclass returns `{ ...super.columns(context), own: {...} }`. */
  static columns(context: ModelContext): Columns {
    return {
      id: uuidKey(),
      user_id: userId(context),
      channel_name: {
        type: DataTypes.STRING(191),
        allowNull: false,
        unique: uniqueKey(context, 'sessions', 'channel_name'),
      },
      last_seen: time(),
      created_at: time(),
    };
  }

  /** For a subclass: a default scope (an order, say), scopes, hooks and validators. */
  static modelOptions?(context: ModelContext): OwnModelOptions;
}

/** One connection of a user. */
export class Session extends AbstractSession<InferAttributes<Session>> {}
