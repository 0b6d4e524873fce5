import type { UserId } from '../protocol/shapes.js';
import type { ChatClient } from './client.js';
import { Store } from './store.js';

/** Somebody who types. */
export interface Typist {
  readonly user_id: UserId;
  readonly username: string | null;
}

/** Who types in a room now, without the user. */
export interface TypingState {
  readonly typists: readonly Typist[];
}

/** Somebody of whom no more is heard for so long has stopped; the client says it every three seconds. */
const typingLasts = 6000;
/** A crowd is not shown one by one. */
const maxTypists = 50;

/** Who types in one room. */
export class Typing extends Store<TypingState> {
  readonly #chat: ChatClient;
  readonly #roomId: string;
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(chat: ChatClient, roomId: string) {
    super({ typists: [] });
    this.#chat = chat;
    this.#roomId = roomId;
  }

  protected start(): () => void {
    const stops = [
      this.#chat.on('messagetyping.dispatch', ({ room_id, user_id, username }) => {
        if (room_id === this.#roomId && String(user_id) !== this.#chat.userId) this.#types({ user_id, username });
      }),
      this.#chat.on('message.dispatch', ({ room, sender }) => {
        if (room.id === this.#roomId) this.#stopped(String(sender.id));
      }),
    ];
    return () => {
      for (const stop of stops) stop();
      for (const id of [...this.#timers.keys()]) this.#stopped(id);
    };
  }

  #types(typist: Typist): void {
    const id = String(typist.user_id);
    const { typists } = this.get();
    const isKnown = this.#timers.has(id);
    if (!isKnown && typists.length >= maxTypists) return;
    clearTimeout(this.#timers.get(id));
    this.#timers.set(
      id,
      setTimeout(() => this.#stopped(id), typingLasts),
    );
    if (!isKnown) this.set({ typists: [...typists, typist] });
  }

  #stopped(id: string): void {
    if (!this.#timers.has(id)) return;
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.set({ typists: this.get().typists.filter(({ user_id }) => String(user_id) !== id) });
  }
}

/** Who types in a room, to be watched. */
export function createTyping(chat: ChatClient, roomId: string): Typing {
  return new Typing(chat, roomId);
}
