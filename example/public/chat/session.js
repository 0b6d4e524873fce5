import { Connection } from './connection.js';
import { createDispatches, withPeer } from './dispatches.js';
import { createEvents } from './events.js';
import { Outbox } from './outbox.js';
import { Receipts } from './receipts.js';
import { RoomOrder } from './room-order.js';
import { Store } from './store.js';

const ROOMS_AT_ONCE = 100;
const MESSAGES_AT_ONCE = 50;
const TYPING_EVERY = 2500;
const REFRESH_AFTER = 300;
const TRY_AGAIN_AFTER = 3000;

/** Everything one signed-in user can do. Emits `signedOut` and `notice` (detail: a sentence). */
export class ChatSession extends EventTarget {
  #connection;
  #order;
  #dispatches;
  #refreshTimer = null;
  #typedAt = 0;
  /** A room to open as soon as it is known: the own new one. */
  #opening = null;

  constructor({ account, websocketPath }) {
    super();
    this.account = account;
    this.store = new Store(account.user);
    const url = new URL(websocketPath.replace(/^\/*/, '/'), location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    this.#connection = new Connection(url.href, account.token);
    this.receipts = new Receipts(this.#connection);
    this.outbox = new Outbox(this.#connection, this.store, (roomId, id) => this.#expectMessage(roomId, id));
    this.events = createEvents((eventType, data) => this.#ask(eventType, data));
    this.#dispatches = createDispatches(this);
    this.#order = new RoomOrder((frame) => this.#apply(frame));
    this.#listen();
  }

  start() {
    this.#connection.start();
  }

  close() {
    clearTimeout(this.#refreshTimer);
    this.#connection.close();
  }

  say(sentence) {
    this.dispatchEvent(new CustomEvent('notice', { detail: sentence }));
  }

  #listen() {
    this.#connection.addEventListener('open', () => this.#catchUp());
    this.#connection.addEventListener('signedOut', () => this.dispatchEvent(new Event('signedOut')));
    this.#connection.addEventListener('state', ({ detail }) => {
      this.store.state = detail;
      this.store.changed('state');
    });
    this.#connection.addEventListener('frame', ({ detail: frame }) => {
      if (frame.offset === undefined) this.#apply(frame);
      else this.#order.take(frame);
    });
  }

  #apply(frame) {
    this.#dispatches.get(frame.eventType)?.(frame.data, frame);
    if (frame.room_id === this.#opening && this.store.rooms.has(frame.room_id)) this.openRoom(frame.room_id);
  }

  /** A link that broke while someone waits is no news: the page says "offline" already. */
  #complain(error) {
    if (error.code !== 0) this.say(error.message);
  }

  /** Runs an event for the user; a refusal is shown. Resolves with the answer, or undefined. */
  async #ask(eventType, data) {
    try {
      return await this.#connection.request(eventType, data);
    } catch (error) {
      this.say(error.code === 0 ? 'You are offline now. Please try again.' : error.message);
      return undefined;
    }
  }

  /** A refusal (no worker is there, say) is tried again; a link that broke is followed by the next open. */
  async #catchUp() {
    try {
      await this.#resume();
    } catch (error) {
      if (error.code === 0) return;
      this.say(error.message);
      setTimeout(() => this.#connection.isOpen && this.#catchUp(), TRY_AGAIN_AFTER);
    }
  }

  /** After each (re)connect: what was missed, then the list, then what was left unsent. */
  async #resume() {
    const offsets = this.#order.startResume();
    const [recovered] = await Promise.all([this.#replay(offsets), this.#loadRooms()]);
    const whole = this.#order.endResume(recovered);
    for (const roomId of this.store.logs.keys()) if (!whole.has(roomId)) this.store.logs.delete(roomId);
    const { openRoomId } = this.store;
    if (openRoomId && !this.store.logs.has(openRoomId)) await this.#loadNewest(openRoomId);
    this.receipts.resume();
    this.outbox.resume();
  }

  /** Has the server send what was missed. Without an answer no room counts as whole, and each is read anew. */
  async #replay(offsets) {
    if (Object.keys(offsets).length === 0) return {};
    try {
      return (await this.#connection.request('session.resume', { rooms: offsets })).data.rooms;
    } catch (error) {
      if (error.code === 0) throw error;
      return {};
    }
  }

  async #loadRooms(cursor) {
    const { data } = await this.#connection.request('room.list', { limit: ROOMS_AT_ONCE, ...(cursor && { cursor }) });
    if (!cursor) {
      const listed = new Set(data.rooms.map((room) => room.id));
      const isWhole = data.next_cursor === null;
      for (const id of this.store.rooms.keys()) if (isWhole && !listed.has(id)) this.forgetRoom(id);
    }
    for (const room of data.rooms) this.store.setRoom(room);
    this.store.nextCursor = data.next_cursor;
  }

  loadMoreRooms() {
    return this.#loadRooms(this.store.nextCursor).catch((error) => this.#complain(error));
  }

  /** Reads the list anew, soon: many causes in one moment make one event. */
  refreshRooms() {
    this.#refreshTimer ??= setTimeout(() => {
      this.#refreshTimer = null;
      this.#loadRooms().catch((error) => this.#complain(error));
    }, REFRESH_AFTER);
  }

  forgetRoom(roomId) {
    this.#order.forget(roomId);
    this.store.removeRoom(roomId);
  }

  takeNotifications(notifications) {
    const reactions = notifications.filter(({ notification_type: type }) => type === 'REACTION').length;
    if (reactions)
      this.say(reactions === 1 ? 'Someone reacted to your message.' : `${reactions} reactions to your messages.`);
    this.receipts.acknowledge(notifications.map(({ message }) => message.id));
  }

  async openRoom(roomId) {
    this.#opening = null;
    this.store.openRoomId = roomId;
    this.store.changed('open', 'messages', 'rooms', 'typing');
    if (roomId && !this.store.logs.has(roomId)) {
      await this.#loadNewest(roomId).catch((error) => this.#complain(error));
    }
  }

  async #loadNewest(roomId) {
    const { data } = await this.#connection.request('room.messages', { room_id: roomId });
    const { messages } = data.data;
    this.store.addMessages(roomId, messages, { hasBefore: messages.length > 0 && messages.at(-1).seq > 1 });
  }

  async loadOlder(roomId) {
    const oldest = this.store.sortedMessages(roomId)[0];
    if (!oldest) return;
    const answer = await this.#ask('room.messages', { room_id: roomId, before: oldest.seq, limit: MESSAGES_AT_ONCE });
    if (answer) this.store.addMessages(roomId, answer.data.data.messages, { hasBefore: answer.data.has_before });
  }

  /** The answer to a message sent again comes without a broadcast: then it is read from the history. */
  #expectMessage(roomId, messageId) {
    setTimeout(async () => {
      const isWaiting = this.store.outbox.some((entry) => entry.status === 'sent' && entry.roomId === roomId);
      if (!isWaiting && this.store.logs.get(roomId)?.byId.has(messageId)) return;
      await this.#loadNewest(roomId).catch(() => {});
      this.store.outbox = this.store.outbox.filter((entry) => entry.status !== 'sent' || entry.roomId !== roomId);
      this.store.changed('messages');
    }, 2000);
  }

  /** Marks a shown message of another user as read. */
  markRead(message) {
    this.receipts.read(message.id);
    const room = this.store.rooms.get(message.room.id);
    if (!room?.unread_count) return;
    const left = this.store
      .sortedMessages(room.id)
      .filter((other) => other.seq > message.seq && !this.store.isMine(other));
    room.unread_count = Math.min(room.unread_count, left.length);
    this.store.changed('rooms');
  }

  typed(roomId) {
    if (Date.now() - this.#typedAt < TYPING_EVERY) return;
    this.#typedAt = Date.now();
    this.#connection.tell('message.typing', { room_id: roomId });
  }

  stoppedTyping() {
    this.#typedAt = 0;
  }

  send(roomId, content, parent) {
    this.outbox.add(roomId, content, parent);
  }

  /** Makes a room and opens it; a one-to-one chat that exists already is opened. */
  async createRoom(data) {
    try {
      const answer = await this.#connection.request('room.create', data);
      this.#openWhenKnown(answer.data.room_id);
    } catch (error) {
      if (!error.roomId) throw error;
      const room = this.store.rooms.get(error.roomId) ?? (await this.events.roomInfo(error.roomId));
      if (!room) return;
      this.store.setRoom(withPeer(room, this.store.me));
      this.openRoom(room.id);
    }
  }

  async joinRoom(roomId) {
    if (await this.#ask('room.join', { room_id: roomId })) this.#openWhenKnown(roomId);
  }

  #openWhenKnown(roomId) {
    if (this.store.rooms.has(roomId)) return this.openRoom(roomId);
    this.#opening = roomId;
  }
}
