import { type InferAttributes, Model } from 'sequelize';
import { type Columns, json, type ModelContext, type OwnModelOptions, uuid } from './columns.js';

/** Columns of `room_properties`. */
export abstract class AbstractRoomProperty<A extends object = InferAttributes<RoomProperty>> extends Model<
  A,
  Partial<A>
> {
  static readonly table: string = 'room_properties';

  declare room_id: string;
  declare preferences: Record<string, unknown>;

  /** The columns. A subclass returns `{ ...super.columns(context), own: {...} }`. */
  static columns(_context: ModelContext): Columns {
    return { room_id: uuid({ primaryKey: true }), preferences: json('preferences') };
  }

  /** For a subclass: a default scope (an order, say), scopes, hooks and validators. */
  static modelOptions?(context: ModelContext): OwnModelOptions;
}

/** What a room's people set for it: free-form preferences. */
export class RoomProperty extends AbstractRoomProperty<InferAttributes<RoomProperty>> {}
