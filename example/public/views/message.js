import { toNodes, toText } from '../chat/content.js';
import { confirmDialog } from './dialog.js';
import { button, el } from './element.js';
import { timeOf, userName } from './names.js';

const REACTIONS = ['👍', '❤️', '😂', '🎉', '😮', '😢'];

/** One message of the log, with what can be done to it. */
export function messageView(session, message, { showAuthor, onReply, onEdit }) {
  const isMine = session.store.isMine(message);
  const picker = el(
    'div',
    { class: 'picker-row', role: 'group', 'aria-label': 'Reactions', hidden: true },
    REACTIONS.map((reaction) =>
      button(
        reaction,
        () => {
          picker.hidden = true;
          session.events.react(message, reaction, 'add');
        },
        { class: 'chip', 'aria-label': `React with ${reaction}` },
      ),
    ),
  );
  const togglePicker = () => {
    picker.hidden = !picker.hidden;
    if (!picker.hidden) picker.querySelector('button').focus();
  };
  const remove = async () => {
    const isSure = await confirmDialog('Delete message', 'Delete this message for everyone?', 'Delete');
    if (isSure) session.events.remove(message);
  };
  return el(
    'li',
    { class: `message${isMine ? ' mine' : ''}${showAuthor ? ' first' : ''}`, 'data-id': message.id, tabindex: -1 },
    showAuthor && el('p', { class: 'author' }, isMine ? 'You' : userName(message.sender)),
    el(
      'div',
      { class: 'bubble' },
      message.parent_message && quote(message.parent_message),
      message.is_forwarded && el('p', { class: 'hint' }, `Forwarded${source(message.forwarded_from)}`),
      el('div', { class: 'content', dir: 'auto' }, toNodes(message.content)),
      message.attachments.map(attachment),
      el(
        'p',
        { class: 'meta' },
        message.is_edited && 'edited · ',
        el('time', { datetime: message.created_at }, timeOf(message.created_at)),
        isMine && marks(message),
      ),
    ),
    reactions(session, message),
    el(
      'div',
      { class: 'actions' },
      action('React', '☺', togglePicker),
      action('Reply', '↩', () => onReply(message)),
      isMine && action('Edit', '✎', () => onEdit(message)),
      isMine && action('Delete', '🗑', remove),
    ),
    picker,
  );
}

function action(label, sign, onclick) {
  return button(sign, onclick, { class: 'icon', 'aria-label': label, title: label, 'data-action': label });
}

function source(forwarded) {
  return forwarded?.sender ? ` from ${userName(forwarded.sender)}` : '';
}

function quote(parent) {
  if (parent.is_deleted) return el('blockquote', { class: 'quote' }, 'Deleted message');
  return el(
    'blockquote',
    { class: 'quote', dir: 'auto' },
    el('strong', {}, userName(parent.sender)),
    ' ',
    toText(parent.content).slice(0, 200),
  );
}

function attachment({ media_url: url, media_type: type, caption }) {
  return el(
    'p',
    {},
    el('a', { href: url, target: '_blank', rel: 'noopener noreferrer' }, caption || `${type}: ${url}`),
  );
}

/** One tick: the server has it; two: it arrived somewhere; filled: somebody read it. */
function marks(message) {
  const [sign, label] =
    message.read_count > 0
      ? ['✓✓', `Read by ${message.read_count}`]
      : message.delivered_count > 0
        ? ['✓✓', `Delivered to ${message.delivered_count}`]
        : ['✓', 'Sent'];
  const names = message.read_receipts.map(({ reader }) => userName(reader)).join(', ');
  return el(
    'span',
    {
      class: `marks${message.read_count > 0 ? ' read' : ''}`,
      role: 'img',
      'aria-label': label,
      title: names ? `${label}: ${names}` : label,
    },
    sign,
  );
}

function reactions(session, message) {
  const entries = Object.entries(message.reaction_counts);
  if (entries.length === 0) return null;
  const own = message.reactions.find(({ user }) => user.id === session.store.me.id)?.reaction_content;
  return el(
    'div',
    { class: 'reactions', role: 'group', 'aria-label': 'Reactions' },
    entries.map(([reaction, count]) => {
      const who = message.reactions
        .filter((one) => one.reaction_content === reaction)
        .map(({ user }) => userName(user));
      return button(
        `${reaction} ${count}`,
        () => session.events.react(message, reaction, own === reaction ? 'remove' : 'add'),
        {
          class: 'chip',
          'aria-pressed': String(own === reaction),
          title: who.join(', '),
          'data-action': `chip ${reaction}`,
        },
      );
    }),
  );
}
