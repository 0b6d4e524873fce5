/** The page without a framework. It is drawn anew on every change, which is plenty for a page of this size. */

import { Chat, markOf, signIn, toText } from '../chat.js';

const find = (id) => document.getElementById(id);
let chat;
let roomId;

/** An element with text, never markup, and children in it. */
function element(name, text, ...children) {
  const made = document.createElement(name);
  made.append(text, ...children);
  return made;
}

function draw() {
  find('status').textContent = `${chat.status} ${chat.problem}`;
  find('rooms').replaceChildren(
    ...chat.rooms.map((room) => {
      const button = element('button', room.name ?? room.peer?.username ?? 'Somebody');
      button.onclick = () => openRoom(room.id);
      if (room.id === roomId) button.setAttribute('aria-current', 'true');
      return element('li', button);
    }),
  );
  find('messages').replaceChildren(
    ...chat.messagesOf(roomId).map((message) => {
      const text = `${message.sender.username}: ${toText(message.content)} `;
      const isOwn = message.sender.id === chat.user.id;
      return element('li', text, ...(isOwn ? [element('small', markOf(message))] : []));
    }),
    ...chat.waitingOf(roomId).map(({ content }) => element('li', `${content} `, element('small', 'waiting'))),
  );
  find('messages').scrollTop = find('messages').scrollHeight;
}

function openRoom(id) {
  roomId = id;
  // Where it fails, the next connection loads the room.
  chat.open(id).catch(() => {});
  draw();
}

find('sign-in').onsubmit = async (event) => {
  event.preventDefault();
  const { username, password } = event.target;
  try {
    chat = new Chat({ ...(await signIn(username.value, password.value)), onChange: draw });
    find('sign-in').hidden = true;
    find('chat').hidden = false;
  } catch (error) {
    find('status').textContent = error.message;
  }
};

find('composer').onsubmit = (event) => {
  event.preventDefault();
  if (roomId) chat.send(roomId, event.target.content.value);
  event.target.reset();
};
