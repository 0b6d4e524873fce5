import { type InferAttributes, Model, type NonAttribute } from 'sequelize';
import {
  bytes,
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
import type { UserRow } from './user.js';

/** Columns of `reactions`: at most one per message and user. */
export abstract class AbstractReaction<A extends object = InferAttributes<Reaction>> extends Model<A, Partial<A>> {
  static readonly table: string = 'reactions';

  declare id: string;
  declare message_id: string;
  declare user_id: UserId;
  declare reaction_content: string;
  declare created_at: Date;

  declare user?: NonAttribute<UserRow>;

  /** The columns. A subclass returns `{ ...super.columns(context), own: {...} }`. */
  static columns(context: ModelContext): Columns {
    const one = uniqueKey(context, 'reactions', 'message_id', 'user_id');
    return {
      id: uuidKey(),
      message_id: uuid({ unique: one }),
      user_id: userId(context, { unique: one }),
      reaction_content: bytes('reaction_content'),
      created_at: time(),
    };
  }

  /** For a subclass: a default scope (an order, say), scopes, hooks and validators. */
  static modelOptions?(context: ModelContext): OwnModelOptions;
}

/** One user's reaction to one message. */
export class Reaction extends AbstractReaction<InferAttributes<Reaction>> {}
