import type { MessageShape } from 'express-realtime-chat/client';
import { useChat } from 'express-realtime-chat/react';
import { ConfirmDialog } from '../ui/confirm-dialog.tsx';

/** Asks before a message is deleted. */
export function DeleteDialog({ message, onClose }: { message: MessageShape; onClose: () => void }) {
  const chat = useChat();
  return (
    <ConfirmDialog
      title="Delete message"
      action="Delete"
      onConfirm={() => chat.room(message.room.id).delete(message.id)}
      onClose={onClose}
    >
      The message is deleted for everyone.
    </ConfirmDialog>
  );
}
