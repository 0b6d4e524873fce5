/** What each dispatch of the server does to the page's state. */

const TYPING_SHOWN = 5;

/** @param {import('./session.js').ChatSession} session @returns {Map<string, (data: any, frame: any) => void>} */
export function createDispatches(session) {
  const { store } = session;

  /** A room that one was added to comes without its last message: the list has it. */
  const keepRoom = (room) => {
    if (!store.rooms.has(room.id)) session.refreshRooms();
    if (room.type) store.setRoom(room);
  };
  const loseRoom = (roomId, sentence) => {
    session.forgetRoom(roomId);
    if (sentence) session.say(sentence);
  };

  return new Map([
    ['chat.notifications', (rooms) => session.takeNotifications(Object.values(rooms).flat())],
    ['message.dispatch', (message) => takeMessage(session, message)],
    [
      'messagedelivered.dispatch',
      (messages) => {
        for (const message of messages) store.updateMessage(message);
      },
    ],
    [
      'readreceipt.dispatch',
      (data) => {
        for (const message of [data].flat()) takeRead(store, message);
      },
    ],
    ['reaction.dispatch', ({ message }) => message && store.updateMessage(message)],
    [
      'messagemodification.dispatch',
      ({ action, message, message_ids: ids }, frame) => {
        if (action !== 'delete') return store.updateMessage(message);
        store.removeMessages(frame.room_id, ids);
        session.refreshRooms();
      },
    ],
    [
      'messagetyping.dispatch',
      ({ room_id: roomId, user_id: userId, username }) => {
        if (userId !== store.me.id) store.setTyping(roomId, userId, username, TYPING_SHOWN);
      },
    ],
    ['roomcreate.dispatch', (room) => store.setRoom(withPeer(room, store.me))],
    ['roomupdate.dispatch', keepRoom],
    ['roomaddmembers.dispatch', ({ room }) => keepRoom(room)],
    ['roomremovemembers.dispatch', ({ room }) => keepRoom(room)],
    ['roomexit.dispatch', ({ room, message }) => loseRoom(room.id, message)],
    ['roomdelete.dispatch', ({ room_id: roomId }) => loseRoom(roomId)],
  ]);
}

/** A new room comes with both participants, a listed one with the peer. */
export function withPeer(room, me) {
  const peer = room.type === 'OneToOneChat' ? room.participants?.find((user) => user.id !== me.id) : undefined;
  return peer ? { ...room, peer } : room;
}

function takeMessage(session, message) {
  const { store } = session;
  const roomId = message.room.id;
  const room = store.rooms.get(roomId);
  if (!room) session.refreshRooms();
  else if (message.seq > (room.last_message?.seq ?? 0)) {
    room.last_message = message;
    room.last_seq = message.seq;
    room.unread_count = store.isMine(message) ? 0 : room.unread_count + 1;
  }
  if (store.logs.has(roomId)) store.addMessages(roomId, [message]);
  store.outbox = store.outbox.filter((entry) => entry.clientId !== message.client_id || !store.isMine(message));
  store.clearTyping(roomId, message.sender.id);
  store.changed('rooms', 'messages');
  if (!store.isMine(message)) session.receipts.acknowledge([message.id]);
}

/** Read on another of the own devices: what is unread shrinks here too. */
function takeRead(store, message) {
  store.updateMessage(message);
  const room = store.rooms.get(message.room.id);
  if (room && message.read_receipts.some(({ reader }) => reader.id === store.me.id)) {
    room.unread_count = Math.min(room.unread_count, Math.max(0, room.last_seq - message.seq));
  }
}
