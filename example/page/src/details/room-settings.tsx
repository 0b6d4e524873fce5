import type { ChannelShape, GroupChatShape } from 'express-realtime-chat/client';
import { useRoom } from 'express-realtime-chat/react';
import { useState } from 'react';
import { useAccount } from '../account/account.ts';
import { isAdmin } from '../conversation/rights.ts';
import { useNotices } from '../ui/notices.tsx';
import { EditRoomDialog } from './edit-room-dialog.tsx';
import { SettingSwitch } from './setting-switch.tsx';

/** What those who run a room may change about it. */
export function RoomSettings({ room }: { room: GroupChatShape | ChannelShape }) {
  const { account } = useAccount();
  const { actions } = useRoom(room.id);
  const { attempt } = useNotices();
  const [isEditing, setIsEditing] = useState(false);
  if (!isAdmin(room, account.user.id)) return null;
  const set = (fields: Record<string, unknown>) => attempt(() => actions.update(fields));
  return (
    <section className="details-section">
      <h3>Settings</h3>
      <button type="button" className="button wide" onClick={() => setIsEditing(true)}>
        Edit room
      </button>
      {room.type === 'GroupChat' ? (
        <SettingSwitch
          label="Only admins write (locked)"
          isOn={room.group_locked}
          onChange={(isOn) => set({ group_locked: isOn })}
        />
      ) : (
        <SettingSwitch
          label="Public: everybody can join"
          isOn={room.is_public}
          onChange={(isOn) => set({ is_public: isOn })}
        />
      )}
      {isEditing && <EditRoomDialog room={room} onClose={() => setIsEditing(false)} />}
    </section>
  );
}
