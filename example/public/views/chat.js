import { el } from './element.js';
import { roomView } from './room.js';
import { roomListView } from './room-list.js';

const STATES = { connecting: 'Connecting…', offline: 'You are offline. Trying again…' };

/** The signed-in page: rooms on the left, the open room on the right; on a phone one of the two. */
export function chatView(session, { onSignOut }) {
  const { store } = session;
  const state = el('p', { class: 'state', role: 'status' });
  const page = el('div', { class: 'chat' }, state, roomListView(session, { onSignOut }), roomView(session));

  const render = () => {
    state.textContent = STATES[store.state] ?? '';
    state.hidden = store.state === 'online';
    page.classList.toggle('has-room', store.openRoom !== undefined);
  };
  store.addEventListener('change', render);
  render();
  return page;
}
