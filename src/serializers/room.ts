import type { RoomAloneShape, RoomBaseShape, RoomInListShape, UserShape } from '../protocol/shapes.js';
import type { LoadedRoom, LoadedUser, Row } from './loaded.js';
import { Serializer } from './serializer.js';
import { isoTime } from './values.js';

/** Base of the serializers of room types, a host's own type included: the parts that all types share. */
export abstract class RoomSerializer<Shape extends RoomBaseShape = RoomBaseShape> extends Serializer<
  LoadedRoom,
  Shape
> {
  /** What every room shows. */
  protected common(room: LoadedRoom) {
    return {
      id: room.id,
      created_at: isoTime(room.created_at),
      updated_at: isoTime(room.updated_at),
      last_seq: Number(room.last_seq),
      member_count: Number(room.member_count),
    };
  }

  /** What only a room shown alone has. Throws for a room that lacks its members: shown so, clients would lose them. */
  protected alone(room: LoadedRoom): RoomAloneShape {
    if (room.member_users === undefined) {
      throw new Error(
        'A room was serialized whose members were not loaded: in a handler return await this._retrieveRoom(room, options), elsewhere await chat.as(user).send("room.info", { room_id }).',
      );
    }
    const property = room.property ?? { preferences: {} };
    return { property: this.context.serializer('RoomPropertySerializer').serialize(property) };
  }

  /** What only a room in a list has. */
  protected inList(room: LoadedRoom): RoomInListShape {
    return {
      last_message: room.last_message
        ? this.context.serializer('MessageSerializer').serialize(room.last_message)
        : null,
      unread_count: room.unread_count ?? 0,
    };
  }

  /** The row of the type's table. */
  protected details(room: LoadedRoom): Record<string, unknown> {
    const alias = this.context.roomTypes.get(room.type)?.alias;
    const row = room.details ?? (alias ? (room as unknown as Record<string, Row>)[alias] : undefined);
    return (row ?? {}) as Record<string, unknown>;
  }

  /** The room's creator: null when the account was deleted. */
  protected creator(room: LoadedRoom): UserShape | null {
    const column = this.context.roomTypes.get(room.type)?.creatorColumn;
    const id = column === undefined ? room.created_by_id : this.details(room)[column];
    if (id === null || id === undefined) return null;
    return this.user(room.creator ?? undefined, id);
  }

  /** Users as they are shown everywhere, by the serializer of users. */
  protected users(users: readonly LoadedUser[] | undefined): UserShape[] {
    const serializer = this.context.serializer('UserSerializer');
    return (users ?? []).map((user) => serializer.serialize(user));
  }
}
