import { useUnread } from 'express-realtime-chat/react';
import { useEffect, useState } from 'react';
import { ConnectionStatus } from './connection-status.tsx';
import { Conversation } from './conversation/conversation.tsx';
import { DiscoverDialog } from './rooms/discover-dialog.tsx';
import { NewRoomDialog } from './rooms/new-room-dialog.tsx';
import { Sidebar } from './rooms/sidebar.tsx';
import { useOpenRoom } from './route.ts';
import { Logo } from './ui/logo.tsx';

/** The chat of somebody who is signed in: the rooms, and the open one. */
export function Messenger() {
  const roomId = useOpenRoom();
  const [dialog, setDialog] = useState<'create' | 'discover' | null>(null);
  const close = () => setDialog(null);
  return (
    <div className="messenger" data-pane={roomId ? 'room' : 'rooms'}>
      <Title />
      <ConnectionStatus />
      <Sidebar openRoomId={roomId} onCreate={() => setDialog('create')} onDiscover={() => setDialog('discover')} />
      <main className="pane">{roomId ? <Conversation key={roomId} roomId={roomId} /> : <NothingOpen />}</main>
      {dialog === 'create' && <NewRoomDialog onClose={close} />}
      {dialog === 'discover' && <DiscoverDialog onClose={close} />}
    </div>
  );
}

/** The tab tells of unread messages too. */
function Title() {
  const unread = useUnread();
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) Lantern` : 'Lantern';
    return () => {
      document.title = 'Lantern';
    };
  }, [unread]);
  return null;
}

function NothingOpen() {
  return (
    <div className="nothing-open">
      <Logo />
      <p>Choose a room to read and write in it.</p>
    </div>
  );
}
