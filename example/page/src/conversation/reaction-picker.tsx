import type { KeyboardEvent } from 'react';

const reactions = ['👍', '❤️', '😂', '🎉', '😮', '😢', '🙏', '👏', '🔥', '👀', '✅', '🤔'];
const columns = 6;

/** Some reactions to choose from; the arrow keys go from one to the next. */
export function ReactionPicker({ onPick }: { onPick: (reaction: string) => void }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms
    <div className="reaction-picker" role="group" aria-label="Reactions" onKeyDown={moveFocus}>
      {reactions.map((reaction) => (
        <button key={reaction} type="button" aria-label={`React with ${reaction}`} onClick={() => onPick(reaction)}>
          {reaction}
        </button>
      ))}
    </div>
  );
}

function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
  if (step === undefined) return;
  const buttons = [...event.currentTarget.querySelectorAll('button')];
  event.preventDefault();
  buttons[buttons.indexOf(document.activeElement as HTMLButtonElement) + step]?.focus();
}
