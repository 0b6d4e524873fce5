import { openDialog } from './dialog.js';
import { el, field } from './element.js';
import { peoplePicker } from './people-picker.js';

const TYPES = [
  ['OneToOneChat', 'Chat with one person'],
  ['GroupChat', 'Group: everyone writes'],
  ['Channel', 'Channel: moderators write'],
];

/** The dialog that makes a room of any of the three types. */
export function openCreateRoom(session) {
  const type = el(
    'select',
    { onchange: showFields },
    TYPES.map(([value, label]) => el('option', { value }, label)),
  );
  const name = el('input', { maxlength: 64, autocomplete: 'off' });
  const description = el('input', { maxlength: 500, autocomplete: 'off' });
  const isPublic = el('input', { type: 'checkbox' });
  const named = el('div', { class: 'stack', hidden: true }, field('Name', name), field('Description', description));
  const open = el('label', { class: 'check', hidden: true }, isPublic, ' Public: anyone may find and join it');
  const people = peoplePicker({
    account: session.account,
    label: 'Find people',
    isSingle: () => type.value === 'OneToOneChat',
  });
  const problem = el('p', { class: 'problem', role: 'alert' });
  const submit = el('button', { type: 'submit', class: 'primary' }, 'Create');

  function showFields() {
    named.hidden = type.value === 'OneToOneChat';
    name.required = !named.hidden;
    open.hidden = type.value !== 'Channel';
  }

  function read() {
    const members = type.value === 'Channel' ? { subscribers: people.ids } : { participants: people.ids };
    if (type.value === 'OneToOneChat') return { type: type.value, ...members };
    const data = { type: type.value, name: name.value, description: description.value, ...members };
    return type.value === 'Channel' ? { ...data, extra_fields: { is_public: isPublic.checked } } : data;
  }

  async function create(event) {
    event.preventDefault();
    submit.disabled = true;
    problem.textContent = '';
    try {
      await session.createRoom(read());
      dialog.close();
    } catch (error) {
      problem.textContent = error.message;
      submit.disabled = false;
    }
  }

  const dialog = openDialog(
    'New room',
    el('form', { onsubmit: create }, field('Type', type), named, people.node, open, problem, submit),
  );
}
