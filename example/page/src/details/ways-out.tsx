import type { RoomShape } from 'express-realtime-chat/client';
import { useRoom } from 'express-realtime-chat/react';
import { useState } from 'react';
import { useAccount } from '../account/account.ts';
import { isCreator } from '../conversation/rights.ts';
import { openRoom } from '../route.ts';
import { ConfirmDialog } from '../ui/confirm-dialog.tsx';

/** Leaving a room, and deleting it for everybody. */
export function WaysOut({ room }: { room: RoomShape }) {
  const { account } = useAccount();
  const { actions } = useRoom(room.id);
  const [asking, setAsking] = useState<'leave' | 'delete' | null>(null);
  const isDirect = room.type === 'OneToOneChat';
  const close = () => setAsking(null);
  return (
    <section className="details-section">
      {!isDirect && (
        <button type="button" className="button wide danger" onClick={() => setAsking('leave')}>
          Leave room
        </button>
      )}
      {(isDirect || isCreator(room, account.user.id)) && (
        <button type="button" className="button wide danger" onClick={() => setAsking('delete')}>
          Delete room
        </button>
      )}
      {asking === 'leave' && (
        <ConfirmDialog
          title="Leave room"
          action="Leave"
          onConfirm={async () => {
            await actions.leave();
            openRoom(null);
          }}
          onClose={close}
        >
          You will not get its messages any more.
        </ConfirmDialog>
      )}
      {asking === 'delete' && (
        <ConfirmDialog
          title="Delete room"
          action="Delete"
          onConfirm={async () => {
            await actions.destroy();
            openRoom(null);
          }}
          onClose={close}
        >
          The room and all its messages are deleted for everyone.
        </ConfirmDialog>
      )}
    </section>
  );
}
