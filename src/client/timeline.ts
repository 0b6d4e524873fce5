// Long: history, live events and the outbox make one list, by rules that can only be seen together.

import type { MessageShape } from '../protocol/shapes.js';
import type { ChatClient, Reload } from './client.js';
import { ChatError } from './error.js';
import type { Dispatches } from './events.js';
import { same, withNested, without } from './merge.js';
import type { OutboxEntry } from './outbox.js';
import { Store } from './store.js';

/** What a room's messages look like now. Objects that did not change stay the same objects. */
export interface TimelineState {
  /** `failed`: see `error`; `reload()` tries again. */
  readonly status: 'loading' | 'ready' | 'failed';
  /** Oldest first. A `seq` that is not among them was deleted, or lies before the first or behind the last. */
  readonly messages: readonly MessageShape[];
  /** The user's own, not yet among `messages`: pending and failed, as written. */
  readonly pending: readonly OutboxEntry[];
  /** There are messages before the first: `loadOlder()`. */
  readonly hasOlder: boolean;
  /** There are messages behind the last, and live ones are not appended: `loadNewer()`, or `reload()` for the newest. */
  readonly hasNewer: boolean;
  readonly isLoadingOlder: boolean;
  readonly isLoadingNewer: boolean;
  readonly error: ChatError | undefined;
}

/** How much a timeline holds. */
export interface TimelineOptions {
  /** Messages loaded at once, 1 to 200, default 50. */
  pageSize?: number | undefined;
  /** Messages held at most, default 500; those farthest from where was loaded last are let go. */
  maxMessages?: number | undefined;
}

type Part = { before: number } | { after: number } | { around: number };
type Direction = 'older' | 'newer' | 'anew';

/** Above every seq. */
const end = 2 ** 31 - 1;

/** One room's messages: history, live, and the own ones on their way. */
export class Timeline extends Store<TimelineState> {
  readonly roomId: string;
  readonly #chat: ChatClient;
  readonly #pageSize: number;
  readonly #maxMessages: number;
  /** Rises when what is loading is of no use any more. */
  #run = 0;
  #loads = 0;
  /** Ids that live events told about while history was loading: these know better. */
  readonly #touched = new Set<string>();
  /** Client ids of own messages that were heard of, before their ack. */
  readonly #confirmed = new Set<string>();
  /** Acknowledged, but not heard of. */
  #limbo: readonly OutboxEntry[] = [];
  /** The user looks at the past, so that the newest are let go rather than the oldest. */
  #looksBack = false;
  /** Ids that were told to be read. */
  readonly #reported = new Set<string>();

  constructor(chat: ChatClient, roomId: string, options: TimelineOptions = {}) {
    super({
      status: 'loading',
      messages: [],
      pending: chat.outbox.entries(roomId),
      hasOlder: false,
      hasNewer: false,
      isLoadingOlder: false,
      isLoadingNewer: false,
      error: undefined,
    });
    this.#chat = chat;
    this.roomId = roomId;
    this.#pageSize = options.pageSize ?? 50;
    this.#maxMessages = Math.max(options.maxMessages ?? 500, this.#pageSize);
  }

  /** Loads the newest messages anew. What is shown stays until they are there. */
  reload(): Promise<void> {
    return this.#load({ before: end }, 'anew');
  }

  /** Goes to a message: loads it with its neighbours, unless it is here already. */
  async jumpTo(seq: number): Promise<void> {
    if (this.get().messages.some((message) => message.seq === seq)) return;
    await this.#load({ around: seq }, 'anew');
  }

  /** Loads what comes before the first message. */
  async loadOlder(): Promise<void> {
    const { hasOlder, isLoadingOlder, messages } = this.get();
    if (!hasOlder || isLoadingOlder || messages.length === 0) return;
    await this.#load({ before: messages[0]!.seq }, 'older');
  }

  /** Loads what comes behind the last message. */
  async loadNewer(): Promise<void> {
    const { hasNewer, isLoadingNewer, messages } = this.get();
    if (!hasNewer || isLoadingNewer || messages.length === 0) return;
    await this.#load({ after: messages.at(-1)!.seq }, 'newer');
  }

  /** Tells the server that the user has read the messages of others that are here. Does nothing when that is known. */
  async markRead(): Promise<void> {
    const me = this.#chat.userId;
    const unread = this.get().messages.filter(
      ({ id, sender, read_receipts }) =>
        String(sender.id) !== me &&
        // The list of receipts holds the newest ones only.
        !this.#reported.has(id) &&
        !read_receipts.some(({ reader }) => String(reader.id) === me),
    );
    if (unread.length === 0) return;
    // Telling it again would do no harm.
    if (this.#reported.size > 10_000) this.#reported.clear();
    for (const { id } of unread) this.#reported.add(id);
    try {
      await this.#chat.room(this.roomId).read(...unread);
    } catch (error) {
      for (const { id } of unread) this.#reported.delete(id);
      throw error;
    }
  }

  protected start(): () => void {
    const chat = this.#chat;
    // Before loading: what is broadcast from now on is not lost, whatever becomes of the connection.
    chat.track(this.roomId);
    const stops = [
      chat.on('message.dispatch', (message) => this.#arrived(message)),
      chat.on('readreceipt.dispatch', (data) => this.#changed([data].flat())),
      chat.on('reaction.dispatch', ({ status, message }) => status === 'successful' && this.#changed([message])),
      chat.on('messagedelivered.dispatch', (messages) => this.#delivered(messages)),
      chat.on('messagemodification.dispatch', (data) => this.#modified(data)),
      chat.on('roomdelete.dispatch', ({ room_id }) => this.#gone({ room_id, code: 4004 })),
      chat.on('roomexit.dispatch', ({ room }) => room && this.#gone({ room_id: room.id, code: 4002 })),
      // Added again.
      chat.on('roomaddmembers.dispatch', ({ room }) => {
        if (room?.id === this.roomId && this.get().status === 'failed') void this.reload();
      }),
      chat.on('reload', (reload) => {
        if (reload.code !== undefined) this.#gone(reload);
        else if (reload.room_id === this.roomId) void this.reload();
      }),
      chat.on('outbox', (entry) => this.#outbox(entry)),
    ];
    this.#showPending();
    void this.reload();
    return () => {
      this.#run += 1;
      for (const stop of stops) stop();
    };
  }

  async #load(part: Part, direction: Direction): Promise<void> {
    const run = direction === 'anew' ? ++this.#run : this.#run;
    if (direction === 'older') this.set({ isLoadingOlder: true });
    else if (direction === 'newer') this.set({ isLoadingNewer: true });
    else this.set({ status: this.get().messages.length === 0 ? 'loading' : this.get().status, error: undefined });
    this.#loads += 1;
    try {
      const answer = await this.#chat.request(
        'room.messages',
        { room_id: this.roomId, ...part, limit: this.#pageSize },
        { retry: true, timeout: 0 },
      );
      if (run === this.#run) this.#take(answer.data.messages.toReversed(), answer, part, direction);
    } catch (error) {
      const reason = error instanceof ChatError ? error : new ChatError(4006, String(error));
      if (run === this.#run) {
        this.set({ status: 'failed', error: reason, isLoadingOlder: false, isLoadingNewer: false });
      }
    } finally {
      this.#loads -= 1;
      if (this.#loads === 0) this.#touched.clear();
    }
  }

  #take(
    loaded: MessageShape[],
    { has_before, has_after }: { has_before: boolean; has_after: boolean },
    part: Part,
    direction: Direction,
  ): void {
    const { messages, hasOlder, hasNewer } = this.get();
    const known = new Map(messages.map((message) => [message.id, message]));
    const taken = loaded
      // Deleted while the answer was on its way.
      .filter(({ id }) => !this.#touched.has(id) || known.has(id))
      .map((message) => {
        const old = known.get(message.id);
        return old && (this.#touched.has(old.id) || same(old, message)) ? old : message;
      });
    const isNewest = direction === 'anew' && 'before' in part;
    let next = taken;
    if (direction === 'older') next = [...taken, ...messages];
    else if (direction === 'newer') next = [...messages, ...taken];
    else if (isNewest) {
      const last = taken.at(-1)?.seq ?? 0;
      next = [...taken, ...messages.filter(({ id, seq }) => seq > last && this.#touched.has(id))];
    }
    this.#looksBack = direction === 'older' || (direction === 'anew' && has_after);
    // A live message that came while newer ones were loading is not among them.
    const missedLive = direction === 'newer' && [...this.#touched].some((id) => !next.some((one) => one.id === id));
    this.#show(next, {
      status: 'ready',
      error: undefined,
      hasOlder: direction === 'newer' ? hasOlder : has_before,
      hasNewer: direction === 'older' ? hasNewer : isNewest ? false : has_after || missedLive,
      isLoadingOlder: false,
      isLoadingNewer: false,
    });
  }

  #arrived(message: MessageShape): void {
    if (message.room.id !== this.roomId) return;
    this.#touch(message.id);
    if (this.#chat.outbox.entries(this.roomId).some(({ client_id }) => client_id === message.client_id)) {
      this.#confirmed.add(message.client_id);
    }
    const { messages, hasNewer } = this.get();
    if (messages.some(({ id }) => id === message.id)) this.#changed([message]);
    else if (hasNewer) this.#showPending();
    else this.#show([...messages, message].sort((a, b) => a.seq - b.seq));
  }

  #changed(changed: readonly MessageShape[]): void {
    const { messages } = this.get();
    let next: readonly MessageShape[] = messages;
    for (const message of changed) {
      if (message.room.id !== this.roomId) continue;
      this.#touch(message.id);
      next = withNested(
        next.map((old) => (old.id === message.id && !same(old, message) ? message : old)),
        message,
      );
    }
    this.#show(next);
  }

  /** Sent to the sender alone, without an offset: only what it is about is taken from it. */
  #delivered(delivered: readonly MessageShape[]): void {
    const counts = new Map(delivered.map((message) => [message.id, message]));
    this.#show(
      this.get().messages.map((old) => {
        const news = counts.get(old.id);
        if (!news || news.delivered_count <= old.delivered_count) return old;
        return { ...old, delivered_to: news.delivered_to, delivered_count: news.delivered_count };
      }),
    );
  }

  #modified(data: Dispatches['messagemodification.dispatch']): void {
    if (data.status === 'failed') return;
    if (data.action === 'update') this.#changed([data.message]);
    else {
      for (const id of data.message_ids) this.#touch(id);
      this.#show(without(this.get().messages, new Set(data.message_ids)));
    }
  }

  #gone({ room_id, code }: Reload): void {
    if (room_id !== this.roomId) return;
    this.#run += 1;
    const detail = code === 4004 ? 'Resource not found.' : 'You are no member of this room.';
    this.set({
      status: 'failed',
      error: new ChatError(code ?? 4002, detail),
      messages: [],
      hasOlder: false,
      hasNewer: false,
      isLoadingOlder: false,
      isLoadingNewer: false,
    });
  }

  #outbox(entry: OutboxEntry): void {
    if (entry.room_id !== this.roomId) return;
    if (entry.status === 'sent') {
      this.#confirmed.delete(entry.client_id);
      const { messages, hasNewer } = this.get();
      if (!hasNewer && !messages.some(({ id }) => id === entry.message_id)) void this.#fetch(entry);
    }
    this.#showPending();
  }

  /** Sent before a lost connection, and not among what was replayed: shown as it was until it is here. */
  async #fetch(entry: OutboxEntry): Promise<void> {
    const run = this.#run;
    this.#limbo = [...this.#limbo, entry];
    try {
      const part = { room_id: this.roomId, around: entry.seq!, limit: 1 };
      const { data } = await this.#chat.request('room.messages', part, { retry: true, timeout: 0 });
      const found = data.messages.find(({ id }) => id === entry.message_id);
      const { messages, hasNewer } = this.get();
      const isShown = messages.some(({ id }) => id === entry.message_id);
      this.#limbo = this.#limbo.filter((one) => one !== entry);
      if (run !== this.#run || !found || hasNewer || isShown) this.#showPending();
      else this.#show([...messages, found].sort((a, b) => a.seq - b.seq));
    } catch {
      this.#limbo = this.#limbo.filter((one) => one !== entry);
      this.#showPending();
    }
  }

  #touch(id: string): void {
    if (this.#loads > 0) this.#touched.add(id);
  }

  #show(messages: readonly MessageShape[], changes: Partial<TimelineState> = {}): void {
    const old = this.get();
    let next = messages;
    const more: { hasOlder?: boolean; hasNewer?: boolean } = {};
    if (next.length > this.#maxMessages) {
      if (this.#looksBack) {
        next = next.slice(0, this.#maxMessages);
        more.hasNewer = true;
      } else {
        next = next.slice(-this.#maxMessages);
        more.hasOlder = true;
      }
    }
    const isSame =
      next.length === old.messages.length && next.every((message, index) => message === old.messages[index]);
    const shown = isSame ? old.messages : next;
    this.set({ ...changes, ...more, messages: shown, pending: this.#pending(shown) });
  }

  #showPending(): void {
    this.set({ pending: this.#pending(this.get().messages) });
  }

  #pending(messages: readonly MessageShape[]): readonly OutboxEntry[] {
    const entries = [...this.#limbo, ...this.#chat.outbox.entries(this.roomId)];
    const there = entries.length > 0 ? new Set(messages.map(({ client_id }) => client_id)) : undefined;
    const pending = entries.filter(({ client_id }) => !this.#confirmed.has(client_id) && !there?.has(client_id));
    const old = this.get().pending;
    return pending.length === old.length && pending.every((entry, index) => entry === old[index]) ? old : pending;
  }
}

/** The messages of a room, to be watched. Nothing is loaded before somebody subscribes. */
export function createTimeline(chat: ChatClient, roomId: string, options?: TimelineOptions): Timeline {
  return new Timeline(chat, roomId, options);
}
