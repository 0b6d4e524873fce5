import type { MessageShape } from 'express-realtime-chat/client';
import { useMessages, useRoom } from 'express-realtime-chat/react';
import { useMemo, useState } from 'react';
import { DetailsPanel } from '../details/details-panel.tsx';
import { openRoom } from '../route.ts';
import { Composer } from './composer.tsx';
import { type ConversationActions, ConversationContext } from './context.ts';
import { DeleteDialog } from './delete-dialog.tsx';
import { ForwardDialog } from './forward-dialog.tsx';
import { ConversationHeader } from './header.tsx';
import { MessageLog } from './message-log.tsx';
import { TypingLine } from './typing-line.tsx';
import { useDraft } from './use-draft.ts';

/** One room: what was said in it, and saying something. */
export function Conversation({ roomId }: { roomId: string }) {
  const { room, status, error } = useRoom(roomId);
  const view = useMessages(roomId);
  const [draft, changeDraft] = useDraft(roomId);
  const [target, setTarget] = useState<string | null>(null);
  const [dialog, setDialog] = useState<{ kind: 'forward' | 'delete'; message: MessageShape } | null>(null);
  const [hasDetails, setHasDetails] = useState(false);
  const { jumpTo, retry, discard } = view;

  const actions = useMemo<ConversationActions>(
    () => ({
      roomId,
      reply: (message) => changeDraft({ type: 'reply', message }),
      edit: (message) => changeDraft({ type: 'edit', message }),
      forward: (message) => setDialog({ kind: 'forward', message }),
      remove: (message) => setDialog({ kind: 'delete', message }),
      async jumpTo({ id, seq }) {
        setTarget(id);
        await jumpTo(seq);
      },
      retry,
      discard,
    }),
    [roomId, jumpTo, retry, discard],
  );

  if (status === 'failed' && !room) return <RoomGone isDeleted={error?.code === 4004} />;
  return (
    <ConversationContext value={actions}>
      <section className="conversation" aria-label="Conversation">
        <ConversationHeader
          roomId={roomId}
          room={room}
          hasDetails={hasDetails}
          onDetails={() => setHasDetails((shown) => !shown)}
        />
        <MessageLog roomId={roomId} room={room} view={view} target={target} onArrived={() => setTarget(null)} />
        <TypingLine roomId={roomId} />
        <Composer roomId={roomId} room={room} view={view} draft={draft} changeDraft={changeDraft} />
      </section>
      {hasDetails && room && <DetailsPanel room={room} onClose={() => setHasDetails(false)} />}
      {dialog?.kind === 'forward' && <ForwardDialog message={dialog.message} onClose={() => setDialog(null)} />}
      {dialog?.kind === 'delete' && <DeleteDialog message={dialog.message} onClose={() => setDialog(null)} />}
    </ConversationContext>
  );
}

function RoomGone({ isDeleted }: { isDeleted: boolean }) {
  return (
    <div className="nothing-open">
      <p>{isDeleted ? 'This room is not there any more.' : 'You are not a member of this room.'}</p>
      <button type="button" className="button" onClick={() => openRoom(null)}>
        Back to the rooms
      </button>
    </div>
  );
}
