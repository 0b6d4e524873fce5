import { DataTypes, type InferAttributes, Model } from 'sequelize';
import { type Columns, type ModelContext, time, uniqueKey, uuid } from './columns.js';

/** What one event led to: its answer, and its broadcasts by room and offset. Kept for a day. */
export class Outcome extends Model<InferAttributes<Outcome>, Partial<InferAttributes<Outcome>>> {
  static readonly table: string = 'outcomes';

  declare job_id: string;
  /** Its place among the outcomes of the job, from 0. */
  declare position: number;
  /** No foreign key: the last broadcast of a room outlives it. */
  declare room_id: string | null;
  declare room_offset: number | null;
  /** JSON text. */
  declare envelope: string | null;
  /** JSON text. */
  declare reply: string | null;
  declare created_at: Date;

  /** The columns. A subclass returns `{ ...super.columns(context), own: {...} }`. */
  static columns(context: ModelContext): Columns {
    const place = uniqueKey(context, 'outcomes', 'room_id', 'room_offset');
    return {
      job_id: { type: DataTypes.CHAR(36), primaryKey: true, allowNull: false },
      position: { type: DataTypes.INTEGER, primaryKey: true, allowNull: false },
      room_id: uuid({ allowNull: true, unique: place }),
      room_offset: { type: DataTypes.BIGINT, allowNull: true, unique: place },
      envelope: { type: DataTypes.TEXT, allowNull: true },
      reply: { type: DataTypes.TEXT, allowNull: true },
      created_at: time(),
    };
  }
}
