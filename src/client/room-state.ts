import type { RoomShape } from '../protocol/shapes.js';
import type { ChatClient } from './client.js';
import { ChatError } from './error.js';
import { same } from './merge.js';
import { Store } from './store.js';

/** A room as it is now. */
export interface RoomState {
  readonly status: 'loading' | 'ready' | 'failed';
  /** With members and roles. */
  readonly room: RoomShape | undefined;
  readonly error: ChatError | undefined;
}

/** One room with its members and roles, kept in step with what happens. */
export class RoomStore extends Store<RoomState> {
  readonly #chat: ChatClient;
  readonly #roomId: string;
  /** Rises with what was heard live: an answer that was on its way then is older. */
  #heard = 0;

  constructor(chat: ChatClient, roomId: string) {
    super({ status: 'loading', room: undefined, error: undefined });
    this.#chat = chat;
    this.#roomId = roomId;
  }

  /** Loads the room anew. */
  async reload(): Promise<void> {
    const heard = ++this.#heard;
    try {
      const room = await this.#chat.request('room.info', { room_id: this.#roomId }, { retry: true, timeout: 0 });
      if (heard === this.#heard) this.#show(room);
    } catch (error) {
      const reason = error instanceof ChatError ? error : new ChatError(4006, String(error));
      if (heard === this.#heard) this.set({ status: 'failed', error: reason });
    }
  }

  protected start(): () => void {
    const chat = this.#chat;
    chat.track(this.#roomId);
    const take = (room: RoomShape) => {
      if (room.id !== this.#roomId) return;
      this.#heard += 1;
      this.#show(room);
    };
    const gone = (roomId: string, code: number, detail: string) => {
      if (roomId !== this.#roomId) return;
      this.#heard += 1;
      this.set({ status: 'failed', room: undefined, error: new ChatError(code, detail) });
    };
    const stops = [
      chat.on('roomcreate.dispatch', take),
      chat.on('roomupdate.dispatch', take),
      chat.on('roomaddmembers.dispatch', ({ room }) => room && take(room)),
      chat.on('roomremovemembers.dispatch', ({ room }) => room && take(room)),
      chat.on('roomexit.dispatch', ({ room, message }) => room && gone(room.id, 4002, message)),
      chat.on('roomdelete.dispatch', ({ room_id }) => gone(room_id, 4004, 'Resource not found.')),
      chat.on('reload', ({ room_id }) => room_id === this.#roomId && void this.reload()),
    ];
    void this.reload();
    return () => {
      this.#heard += 1;
      for (const stop of stops) stop();
    };
  }

  #show(room: RoomShape): void {
    const old = this.get().room;
    this.set({ status: 'ready', room: old && same(old, room) ? old : room, error: undefined });
  }
}

/** A room, to be watched. Nothing is loaded before somebody subscribes. */
export function createRoomStore(chat: ChatClient, roomId: string): RoomStore {
  return new RoomStore(chat, roomId);
}
