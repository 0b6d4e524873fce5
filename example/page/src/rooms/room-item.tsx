import type { RoomListShape } from 'express-realtime-chat/client';
import { memo, useId } from 'react';
import { useAccount } from '../account/account.ts';
import { textOf } from '../content/fragment.ts';
import { roomHref } from '../route.ts';
import { Avatar } from '../ui/avatar.tsx';
import { whenOf } from '../ui/time.ts';
import { iconOf, mediaSummaryOf, nameOf, pictureOf, titleOf } from './names.ts';

/** A room in the list: its name, its last message, and how many are unread. */
export const RoomItem = memo(function RoomItem({ room, isOpen }: { room: RoomListShape; isOpen: boolean }) {
  const { account } = useAccount();
  const id = useId();
  const title = titleOf(room, account.user.id);
  const { last_message: last } = room;
  // What is on screen is being read.
  const unread = isOpen ? 0 : room.unread_count;
  return (
    <li>
      <a
        className="room"
        href={roomHref(room.id)}
        aria-current={isOpen ? 'page' : undefined}
        aria-labelledby={`${id}-title`}
        aria-describedby={`${id}-about ${id}-unread`}
      >
        <Avatar name={title} picture={pictureOf(room)} {...iconOf(room)} />
        <span className="room-title" id={`${id}-title`}>
          {title}
        </span>
        <time className="room-time" dateTime={last?.created_at ?? room.created_at}>
          {whenOf(last?.created_at ?? room.created_at)}
        </time>
        <span className="room-preview" id={`${id}-about`} dir="auto">
          {previewOf(room, account.user.id)}
        </span>
        <span className="room-unread" id={`${id}-unread`}>
          {unread > 0 && (
            <span className="badge">
              {unread > 99 ? '99+' : unread}
              <span className="hidden"> unread</span>
            </span>
          )}
        </span>
      </a>
    </li>
  );
});

function previewOf(room: RoomListShape, me: number): string {
  const { last_message: last } = room;
  if (!last) return 'No messages yet';
  const isOwn = String(last.sender.id) === String(me);
  const author = isOwn ? 'You: ' : room.type === 'OneToOneChat' ? '' : `${nameOf(last.sender)}: `;
  return author + (textOf(last.content) || mediaSummaryOf(last) || 'Message');
}
