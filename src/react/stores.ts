import type { RoomList, RoomStore, Timeline, TimelineOptions, Typing } from '../client/index.js';
import { type ChatClient, createRoomList, createRoomStore, createTimeline, createTyping } from '../client/index.js';

/** Stores kept though nobody watches some of them any more, so that going back to a room shows it at once. */
const maxKept = 100;

/** One store for each thing that is shown, however many components show it. */
export class Stores {
  readonly #chat: ChatClient;
  readonly #stores = new Map<string, { readonly isWatched: boolean }>();

  constructor(chat: ChatClient) {
    this.#chat = chat;
  }

  roomList(): RoomList {
    return this.#get('rooms', () => createRoomList(this.#chat));
  }

  timeline(roomId: string, options?: TimelineOptions): Timeline {
    const key = `messages ${roomId} ${options?.pageSize} ${options?.maxMessages}`;
    return this.#get(key, () => createTimeline(this.#chat, roomId, options));
  }

  typing(roomId: string): Typing {
    return this.#get(`typing ${roomId}`, () => createTyping(this.#chat, roomId));
  }

  room(roomId: string): RoomStore {
    return this.#get(`room ${roomId}`, () => createRoomStore(this.#chat, roomId));
  }

  #get<T extends { readonly isWatched: boolean }>(key: string, create: () => T): T {
    const store = (this.#stores.get(key) as T | undefined) ?? create();
    // The last used is the last to go.
    this.#stores.delete(key);
    this.#stores.set(key, store);
    for (const [other, old] of this.#stores) {
      if (this.#stores.size <= maxKept) break;
      if (!old.isWatched && old !== store) this.#stores.delete(other);
    }
    return store;
  }
}
