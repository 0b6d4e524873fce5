/**
 * Reading the ends of many rooms at once: what lies above a seq that is another one in each. MySQL uses (room_id, seq)
 * up to the seq only if that is a constant; for one that comes from a joined row it reads the whole room. So a long
 * room gets a part of its own in a union, its bound written out, and the short ones share a join.
 */

/** Rooms with at most this many messages are read by the join. */
const SHORT = 1000;

/** More long rooms than this are read by the join too. SQLite refuses unions of more than 500 parts. */
const MAX_PARTS = 300;

/** A room, and the seq above which it is read. */
export interface RoomEnd {
  readonly room_id: string;
  readonly last_seq: number;
  readonly start: number;
}

/** Tells rooms that get a part of their own from those that share the join. Rooms given first come first. */
export function splitEnds<End extends RoomEnd>(ends: readonly End[]): { long: End[]; short: End[] } {
  const long = ends.filter((end) => end.last_seq > SHORT && end.last_seq > end.start).slice(0, MAX_PARTS);
  const apart = new Set(long);
  return { long, short: ends.filter((end) => end.last_seq > end.start && !apart.has(end)) };
}
