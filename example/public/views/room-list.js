import { toText } from '../chat/content.js';
import { openCreateRoom } from './create-room.js';
import { openDiscover } from './discover.js';
import { button, el } from './element.js';
import { roomKind, roomTitle, userName, whenOf } from './names.js';

/** The left side: who is signed in, the rooms with their last message and what is unread. */
export function roomListView(session, { onSignOut }) {
  const { store } = session;
  const list = el('ul', { class: 'rooms' });
  const more = button('More rooms', () => session.loadMoreRooms(), { hidden: true });

  function item(room) {
    const isOpen = room.id === store.openRoomId;
    const last = room.last_message;
    return el(
      'li',
      {},
      el(
        'button',
        {
          type: 'button',
          class: 'room-item',
          'data-room': room.id,
          'aria-current': isOpen && 'true',
          onclick: () => session.openRoom(room.id),
        },
        el('span', { class: 'avatar', 'aria-hidden': 'true' }, avatarOf(room)),
        el('span', { class: 'room-name' }, roomTitle(room)),
        el('time', { class: 'hint' }, whenOf(last?.created_at ?? room.created_at)),
        el('span', { class: 'preview hint' }, last ? preview(last) : roomKind(room)),
        room.unread_count > 0 &&
          el(
            'span',
            { class: 'unread', 'aria-label': `${room.unread_count} unread` },
            room.unread_count > 99 ? '99+' : String(room.unread_count),
          ),
      ),
    );
  }

  function preview(message) {
    const text = toText(message.content) || (message.attachments?.length ? 'Attachment' : '');
    return `${store.isMine(message) ? 'You' : userName(message.sender)}: ${text}`;
  }

  function render() {
    const focused = document.activeElement?.dataset?.room;
    list.replaceChildren(...store.sortedRooms().map(item));
    if (focused) list.querySelector(`[data-room="${CSS.escape(focused)}"]`)?.focus();
    more.hidden = store.nextCursor === null;
    const unread = [...store.rooms.values()].reduce((sum, room) => sum + room.unread_count, 0);
    document.title = unread ? `(${unread}) Chat` : 'Chat';
  }

  store.addEventListener('change', ({ detail: topics }) => {
    if (topics.has('rooms') || topics.has('open')) render();
  });

  return el(
    'nav',
    { class: 'side', 'aria-label': 'Rooms' },
    el('header', { class: 'bar' }, el('h1', {}, store.me.username), button('Sign out', onSignOut, { class: 'link' })),
    el(
      'div',
      { class: 'row' },
      button('New room', () => openCreateRoom(session), { class: 'wide' }),
      button('Find channels', () => openDiscover(session), { class: 'wide' }),
    ),
    list,
    more,
  );
}

function avatarOf(room) {
  return room.type === 'Channel' ? '#' : roomTitle(room).slice(0, 1).toUpperCase();
}
