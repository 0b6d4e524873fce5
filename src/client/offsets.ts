import type { ResumedData, ServerFrame } from './events.js';

interface RoomOffsets {
  /** Everything up to here was handled. */
  seen?: number;
  /** Where the room stood when first asked about; what came before is in any state that was loaded since. */
  base?: number;
  /** Broadcasts that came before one that is missing. */
  early: Map<number, ServerFrame>;
  /** The server said that the user is no member, after it had sent broadcasts that only members get. */
  isDoubted?: boolean;
  /**
   * Set when the user is out. `told`: by a dispatch, which on a faulty way may be of an earlier stay, so the next resume
   * asks; `asked`: it has, and there is no answer yet; `gone`: the answer said so, too.
   */
  exit?: 'told' | 'asked' | 'gone' | undefined;
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
    // Between two stays there is nothing to get.
    const isBack = room.exit === 'told' || room.exit === 'gone';
    if (isBack) room.exit = undefined;
    if (room.seen !== undefined && offset > room.seen + 1 && !isBack) {
      room.early.set(offset, frame);
      return room.early.size > maxEarly ? this.#release(room) : [];
    }
    room.seen = offset;
    return [frame, ...this.#next(room)];
  }

  /** Keeps a room's offset from now on. Returns whether where it stands has to be asked for. */
  track(roomId: string): boolean {
    if (this.#rooms.get(roomId)?.exit !== undefined) this.#rooms.delete(roomId);
    const { seen, base } = this.#touch(roomId);
    return seen === undefined && base === undefined;
  }

  /** The user is no longer in this room, or it is gone. What was handled is not handled again. */
  leave(roomId: string): void {
    const room = this.#rooms.get(roomId);
    if (!room) return;
    room.early.clear();
    room.isDoubted = false;
    room.exit = 'told';
  }

  /** Rooms in which something is missing. */
  get incomplete(): string[] {
    return [...this.#rooms].filter(([, { early }]) => early.size > 0).map(([roomId]) => roomId);
  }

  /** Rooms of which has to be asked once more whether the user is in them. */
  get doubted(): string[] {
    return [...this.#rooms].filter(([, { isDoubted }]) => isDoubted).map(([roomId]) => roomId);
  }

  /** What to name in `session.resume`, by default on a new connection: all rooms that the user may be in. */
  toResume(roomIds: Iterable<string> = this.#rooms.keys()): Record<string, number> {
    const asked: Record<string, number> = {};
    for (const roomId of roomIds) {
      const room = this.#rooms.get(roomId);
      if (!room || room.exit === 'gone') continue;
      if (room.exit === 'told') room.exit = 'asked';
      room.seen ??= room.base;
      asked[roomId] = room.seen ?? nowhere;
    }
    return asked;
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
      const { isDoubted: wasDoubted, exit } = room;
      room.isDoubted = false;
      // Something of it was handled since the question: the answer is older than that.
      const hasMoved = asked[roomId] !== (room.seen ?? nowhere);
      if (code !== undefined) {
        if ((hasMoved || room.early.size > 0) && exit !== 'told' && !wasDoubted) {
          room.isDoubted = true;
          continue;
        }
        // What waits for a missing one has no place any more.
        room.early.clear();
        room.exit = 'gone';
        if (exit === undefined) lost.push({ room_id: roomId, code });
        continue;
      }
      if (exit === 'asked') room.exit = undefined;
      if (recovered) {
        frames.push(...this.#complete(room, offset));
        continue;
      }
      room.base = offset;
      if (asked[roomId] === nowhere) continue;
      lost.push({ room_id: roomId, code });
      if (hasMoved) continue;
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

  /** Everything up to `offset` has come that there is: what is missing still was never a broadcast with a frame. */
  #complete(room: RoomOffsets, offset: number | undefined): ServerFrame[] {
    if (offset === undefined || room.seen === undefined || offset <= room.seen) return [];
    const frames = this.#release(room, offset);
    room.seen = offset;
    return [...frames, ...this.#next(room)];
  }

  /** All that waits, or what of it stands up to `upTo`, with the holes in it. */
  #release(room: RoomOffsets, upTo = Number.POSITIVE_INFINITY): ServerFrame[] {
    const frames = [...room.early.values()].filter((frame) => frame.offset! <= upTo);
    for (const { offset } of frames) room.early.delete(offset!);
    frames.sort((a, b) => a.offset! - b.offset!);
    room.seen = frames.at(-1)?.offset ?? room.seen;
    return frames;
  }
}
