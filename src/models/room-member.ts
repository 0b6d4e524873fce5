import { DataTypes, type InferAttributes, Model, type NonAttribute } from 'sequelize';
import { type Columns, counter, type ModelContext, time, type UserId, userId, uuid } from './columns.js';
import type { UserRow } from './user.js';

/** A present member of a room, and how far they have read. Gone when they leave. */
export class RoomMember extends Model<InferAttributes<RoomMember>, Partial<InferAttributes<RoomMember>>> {
  static readonly table: string = 'room_members';

  declare room_id: string;
  declare user_id: UserId;
  /** 'admin': admin of a group, moderator of a channel; 'member': anyone else. */
  declare role: string;
  declare joined_at: Date;
  /** The offset of the broadcast they joined with. */
  declare joined_offset: number;
  /** The room's last seq when they joined: what is unread counts from here. */
  declare joined_seq: number;
  /** The highest seq they have read or sent. */
  declare read_seq: number;
  /** Up to here they have acknowledged everything. */
  declare acked_seq: number;

  declare user?: NonAttribute<UserRow>;

  /** The columns. A subclass returns `{ ...super.columns(context), own: {...} }`. */
  static columns(context: ModelContext): Columns {
    return {
      room_id: uuid({ primaryKey: true }),
      user_id: userId(context, { primaryKey: true }),
      role: { type: DataTypes.STRING(16), allowNull: false, defaultValue: 'member' },
      joined_at: time(),
      joined_offset: counter(),
      joined_seq: counter(),
      read_seq: counter(),
      acked_seq: counter(),
    };
  }
}
