import { confirmDialog, openDialog } from './dialog.js';
import { button, el } from './element.js';
import { roomTitle, userName } from './names.js';
import { peoplePicker } from './people-picker.js';

/** The dialog with a room's members; admins add and remove, everyone may leave. */
export async function openMembers(session, roomId) {
  const { me } = session.store;
  const room = await session.events.roomInfo(roomId);
  if (!room) return;
  const isPair = room.type === 'OneToOneChat';
  const isCreator = room.creator?.id === me.id;
  const admins = room.admins ?? room.moderators ?? [];
  const isAdmin = !isPair && (isCreator || admins.some((user) => user.id === me.id));
  const title = roomTitle(session.store.rooms.get(roomId) ?? room);

  const list = el('ul', { class: 'people' });
  const more = button('More', () => show(cursor), { hidden: true });
  const members = new Set();
  let cursor = null;

  async function show(from) {
    const answer = await session.events.members(roomId, from);
    if (!from) {
      list.replaceChildren();
      members.clear();
    }
    for (const { user } of answer.members) members.add(user.id);
    list.append(...answer.members.map(item));
    cursor = answer.next_cursor;
    more.hidden = cursor === null;
  }

  function item({ user, role }) {
    const mayRemove = isAdmin && user.id !== me.id && role !== 'creator';
    const remove = async () => {
      await session.events.removeMembers(roomId, [user.id]);
      show();
    };
    return el(
      'li',
      { class: 'person' },
      el(
        'div',
        {},
        el('strong', {}, userName(user), user.id === me.id && ' (you)'),
        role !== 'member' && el('span', { class: 'hint' }, ` ${role}`),
      ),
      mayRemove && button('Remove', remove, { 'aria-label': `Remove ${userName(user)}` }),
    );
  }

  function adding() {
    const people = peoplePicker({
      account: session.account,
      label: 'Add people',
      isHidden: (user) => members.has(user.id),
    });
    const add = async (event) => {
      event.preventDefault();
      if (people.ids.length === 0) return;
      if (await session.events.addMembers(roomId, people.ids)) {
        await show();
        form.replaceWith(adding());
      }
    };
    const form = el('form', { onsubmit: add }, people.node, el('button', { type: 'submit' }, 'Add to the room'));
    return form;
  }

  /** The room goes away for this user by its own dispatch; the dialog only has to close. */
  async function end(question, action, run) {
    if (!(await confirmDialog(action, question, action))) return;
    if (await run(roomId)) dialog.close();
  }

  const dialog = openDialog(
    title,
    room.description && el('p', {}, room.description),
    list,
    more,
    isAdmin && adding(),
    el(
      'div',
      { class: 'row end' },
      !isPair && button('Leave', () => end(`Leave ${title}?`, 'Leave', (id) => session.events.leave(id))),
      (isCreator || isPair) &&
        button(
          'Delete',
          () =>
            end(`Delete ${title} with all its messages, for everyone?`, 'Delete', (id) =>
              session.events.deleteRoom(id),
            ),
          {
            class: 'danger',
          },
        ),
    ),
  );
  show();
}
