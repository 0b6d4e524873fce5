import type { ChannelShape, GroupChatShape } from 'express-realtime-chat/client';
import { useRoom } from 'express-realtime-chat/react';
import { type FormEvent, useState } from 'react';
import { Dialog } from '../ui/dialog.tsx';
import { useNotices } from '../ui/notices.tsx';

/** Changes what a room is called, what it is for, and its picture. */
export function EditRoomDialog({ room, onClose }: { room: GroupChatShape | ChannelShape; onClose: () => void }) {
  const { actions } = useRoom(room.id);
  const { attempt } = useNotices();
  const [name, setName] = useState(room.name);
  const [description, setDescription] = useState(room.description);
  const [avatar, setAvatar] = useState(room.avatar ?? '');
  const [isBusy, setIsBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setIsBusy(true);
    const fields = { name: name.trim(), description: description.trim(), avatar: avatar.trim() || null };
    if (await attempt(() => actions.update(fields))) onClose();
    else setIsBusy(false);
  };
  return (
    <Dialog title="Edit room" onClose={onClose}>
      <form className="dialog-form" onSubmit={submit}>
        <label className="field">
          Name
          <input value={name} maxLength={64} required onChange={(event) => setName(event.target.value)} />
        </label>
        <label className="field">
          Description
          <input value={description} maxLength={500} onChange={(event) => setDescription(event.target.value)} />
        </label>
        <label className="field">
          Address of a picture
          <input
            type="url"
            placeholder="https://"
            pattern="https?://.+"
            value={avatar}
            onChange={(event) => setAvatar(event.target.value)}
          />
        </label>
        <div className="dialog-buttons">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={isBusy || name.trim() === ''}>
            Save
          </button>
        </div>
      </form>
    </Dialog>
  );
}
