import type { RoomShape } from 'express-realtime-chat/client';
import { useRoom } from 'express-realtime-chat/react';
import { type FormEvent, useState } from 'react';
import type { Person } from '../account/api.ts';
import { membersOf } from '../conversation/context.ts';
import { PeoplePicker } from '../rooms/people-picker.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { useNotices } from '../ui/notices.tsx';

/** Adds people to a room. */
export function AddPeopleDialog({ room, onClose }: { room: RoomShape; onClose: () => void }) {
  const { actions } = useRoom(room.id);
  const { attempt } = useNotices();
  const [people, setPeople] = useState<readonly Person[]>([]);
  const [isBusy, setIsBusy] = useState(false);
  const members = new Set(membersOf(room).map(({ id }) => String(id)));
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (people.length === 0) return;
    setIsBusy(true);
    if (await attempt(() => actions.addMembers(...people.map(({ id }) => id)))) onClose();
    else setIsBusy(false);
  };
  return (
    <Dialog title="Add people" onClose={onClose}>
      <form className="dialog-form" onSubmit={submit}>
        <PeoplePicker label="People" people={people} onChange={setPeople} without={members} />
        <div className="dialog-buttons">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={people.length === 0 || isBusy}>
            Add
          </button>
        </div>
      </form>
    </Dialog>
  );
}
