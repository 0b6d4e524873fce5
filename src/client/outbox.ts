import type { ErrorDetail } from '../protocol/errors.js';
import type { UserId } from '../protocol/shapes.js';
import { ChatError, ClientErrorCode } from './error.js';
import type { MessageAck, MessageExtras, MessageSendInput } from './events.js';
import { closed, retryDelay } from './requests.js';

/** A message on its way. Never changed: a new object takes its place. */
export interface OutboxEntry {
  readonly client_id: string;
  readonly room_id: string;
  readonly content: string;
  readonly extra_fields?: MessageExtras | undefined;
  /** ISO 8601; when it was written. */
  readonly created_at: string;
  /** Its place among the others of this client. */
  readonly position: number;
  readonly status: 'pending' | 'sent' | 'failed' | 'discarded';
  /** The message that it became. */
  readonly message_id?: string | undefined;
  readonly seq?: number | undefined;
  /** Why it failed. */
  readonly error?: { readonly code: number; readonly detail: ErrorDetail } | undefined;
  /** Who wrote it, where that is known: another user's entries are not sent. */
  readonly user_id?: UserId | undefined;
}

/** Keeps the outbox over a reload of the page. An entry that is put again takes the place of the first. */
export interface OutboxStorage {
  /** All that was put and not removed. */
  all(): OutboxEntry[] | Promise<OutboxEntry[]>;
  /** Keeps an entry, in place of the one with the same `client_id`. */
  put(entry: OutboxEntry): void | Promise<void>;
  /** Forgets an entry; an unknown one is no error. */
  remove(clientId: string): void | Promise<void>;
}

/** A promise of the ack, and the client id that the message has already. */
export type SentMessage = Promise<MessageAck> & { readonly clientId: string };

/** What the outbox needs of the client. */
export interface OutboxHost {
  send(data: MessageSendInput, options: { timeout: number; signal: AbortSignal }): Promise<MessageAck>;
  userId(): string | undefined;
  changed(entry: OutboxEntry): void;
  failed(error: unknown): void;
}

interface Lane {
  readonly queue: string[];
  isBusy: boolean;
  /** Ends the sending of the first one. */
  abort?: AbortController;
}

/** Entries that may wait or have failed; beyond, a send is refused. */
const maxEntries = 1000;
/** The longest delay a timer takes. */
const maxTimer = 2 ** 31 - 1;
const none: readonly OutboxEntry[] = [];

/** Messages that are not sent yet. Those of one room go one after the other, so that their order stays. */
export class Outbox {
  readonly #host: OutboxHost;
  readonly #storage: OutboxStorage | undefined;
  /** After so many milliseconds a message that still finds no way has failed. */
  readonly #giveUpAfter: number;
  readonly #entries = new Map<string, OutboxEntry>();
  readonly #lanes = new Map<string, Lane>();
  readonly #waiting = new Map<string, { resolve(ack: MessageAck): void; reject(error: ChatError): void }>();
  readonly #lists = new Map<string, readonly OutboxEntry[]>();
  #loading: Promise<void> | undefined;
  #isLoaded: boolean;
  #isClosed = false;
  #position = 0;
  /** Ends the waits before another try. */
  readonly #waits = new Set<() => void>();

  constructor(host: OutboxHost, storage: OutboxStorage | undefined, giveUpAfter = 24 * 3600 * 1000) {
    this.#host = host;
    this.#giveUpAfter = giveUpAfter;
    this.#storage = storage;
    this.#isLoaded = storage === undefined;
  }

  /** Messages of a room that are pending or failed, as written. The same list until one of them changes. */
  entries(roomId: string): readonly OutboxEntry[] {
    const known = this.#lists.get(roomId);
    if (known) return known;
    const entries = [...this.#entries.values()].filter(({ room_id }) => room_id === roomId);
    if (entries.length === 0) return none;
    entries.sort((a, b) => a.position - b.position);
    this.#lists.set(roomId, entries);
    return entries;
  }

  /** Takes a message. It is pending at once. */
  add(roomId: string, content: string, extra: MessageExtras | undefined): SentMessage {
    const clientId = newClientId();
    const promise = new Promise<MessageAck>((resolve, reject) => {
      if (this.#entries.size >= maxEntries) {
        reject(new ChatError(ClientErrorCode.full, 'Too many messages wait to be sent.'));
        return;
      }
      this.#position = Math.max(this.#position + 1, Date.now());
      this.#waiting.set(clientId, { resolve, reject });
      this.#put({
        client_id: clientId,
        room_id: roomId,
        content,
        extra_fields: extra,
        created_at: new Date().toISOString(),
        position: this.#position,
        status: 'pending',
        user_id: this.#host.userId(),
      });
      this.#enqueue(roomId, clientId);
    });
    // Who does not look at the promise finds the failure in the outbox.
    promise.catch(() => {});
    return Object.assign(promise, { clientId });
  }

  /** Sends a failed message again, after those that wait. */
  retry(clientId: string): void {
    const entry = this.#entries.get(clientId);
    if (entry?.status !== 'failed') return;
    this.#put({ ...entry, status: 'pending', error: undefined, created_at: new Date().toISOString() });
    this.#enqueue(entry.room_id, clientId);
  }

  /**
   * Forgets a message that failed or waits. One whose answer is outstanding is not sent again, but may have reached the
   * server: then it is a message like any other.
   */
  discard(clientId: string): void {
    const entry = this.#entries.get(clientId);
    if (!entry) return;
    this.#remove(clientId, { ...entry, status: 'discarded' });
    const lane = this.#lanes.get(entry.room_id);
    const index = lane?.queue.indexOf(clientId) ?? -1;
    if (index === 0 && lane!.isBusy) lane!.abort?.abort();
    else if (index >= 0) lane!.queue.splice(index, 1);
    this.#waiting.get(clientId)?.reject(new ChatError(ClientErrorCode.closed, 'The message was discarded.'));
    this.#waiting.delete(clientId);
  }

  /** Begins, or goes on after `close`. Reads the storage once, as soon as the user is known. */
  start(): void {
    this.#isClosed = false;
    if (this.#storage) this.#loading ??= this.#load(this.#storage);
    for (const roomId of this.#lanes.keys()) void this.#work(roomId);
  }

  /** Stops sending. What is pending stays in the storage; its promises reject. */
  close(): void {
    this.#isClosed = true;
    for (const wake of this.#waits) wake();
    for (const { reject } of this.#waiting.values()) reject(closed());
    this.#waiting.clear();
  }

  async #load(storage: OutboxStorage): Promise<void> {
    try {
      const userId = this.#host.userId();
      for (const entry of await storage.all()) {
        if (this.#entries.has(entry.client_id)) continue;
        if (entry.user_id !== undefined && String(entry.user_id) !== userId) continue;
        this.#position = Math.max(this.#position, entry.position);
        this.#put(entry, false);
      }
    } catch (error) {
      this.#host.failed(error);
    }
    this.#isLoaded = true;
    this.#lanes.clear();
    const pending = [...this.#entries.values()].filter(({ status }) => status === 'pending');
    for (const { room_id, client_id } of pending.sort((a, b) => a.position - b.position)) {
      this.#enqueue(room_id, client_id);
    }
  }

  #enqueue(roomId: string, clientId: string): void {
    const lane = this.#lanes.get(roomId) ?? { queue: [], isBusy: false };
    this.#lanes.set(roomId, lane);
    lane.queue.push(clientId);
    void this.#work(roomId);
  }

  /** Sends what a room has, one message at a time. */
  async #work(roomId: string): Promise<void> {
    const lane = this.#lanes.get(roomId);
    if (!lane || lane.isBusy || !this.#isLoaded) return;
    lane.isBusy = true;
    while (lane.queue.length > 0 && !this.#isClosed) {
      const clientId = lane.queue[0]!;
      lane.abort = new AbortController();
      if ((await this.#deliver(clientId, lane.abort.signal)) === 'stopped') break;
      lane.queue.shift();
    }
    lane.isBusy = false;
    if (lane.queue.length === 0) this.#lanes.delete(roomId);
    // Closed and connected again meanwhile.
    else if (!this.#isClosed) void this.#work(roomId);
  }

  async #deliver(clientId: string, signal: AbortSignal): Promise<'done' | 'stopped'> {
    const entry = this.#entries.get(clientId)!;
    const { room_id, content, extra_fields } = entry;
    const data = { room_id, content, client_id: clientId, ...(extra_fields && { extra_fields }) };
    for (let tries = 0; ; tries++) {
      try {
        const timeout = Date.parse(entry.created_at) + this.#giveUpAfter - Date.now();
        if (timeout <= 0) throw new ChatError(ClientErrorCode.timeout, 'The message waited too long.');
        const ack = await this.#host.send(data, { timeout: Math.min(timeout, maxTimer), signal });
        if (signal.aborted) return 'done';
        this.#remove(clientId, { ...entry, status: 'sent', message_id: ack.message_id, seq: ack.seq });
        this.#waiting.get(clientId)?.resolve(ack);
        this.#waiting.delete(clientId);
        return 'done';
      } catch (error) {
        if (signal.aborted) return 'done';
        if (this.#isClosed || (error instanceof ChatError && error.code === ClientErrorCode.closed)) return 'stopped';
        const delay = retryDelay(error, tries);
        if (delay === undefined) {
          this.#fail(entry, error);
          return 'done';
        }
        await this.#pause(delay, signal);
        if (signal.aborted) return 'done';
        if (this.#isClosed) return 'stopped';
      }
    }
  }

  #fail(entry: OutboxEntry, error: unknown): void {
    const reason = error instanceof ChatError ? error : new ChatError(4006, String(error));
    this.#put({ ...entry, status: 'failed', error: { code: reason.code, detail: reason.detail } });
    this.#waiting.get(entry.client_id)?.reject(reason);
    this.#waiting.delete(entry.client_id);
  }

  #put(entry: OutboxEntry, store = true): void {
    this.#entries.set(entry.client_id, entry);
    this.#lists.delete(entry.room_id);
    if (store) this.#keep(() => this.#storage?.put(entry));
    this.#host.changed(entry);
  }

  #remove(clientId: string, last: OutboxEntry): void {
    this.#entries.delete(clientId);
    this.#lists.delete(last.room_id);
    this.#keep(() => this.#storage?.remove(clientId));
    this.#host.changed(last);
  }

  /** A full or forbidden storage must not keep a message from being sent. */
  #keep(act: () => void | Promise<void> | undefined): void {
    Promise.resolve()
      .then(act)
      .catch((error: unknown) => this.#host.failed(error));
  }

  #pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waits.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, milliseconds);
      this.#waits.add(wake);
      signal.addEventListener('abort', wake);
    });
  }
}

/** 128 random bits as text. */
export function newClientId(): string {
  // Not randomUUID: pages without https have none.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
