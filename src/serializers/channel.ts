import type { ChannelColumns, ChannelListShape, ChannelShape } from '../protocol/shapes.js';
import type { LoadedRoom } from './loaded.js';
import { RoomSerializer } from './room.js';

/** The columns of a channel, alike in both shapes. */
abstract class ChannelBase<Shape extends ChannelListShape | ChannelShape> extends RoomSerializer<Shape> {
  protected columns(room: LoadedRoom): ChannelColumns {
    const details = this.details(room);
    return {
      type: 'Channel',
      name: details.name as string,
      description: (details.description as string | null) ?? '',
      creator: this.creator(room),
      max_subscribers: Number(details.max_subscribers),
      avatar: (details.avatar as string | null) ?? null,
      is_public: Boolean(details.is_public),
    };
  }
}

/** Shows a channel alone. */
export class ChannelSerializer extends ChannelBase<ChannelShape> {
  override serialize(room: LoadedRoom): ChannelShape {
    const shape = {
      ...this.columns(room),
      ...this.common(room),
      ...this.alone(room),
      subscribers: this.users(room.member_users),
      moderators: this.users(room.admin_users),
    };
    return this.withFields(shape, this.details(room), room);
  }
}

/** Shows a channel in a list, to members and, by `room.discover`, to others. */
export class ChannelListSerializer extends ChannelBase<ChannelListShape> {
  override serialize(room: LoadedRoom): ChannelListShape {
    const shape = { ...this.columns(room), ...this.common(room), ...this.inList(room) };
    return this.withFields(shape, this.details(room), room);
  }
}
