import type { RoomListShape, RoomShape } from 'express-realtime-chat/client';
import { useRooms } from 'express-realtime-chat/react';
import { useAccount } from '../account/account.ts';
import { iconOf, pictureOf, titleOf } from '../rooms/names.ts';
import { openRoom } from '../route.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Icon } from '../ui/icon.tsx';
import { IconButton } from '../ui/icon-button.tsx';

/** What the open room is called, and the way to its details. */
export function ConversationHeader({
  roomId,
  room: loaded,
  hasDetails,
  onDetails,
}: {
  roomId: string;
  room: RoomShape | undefined;
  hasDetails: boolean;
  onDetails: () => void;
}) {
  const { account } = useAccount();
  const { rooms } = useRooms();
  // The list has the room already when the room itself is still loading.
  const room = loaded ?? rooms.find(({ id }) => id === roomId);
  const title = room ? titleOf(room, account.user.id) : '';
  return (
    <header className="bar">
      <IconButton icon="back" label="Back to the rooms" className="only-phone" onClick={() => openRoom(null)} />
      {room && <Avatar name={title} picture={pictureOf(room)} {...iconOf(room)} />}
      <div className="bar-title">
        <h2>
          {title}
          {room?.type === 'GroupChat' && room.group_locked && (
            <span className="mark" title="Only admins write here">
              <Icon name="lock" />
              <span className="hidden">, only admins write here</span>
            </span>
          )}
        </h2>
        <p className="quiet">{room && subtitleOf(room)}</p>
      </div>
      <IconButton
        icon="details"
        label="Room details"
        aria-expanded={hasDetails}
        disabled={!loaded}
        onClick={onDetails}
      />
    </header>
  );
}

function subtitleOf(room: RoomShape | RoomListShape): string {
  if (room.type === 'OneToOneChat') return 'Direct message';
  const noun = room.type === 'Channel' ? 'subscriber' : 'member';
  const count = `${room.member_count} ${noun}${room.member_count === 1 ? '' : 's'}`;
  return room.description ? `${count} · ${room.description}` : count;
}
