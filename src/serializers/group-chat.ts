import type { GroupChatColumns, GroupChatListShape, GroupChatShape } from '../protocol/shapes.js';
import type { LoadedRoom } from './loaded.js';
import { RoomSerializer } from './room.js';

/** The columns of a group chat, alike in both shapes. */
abstract class GroupChatBase<Shape extends GroupChatListShape | GroupChatShape> extends RoomSerializer<Shape> {
  protected columns(room: LoadedRoom): GroupChatColumns {
    const details = this.details(room);
    return {
      type: 'GroupChat',
      name: details.name as string,
      description: (details.description as string | null) ?? '',
      creator: this.creator(room),
      max_participants: Number(details.max_participants),
      avatar: (details.avatar as string | null) ?? null,
      join_approval_required: Boolean(details.join_approval_required),
      group_locked: Boolean(details.group_locked),
    };
  }
}

/** Shows a group chat alone. */
export class GroupChatSerializer extends GroupChatBase<GroupChatShape> {
  override serialize(room: LoadedRoom): GroupChatShape {
    const shape = {
      ...this.columns(room),
      ...this.common(room),
      ...this.alone(room),
      participants: this.users(room.member_users),
      admins: this.users(room.admin_users),
    };
    return this.withFields(shape, this.details(room), room);
  }
}

/** Shows a group chat in a list. */
export class GroupChatListSerializer extends GroupChatBase<GroupChatListShape> {
  override serialize(room: LoadedRoom): GroupChatListShape {
    const shape = { ...this.columns(room), ...this.common(room), ...this.inList(room) };
    return this.withFields(shape, this.details(room), room);
  }
}
