import { useConnection } from 'express-realtime-chat/react';
import { useAccount } from '../account/account.ts';
import { Avatar } from '../ui/avatar.tsx';
import { IconButton } from '../ui/icon-button.tsx';
import { type Theme, useTheme } from '../ui/theme.ts';
import { RoomList } from './room-list.tsx';

const themeNames: Record<Theme, string> = { system: 'System colours', light: 'Light', dark: 'Dark' };

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
  const [theme, setTheme] = useTheme();
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
        <label className="theme">
          <span className="hidden">Colours</span>
          <select value={theme} onChange={(event) => setTheme(event.target.value as Theme)}>
            {Object.entries(themeNames).map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <button type="button" className="button plain" onClick={signOut}>
          Sign out
        </button>
      </footer>
    </aside>
  );
}
