import type { MessageShape, RoomListShape, RoomShape, UserId, UserShape } from 'express-realtime-chat/client';
import type { IconName } from '../ui/icon.tsx';

/** What a user is called; one who is gone has no name any more. */
export const nameOf = (user: Pick<UserShape, 'username'> | null | undefined) => user?.username ?? 'someone who left';

/** First and last name, where there are any. */
export const fullNameOf = (user: { first_name: string | null; last_name: string | null }) =>
  [user.first_name, user.last_name].filter(Boolean).join(' ');

/** What a room is called for this user: a chat of two by the other one. */
export function titleOf(room: RoomListShape | RoomShape, me: UserId): string {
  if (room.type !== 'OneToOneChat') return room.name;
  if ('peer' in room) return nameOf(room.peer);
  return nameOf(room.participants.find(({ id }) => String(id) !== String(me)));
}

/** The icon of a room's type; a chat of two shows the other one. */
export function iconOf(room: { type: string }): { icon?: IconName } {
  if (room.type === 'GroupChat') return { icon: 'group' };
  if (room.type === 'Channel') return { icon: 'channel' };
  return {};
}

/** A room's own picture. */
export const pictureOf = (room: RoomListShape | RoomShape) => (room.type === 'OneToOneChat' ? null : room.avatar);

const kinds: Record<string, string> = { image: 'Photo', video: 'Video', audio: 'Audio', file: 'File' };

/** What a message says besides words. */
export function mediaSummaryOf({ attachments }: Pick<MessageShape, 'attachments'>): string {
  const [first, ...others] = attachments;
  if (!first) return '';
  return (
    first.caption || (others.length > 0 ? `${attachments.length} attachments` : (kinds[first.media_type] ?? 'File'))
  );
}
