import { DataTypes, type InferAttributes, Model, type NonAttribute } from 'sequelize';
import { type Columns, type ModelContext, type UserId, userId, uuid } from './columns.js';
import type { UserRow } from './user.js';

/** A right that one user holds in one room, such as `can_send_messages`. */
export class RoomPermission extends Model<InferAttributes<RoomPermission>, Partial<InferAttributes<RoomPermission>>> {
  static readonly table: string = 'room_permissions';

  declare room_id: string;
  declare user_id: UserId;
  declare codename: string;

  declare user?: NonAttribute<UserRow>;

  /** The columns. A subclass returns `{ ...super.columns(context), own: {...} }`. */
  static columns(context: ModelContext): Columns {
    return {
      room_id: uuid({ primaryKey: true }),
      user_id: userId(context, { primaryKey: true }),
      codename: { type: DataTypes.STRING(64), primaryKey: true, allowNull: false },
    };
  }
}
