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

/** Columns of `channels`. */
export abstract class AbstractChannel<A extends object = InferAttributes<Channel>> extends Model<A, Partial<A>> {
  static readonly table: string = 'channels';

  declare room_id: string;
  declare name: string;
  declare description: string;
  /** Null once the creator's account is gone. */
  declare creator_id: UserId | null;
  declare max_subscribers: number;
  declare avatar: string | null;
  /** Anyone may find and join it. */
  declare is_public: boolean;

  declare creator?: NonAttribute<UserRow | null>;

  /** The columns. A subclass returns `{ ...super.columns(context), own: {...} }`. */
  static columns(context: ModelContext): Columns {
    return {
      room_id: uuid({ primaryKey: true }),
      name: { type: DataTypes.STRING(64), allowNull: false },
      description: text(),
      creator_id: userId(context, { allowNull: true }),
      max_subscribers: { type: DataTypes.INTEGER, allowNull: false, defaultValue: 300 },
      avatar: { type: DataTypes.STRING(2048), allowNull: true },
      is_public: flag(),
    };
  }

  /** For a subclass: a default scope (an order, say), scopes, hooks and validators. */
  static modelOptions?(context: ModelContext): OwnModelOptions;
}

/** A room in which few write and many read. */
export class Channel extends AbstractChannel<InferAttributes<Channel>> {}
