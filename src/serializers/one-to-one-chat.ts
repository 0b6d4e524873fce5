import type { OneToOneChatListShape, OneToOneChatShape } from '../protocol/shapes.js';
import type { LoadedRoom } from './loaded.js';
import { RoomSerializer } from './room.js';

/** Shows a conversation of two alone. */
export class OneToOneChatSerializer extends RoomSerializer<OneToOneChatShape> {
  override serialize(room: LoadedRoom): OneToOneChatShape {
    const shape: OneToOneChatShape = {
      type: 'OneToOneChat',
      ...this.common(room),
      ...this.alone(room),
      participants: this.users(room.member_users),
    };
    return this.withFields(shape, this.details(room), room);
  }
}

/** Shows a conversation of two in a list. */
export class OneToOneChatListSerializer extends RoomSerializer<OneToOneChatListShape> {
  override serialize(room: LoadedRoom): OneToOneChatListShape {
    const shape: OneToOneChatListShape = {
      type: 'OneToOneChat',
      ...this.common(room),
      ...this.inList(room),
      peer: room.peer ? this.context.serializer('UserSerializer').serialize(room.peer) : null,
    };
    return this.withFields(shape, this.details(room), room);
  }
}
