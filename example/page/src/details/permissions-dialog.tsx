import type { RoomShape, UserShape } from 'express-realtime-chat/client';
import { useRoom } from 'express-realtime-chat/react';
import { useState } from 'react';
import { nameOf } from '../rooms/names.ts';
import { Dialog } from '../ui/dialog.tsx';
import { useNotices } from '../ui/notices.tsx';

const permissions: Record<string, Record<string, string>> = {
  GroupChat: { can_add_new_participants: 'Add people', can_remove_participants: 'Remove people' },
  Channel: {
    can_send_messages: 'Write messages',
    can_add_new_subscribers: 'Add people',
    can_remove_subscribers: 'Remove people',
  },
};

/** Grants single rights to somebody who does not run the room, and takes them back. */
export function PermissionsDialog({ user, room, onClose }: { user: UserShape; room: RoomShape; onClose: () => void }) {
  const { actions } = useRoom(room.id);
  const { attempt } = useNotices();
  const [done, setDone] = useState<Record<string, 'add' | 'remove'>>({});
  const change = async (codename: string, action: 'add' | 'remove') => {
    const data = { users: [user.id], permission: [codename] };
    if (await attempt(() => actions.modify(`${action}_permission`, data))) setDone({ ...done, [codename]: action });
  };
  return (
    <Dialog title={`Permissions of ${nameOf(user)}`} onClose={onClose}>
      <ul className="permissions">
        {Object.entries(permissions[room.type] ?? {}).map(([codename, title]) => (
          <li key={codename}>
            <span className="choice-text">
              {title}
              <span className="quiet" aria-live="polite">
                {done[codename] && (done[codename] === 'add' ? 'Allowed now' : 'Not allowed any more')}
              </span>
            </span>
            <button
              type="button"
              className="button small"
              aria-label={`Allow: ${title}`}
              onClick={() => change(codename, 'add')}
            >
              Allow
            </button>
            <button
              type="button"
              className="button small"
              aria-label={`Do not allow: ${title}`}
              onClick={() => change(codename, 'remove')}
            >
              Do not allow
            </button>
          </li>
        ))}
      </ul>
      <div className="dialog-buttons">
        <button type="button" className="button primary" onClick={onClose}>
          Done
        </button>
      </div>
    </Dialog>
  );
}
