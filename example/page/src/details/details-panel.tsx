import type { RoomShape } from 'express-realtime-chat/client';
import { type KeyboardEvent, useEffect, useRef } from 'react';
import { useAccount } from '../account/account.ts';
import { iconOf, pictureOf, titleOf } from '../rooms/names.ts';
import { Avatar } from '../ui/avatar.tsx';
import { IconButton } from '../ui/icon-button.tsx';
import { Members } from './members.tsx';
import { RoomSettings } from './room-settings.tsx';
import { WaysOut } from './ways-out.tsx';

/** What a room is, who is in it, and what may be changed about that. Escape closes it. */
export function DetailsPanel({ room, onClose }: { room: RoomShape; onClose: () => void }) {
  const { account } = useAccount();
  const panel = useRef<HTMLElement>(null);
  const title = titleOf(room, account.user.id);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    panel.current?.focus();
    return () => before?.focus();
  }, []);
  const onKeyDown = (event: KeyboardEvent) => {
    // Escape in a dialog over the panel closes only that.
    if (event.key === 'Escape' && !(event.target as Element).closest('dialog, [popover]')) onClose();
  };
  return (
    <aside ref={panel} className="details" aria-label="Room details" tabIndex={-1} onKeyDown={onKeyDown}>
      <header className="bar">
        <h2 className="bar-title">Details</h2>
        <IconButton icon="close" label="Close details" onClick={onClose} />
      </header>
      <div className="details-body">
        <div className="details-head">
          <Avatar name={title} picture={pictureOf(room)} {...iconOf(room)} />
          <h3>{title}</h3>
          <p className="quiet">{kindOf(room)}</p>
          {room.type !== 'OneToOneChat' && room.description && <p dir="auto">{room.description}</p>}
        </div>
        {room.type !== 'OneToOneChat' && <RoomSettings room={room} />}
        <Members room={room} />
        <WaysOut room={room} />
      </div>
    </aside>
  );
}

function kindOf(room: RoomShape): string {
  if (room.type === 'OneToOneChat') return 'Direct message';
  if (room.type === 'GroupChat') return room.group_locked ? 'Group, locked' : 'Group';
  return room.is_public ? 'Public channel' : 'Private channel';
}
