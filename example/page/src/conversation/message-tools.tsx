import type { MessageShape } from 'express-realtime-chat/client';
import { useReactions } from 'express-realtime-chat/react';
import { useId, useRef } from 'react';
import { IconButton } from '../ui/icon-button.tsx';
import { useNotices } from '../ui/notices.tsx';
import { Popover, type PopoverHandle } from '../ui/popover.tsx';
import { useConversation } from './context.ts';
import { ReactionPicker } from './reaction-picker.tsx';

/** What can be done with a message. Shown while the pointer or the focus is on it. */
export function MessageTools({
  message,
  isOwn,
  tabIndex,
}: {
  message: MessageShape;
  isOwn: boolean;
  tabIndex: number;
}) {
  const { reply, forward, edit, remove } = useConversation();
  const { toggle } = useReactions(message);
  const { attempt } = useNotices();
  const picker = useRef<PopoverHandle>(null);
  const pickerId = useId();
  return (
    <div className="tools" role="toolbar" aria-label="Message actions">
      <IconButton
        icon="react"
        label="React"
        tabIndex={tabIndex}
        aria-haspopup="dialog"
        onClick={(event) => picker.current?.open(event.currentTarget)}
      />
      <IconButton icon="reply" label="Reply" tabIndex={tabIndex} onClick={() => reply(message)} />
      <IconButton icon="forward" label="Forward" tabIndex={tabIndex} onClick={() => forward(message)} />
      {isOwn && <IconButton icon="edit" label="Edit" tabIndex={tabIndex} onClick={() => edit(message)} />}
      {isOwn && <IconButton icon="trash" label="Delete" tabIndex={tabIndex} onClick={() => remove(message)} />}
      <Popover ref={picker} id={pickerId} label="Pick a reaction">
        {(close) => (
          <ReactionPicker
            onPick={(reaction) => {
              close();
              void attempt(() => toggle(reaction));
            }}
          />
        )}
      </Popover>
    </div>
  );
}
