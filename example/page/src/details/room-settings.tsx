import type { ChannelShape, GroupChatShape } from 'express-realtime-chat/client';
import { useRoom } from 'express-realtime-chat/react';
import { useState } from 'react';
import { useAccount } from '../account/account.ts';
import { isAdmin } from '../conversation/rights.ts';
import { useNotices } from '../ui/notices.tsx';
import { EditRoomDialog } from './edit-room-dialog.tsx';

/** What those who run a room may change about it. */
export function RoomSettings({ room }: { room: GroupChatShape | ChannelShape }) {
  const { account } = useAccount();
  const { actions } = useRoom(room.id);
  const { attempt } = useNotices();
  const [isEditing, setIsEditing] = useState(false);
  if (!isAdmin(room, account.user.id)) return null;
  const set = (fields: Record<string, unknown>) => void attempt(() => actions.update(fields));
  return (
    <section className="details-section">
      <h3>Settings</h3>
      <button type="button" className="button wide" onClick={() => setIsEditing(true)}>
        Change name and description
      </button>
      {room.type === 'GroupChat' ? (
        <label className="switch">
          Only admins write (locked)
          <input
            type="checkbox"
            checked={room.group_locked}
            onChange={(event) => set({ group_locked: event.target.checked })}
          />
        </label>
      ) : (
        <label className="switch">
          Public: everybody can join
          <input
            type="checkbox"
            checked={room.is_public}
            onChange={(event) => set({ is_public: event.target.checked })}
          />
        </label>
      )}
      {isEditing && <EditRoomDialog room={room} onClose={() => setIsEditing(false)} />}
    </section>
  );
}
