import { ChatError, type RoomCreateInput } from 'express-realtime-chat/client';
import { useChat } from 'express-realtime-chat/react';
import { type FormEvent, useState } from 'react';
import type { Person } from '../account/api.ts';
import { openRoom } from '../route.ts';
import { Dialog } from '../ui/dialog.tsx';
import { sentenceOf } from '../ui/sentences.ts';
import { PeoplePicker } from './people-picker.tsx';

const types = { OneToOneChat: 'Direct message', GroupChat: 'Group', Channel: 'Channel' } as const;
type RoomType = keyof typeof types;

const hints: Record<RoomType, string> = {
  OneToOneChat: 'A conversation of two.',
  GroupChat: 'Everybody writes, admins decide who is in it.',
  Channel: 'Moderators write, everybody else reads.',
};

/** Makes a room of any type and opens it; a direct message that exists already is opened. */
export function NewRoomDialog({ onClose }: { onClose: () => void }) {
  const chat = useChat();
  const [type, setType] = useState<RoomType>('OneToOneChat');
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const [isPublic, setIsPublic] = useState(false);
  const [people, setPeople] = useState<readonly Person[]>([]);
  const [problem, setProblem] = useState('');
  const [isBusy, setIsBusy] = useState(false);
  const isDirect = type === 'OneToOneChat';
  const isComplete = isDirect ? people.length === 1 : name.trim() !== '';

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!isComplete || isBusy) return;
    setIsBusy(true);
    setProblem('');
    try {
      const { room_id } = await chat.rooms.create(roomOf({ type, name, description, isPublic, people }));
      onClose();
      openRoom(room_id);
    } catch (error) {
      setIsBusy(false);
      if (!(error instanceof ChatError)) throw error;
      if (typeof error.extra.room_id !== 'string') return setProblem(sentenceOf(error));
      onClose();
      openRoom(error.extra.room_id);
    }
  };

  return (
    <Dialog title="New room" onClose={onClose}>
      <form className="dialog-form" onSubmit={submit}>
        <fieldset className="segments">
          <legend className="hidden">Type</legend>
          {Object.entries(types).map(([value, title]) => (
            <label key={value}>
              <input
                type="radio"
                name="room-type"
                checked={value === type}
                onChange={() => {
                  setType(value as RoomType);
                  setPeople(value === 'OneToOneChat' ? people.slice(0, 1) : people);
                }}
              />
              {title}
            </label>
          ))}
        </fieldset>
        <p className="quiet">{hints[type]}</p>
        {!isDirect && (
          <>
            <label className="field">
              Name
              <input value={name} maxLength={64} required onChange={(event) => setName(event.target.value)} />
            </label>
            <label className="field">
              Description
              <input value={description} maxLength={500} onChange={(event) => setDescription(event.target.value)} />
            </label>
          </>
        )}
        {type === 'Channel' && (
          <label className="check">
            <input type="checkbox" checked={isPublic} onChange={(event) => setIsPublic(event.target.checked)} />
            Public: everybody can find and join it
          </label>
        )}
        <PeoplePicker label={isDirect ? 'With' : 'People'} people={people} onChange={setPeople} isSingle={isDirect} />
        <p className="problem" role="alert">
          {problem}
        </p>
        <div className="dialog-buttons">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={!isComplete || isBusy}>
            {isDirect ? 'Start' : 'Create'}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function roomOf(form: {
  type: RoomType;
  name: string;
  description: string;
  isPublic: boolean;
  people: readonly Person[];
}) {
  const ids = form.people.map(({ id }) => id);
  const { type, name, description } = form;
  const named = { name: name.trim(), ...(description.trim() && { description: description.trim() }) };
  const rooms: Record<RoomType, RoomCreateInput> = {
    OneToOneChat: { type, participants: ids },
    GroupChat: { type, ...named, participants: ids },
    Channel: { type, ...named, subscribers: ids, extra_fields: { is_public: form.isPublic } },
  };
  return rooms[type];
}
