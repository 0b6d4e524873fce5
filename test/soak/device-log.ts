/** What one device of one user was sent, kept small enough to be compared with the database at the end. */

/** A broadcast that came out of turn on one connection; at the end the memberships tell whether that was right. */
export interface Jump {
  readonly roomId: string;
  readonly from: number;
  readonly to: number;
}

/** A room of which the client was told that something is lost. */
export interface Reloaded {
  readonly roomId: string;
  /** The last offset it had handled; undefined: none. */
  readonly after: number | undefined;
  readonly code: number | undefined;
}

/** All that a device got, over all its connections. */
export class DeviceLog {
  readonly userId: number;
  readonly name: string;
  /** Every broadcast on the wire: room, offset, and a number made of its text. */
  readonly frames = new Map<string, Map<number, number>>();
  /** Broadcasts as the client handed them on: each once, in its order. Empty for a device without a client. */
  readonly handled = new Map<string, number[]>();
  readonly jumps: Jump[] = [];
  readonly reloads: Reloaded[] = [];

  constructor(userId: number, name: string) {
    this.userId = userId;
    this.name = name;
  }

  /** Keeps a broadcast; false when the same offset came before with another text. */
  keep(roomId: string, offset: number, text: string): boolean {
    let room = this.frames.get(roomId);
    if (!room) {
      room = new Map();
      this.frames.set(roomId, room);
    }
    const digest = digestOf(text);
    const known = room.get(offset);
    if (known === undefined) room.set(offset, digest);
    return known === undefined || known === digest;
  }

  handle(roomId: string, offset: number): void {
    const room = this.handled.get(roomId);
    if (room) room.push(offset);
    else this.handled.set(roomId, [offset]);
  }
}

/** 32 bits of a text (FNV-1a). */
export function digestOf(text: string): number {
  let digest = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) digest = Math.imul(digest ^ text.charCodeAt(at), 0x01000193);
  return digest >>> 0;
}
