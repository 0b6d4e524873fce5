import type { RoomPropertyShape } from '../protocol/shapes.js';
import { Serializer } from './serializer.js';
import { jsonObject } from './values.js';

/** Shows the free-form part of a room. */
export class RoomPropertySerializer extends Serializer<{ readonly preferences: unknown }, RoomPropertyShape> {
  override serialize(property: { readonly preferences: unknown }): RoomPropertyShape {
    return this.withFields({ preferences: jsonObject(property.preferences) }, property);
  }
}
