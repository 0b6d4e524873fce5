import type { RoomShape } from 'express-realtime-chat/client';
import { type MessagesView, useConnection, useUnread } from 'express-realtime-chat/react';
import { type KeyboardEvent, useEffect, useLayoutEffect, useMemo, useState } from 'react';
import { useAccount } from '../account/account.ts';
import { Icon } from '../ui/icon.tsx';
import { dayOf } from '../ui/time.ts';
import { usePageVisible } from '../ui/use-page-visible.ts';
import { Message } from './message.tsx';
import { PendingMessage } from './pending-message.tsx';
import { firstUnreadOf, rowsOf } from './rows.ts';
import { type LogScroll, useLogScroll } from './use-log-scroll.ts';

/** A room's messages: older ones load while scrolling up, new ones appear at the end and are marked as read there. */
export function MessageLog({
  roomId,
  room,
  view,
  target,
  onArrived,
}: {
  roomId: string;
  room: RoomShape | undefined;
  view: MessagesView;
  /** A message to go to as soon as it is here. */
  target: string | null;
  onArrived: () => void;
}) {
  const { account } = useAccount();
  const me = account.user.id;
  const { messages, pending, hasOlder, hasNewer, isLoadingOlder, status, reload } = view;
  const firstUnread = useFirstUnread(view, roomId, me);
  const rows = useMemo(() => rowsOf(messages, pending, firstUnread, me), [messages, pending, firstUnread, me]);
  const scroll = useLogScroll({ ...view, rows, isReady: status === 'ready' });
  useReading(view, scroll);

  const { toMessage, toEnd, toTop } = scroll;
  // A room with much to read is opened where that begins.
  useLayoutEffect(() => {
    if (firstUnread !== undefined) toTop(firstUnread);
  }, [firstUnread, toTop]);

  const isTargetHere = target !== null && messages.some(({ id }) => id === target);
  useLayoutEffect(() => {
    if (isTargetHere && toMessage(target!)) onArrived();
  }, [isTargetHere, target, toMessage, onArrived]);

  // What one says oneself is to be seen.
  const newest = pending.at(-1)?.client_id;
  useLayoutEffect(() => {
    if (newest !== undefined) toEnd();
  }, [newest, toEnd]);

  const lastKey = rows.findLast(({ kind }) => kind === 'message')?.key;
  return (
    <div className="log-frame">
      <div
        ref={scroll.ref}
        className="log"
        role="log"
        aria-label="Messages"
        aria-busy={status === 'loading' || isLoadingOlder}
        onScroll={scroll.onScroll}
        onKeyDown={moveFocus}
      >
        <div className="log-rows">
          {hasOlder && <p className="log-note">{isLoadingOlder ? 'Loading older messages…' : ''}</p>}
          {status === 'ready' && !hasOlder && <p className="log-note">This is where it begins.</p>}
          {rows.map((row) => {
            if (row.kind === 'day')
              return (
                <h3 key={row.key} className="day">
                  <span>{dayOf(row.date)}</span>
                </h3>
              );
            if (row.kind === 'unread')
              return (
                <h3 key={row.key} className="day new">
                  <span>New messages</span>
                </h3>
              );
            if (row.kind === 'pending') return <PendingMessage key={row.key} entry={row.entry} isFirst={row.isFirst} />;
            return (
              <Message
                key={row.key}
                message={row.message}
                isFirst={row.isFirst}
                isTabStop={row.key === lastKey}
                memberCount={room?.member_count ?? 0}
                isDirect={room?.type === 'OneToOneChat'}
              />
            );
          })}
          {status === 'failed' && (
            <p className="log-note">
              The messages could not be loaded.{' '}
              <button type="button" className="button small" onClick={() => void reload()}>
                Try again
              </button>
            </p>
          )}
        </div>
      </div>
      {!scroll.isAtEnd && (
        <ToEnd
          roomId={roomId}
          onClick={async () => {
            if (hasNewer) await reload();
            toEnd();
          }}
        />
      )}
    </div>
  );
}

function ToEnd({ roomId, onClick }: { roomId: string; onClick: () => void }) {
  const unread = useUnread(roomId);
  return (
    <button type="button" className="to-end" onClick={onClick}>
      <Icon name="down" />
      {unread > 0 ? `${unread} new` : <span className="hidden">To the newest message</span>}
    </button>
  );
}

/** Where the unread messages began when the room was opened. It stays there while the room is open. */
function useFirstUnread({ messages, status }: MessagesView, roomId: string, me: number) {
  const unread = useUnread(roomId);
  const [first, setFirst] = useState<{ id: string | undefined }>();
  if (!first && status === 'ready') setFirst({ id: firstUnreadOf(messages, unread, me) });
  return first?.id;
}

/** Marks the messages as read when they can be seen. */
function useReading({ messages, markRead }: MessagesView, { isAtEnd, isEndInSight }: LogScroll): void {
  const isVisible = usePageVisible();
  const { isOnline } = useConnection();
  const isRead = isVisible && isOnline && isAtEnd;
  useEffect(() => {
    if (!isRead || !isEndInSight() || messages.length === 0) return;
    // When it fails it is tried again with the next message, or the next connection.
    markRead().catch(() => {});
  }, [isRead, isEndInSight, messages, markRead]);
}

/** The arrow keys go from message to message. */
function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const focused = event.target as HTMLElement;
  if (!focused.matches('article')) return;
  const articles = [...event.currentTarget.querySelectorAll<HTMLElement>('article')];
  const at = articles.indexOf(focused);
  const next = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: articles.length - 1 }[event.key];
  const article = next === undefined ? undefined : articles[next];
  if (!article) return;
  event.preventDefault();
  article.focus();
}
