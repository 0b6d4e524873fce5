import { fromText, toDraft, toText } from '../chat/content.js';
import { button, el } from './element.js';
import { userName } from './names.js';

const LONGEST = 10_000;

/** Where a message is written, answered or edited. Enter sends, Shift and Enter makes a line, Escape cancels. */
export function composerView(session) {
  const { store } = session;
  /** @type {{ kind: 'new' } | { kind: 'reply' | 'edit', message: any, isMarkup?: boolean }} */
  let mode = { kind: 'new' };
  const input = el('textarea', {
    rows: 1,
    placeholder: 'Write a message',
    'aria-label': 'Message',
    maxlength: LONGEST,
  });
  const context = el('span', { class: 'grow' });
  const banner = el(
    'div',
    { class: 'composer-mode', hidden: true },
    context,
    button('×', () => reset(), { class: 'icon', 'aria-label': 'Cancel' }),
  );
  const submit = el('button', { type: 'submit', class: 'primary' }, 'Send');

  function setMode(next, text, label) {
    mode = next;
    input.value = text;
    context.textContent = label;
    banner.hidden = mode.kind === 'new';
    submit.textContent = mode.kind === 'edit' ? 'Save' : 'Send';
    grow();
    if (mode.kind !== 'new') input.focus();
  }

  function reset() {
    setMode({ kind: 'new' }, '', '');
    session.stoppedTyping();
  }

  async function send(event) {
    event?.preventDefault();
    const text = input.value.trim();
    const current = mode;
    if (!text || !store.openRoomId) return;
    if (current.kind === 'edit') {
      if (await session.events.edit(current.message, current.isMarkup ? text : fromText(text))) reset();
      return;
    }
    session.send(store.openRoomId, fromText(text), current.kind === 'reply' ? current.message : undefined);
    reset();
  }

  /** As high as its lines, up to a limit that the style sheet sets. */
  function grow() {
    input.style.height = '';
    if (input.value) input.style.height = `${input.scrollHeight}px`;
  }

  input.addEventListener('input', () => {
    grow();
    if (input.value.trim() && mode.kind !== 'edit' && store.openRoomId) session.typed(store.openRoomId);
  });
  input.addEventListener('keydown', (event) => {
    // Enter that ends the spelling of a character (Japanese, say) is not meant for sending.
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) send(event);
    else if (event.key === 'Escape' && mode.kind !== 'new') reset();
  });

  return {
    node: el('form', { class: 'composer', onsubmit: send }, banner, el('div', { class: 'row' }, input, submit)),
    reset,
    focus() {
      // On a phone the keyboard would cover what one wants to read first.
      if (matchMedia('(hover: hover)').matches) input.focus();
    },
    replyTo(message) {
      const quote = toText(message.content).slice(0, 80);
      setMode({ kind: 'reply', message }, input.value, `Reply to ${userName(message.sender)}: ${quote}`);
    },
    edit(message) {
      const { text, isMarkup } = toDraft(message.content);
      setMode({ kind: 'edit', message, isMarkup }, text, isMarkup ? 'Edit message (HTML)' : 'Edit message');
    },
  };
}
