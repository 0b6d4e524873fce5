import { toNodes } from '../chat/content.js';
import { button, el } from './element.js';
import { messageView } from './message.js';
import { dayOf } from './names.js';

const NEAR_EDGE = 120;
/** Messages of one author within five minutes stand together. */
const TOGETHER = 300_000;

/** The messages of the open room: older ones come when scrolled up, shown ones are marked as read. */
export function messageLogView(session, { onReply, onEdit }) {
  const { store } = session;
  const list = el('ol', { class: 'messages', role: 'log', 'aria-label': 'Messages' });
  const older = button('Load older messages', () => loadOlder(), { class: 'link', hidden: true });
  const node = el(
    'div',
    { class: 'log', tabindex: 0, 'aria-label': 'Messages', onscroll: () => onScroll() },
    older,
    list,
  );
  /** What is in the list now: key -> { signature, node }. */
  let shown = new Map();
  let shownRoom = null;
  let isLoading = false;
  let isAtEnd = true;

  // Read is what was really on the screen.
  const seen = new IntersectionObserver((entries) => entries.forEach(noteSeen), { root: node });
  const onScreen = new Set();
  document.addEventListener('visibilitychange', markRead);

  function noteSeen({ target, isIntersecting }) {
    if (isIntersecting) onScreen.add(target.dataset.id);
    else onScreen.delete(target.dataset.id);
    markRead();
  }

  function markRead() {
    if (document.visibilityState !== 'visible') return;
    const log = store.logs.get(store.openRoomId);
    for (const id of onScreen) {
      const message = log?.byId.get(id);
      if (message && !store.isMine(message)) session.markRead(message);
    }
  }

  async function loadOlder() {
    if (isLoading || !store.logs.get(store.openRoomId)?.hasBefore) return;
    isLoading = true;
    await session.loadOlder(store.openRoomId);
    isLoading = false;
  }

  function onScroll() {
    isAtEnd = node.scrollHeight - node.scrollTop - node.clientHeight < NEAR_EDGE;
    if (node.scrollTop < NEAR_EDGE) loadOlder();
  }

  /** What belongs in the list: [key, signature, how to make it]. An equal signature keeps the node. */
  function items() {
    const result = [];
    let last = null;
    for (const message of store.sortedMessages(store.openRoomId)) {
      const day = dayOf(message.created_at);
      const isNewDay = !last || dayOf(last.created_at) !== day;
      if (isNewDay) result.push([`day ${day}`, day, () => el('li', { class: 'day' }, day)]);
      const showAuthor =
        isNewDay ||
        last.sender.id !== message.sender.id ||
        new Date(message.created_at) - new Date(last.created_at) > TOGETHER;
      const signature = `${showAuthor} ${revision(message)}`;
      result.push([message.id, signature, () => messageView(session, message, { showAuthor, onReply, onEdit })]);
      last = message;
    }
    for (const entry of store.outbox.filter(({ roomId }) => roomId === store.openRoomId)) {
      result.push([entry.clientId, entry.status, () => unsentView(session, entry)]);
    }
    return result;
  }

  function render() {
    if (shownRoom !== store.openRoomId) {
      shownRoom = store.openRoomId;
      shown = new Map();
      onScreen.clear();
      seen.disconnect();
      list.replaceChildren();
      isAtEnd = true;
    }
    if (!store.openRoom) return;
    const bottom = node.scrollHeight - node.scrollTop;
    const focus = focusOf(list);
    const next = new Map();
    for (const [key, signature, make] of items()) {
      const known = shown.get(key);
      next.set(key, known?.signature === signature ? known : { signature, node: make() });
    }
    replace(
      list,
      [...next.values()].map((item) => item.node),
    );
    shown = next;
    observe();
    older.hidden = !store.logs.get(store.openRoomId)?.hasBefore;
    restoreFocus(list, focus);
    // At the end stay at the end; else keep what is being read where it is when older ones come in above.
    if (isAtEnd) node.scrollTop = node.scrollHeight;
    else if (isLoading) node.scrollTop = node.scrollHeight - bottom;
  }

  function observe() {
    for (const { node: item } of shown.values()) if (item.dataset.id) seen.observe(item);
  }

  return { node, render };
}

const revisions = new WeakMap();
let revisionCount = 0;

/** A number for each state of a message: the store replaces the object when it changes. */
function revision(message) {
  if (!revisions.has(message)) revisions.set(message, ++revisionCount);
  return revisions.get(message);
}

/** Puts the nodes in this order, touching only those that are not in place. */
function replace(list, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...list.children]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, index) => {
    if (list.children[index] !== node) list.insertBefore(node, list.children[index] ?? null);
  });
}

function focusOf(list) {
  const active = document.activeElement;
  if (!list.contains(active)) return null;
  return { id: active.closest('[data-id]')?.dataset.id, action: active.dataset.action };
}

/** A message that changed is a new node: the keyboard stays where it was. */
function restoreFocus(list, focus) {
  if (!focus?.id || list.contains(document.activeElement)) return;
  const message = list.querySelector(`[data-id="${CSS.escape(focus.id)}"]`);
  const buttons = [...(message?.querySelectorAll('[data-action]') ?? [])];
  (buttons.find((one) => one.dataset.action === focus.action) ?? buttons[0])?.focus();
}

function unsentView(session, entry) {
  const hasFailed = entry.status === 'failed';
  return el(
    'li',
    { class: 'message mine unsent first' },
    el(
      'div',
      { class: 'bubble' },
      el('div', { class: 'content', dir: 'auto' }, toNodes(entry.content)),
      el('p', { class: 'meta' }, hasFailed ? `Not sent: ${entry.reason}` : 'Sending…'),
    ),
    hasFailed &&
      el(
        'div',
        { class: 'row end' },
        button('Try again', () => session.outbox.retry(entry)),
        button('Discard', () => session.outbox.discard(entry)),
      ),
  );
}
