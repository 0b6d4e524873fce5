import { useRooms } from 'express-realtime-chat/react';
import { type KeyboardEvent, useState } from 'react';
import { useAccount } from '../account/account.ts';
import { Icon } from '../ui/icon.tsx';
import { titleOf } from './names.ts';
import { RoomItem } from './room-item.tsx';

/** The user's rooms, newest activity first. */
export function RoomList({ openRoomId }: { openRoomId: string | null }) {
  const { rooms, hasMore, loadMore, status } = useRooms();
  const { account } = useAccount();
  const [query, setQuery] = useState('');
  const wanted = query.trim().toLowerCase();
  const shown = wanted ? rooms.filter((room) => titleOf(room, account.user.id).toLowerCase().includes(wanted)) : rooms;
  return (
    <>
      <label className="search">
        <Icon name="search" />
        <input
          type="search"
          aria-label="Find a room"
          placeholder="Find a room"
          value={query}
          onChange={(event) => setQuery(event.target.value)}
        />
      </label>
      <nav className="rooms" aria-label="Rooms" onKeyDown={moveFocus}>
        <ul>
          {shown.map((room) => (
            <RoomItem key={room.id} room={room} isOpen={room.id === openRoomId} />
          ))}
        </ul>
        {hasMore && (
          <button type="button" className="button wide" onClick={() => void loadMore()}>
            More rooms
          </button>
        )}
        {status === 'loading' && rooms.length === 0 && <RoomSkeletons />}
        {status !== 'loading' && shown.length === 0 && (
          <p className="empty">{wanted ? 'No room is called so.' : 'No rooms yet. Start one above.'}</p>
        )}
      </nav>
    </>
  );
}

/** Stands where the rooms will be, so that nothing jumps. */
function RoomSkeletons() {
  return (
    <div className="skeletons" aria-hidden="true">
      {[1, 2, 3, 4, 5].map((key) => (
        <div key={key} className="skeleton" />
      ))}
    </div>
  );
}

/** The arrow keys go from room to room. */
function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined) return;
  const links = [...event.currentTarget.querySelectorAll<HTMLElement>('a')];
  const next = links[links.indexOf(document.activeElement as HTMLElement) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}
