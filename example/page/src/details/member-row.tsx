import type { Room, RoomShape, UserShape } from 'express-realtime-chat/client';
import { useId, useRef, useState } from 'react';
import { useAccount } from '../account/account.ts';
import { adminIdsOf } from '../conversation/context.ts';
import { fullNameOf, nameOf } from '../rooms/names.ts';
import { Avatar } from '../ui/avatar.tsx';
import { IconButton } from '../ui/icon-button.tsx';
import { useNotices } from '../ui/notices.tsx';
import { Popover, type PopoverHandle } from '../ui/popover.tsx';
import { PermissionsDialog } from './permissions-dialog.tsx';

/** A member with their role, and what may be done about them. */
export function MemberRow({
  user,
  room,
  actions,
  runsIt,
}: {
  user: UserShape;
  room: RoomShape;
  actions: Room;
  /** The signed-in user may change roles. */
  runsIt: boolean;
}) {
  const { account } = useAccount();
  const { attempt } = useNotices();
  const menu = useRef<PopoverHandle>(null);
  const menuId = useId();
  const [hasPermissions, setHasPermissions] = useState(false);
  const name = nameOf(user);
  const isSelf = String(user.id) === String(account.user.id);
  const role = roleOf(user, room);
  const adminRole = room.type === 'Channel' ? 'moderator' : 'admin';
  const hasMenu = room.type !== 'OneToOneChat' && !isSelf && role !== 'creator';

  return (
    <li className="member">
      <Avatar name={name} />
      <span className="member-name">
        {name}
        {isSelf && <span className="quiet"> (you)</span>}
        <span className="quiet member-full">{fullNameOf(user)}</span>
      </span>
      {role !== 'member' && <span className="role">{role}</span>}
      {hasMenu && (
        <IconButton
          icon="more"
          label={`Actions for ${name}`}
          aria-haspopup="dialog"
          onClick={(event) => menu.current?.open(event.currentTarget)}
        />
      )}
      <Popover ref={menu} id={menuId} label={`Actions for ${name}`}>
        {(close) => {
          const run = (action: () => Promise<unknown>) => () => {
            close();
            void attempt(action);
          };
          const isRunning = role === adminRole;
          const change = `${isRunning ? 'remove' : 'add'}_${adminRole}`;
          return (
            <div className="menu">
              {runsIt && (
                <button type="button" onClick={run(() => actions.modify(change, { users: [user.id] }))}>
                  {isRunning ? `Dismiss as ${adminRole}` : `Make ${adminRole}`}
                </button>
              )}
              {runsIt && !isRunning && (
                <button
                  type="button"
                  onClick={() => {
                    close();
                    setHasPermissions(true);
                  }}
                >
                  Permissions
                </button>
              )}
              <button type="button" className="danger" onClick={run(() => actions.removeMembers(user.id))}>
                Remove from the room
              </button>
            </div>
          );
        }}
      </Popover>
      {hasPermissions && <PermissionsDialog user={user} room={room} onClose={() => setHasPermissions(false)} />}
    </li>
  );
}

function roleOf(user: UserShape, room: RoomShape): 'creator' | 'admin' | 'moderator' | 'member' {
  if (room.type === 'OneToOneChat') return 'member';
  if (String(room.creator?.id) === String(user.id)) return 'creator';
  if (!adminIdsOf(room).has(String(user.id))) return 'member';
  return room.type === 'Channel' ? 'moderator' : 'admin';
}
