import { button, el, field } from './element.js';
import { notice } from './notices.js';

const WAIT = 200;

/**
 * Finds users by the start of their name and collects them.
 *
 * @param {{ account: any, label: string, isSingle?: () => boolean, isHidden?: (user: any) => boolean }} options
 */
export function peoplePicker({ account, label, isSingle = () => false, isHidden = () => false }) {
  const picked = new Map();
  const input = el('input', { type: 'search', autocomplete: 'off', autocapitalize: 'none', maxlength: 32 });
  const found = el('ul', { class: 'people', 'aria-label': 'Found users' });
  const chosen = el('ul', { class: 'chips', 'aria-label': 'Chosen users' });
  let timer;
  let latest = 0;

  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(search, WAIT);
  });
  // Enter belongs to the search here, not to the form around it.
  input.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    found.querySelector('button')?.click();
  });

  async function search() {
    const mine = ++latest;
    try {
      const users = await account.findUsers(input.value.trim());
      if (mine === latest) show(users);
    } catch (error) {
      notice(error.message);
    }
  }

  function show(users) {
    const left = users.filter((user) => !picked.has(user.id) && !isHidden(user));
    found.replaceChildren(
      ...left.map((user) =>
        el(
          'li',
          {},
          button(user.username, () => pick(user)),
        ),
      ),
    );
    if (left.length === 0) found.append(el('li', { class: 'hint' }, 'Nobody else by that name.'));
  }

  function pick(user) {
    if (isSingle()) picked.clear();
    picked.set(user.id, user);
    input.value = '';
    input.focus();
    showChosen();
    search();
  }

  function showChosen() {
    chosen.replaceChildren(
      ...[...picked.values()].map((user) =>
        el(
          'li',
          {},
          button(
            `${user.username} ×`,
            () => {
              picked.delete(user.id);
              showChosen();
              search();
            },
            { class: 'chip chosen', 'aria-label': `Take ${user.username} off` },
          ),
        ),
      ),
    );
  }

  search();
  return {
    node: el('div', { class: 'stack picker' }, field(label, input), chosen, found),
    get ids() {
      return [...picked.keys()];
    },
  };
}
