import type { ResumedData, ServerFrame } from './events.js';

interface RoomOffsets {
  /** Everything up to here was handled. */
  seen?: number;
  /** Where the room stood when first asked about; what came before is in any state that was loaded since. */
  base?: number;
  /** Broadcasts that came before one that is missing. */
  early: Map<number, ServerFrame>;
}

/** Rooms whose offsets are kept: as many as one `session.resume` may name. */
const maxRooms = 1000;
/** Broadcasts of a room that wait for a missing one; the server replays no more either. */
const maxEarly = 1000;
/** An offset that no room has reached: asks where the room stands, and nothing is replayed. */
export const nowhere = Number.MAX_SAFE_INTEGER;

/** Each room's broadcasts once, in the order of their offsets. */
export class Offsets {
  readonly #rooms = new Map<string, RoomOffsets>();

  /** Frames that may be handled now that this one came: none when one before it is missing, or it came before. */
  take(frame: ServerFrame): ServerFrame[] {
    const { room_id: roomId, offset } = frame;
    if (roomId === undefined || offset === undefined) return [frame];
    const room = this.#touch(roomId);
    if (room.seen !== undefined && offset <= room.seen) return [];
    if (room.seen !== undefined && offset > room.seen + 1) {
      room.early.set(offset, frame);
      return room.early.size > maxEarly ? this.#release(room) : [];
    }
    room.seen = offset;
    return [frame, ...this.#next(room)];
  }

  /** Keeps a room's offset from now on. Returns whether where it stands has to be asked for. */
  track(roomId: string): boolean {
    const { seen, base } = this.#touch(roomId);
    return seen === undefined && base === undefined;
  }

  /** Drops a room that the user is no longer in. */
  forget(roomId: string): void {
    this.#rooms.delete(roomId);
  }

  /** Rooms in which something is missing. */
  get incomplete(): string[] {
    return [...this.#rooms].filter(([, { early }]) => early.size > 0).map(([roomId]) => roomId);
  }

  /** What to name in `session.resume` on a new connection. */
  toResume(): Record<string, number> {
    for (const room of this.#rooms.values()) room.seen ??= room.base;
    return Object.fromEntries([...this.#rooms].map(([roomId, { seen }]) => [roomId, seen ?? nowhere]));
  }

  /** Takes the answer: what can be handled now, and the rooms of which something is lost. */
  settle(
    { rooms }: ResumedData,
    asked: Readonly<Record<string, number>>,
  ): { frames: ServerFrame[]; lost: Array<{ room_id: string; code: number | undefined }> } {
    const frames: ServerFrame[] = [];
    const lost: Array<{ room_id: string; code: number | undefined }> = [];
    for (const [roomId, { recovered, offset, code }] of Object.entries(rooms)) {
      const room = this.#rooms.get(roomId);
      if (!room) continue;
      if (recovered) continue;
      if (code !== undefined) this.#rooms.delete(roomId);
      else room.base = offset;
      if (code === undefined && asked[roomId] === nowhere) continue;
      lost.push({ room_id: roomId, code });
      room.seen = undefined;
      frames.push(...this.#release(room));
      // Nothing of before is to be handled again.
      room.seen ??= offset;
    }
    return { frames, lost };
  }

  #touch(roomId: string): RoomOffsets {
    const room = this.#rooms.get(roomId) ?? { early: new Map() };
    // The last touched is the last to go.
    this.#rooms.delete(roomId);
    this.#rooms.set(roomId, room);
    if (this.#rooms.size > maxRooms) this.#rooms.delete(this.#rooms.keys().next().value!);
    return room;
  }

  #next(room: RoomOffsets): ServerFrame[] {
    const frames: ServerFrame[] = [];
    for (let frame = room.early.get(room.seen! + 1); frame; frame = room.early.get(room.seen! + 1)) {
      room.seen = frame.offset!;
      room.early.delete(room.seen);
      frames.push(frame);
    }
    for (const offset of room.early.keys()) if (offset <= room.seen!) room.early.delete(offset);
    return frames;
  }

  /** All that waits, with the holes in it. */
  #release(room: RoomOffsets): ServerFrame[] {
    const frames = [...room.early.values()].sort((a, b) => a.offset! - b.offset!);
    room.early.clear();
    room.seen = frames.at(-1)?.offset ?? room.seen;
    return frames;
  }
}
