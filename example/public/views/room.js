import { composerView } from './composer.js';
import { button, el } from './element.js';
import { openMembers } from './members.js';
import { messageLogView } from './message-log.js';
import { roomKind, roomTitle } from './names.js';

/** The open room: its name, its messages, who types, and where to write. */
export function roomView(session) {
  const { store } = session;
  const title = el('h2', { tabindex: -1 });
  const about = el('p', { class: 'hint' });
  const typing = el('p', { class: 'typing hint', 'aria-live': 'polite' });
  const composer = composerView(session);
  const log = messageLogView(session, {
    onReply: (message) => composer.replyTo(message),
    onEdit: (message) => composer.edit(message),
  });
  const room = el(
    'section',
    { class: 'room', hidden: true, 'aria-label': 'Open room' },
    el(
      'header',
      {},
      button('‹', () => session.openRoom(null), { class: 'icon back', 'aria-label': 'Back to the rooms' }),
      el('div', { class: 'grow' }, title, about),
      button('Members', () => openMembers(session, store.openRoomId)),
    ),
    log.node,
    typing,
    composer.node,
  );
  const empty = el('p', { class: 'empty hint' }, 'Choose a room to read and write.');
  let shownId = null;

  function renderRoom() {
    const open = store.openRoom;
    room.hidden = open === undefined;
    empty.hidden = open !== undefined;
    if (open) {
      title.textContent = roomTitle(open);
      about.textContent = `${roomKind(open)} · ${open.member_count} members`;
    }
    if (shownId !== store.openRoomId) {
      shownId = store.openRoomId;
      composer.reset();
      if (open) composer.focus();
    }
  }

  function renderTyping() {
    const names = [...(store.typing.get(store.openRoomId)?.values() ?? [])].map(({ username }) => username);
    const who = names.length > 3 ? 'Several people' : names.join(', ');
    typing.textContent = who && `${who} ${names.length > 1 ? 'are' : 'is'} typing…`;
  }

  store.addEventListener('change', ({ detail: topics }) => {
    if (topics.has('open')) renderRoom();
    if (topics.has('typing') || topics.has('open')) renderTyping();
    if (topics.has('messages') || topics.has('open')) log.render();
  });
  return el('main', { class: 'main' }, empty, room);
}
