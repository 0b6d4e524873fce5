import type { RoomListShape } from 'express-realtime-chat/client';
import { useChat, useRooms } from 'express-realtime-chat/react';
import { useEffect, useState } from 'react';
import { useAccount } from '../account/account.ts';
import { openRoom } from '../route.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { useNotices } from '../ui/notices.tsx';
import { iconOf, pictureOf, titleOf } from './names.ts';

/** Public channels to join. */
export function DiscoverDialog({ onClose }: { onClose: () => void }) {
  const chat = useChat();
  const { attempt } = useNotices();
  const { account } = useAccount();
  const { rooms: own } = useRooms();
  const [query, setQuery] = useState('');
  const { channels, hasMore, loadMore } = usePublicChannels(query);
  const joined = new Set(own.map(({ id }) => id));
  const open = (id: string) => {
    onClose();
    openRoom(id);
  };
  return (
    <Dialog title="Discover channels" onClose={onClose}>
      <input
        type="search"
        className="input"
        aria-label="Find a channel"
        placeholder="Find a channel"
        value={query}
        onChange={(event) => setQuery(event.target.value)}
      />
      <ul className="choices">
        {channels?.map((channel) => (
          <li key={channel.id} className="choice">
            <Avatar name={titleOf(channel, account.user.id)} picture={pictureOf(channel)} {...iconOf(channel)} />
            <span className="choice-text">
              {titleOf(channel, account.user.id)}
              <span className="quiet">{aboutOf(channel)}</span>
            </span>
            {joined.has(channel.id) ? (
              <button type="button" className="button small" onClick={() => open(channel.id)}>
                Open
              </button>
            ) : (
              <button
                type="button"
                className="button small primary"
                aria-label={`Join ${titleOf(channel, account.user.id)}`}
                onClick={async () => {
                  if (await attempt(() => chat.rooms.join(channel.id))) open(channel.id);
                }}
              >
                Join
              </button>
            )}
          </li>
        ))}
        {channels?.length === 0 && <li className="empty">No public channel is called so.</li>}
      </ul>
      {hasMore && (
        <button type="button" className="button wide" onClick={() => void attempt(loadMore)}>
          More channels
        </button>
      )}
    </Dialog>
  );
}

function aboutOf(channel: RoomListShape): string {
  const count = `${channel.member_count} subscriber${channel.member_count === 1 ? '' : 's'}`;
  return channel.type === 'Channel' && channel.description ? `${count} · ${channel.description}` : count;
}

/** Public channels whose name contains the query, page by page. */
function usePublicChannels(query: string) {
  const chat = useChat();
  const { attempt } = useNotices();
  const [page, setPage] = useState<{ query: string; channels: readonly RoomListShape[]; cursor: string | null }>();
  useEffect(() => {
    let isWanted = true;
    const timer = setTimeout(
      () =>
        void attempt(async () => {
          const { rooms, next_cursor } = await chat.rooms.discover(query.trim());
          if (isWanted) setPage({ query, channels: rooms, cursor: next_cursor });
        }),
      query === '' ? 0 : 150,
    );
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [chat, query, attempt]);
  const cursor = page?.cursor;
  return {
    channels: page?.channels,
    hasMore: typeof cursor === 'string',
    async loadMore() {
      if (!page || typeof cursor !== 'string') return;
      const { rooms, next_cursor } = await chat.rooms.discover(page.query.trim(), { cursor });
      setPage({ ...page, channels: [...page.channels, ...rooms], cursor: next_cursor });
    },
  };
}
