import type { MessageShape, RoomListShape, RoomShape } from '../protocol/shapes.js';
import type { ChatClient } from './client.js';
import { ChatError } from './error.js';
import { same } from './merge.js';
import { Store } from './store.js';

/** The user's rooms now. Rooms that did not change stay the same objects. */
export interface RoomListState {
  readonly status: 'loading' | 'ready' | 'failed';
  /** Newest activity first. */
  readonly rooms: readonly RoomListShape[];
  /** Unread messages in all of these. */
  readonly unread: number;
  /** There are more: `loadMore()`. */
  readonly hasMore: boolean;
  readonly error: ChatError | undefined;
}

/** How much a room list holds. */
export interface RoomListOptions {
  /** Rooms loaded at once, 1 to 100, default 50. */
  pageSize?: number | undefined;
}

/** The user's rooms with last message and unread count, kept in step with what happens. */
export class RoomList extends Store<RoomListState> {
  readonly #chat: ChatClient;
  readonly #pageSize: number;
  /** How many rooms the user wants to see. */
  #wanted: number;
  #refreshing: Promise<void> | undefined;
  #isStale = false;
  #isRunning = false;
  /** Rooms of which something was heard while a list was loading: the answer may be older. */
  readonly #heard = new Set<string>();

  constructor(chat: ChatClient, options: RoomListOptions = {}) {
    super({ status: 'loading', rooms: [], unread: 0, hasMore: false, error: undefined });
    this.#chat = chat;
    this.#pageSize = options.pageSize ?? 50;
    this.#wanted = this.#pageSize;
  }

  /** Loads the list anew; one load at a time, and one more when something happened meanwhile. */
  refresh(): Promise<void> {
    this.#isStale = true;
    this.#refreshing ??= this.#refresh();
    return this.#refreshing;
  }

  /** Loads the next page. */
  async loadMore(): Promise<void> {
    if (!this.get().hasMore) return;
    this.#wanted = this.get().rooms.length + this.#pageSize;
    await this.refresh();
  }

  protected start(): () => void {
    const chat = this.#chat;
    this.#isRunning = true;
    const update = (room: RoomShape) => this.#update(room);
    const stops = [
      chat.on('message.dispatch', (message) => this.#arrived(message)),
      chat.on('readreceipt.dispatch', (data) => this.#read([data].flat())),
      chat.on('reaction.dispatch', ({ status, message }) => status === 'successful' && this.#replace(message)),
      chat.on('messagedelivered.dispatch', (messages) => {
        for (const message of messages) this.#replace(message);
      }),
      chat.on('messagemodification.dispatch', (data, { room_id }) => {
        if (data.status === 'failed') return;
        if (data.action === 'update') this.#replace(data.message);
        // The one before it, and how many are unread, only the server knows.
        else if (this.#find(room_id)) void this.refresh();
      }),
      chat.on('roomcreate.dispatch', () => void this.refresh()),
      chat.on('roomupdate.dispatch', update),
      chat.on('roomaddmembers.dispatch', ({ room }) => room && update(room)),
      chat.on('roomremovemembers.dispatch', ({ room }) => room && update(room)),
      chat.on('roomexit.dispatch', ({ room }) => room && this.#remove(room.id)),
      chat.on('roomdelete.dispatch', ({ room_id }) => this.#remove(room_id)),
      chat.on('reload', ({ room_id, code }) => (code === undefined ? void this.refresh() : this.#remove(room_id))),
      // Rooms may have come and gone meanwhile.
      chat.on('state', (state) => {
        // The first load waits for the connection anyway.
        if (state === 'online' && !(this.#refreshing && this.get().status === 'loading')) void this.refresh();
      }),
    ];
    void this.refresh();
    return () => {
      this.#isRunning = false;
      for (const stop of stops) stop();
    };
  }

  async #refresh(): Promise<void> {
    for (let overtaken = 0; this.#isStale; ) {
      this.#isStale = false;
      this.#heard.clear();
      try {
        const rooms: RoomListShape[] = [];
        let cursor: string | null | undefined;
        do {
          const limit = Math.min(100, this.#wanted - rooms.length);
          const page = await this.#chat.request('room.list', cursor ? { limit, cursor } : { limit }, {
            retry: true,
            timeout: 0,
          });
          rooms.push(...page.rooms);
          cursor = page.next_cursor;
        } while (cursor && rooms.length < this.#wanted);
        // An answer that a live event has overtaken is asked for again, but in a busy room not for ever.
        if (rooms.some(({ id }) => this.#heard.has(id)) && ++overtaken < 3) this.#isStale = true;
        const known = new Map(this.get().rooms.map((room) => [room.id, room]));
        const kept = rooms.map((room) => {
          const old = known.get(room.id);
          return old && (this.#heard.has(room.id) || same(old, room)) ? old : room;
        });
        this.#show(kept, { status: 'ready', error: undefined, hasMore: Boolean(cursor) });
      } catch (error) {
        const reason = error instanceof ChatError ? error : new ChatError(4006, String(error));
        this.set({ status: this.get().rooms.length > 0 ? 'ready' : 'failed', error: reason });
      }
      if (!this.#isRunning) break;
    }
    // In the same moment as the last look at #isStale: nothing is overlooked.
    this.#refreshing = undefined;
  }

  #arrived(message: MessageShape): void {
    const room = this.#find(message.room.id);
    if (!room) {
      void this.refresh();
      return;
    }
    this.#heard.add(room.id);
    if (message.seq <= room.last_seq && room.last_message && message.seq <= room.last_message.seq) return;
    const isOwn = String(message.sender.id) === this.#chat.userId;
    const changed = {
      ...room,
      last_message: message,
      last_seq: Math.max(room.last_seq, message.seq),
      unread_count: isOwn ? 0 : room.unread_count + 1,
    };
    // Newest activity first.
    this.#show([changed, ...this.get().rooms.filter(({ id }) => id !== room.id)]);
  }

  #read(messages: readonly MessageShape[]): void {
    const me = this.#chat.userId;
    for (const message of messages) {
      this.#replace(message);
      const room = this.#find(message.room.id);
      const isMine = message.read_receipts.some(({ reader }) => String(reader.id) === me);
      if (!room || !isMine || room.unread_count === 0) continue;
      this.#heard.add(room.id);
      if (message.seq >= room.last_seq) this.#change(room, { unread_count: 0 });
      // Somewhere in the middle: only the server knows how many are left.
      else void this.refresh();
    }
  }

  #replace(message: MessageShape): void {
    const room = this.#find(message.room.id);
    if (room?.last_message?.id === message.id) this.#change(room, { last_message: message });
  }

  #update(room: RoomShape): void {
    const old = this.#find(room.id);
    if (!old) {
      void this.refresh();
      return;
    }
    const fields = Object.fromEntries(Object.entries(room).filter(([key]) => key in old));
    this.#change(old, fields as Partial<RoomListShape>);
  }

  #remove(roomId: string): void {
    this.#heard.add(roomId);
    if (this.#refreshing) this.#isStale = true;
    this.#show(this.get().rooms.filter(({ id }) => id !== roomId));
  }

  #find(roomId: string | undefined): RoomListShape | undefined {
    return this.get().rooms.find(({ id }) => id === roomId);
  }

  #change(room: RoomListShape, changes: Partial<RoomListShape>): void {
    const next = { ...room, ...changes } as RoomListShape;
    if (same(next, room)) return;
    this.#heard.add(room.id);
    this.#show(this.get().rooms.map((one) => (one === room ? next : one)));
  }

  #show(rooms: readonly RoomListShape[], changes: Partial<RoomListState> = {}): void {
    const old = this.get().rooms;
    const isSame = rooms.length === old.length && rooms.every((room, index) => room === old[index]);
    const unread = rooms.reduce((sum, room) => sum + room.unread_count, 0);
    this.set({ ...changes, rooms: isSame ? old : rooms, unread });
  }
}

/** The user's rooms, to be watched. Nothing is loaded before somebody subscribes. */
export function createRoomList(chat: ChatClient, options?: RoomListOptions): RoomList {
  return new RoomList(chat, options);
}
