const HEARTBEAT = 20_000;
/** A link that brings nothing for so long is taken for dead, although the browser has not noticed. */
const SILENCE = 90_000;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;
const UNAUTHENTICATED = 4001;

/** An event that was not done. `code` is the protocol's, or 0 when the link broke before the answer. */
export class EventError extends Error {
  constructor({ code, detail, ...rest }) {
    super(typeof detail === 'string' ? detail : Object.values(detail).flat().join(' '));
    this.code = code;
    this.retryAfter = rest.retry_after;
    this.roomId = rest.room_id;
  }
}

/**
 * One socket that is opened again whenever it closes. Emits `open`, `frame` (detail: a dispatch without a request here),
 * `state` (detail: 'connecting' | 'online' | 'offline') and `signedOut`.
 */
export class Connection extends EventTarget {
  #url;
  #token;
  #socket = null;
  #requests = new Map();
  #nextId = 1;
  #tries = 0;
  #lastFrameAt = 0;
  #timer;
  #heart;
  #isClosed = false;
  #comeBack = () => this.#retryNow();

  constructor(url, token) {
    super();
    this.#url = url;
    this.#token = token;
  }

  start() {
    window.addEventListener('online', this.#comeBack);
    this.#connect();
  }

  close() {
    this.#isClosed = true;
    window.removeEventListener('online', this.#comeBack);
    clearTimeout(this.#timer);
    clearInterval(this.#heart);
    this.#socket?.close(1000);
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Sends an event and resolves with the one frame that answers it. Rejects with EventError. */
  request(eventType, data) {
    if (!this.isOpen) return Promise.reject(new EventError({ code: 0, detail: 'Not connected.' }));
    const id = String(this.#nextId++);
    return new Promise((resolve, reject) => {
      this.#requests.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ event_type: eventType, data, id }));
    });
  }

  /** Sends an event nobody waits for. */
  tell(eventType, data) {
    if (this.isOpen) this.#socket.send(JSON.stringify({ event_type: eventType, data }));
  }

  #connect() {
    this.#say('connecting');
    const socket = new WebSocket(this.#url, ['bearer', this.#token]);
    this.#socket = socket;
    socket.addEventListener('open', () => this.#opened());
    socket.addEventListener('message', (event) => this.#receive(JSON.parse(event.data)));
    socket.addEventListener('close', (event) => this.#closed(socket, event.code));
  }

  #opened() {
    this.#lastFrameAt = Date.now();
    this.#heart = setInterval(() => this.#beat(), HEARTBEAT);
    this.#say('online');
    this.dispatchEvent(new Event('open'));
  }

  #beat() {
    if (Date.now() - this.#lastFrameAt > SILENCE) this.#drop();
    else this.request('session.heartbeat', {}).catch(() => {});
  }

  /** A dead link may take minutes to say that it is closed: do not wait for it. */
  #drop() {
    const socket = this.#socket;
    socket.close();
    this.#closed(socket, 1006);
  }

  #receive(frame) {
    this.#lastFrameAt = Date.now();
    this.#tries = 0;
    const request = frame.id === undefined ? undefined : this.#requests.get(frame.id);
    if (!request) {
      if (frame.eventType) this.dispatchEvent(new CustomEvent('frame', { detail: frame }));
      return;
    }
    this.#requests.delete(frame.id);
    if (frame.error === undefined) request.resolve(frame);
    else
      request.reject(
        new EventError(typeof frame.error === 'string' ? { code: 4003, detail: frame.error } : frame.error),
      );
  }

  #closed(socket, code) {
    if (socket !== this.#socket) return;
    this.#socket = null;
    clearInterval(this.#heart);
    for (const { reject } of this.#requests.values())
      reject(new EventError({ code: 0, detail: 'The connection broke.' }));
    this.#requests.clear();
    if (this.#isClosed) return;
    if (code === UNAUTHENTICATED) {
      this.dispatchEvent(new Event('signedOut'));
      return;
    }
    this.#say('offline');
    // Half fixed, half chance: many pages that lost one server must not come back in one moment.
    const wait = Math.min(FIRST_WAIT * 2 ** this.#tries++, LONGEST_WAIT);
    this.#timer = setTimeout(() => this.#connect(), wait / 2 + (Math.random() * wait) / 2);
  }

  #retryNow() {
    if (this.#socket || this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  #say(state) {
    this.dispatchEvent(new CustomEvent('state', { detail: state }));
  }
}
