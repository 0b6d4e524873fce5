import type { MessageShape, RoomListShape } from 'express-realtime-chat/client';
import { useChat, useRooms } from 'express-realtime-chat/react';
import { useState } from 'react';
import { useAccount } from '../account/account.ts';
import { iconOf, pictureOf, titleOf } from '../rooms/names.ts';
import { openRoom } from '../route.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { QuoteText } from './quote.tsx';

/** Chooses the room that a message is passed on to, and goes there. */
export function ForwardDialog({ message, onClose }: { message: MessageShape; onClose: () => void }) {
  const chat = useChat();
  const { rooms, hasMore, loadMore } = useRooms();
  const { account } = useAccount();
  const [query, setQuery] = useState('');
  const title = (room: RoomListShape) => titleOf(room, account.user.id);
  const shown = rooms.filter((room) => title(room).toLowerCase().includes(query.trim().toLowerCase()));
  const forward = (room: RoomListShape) => {
    // Through the outbox, as any message: it waits for a connection.
    chat.room(room.id).send('', { forwarded_from_id: message.id });
    onClose();
    openRoom(room.id);
  };
  return (
    <Dialog title="Forward to" onClose={onClose}>
      <p className="quote">
        <QuoteText message={message} />
      </p>
      <input
        type="search"
        className="input"
        aria-label="Find a room to forward to"
        placeholder="Find a room"
        value={query}
        onChange={(event) => setQuery(event.target.value)}
      />
      <ul className="choices">
        {shown.map((room) => (
          <li key={room.id}>
            <button type="button" className="choice" onClick={() => forward(room)}>
              <Avatar name={title(room)} picture={pictureOf(room)} {...iconOf(room)} />
              {title(room)}
            </button>
          </li>
        ))}
      </ul>
      {hasMore && (
        <button type="button" className="button wide" onClick={() => void loadMore()}>
          More rooms
        </button>
      )}
    </Dialog>
  );
}
