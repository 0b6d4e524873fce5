// Long: requests, resuming and what is told of them share the one connection.

import { Connection, type ConnectionOptions, type ConnectionState } from './connection.js';
import { Emitter } from './emitter.js';
import { ChatError } from './error.js';
import type { AnswerOf, ChatEvent, Dispatches, EventInputs, MessageAck, ResumedData, ServerFrame } from './events.js';
import { Offsets } from './offsets.js';
import { Outbox, type OutboxEntry, type OutboxStorage } from './outbox.js';
import { type RequestOptions, Requests, retryDelay } from './requests.js';
import { Room, type RoomHost, Rooms } from './rooms.js';
import { findWebSocket } from './socket.js';
import { Stream } from './stream.js';

/** How to make a client. Times are in milliseconds. */
export interface ChatClientOptions extends ConnectionOptions {
  /** The class to connect with; default `globalThis.WebSocket`. On Node 20 give the one of the package `ws`. */
  WebSocket?: unknown;
  /** Connect when the client is made; default true. With false, call `connect()`. */
  autoConnect?: boolean | undefined;
  /** The user's id; default the claim `sub` of the token. Used to tell own messages from those of others. */
  userId?: string | number | undefined;
  /** Keeps the outbox over a reload; see `webOutboxStorage`. */
  storage?: OutboxStorage | undefined;
  /** How long a message of the outbox may wait before it has failed, default 24 hours. */
  outboxTimeout?: number | undefined;
  /** Acknowledge messages as they arrive, so that senders see them delivered; default true. */
  acknowledge?: boolean | undefined;
  /** How long a request waits for its answer, default 30,000; 0: for ever. */
  requestTimeout?: number | undefined;
}

/** A room of which broadcasts were missed for good: load anew what is shown of it. */
export interface Reload {
  room_id: string;
  /** 4002 or 4004: the user is no member any more, or it is gone. Then there is nothing to load. */
  code: number | undefined;
}

/** What `on` takes: every dispatch, and what the client itself has to tell. */
export type ChatListeners = {
  [E in keyof Dispatches]: (data: Dispatches[E], event: ChatEvent<E>) => void;
} & {
  /** Every dispatch, whatever its type. */
  '*': (event: ChatEvent) => void;
  state: (state: ConnectionState) => void;
  reload: (reload: Reload) => void;
  /** A message of the outbox has changed. */
  outbox: (entry: OutboxEntry) => void;
  /** What nobody waits for went wrong: a token that could not be had, a storage that is full. */
  error: (error: unknown) => void;
};

/** Between two typing events of one room. */
const typingInterval = 3000;
/** How long acknowledgements are gathered. */
const gatherFor = 200;
const maxAcknowledged = 100;

/** A connection to the chat that comes back by itself, and what can be done with it. Make it with `createChatClient`. */
export class ChatClient {
  /** Messages on their way. */
  readonly outbox: Outbox;
  readonly rooms: Rooms;
  readonly #options: ChatClientOptions;
  readonly #emitter = new Emitter<ChatListeners>();
  readonly #connection: Connection;
  readonly #requests: Requests;
  readonly #offsets = new Offsets();
  readonly #host: RoomHost;
  readonly #typed = new Map<string, number>();
  readonly #acknowledge = new Set<string>();
  #acknowledging: ReturnType<typeof setTimeout> | undefined;
  #isAcknowledging = false;
  #isFilling = false;
  #subject: string | undefined;
  #hasToken = false;

  constructor(options: ChatClientOptions) {
    this.#options = options;
    const failed = (error: unknown) => this.#emitter.emit('error', error);
    this.#connection = new Connection(options, () => findWebSocket(options.WebSocket), {
      state: (state) => this.#changed(state),
      token: ({ subject }) => {
        this.#subject = subject;
        this.#hasToken = true;
        this.outbox.start();
      },
      frame: (text) => this.#receive(text),
      opened: () => this.#resume(),
      lost: (code) => this.#requests.lost(code),
      request: (event, data) => this.#requests.send(event, data, { timeout: 30_000 }, true),
      failed,
    });
    this.#requests = new Requests((text) => this.#connection.send(text));
    this.outbox = new Outbox(
      {
        send: (data, sending) => this.#requests.send('message.send', data, sending) as Promise<MessageAck>,
        userId: () => this.userId,
        changed: (entry) => this.#emitter.emit('outbox', entry),
        failed,
      },
      options.storage,
      options.outboxTimeout,
    );
    this.#host = {
      request: (event, data, requestOptions) => this.request(event, data, requestOptions),
      add: (roomId, content, extra) => this.outbox.add(roomId, content, extra),
      type: (roomId) => this.#type(roomId),
    };
    this.rooms = new Rooms(this.#host.request);
    if (options.autoConnect ?? true) this.connect();
  }

  /** Whether events are answered now, and if not, why. `on('state', ...)` tells of changes. */
  get state(): ConnectionState {
    return this.#connection.state;
  }

  /** The user's id as text; undefined until known. */
  get userId(): string | undefined {
    const { userId } = this.#options;
    return userId === undefined ? this.#subject : String(userId);
  }

  /** Connects; after `close`, or when the user has signed in again. */
  connect(): void {
    if (this.#options.userId !== undefined || this.#hasToken || !this.#options.token) this.outbox.start();
    this.#connection.connect();
  }

  /** Ends the connection. What waits for an answer rejects; listeners stay. */
  close(): void {
    clearTimeout(this.#acknowledging);
    this.#acknowledging = undefined;
    this.#acknowledge.clear();
    this.outbox.close();
    this.#requests.close();
    this.#connection.close();
  }

  /**
   * Sends an event and resolves with the data of its answer, or rejects with a `ChatError`. It waits for a connection.
   * When the connection ends before the answer, reads and what can be repeated are sent again; all else rejects with
   * `ClientErrorCode.connectionLost`.
   */
  async request<E extends keyof EventInputs, D extends EventInputs[E]>(
    event: E,
    data: D,
    options: RequestOptions = {},
  ): Promise<AnswerOf<E, D>> {
    const timed = { timeout: this.#options.requestTimeout ?? 30_000, ...options };
    for (let tries = 0; ; tries++) {
      try {
        return (await this.#requests.send(event, data, timed)) as AnswerOf<E, D>;
      } catch (error) {
        const delay = options.retry && (error as ChatError).code > 4000 ? retryDelay(error, tries) : undefined;
        if (delay === undefined || tries >= 5 || this.state === 'closed') throw error;
        await new Promise((resolve) => setTimeout(resolve, delay));
      }
    }
  }

  /** Hears of a dispatch or of a change. Returns the function that ends that. */
  on<E extends keyof ChatListeners>(event: E, listener: ChatListeners[E]): () => void {
    return this.#emitter.on(event, listener as ChatListeners[E] & ((...args: never[]) => void));
  }

  /** Dispatches of these types, or of all, for `for await`; ends when the client is closed. */
  events<E extends keyof Dispatches>(...types: E[]): AsyncIterableIterator<ChatEvent<E>> {
    return new Stream<ChatEvent<E>>((push, end) => {
      const stops = [
        this.on('*', (event) => {
          if (types.length === 0 || types.includes(event.eventType as E)) push(event as ChatEvent<E>);
        }),
        this.on('state', (state) => {
          if (state === 'closed') end();
        }),
      ];
      return () => {
        for (const stop of stops) stop();
      };
    });
  }

  /** Every dispatch, for `for await`; ends when the client is closed. */
  [Symbol.asyncIterator](): AsyncIterableIterator<ChatEvent> {
    return this.events();
  }

  /** What can be done in a room. */
  room(id: string): Room {
    return new Room(id, this.#host);
  }

  /**
   * Lets a room be resumed after a lost connection though nothing was heard of it yet. Call it before loading its
   * state; `createTimeline` does.
   */
  track(roomId: string): void {
    if (!this.#offsets.track(roomId) || this.state !== 'online') return;
    void this.#ask([roomId]);
  }

  #changed(state: ConnectionState): void {
    if (state === 'online') this.#requests.online();
    this.#emitter.emit('state', state);
    this.#fill(this.#offsets.doubted);
  }

  /** The first thing on a new connection: what was missed. Its answer also shows that the server is ready. */
  async #resume(): Promise<void> {
    const rooms = this.#offsets.toResume();
    if (Object.keys(rooms).length === 0) {
      await this.#requests.send('session.heartbeat', {}, {}, true);
      return;
    }
    try {
      await this.#resumeRooms(rooms);
    } catch (error) {
      if (!(error instanceof ChatError) || error.code !== 4003) throw error;
      // This server cannot say what was missed.
      this.#lost({ rooms: Object.fromEntries(Object.keys(rooms).map((id) => [id, { recovered: false }])) }, rooms);
    }
  }

  async #resumeRooms(rooms: Record<string, number>): Promise<void> {
    this.#lost((await this.#requests.send('session.resume', { rooms }, {}, true)) as ResumedData, rooms);
  }

  #lost(answer: ResumedData, asked: Record<string, number>): void {
    const { frames, lost } = this.#offsets.settle(answer, asked);
    for (const reload of lost) this.#emitter.emit('reload', reload);
    for (const frame of frames) this.#dispatch(frame);
  }

  #receive(text: string): void {
    const frame = JSON.parse(text) as ServerFrame;
    if (this.#requests.answer(frame)) return;
    if (frame.eventType === undefined) return;
    for (const next of this.#offsets.take(frame)) this.#dispatch(next);
    this.#fill();
  }

  /** Asks on a connection that is online: for what is missing, which no server should let happen, or about a doubt. */
  #fill(roomIds = this.#offsets.incomplete): void {
    if (roomIds.length === 0 || this.#isFilling || this.state !== 'online') return;
    this.#isFilling = true;
    void this.#ask(roomIds).then((isAnswered) => {
      this.#isFilling = false;
      if (isAnswered) this.#fill(this.#offsets.doubted);
    });
  }

  /** Asks where these rooms are. Whom the server refuses for the moment asks again later, unless a new connection does. */
  async #ask(roomIds: string[]): Promise<boolean> {
    for (let tries = 0; ; tries++) {
      try {
        const rooms = this.#offsets.toResume(roomIds);
        // What it waited for has been settled by an exit.
        if (Object.keys(rooms).length > 0) await this.#resumeRooms(rooms);
        return true;
      } catch (error) {
        const delay = (error as ChatError).code > 4000 ? retryDelay(error, tries) : undefined;
        if (delay === undefined) return false;
        await new Promise((resolve) => setTimeout(resolve, delay));
        if (this.state !== 'online') return false;
      }
    }
  }

  #dispatch(frame: ServerFrame): void {
    const event = frame as ChatEvent;
    if (event.eventType === 'roomexit.dispatch' && event.data.room) this.#offsets.leave(event.data.room.id);
    if (event.eventType === 'roomdelete.dispatch') this.#offsets.leave(event.data.room_id);
    if (event.eventType === 'message.dispatch' && String(event.data.sender.id) !== this.userId) {
      this.#arrived(event.data.id);
    }
    if (event.eventType === 'chat.notifications') {
      for (const { notification_type, message } of Object.values(event.data).flat()) {
        if (notification_type !== 'REACTION') this.#arrived(message.id);
      }
    }
    (this.#emitter.emit as (type: string, ...args: unknown[]) => void).call(
      this.#emitter,
      event.eventType,
      event.data,
      event,
    );
    this.#emitter.emit('*', event);
  }

  #arrived(messageId: string): void {
    if (this.#options.acknowledge === false) return;
    this.#acknowledge.add(messageId);
    this.#planAcknowledgements();
  }

  /** One event of them at a time: after an outage there is one for all that arrived, not a line of them before all else. */
  #planAcknowledgements(): void {
    if (this.#acknowledging !== undefined || this.#isAcknowledging || this.#acknowledge.size === 0) return;
    this.#acknowledging = setTimeout(() => void this.#sendAcknowledgements(), gatherFor);
  }

  async #sendAcknowledgements(): Promise<void> {
    this.#acknowledging = undefined;
    this.#isAcknowledging = true;
    const ids = [...this.#acknowledge].slice(0, maxAcknowledged);
    for (const id of ids) this.#acknowledge.delete(id);
    try {
      await this.#requests.send('message.acknowledged', { message_id: ids }, { timeout: 60_000 });
    } catch (error) {
      // One of them deleted meanwhile refuses all: then each for itself.
      if (error instanceof ChatError && ids.length > 1 && [4002, 4004].includes(error.code)) {
        for (const id of ids) this.#requests.send('message.acknowledged', { message_id: id }).catch(() => {});
      }
    } finally {
      this.#isAcknowledging = false;
      this.#planAcknowledgements();
    }
  }

  #type(roomId: string): void {
    const now = Date.now();
    if (this.state !== 'online' || now - (this.#typed.get(roomId) ?? 0) < typingInterval) return;
    if (this.#typed.size > 100) this.#typed.clear();
    this.#typed.set(roomId, now);
    this.#connection.send(JSON.stringify({ event_type: 'message.typing', data: { room_id: roomId } }));
  }
}

/** Makes a client and, unless told not to, connects it. */
export function createChatClient(options: ChatClientOptions): ChatClient {
  return new ChatClient(options);
}
