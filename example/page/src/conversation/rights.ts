import type { RoomShape } from 'express-realtime-chat/client';
import { adminIdsOf } from './context.ts';

/** Whether the user runs the room. */
export const isAdmin = (room: RoomShape, me: number) => adminIdsOf(room).has(String(me));

/** Whether the user made the room, and is in it. */
export const isCreator = (room: RoomShape, me: number) =>
  room.type !== 'OneToOneChat' && String(room.creator?.id) === String(me) && isAdmin(room, me);

/**
 * Whether the user may write in a room. In a channel `can_send_messages` may be granted to single subscribers, and the
 * server does not tell who holds it.
 */
export function writingRight(room: RoomShape, me: number): 'yes' | 'no' | 'unknown' {
  if (room.type === 'OneToOneChat' || isAdmin(room, me)) return 'yes';
  if (room.type === 'Channel') return 'unknown';
  return room.group_locked ? 'no' : 'yes';
}
