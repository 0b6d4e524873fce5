import { openDialog } from './dialog.js';
import { button, el, field } from './element.js';

const WAIT = 250;

/** The dialog that lists public channels, to join them. */
export function openDiscover(session) {
  const input = el('input', { type: 'search', autocomplete: 'off' });
  const list = el('ul', { class: 'people', 'aria-live': 'polite' });
  const more = button('More', () => show(cursor), { hidden: true });
  let cursor = null;
  let timer;
  let latest = 0;

  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(show, WAIT);
  });

  async function show(from) {
    const mine = ++latest;
    const answer = await session.events.discover(input.value.trim(), from);
    if (mine !== latest) return;
    if (!from) list.replaceChildren();
    list.append(...answer.rooms.map(item));
    if (list.children.length === 0) list.append(el('li', { class: 'hint' }, 'No public channel by that name.'));
    cursor = answer.next_cursor;
    more.hidden = cursor === null;
  }

  function item(room) {
    const isMember = session.store.rooms.has(room.id);
    const go = () => {
      dialog.close();
      if (isMember) session.openRoom(room.id);
      else session.joinRoom(room.id);
    };
    return el(
      'li',
      { class: 'person' },
      el(
        'div',
        {},
        el('strong', {}, room.name),
        el('p', { class: 'hint' }, [room.description, `${room.member_count} members`].filter(Boolean).join(' · ')),
      ),
      button(isMember ? 'Open' : 'Join', go, { 'aria-label': `${isMember ? 'Open' : 'Join'} ${room.name}` }),
    );
  }

  const dialog = openDialog('Public channels', field('Find by name', input), list, more);
  show();
}
