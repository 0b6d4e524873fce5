import type { MessageShape } from 'express-realtime-chat/client';
import { useReactions } from 'express-realtime-chat/react';
import { nameOf } from '../rooms/names.ts';
import { useNotices } from '../ui/notices.tsx';

/** The reactions to a message, counted; a click joins in, or takes the own one back. */
export function Reactions({ message, tabIndex }: { message: MessageShape; tabIndex: number }) {
  const { reactions, toggle } = useReactions(message);
  const { attempt } = useNotices();
  if (reactions.length === 0) return null;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms
    <div className="reactions" role="group" aria-label="Reactions">
      {reactions.map(({ reaction, count, isMine, reactions: list }) => (
        <button
          key={reaction}
          type="button"
          className="reaction"
          tabIndex={tabIndex}
          aria-pressed={isMine}
          aria-label={`${reaction} ${count}`}
          title={list.map(({ user }) => nameOf(user)).join(', ')}
          onClick={() => void attempt(() => toggle(reaction))}
        >
          <span>{reaction}</span> {count}
        </button>
      ))}
    </div>
  );
}
