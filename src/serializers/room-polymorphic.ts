import type { RoomListShape, RoomShape } from '../protocol/shapes.js';
import type { LoadedRoom } from './loaded.js';
import { Serializer, type SerializerContext, type SerializerLike } from './serializer.js';

/** Shows a room of any type alone: hands it to its type's serializer. */
export class RoomPolymorphicSerializer extends Serializer<LoadedRoom, RoomShape> {
  override serialize(room: LoadedRoom): RoomShape {
    const name = entryOf(this.context, room).serializer ?? `${room.type}Serializer`;
    return (this.context.serializer(name) as SerializerLike<LoadedRoom, RoomShape>).serialize(room);
  }
}

/** Shows a room of any type in a list: hands it to its type's list serializer. */
export class RoomListPolymorphicSerializer extends Serializer<LoadedRoom, RoomListShape> {
  override serialize(room: LoadedRoom): RoomListShape {
    const name = entryOf(this.context, room).listSerializer ?? `${room.type}ListSerializer`;
    return (this.context.serializer(name) as SerializerLike<LoadedRoom, RoomListShape>).serialize(room);
  }
}

function entryOf(context: SerializerContext, room: LoadedRoom) {
  const entry = context.roomTypes.get(room.type);
  if (!entry) throw new Error(`Room ${room.id} is of type ${room.type}, which this chat does not know.`);
  return entry;
}
