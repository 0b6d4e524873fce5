import { openSocket, type WebSocketClass, type WebSocketLike } from './socket.js';
import { readToken, type Token, type TokenFacts, type TokenReason } from './token.js';

/**
 * `connecting`: for the first time. `online`: events are answered. `reconnecting`: the connection was lost, another is
 * tried. `offline`: the device says that it has no network. `unauthenticated`: the server refused a new token, or there
 * is none; `connect()` tries again. `closed`: by `close()`, or not connected yet.
 */
export type ConnectionState = 'connecting' | 'online' | 'reconnecting' | 'offline' | 'unauthenticated' | 'closed';

/** How to connect. Times are in milliseconds. */
export interface ConnectionOptions {
  /** Address of the chat, `wss://chat.example.com/messaging/`; in a browser also relative to the page. */
  url: string;
  /**
   * Gives the token to connect with. Called for every connection, some time before the token ends, and when the server
   * refused the last one; then a new one is needed. Null says that nobody is signed in. Without this option the
   * server must know the user by other means, a cookie say.
   */
  token?: ((reason: TokenReason) => Token | null | undefined | Promise<Token | null | undefined>) | undefined;
  /** The longest wait before the first try to connect again, default 500; doubled with each, the wait is random below it. */
  reconnectDelay?: number | undefined;
  /** The longest wait of all, default 30,000. */
  maxReconnectDelay?: number | undefined;
  /** How long one try to connect may take, default 20,000. */
  connectTimeout?: number | undefined;
  /** Time between heartbeats, default 20,000; the server wants one within a minute. */
  heartbeatInterval?: number | undefined;
  /** How long the server may be silent after a heartbeat before the connection counts as lost, default 15,000. */
  heartbeatTimeout?: number | undefined;
}

/** What the connection tells the client, and asks of it. */
export interface ConnectionEvents {
  state(state: ConnectionState): void;
  token(facts: TokenFacts): void;
  frame(text: string): void;
  /** A socket is open. Resolves once the server has answered on it and nothing is missing; rejects to try anew. */
  opened(): Promise<void>;
  lost(code: number): void;
  request(event: 'session.heartbeat' | 'session.refresh', data: object): Promise<unknown>;
  failed(error: unknown): void;
}

/** The close code of a missing or refused token. */
const unauthenticated = 4001;
/** A connection that lasted so long was a good one: the next wait is short again. */
const stableAfter = 5000;
/** The longest delay a timer takes. */
const maxTimer = 2 ** 31 - 1;

interface Page {
  addEventListener?(type: string, listener: () => void): void;
  removeEventListener?(type: string, listener: () => void): void;
  document?: {
    visibilityState: string;
    addEventListener: Page['addEventListener'];
    removeEventListener: Page['addEventListener'];
  };
  navigator?: { onLine?: boolean };
}
const page = () => globalThis as unknown as Page;
const isOffline = () => page().navigator?.onLine === false;

/** One socket at a time, and the way back to it. */
export class Connection {
  state: ConnectionState = 'closed';
  readonly #options: ConnectionOptions;
  readonly #Socket: () => WebSocketClass;
  readonly #events: ConnectionEvents;
  #socket: WebSocketLike | undefined;
  /** Rises when what runs for the present try is of no use any more. */
  #life = 0;
  #tries = 0;
  #reason: TokenReason = 'connect';
  #onlineSince = 0;
  #heardAt = 0;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #beat: ReturnType<typeof setTimeout> | undefined;
  #renewal: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ConnectionOptions, Socket: () => WebSocketClass, events: ConnectionEvents) {
    this.#options = options;
    this.#Socket = Socket;
    this.#events = events;
  }

  /** Connects, unless it does already. */
  connect(): void {
    if (this.state !== 'closed' && this.state !== 'unauthenticated') return;
    this.#Socket();
    this.#tries = 0;
    this.#listen(true);
    this.#setState('connecting');
    void this.#try('connect');
  }

  /** Ends the connection and the tries. */
  close(): void {
    if (this.state === 'closed') return;
    this.#listen(false);
    this.#drop(1000);
    this.#setState('closed');
  }

  /** Sends a frame; false when there is no open socket. */
  send(text: string): boolean {
    if (this.#socket?.readyState !== 1) return false;
    this.#socket.send(text);
    return true;
  }

  async #try(reason: TokenReason): Promise<void> {
    const life = ++this.#life;
    this.#reason = reason;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#deadline = setTimeout(() => this.#lost(1006), this.#options.connectTimeout ?? 20_000);
    let facts: TokenFacts | undefined;
    // Who has just made the client adds listeners first.
    await undefined;
    if (life !== this.#life) return;
    try {
      if (this.#options.token) {
        const token = await this.#options.token(reason);
        if (life !== this.#life) return;
        if (!token) return this.#giveUp();
        facts = readToken(token);
        this.#events.token(facts);
      }
      this.#attach(openSocket(this.#Socket(), this.#options.url, facts?.token), life, facts);
    } catch (error) {
      if (life !== this.#life) return;
      this.#events.failed(error);
      this.#lost(1006);
    }
  }

  #attach(socket: WebSocketLike, life: number, facts: TokenFacts | undefined): void {
    const current = () => life === this.#life;
    this.#socket = socket;
    socket.addEventListener('error', () => {});
    socket.addEventListener('message', ({ data }) => {
      if (!current()) return;
      this.#heardAt = Date.now();
      this.#events.frame(String(data));
    });
    socket.addEventListener('close', ({ code }) => {
      if (current()) this.#lost(code);
    });
    socket.addEventListener('open', () => {
      if (!current()) return;
      this.#events.opened().then(
        () => {
          if (current()) this.#online(facts);
        },
        (error: unknown) => {
          if (!current()) return;
          this.#events.failed(error);
          this.#lost(1006);
        },
      );
    });
  }

  #online(facts: TokenFacts | undefined): void {
    clearTimeout(this.#deadline);
    this.#onlineSince = Date.now();
    this.#planBeat();
    this.#planRenewal(facts?.expiresAt);
    this.#setState('online');
  }

  /** The socket is of no use any more. */
  #drop(code: number): void {
    this.#life += 1;
    for (const timer of [this.#deadline, this.#beat, this.#renewal, this.#retryTimer]) clearTimeout(timer);
    this.#retryTimer = undefined;
    const socket = this.#socket as (WebSocketLike & { terminate?(): void }) | undefined;
    this.#socket = undefined;
    if (socket && socket.readyState < 2) {
      // A socket that nothing comes from would wait long for the answer to its close.
      if (code === 1006 && socket.terminate) socket.terminate();
      else socket.close(1000);
    }
    this.#events.lost(code);
  }

  #lost(code: number): void {
    const isStable = this.state === 'online' && Date.now() - this.#onlineSince >= stableAfter;
    const wasOnline = this.state === 'online';
    this.#drop(code);
    if (isStable) this.#tries = 0;
    if (code === unauthenticated && !wasOnline && (this.#reason === 'refused' || !this.#options.token)) {
      this.#giveUp();
      return;
    }
    this.#setState(isOffline() ? 'offline' : 'reconnecting');
    // A new token is asked for at once, but only once in a row.
    if (code === unauthenticated) this.#wait('refused', this.#reason === 'refused' && !isStable);
    else this.#wait('connect', true);
  }

  #giveUp(): void {
    this.#drop(unauthenticated);
    this.#setState('unauthenticated');
  }

  #wait(reason: TokenReason, patiently: boolean): void {
    const { reconnectDelay = 500, maxReconnectDelay = 30_000 } = this.#options;
    // Full jitter: thousands of clients of one server that restarts do not come back in one moment.
    const longest = isOffline() ? maxReconnectDelay : Math.min(maxReconnectDelay, reconnectDelay * 2 ** this.#tries);
    this.#tries = Math.min(this.#tries + 1, 30);
    this.#retryTimer = setTimeout(() => void this.#try(reason), patiently ? Math.random() * longest : 0);
  }

  #planBeat(): void {
    const { heartbeatInterval = 20_000 } = this.#options;
    clearTimeout(this.#beat);
    this.#beat = setTimeout(() => this.#probe(this.#options.heartbeatTimeout ?? 15_000), heartbeatInterval);
  }

  /** Asks for a sign of life. Any frame is one. */
  #probe(patience: number): void {
    const life = this.#life;
    const askedAt = Date.now();
    this.#heardAt = 0;
    this.#events.request('session.heartbeat', {}).catch(() => {});
    clearTimeout(this.#beat);
    this.#beat = setTimeout(() => {
      if (life !== this.#life) return;
      if (this.#heardAt < askedAt) this.#lost(1006);
      else this.#planBeat();
    }, patience);
  }

  #planRenewal(expiresAt: number | undefined): void {
    clearTimeout(this.#renewal);
    if (expiresAt === undefined || !this.#options.token) return;
    const left = expiresAt - Date.now();
    // A clock that is wrong must not ask without end: the server's 4001 does the rest.
    if (left <= 0) return;
    const wait = left > 150_000 ? left - 60_000 : left * 0.6;
    const life = this.#life;
    this.#renewal = setTimeout(
      () => {
        if (wait > maxTimer) this.#planRenewal(expiresAt);
        else if (life === this.#life) void this.#renew(expiresAt, life);
      },
      Math.min(Math.max(wait, 500), maxTimer),
    );
  }

  async #renew(expiresAt: number, life: number): Promise<void> {
    let next = expiresAt;
    try {
      const token = await this.#options.token?.('renew');
      if (token && life === this.#life) {
        const facts = readToken(token);
        await this.#events.request('session.refresh', { token: facts.token });
        this.#events.token(facts);
        next = facts.expiresAt ?? next;
      }
    } catch (error) {
      if (life === this.#life) this.#events.failed(error);
    }
    if (life === this.#life) this.#planRenewal(next);
  }

  #setState(state: ConnectionState): void {
    if (state === this.state) return;
    this.state = state;
    this.#events.state(state);
  }

  /** The browser's own news of the network. */
  #listen(on: boolean): void {
    const { document } = page();
    const change = on ? 'addEventListener' : 'removeEventListener';
    page()[change]?.('online', this.#wake);
    page()[change]?.('offline', this.#sleep);
    document?.[change]?.('visibilitychange', this.#look);
  }

  readonly #wake = () => {
    if (this.#retryTimer !== undefined) {
      this.#tries = 0;
      if (this.state === 'offline') this.#setState('reconnecting');
      void this.#try(this.#reason === 'refused' ? 'refused' : 'connect');
    } else if (this.state === 'online') this.#probe(5000);
  };

  readonly #sleep = () => {
    if (['online', 'connecting', 'reconnecting'].includes(this.state)) this.#lost(1006);
  };

  readonly #look = () => {
    if (page().document?.visibilityState === 'visible') this.#wake();
  };
}
