import { DataTypes, type InferAttributes, Model, type NonAttribute } from 'sequelize';
import {
  type Columns,
  flag,
  type ModelContext,
  type OwnModelOptions,
  text,
  type UserId,
  userId,
  uuid,
} from './columns.js';
import type { UserRow } from './user.js';

/** Columns of `group_chats`. */
export abstract class AbstractGroupChat<A extends object = InferAttributes<GroupChat>> extends Model<A, Partial<A>> {
  static readonly table: string = 'group_chats';

  declare room_id: string;
  declare name: string;
  declare description: string;
  /** Null once the creator's account is gone. */
  declare creator_id: UserId | null;
  declare max_participants: number;
  declare avatar: string | null;
  declare join_approval_required: boolean;
  /** Only the creator and admins may send. */
  declare group_locked: boolean;

  declare creator?: NonAttribute<UserRow | null>;

  /** The columns. A subclass returns `{ ...super.columns(context), own: {...} }`. */
  static columns(context: ModelContext): Columns {
    return {
      room_id: uuid({ primaryKey: true }),
      name: { type: DataTypes.STRING(64), allowNull: false },
      description: text(),
      creator_id: userId(context, { allowNull: true }),
      max_participants: { type: DataTypes.INTEGER, allowNull: false, defaultValue: 100 },
      avatar: { type: DataTypes.STRING(2048), allowNull: true },
      join_approval_required: flag(),
      group_locked: flag(),
    };
  }

  /** For a subclass: a default scope (an order, say), scopes, hooks and validators. */
  static modelOptions?(context: ModelContext): OwnModelOptions;
}

/** A room whose participants talk to each other. */
export class GroupChat extends AbstractGroupChat<InferAttributes<GroupChat>> {}
