/** The most that one resume may name; the other rooms are read anew. */
const MOST_ROOMS = 1000;

/**
 * Applies the broadcasts of a room in the order of their offsets, each once. While a resume runs, live broadcasts
 * that are ahead of the replayed ones wait here.
 */
export class RoomOrder {
  /** Room id -> offset up to which everything was applied. */
  #applied = new Map();
  /** Room id -> broadcasts that came too early. */
  #early = new Map();
  #apply;

  /** @param {(frame: object) => void} apply */
  constructor(apply) {
    this.#apply = apply;
  }

  take(frame) {
    const applied = this.#applied.get(frame.room_id);
    if (applied !== undefined && frame.offset <= applied) return;
    const early = this.#early.get(frame.room_id);
    if (early && frame.offset !== applied + 1) {
      early.push(frame);
      return;
    }
    this.#applied.set(frame.room_id, frame.offset);
    this.#apply(frame);
  }

  /** What to ask the server to go on from: room id -> offset. */
  startResume() {
    for (const roomId of this.#applied.keys()) this.#early.set(roomId, []);
    return Object.fromEntries([...this.#applied].slice(-MOST_ROOMS));
  }

  /**
   * @param {Record<string, { recovered: boolean, offset?: number, code?: number }>} rooms the server's answer
   * @returns {Set<string>} rooms that have everything; all others must be read anew
   */
  endResume(rooms) {
    const whole = new Set();
    for (const [roomId, { recovered, offset }] of Object.entries(rooms)) {
      if (recovered) whole.add(roomId);
      else if (offset === undefined) this.#applied.delete(roomId);
      else this.#applied.set(roomId, offset);
    }
    const early = [...this.#early.values()].flat().sort((a, b) => a.offset - b.offset);
    this.#early.clear();
    for (const frame of early) this.take(frame);
    return whole;
  }

  /** After leaving: an offset from before a new membership is of no use. */
  forget(roomId) {
    this.#applied.delete(roomId);
    this.#early.delete(roomId);
  }
}
