/** What the page shows. Emits `change` with a set of topics: 'rooms', 'messages', 'typing', 'state', 'open'. */
export class Store extends EventTarget {
  me;
  state = 'connecting';
  /** @type {Map<string, any>} */
  rooms = new Map();
  nextCursor = null;
  openRoomId = null;
  /** Room id -> { byId, hasBefore }, for rooms that were opened. */
  logs = new Map();
  /** Room id -> Map of user id -> { username, timer }. */
  typing = new Map();
  /** Messages that are not sent yet. @type {any[]} */
  outbox = [];
  #topics = new Set();

  constructor(me) {
    super();
    this.me = me;
  }

  /** One event for all that changed in this turn. */
  changed(...topics) {
    if (this.#topics.size === 0) {
      queueMicrotask(() => {
        const detail = this.#topics;
        this.#topics = new Set();
        this.dispatchEvent(new CustomEvent('change', { detail }));
      });
    }
    for (const topic of topics) this.#topics.add(topic);
  }

  get openRoom() {
    return this.rooms.get(this.openRoomId);
  }

  isMine(message) {
    return message.sender.id === this.me.id;
  }

  /** Newest activity first. */
  sortedRooms() {
    const activity = (room) => room.last_message?.created_at ?? room.created_at;
    return [...this.rooms.values()].sort((a, b) => (activity(a) < activity(b) ? 1 : -1));
  }

  /** Oldest first. */
  sortedMessages(roomId) {
    return [...(this.logs.get(roomId)?.byId.values() ?? [])].sort((a, b) => a.seq - b.seq);
  }

  setRoom(room) {
    const known = this.rooms.get(room.id);
    this.rooms.set(room.id, { last_message: null, unread_count: 0, ...known, ...room });
    this.changed('rooms', 'open');
  }

  removeRoom(roomId) {
    this.rooms.delete(roomId);
    this.logs.delete(roomId);
    this.clearTyping(roomId);
    this.outbox = this.outbox.filter((entry) => entry.roomId !== roomId);
    if (this.openRoomId === roomId) this.openRoomId = null;
    this.changed('rooms', 'open', 'messages');
  }

  addMessages(roomId, messages, { hasBefore } = {}) {
    const log = this.logs.get(roomId) ?? { byId: new Map(), hasBefore: false };
    for (const message of messages) log.byId.set(message.id, message);
    if (hasBefore !== undefined) log.hasBefore = hasBefore;
    this.logs.set(roomId, log);
    this.changed('messages');
  }

  /** A newer state of a message: kept only where the message is shown. */
  updateMessage(message) {
    const log = this.logs.get(message.room.id);
    if (log?.byId.has(message.id)) log.byId.set(message.id, message);
    const room = this.rooms.get(message.room.id);
    if (room?.last_message?.id === message.id) room.last_message = message;
    this.changed('messages', 'rooms');
  }

  removeMessages(roomId, ids) {
    const gone = new Set(ids);
    const log = this.logs.get(roomId);
    for (const [id, message] of log?.byId ?? []) {
      if (gone.has(id)) log.byId.delete(id);
      else if (gone.has(message.parent_message?.id)) {
        log.byId.set(id, {
          ...message,
          parent_message: { id: message.parent_message.id, is_deleted: true, content: '' },
        });
      }
    }
    this.changed('messages');
  }

  setTyping(roomId, userId, username, seconds) {
    const users = this.typing.get(roomId) ?? new Map();
    this.typing.set(roomId, users);
    clearTimeout(users.get(userId)?.timer);
    users.set(userId, { username, timer: setTimeout(() => this.clearTyping(roomId, userId), seconds * 1000) });
    this.changed('typing');
  }

  clearTyping(roomId, userId) {
    const users = this.typing.get(roomId);
    for (const [id, { timer }] of users ?? []) {
      if (userId !== undefined && id !== userId) continue;
      clearTimeout(timer);
      users.delete(id);
      this.changed('typing');
    }
  }
}
