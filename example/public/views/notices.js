import { el } from './element.js';

const SHOWN_FOR = 6000;

/** A short sentence at the foot of the page, read out by screen readers. */
export function notice(sentence) {
  const node = el('p', { class: 'notice' }, sentence);
  document.getElementById('notices').append(node);
  setTimeout(() => node.remove(), SHOWN_FOR);
}
