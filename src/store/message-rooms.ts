/** Messages whose room is kept; the oldest go first. */
const kept = 10_000;

interface RoomOf {
  readonly id: string;
  readonly room_id: string;
}

/**
 * Which room messages are of, for a while: so that a message's receipts, one from each member, need not each look for the
 * room to lock. A message never changes its room; whether it is still there is asked under the lock.
 */
export class MessageRooms {
  readonly #rooms = new Map<string, string>();
  readonly #loading = new Map<string, Promise<readonly RoomOf[]>>();

  /** The rooms of these messages; `load` reads them when some are not known, once for all who ask the same at the time. */
  async of(ids: readonly string[], load: () => Promise<readonly RoomOf[]>): Promise<string[]> {
    const known = ids.map((id) => this.#rooms.get(id));
    if (known.every((room) => room !== undefined)) return [...new Set(known)];
    const key = ids.join();
    let loading = this.#loading.get(key);
    if (!loading) {
      loading = load().finally(() => this.#loading.delete(key));
      this.#loading.set(key, loading);
    }
    const messages = await loading;
    this.#keep(messages);
    return [...new Set(messages.map(({ room_id }) => room_id))];
  }

  #keep(messages: readonly RoomOf[]): void {
    for (const { id, room_id } of messages) this.#rooms.set(id, room_id);
    for (const oldest of this.#rooms.keys()) {
      if (this.#rooms.size <= kept) break;
      this.#rooms.delete(oldest);
    }
  }
}
