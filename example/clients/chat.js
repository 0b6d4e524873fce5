/** A chat on nothing but fetch and WebSocket: what it sends and hears, and why, stands in docs/protocol.md. */

/** Signs in at the example app; resolves with `{ token, user }`. */
export async function signIn(username, password) {
  const response = await fetch('/api/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

/** Content is HTML that the server has sanitised. This is its text. */
export function toText(html) {
  return new DOMParser().parseFromString(html, 'text/html').body.textContent;
}

/** How far an own message has come. */
export function markOf({ read_count, delivered_count }) {
  if (read_count > 0) return 'read';
  return delivered_count > 0 ? 'delivered' : 'sent';
}

/** An offset that no room has reached: the server replays nothing and tells where the room stands. */
const NOWHERE = Number.MAX_SAFE_INTEGER;

/** Not crypto.randomUUID, which pages without HTTPS do not have. */
const newId = () => crypto.getRandomValues(new Uint32Array(4)).join('-');

/** The messages that a dispatch brings, whole and as they are now. */
const messagesIn = {
  'message.dispatch': (message) => [message],
  'messagedelivered.dispatch': (messages) => messages,
  'readreceipt.dispatch': (messages) => [messages].flat(),
  'reaction.dispatch': ({ message }) => [message],
  'messagemodification.dispatch': ({ message }) => (message ? [message] : []),
};

/** One user's chat. `onChange` is called whenever there is something else to show. */
export class Chat {
  status = 'connecting';
  rooms = [];
  /** Opened rooms: room id -> message id -> message, or null when it was deleted. */
  messages = new Map();
  /** What the server does not have yet, oldest first. */
  outbox = [];
  /** Why the last message was refused, when it was. */
  problem = '';
  #offsets = {};
  #asked = new Map();
  #held = [];
  #tries = 0;
  #isFlushing = false;

  constructor({ token, user, onChange }) {
    this.token = token;
    this.user = user;
    this.onChange = onChange;
    this.#connect();
  }

  #connect() {
    this.#held = [];
    const url = new URL('/messaging/', location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    const socket = new WebSocket(url, ['bearer', this.token]);
    this.socket = socket;
    let isAlive = true;
    const heartbeat = setInterval(() => {
      if (!isAlive) socket.close();
      isAlive = false;
      this.#send('session.heartbeat', {});
    }, 20_000);
    socket.onopen = () => this.#start().catch(() => socket.close());
    socket.onmessage = ({ data }) => {
      isAlive = true;
      this.#receive(JSON.parse(data));
    };
    socket.onclose = ({ code }) => {
      clearInterval(heartbeat);
      for (const { reject } of this.#asked.values()) reject(new Error('The connection was lost.'));
      this.#asked.clear();
      this.status = code === 4001 ? 'signed out' : 'reconnecting';
      this.onChange();
      // The wait is random, so that not everybody comes back at once after a restart.
      const longest = Math.min(30_000, 500 * 2 ** this.#tries++);
      if (code !== 4001) setTimeout(() => this.#connect(), Math.random() * longest);
    };
  }

  /** First what was missed, then what waits to be sent. Broadcasts are held until older ones have come. */
  async #start() {
    const opened = [...this.messages.keys()];
    if (opened.length > 0) await this.#resume(opened);
    await this.#loadRooms();
    const held = this.#held.sort((a, b) => a.offset - b.offset);
    this.#held = null;
    for (const frame of held) this.#take(frame);
    this.#tries = 0;
    this.status = 'online';
    this.onChange();
    this.#flush();
  }

  #send(event_type, data, id) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ event_type, data, id }));
  }

  /** Resolves with the answer's data. Rejects with `{ code, detail }`, or with an Error when the connection is lost. */
  ask(event_type, data) {
    if (this.socket.readyState !== WebSocket.OPEN) return Promise.reject(new Error('There is no connection.'));
    const id = newId();
    this.#send(event_type, data, id);
    return new Promise((resolve, reject) => this.#asked.set(id, { resolve, reject }));
  }

  #receive(frame) {
    const asked = this.#asked.get(frame.id);
    this.#asked.delete(frame.id);
    if (asked) frame.error ? asked.reject(frame.error) : asked.resolve(frame.data);
    else if (frame.eventType === 'chat.notifications') this.#acknowledge(frame.data);
    else if (frame.offset && this.#held) this.#held.push(frame);
    else if (frame.eventType) this.#take(frame);
  }

  /** What came while this user was away is now delivered. An event takes 100 ids. */
  #acknowledge(notifications) {
    const ids = Object.values(notifications).flatMap((list) => list.map(({ message }) => message.id));
    for (let i = 0; i < ids.length; i += 100) this.#send('message.acknowledged', { message_id: ids.slice(i, i + 100) });
  }

  /** One dispatch, once: a replayed one that came before has no higher offset. */
  #take({ eventType, data, room_id, offset }) {
    if (offset <= this.#offsets[room_id]) return;
    if (offset && this.messages.has(room_id)) this.#offsets[room_id] = offset;
    for (const message of messagesIn[eventType]?.(data) ?? []) {
      this.messages.get(message.room.id)?.set(message.id, message);
    }
    for (const id of data.message_ids ?? []) this.messages.get(room_id)?.set(id, null);
    if (eventType === 'message.dispatch' && data.sender.id !== this.user.id) {
      const isShown = this.messages.has(room_id);
      this.#send(isShown ? 'message.read' : 'message.acknowledged', { message_id: data.id });
    }
    if (eventType.startsWith('room')) this.#loadRooms().catch(() => {});
    this.onChange();
  }

  async #loadRooms() {
    this.rooms = await this.ask('room.list', {});
    this.onChange();
  }

  /** Brings opened rooms up to date: by the broadcasts since, or anew where the server has not got them all any more. */
  async #resume(ids) {
    const known = Object.fromEntries(ids.map((id) => [id, this.#offsets[id] ?? NOWHERE]));
    const { rooms } = await this.ask('session.resume', { rooms: known });
    for (const [id, { recovered, offset, code }] of Object.entries(rooms)) {
      if (recovered) continue;
      if (known[id] !== NOWHERE) this.messages.set(id, new Map());
      if (code) this.messages.delete(id);
      else await this.#loadMessages(id, offset);
    }
  }

  async #loadMessages(room_id, offset) {
    this.#offsets[room_id] = offset;
    const answer = await this.ask('room.messages', { room_id });
    const messages = this.messages.get(room_id);
    for (const message of answer.data.messages) {
      // What a broadcast has told meanwhile is newer.
      if (!messages.has(message.id)) messages.set(message.id, message);
    }
    const others = answer.data.messages.filter(({ sender }) => sender.id !== this.user.id);
    if (others.length > 0) this.#send('message.read', { message_id: others.map(({ id }) => id) });
    this.onChange();
  }

  /** An opened room's messages, oldest first. */
  messagesOf(roomId) {
    return [...(this.messages.get(roomId)?.values() ?? [])].filter(Boolean).sort((a, b) => a.seq - b.seq);
  }

  /** What was sent to a room and has not come back yet. */
  waitingOf(roomId) {
    const arrived = new Set(this.messagesOf(roomId).map(({ client_id }) => client_id));
    return this.outbox.filter((entry) => entry.room_id === roomId && !arrived.has(entry.client_id));
  }

  /** Shows a room from now on. */
  async open(id) {
    if (this.messages.has(id)) return;
    this.messages.set(id, new Map());
    // Without a connection it is loaded by the next one.
    if (this.status === 'online') await this.#resume([id]);
  }

  /** Sends once: the client id makes it safe to send again after a lost connection. */
  send(room_id, content) {
    this.problem = '';
    this.outbox.push({ room_id, content, client_id: newId() });
    this.onChange();
    this.#flush();
  }

  /** One after the other, so that their order stays. */
  async #flush() {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    while (this.status === 'online' && this.outbox.length > 0) {
      try {
        await this.ask('message.send', this.outbox[0]);
        this.outbox.shift();
      } catch (error) {
        if (error.code === 4029 || error.code === 4503) {
          await new Promise((resolve) => setTimeout(resolve, 1000 * (error.retry_after ?? 1)));
        } else if (error.code) {
          const { content } = this.outbox.shift();
          this.problem = `Not sent: "${content}". ${JSON.stringify(error.detail)}`;
        } else break;
      }
      this.onChange();
    }
    this.#isFlushing = false;
  }
}
