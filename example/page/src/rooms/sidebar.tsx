import { useConnection } from 'express-realtime-chat/react';
import { useAccount } from '../account/account.ts';
import { Avatar } from '../ui/avatar.tsx';
import { IconButton } from '../ui/icon-button.tsx';
import { ThemeSwitch } from '../ui/theme-switch.tsx';
import { RoomList } from './room-list.tsx';

/** Who is signed in, the way to new rooms, and the rooms. */
export function Sidebar({
  openRoomId,
  onCreate,
  onDiscover,
}: {
  openRoomId: string | null;
  onCreate: () => void;
  onDiscover: () => void;
}) {
  const { account, signOut } = useAccount();
  const { state } = useConnection();
  return (
    <aside className="sidebar">
      <header className="bar">
        <span className="own-avatar" data-state={state}>
          <Avatar name={account.user.username} />
        </span>
        <h1 className="bar-title">{account.user.username}</h1>
        <IconButton icon="compass" label="Discover channels" onClick={onDiscover} />
        <IconButton icon="compose" label="New room" onClick={onCreate} />
      </header>
      <RoomList openRoomId={openRoomId} />
      <footer className="sidebar-foot">
        <ThemeSwitch />
        <button type="button" className="button plain" onClick={signOut}>
          Sign out
        </button>
      </footer>
    </aside>
  );
}
