/** What the database says was broadcast, and who was a member when. */
import type { Connection } from 'mysql2/promise';
import { decodeEnvelope } from '../../src/protocol/envelope.js';
import { digestOf } from './device-log.js';

/** Offsets at which a user was a member: `from` up to and including `to`. */
export interface Stay {
  readonly from: number;
  to: number;
}

/** One room's broadcasts. */
export interface RoomTruth {
  readonly id: string;
  readonly lastOffset: number;
  /** Digests of the frames by offset; undefined where nobody was to hear anything. */
  readonly frames: ReadonlyMap<number, number | undefined>;
  readonly stays: ReadonlyMap<number, readonly Stay[]>;
  /** Offsets that are missing, or that come after one that is. */
  readonly holes: readonly number[];
  /** Seqs of messages in the order of their broadcasts. */
  readonly seqs: readonly number[];
  readonly isDeleted: boolean;
}

/** Reads a room's broadcasts. */
export async function readRoom(database: Pick<Connection, 'query'>, roomId: string): Promise<RoomTruth> {
  const frames = new Map<number, number | undefined>();
  const stays = new Map<number, Stay[]>();
  const holes: number[] = [];
  const seqs: number[] = [];
  let last = 0;
  let isDeleted = false;
  for (;;) {
    const [page] = await database.query(
      'SELECT room_offset, envelope FROM chat_outcomes WHERE room_id = ? AND room_offset > ? ORDER BY room_offset LIMIT 500',
      [roomId, last],
    );
    const rows = page as Array<{ room_offset: number; envelope: string }>;
    if (rows.length === 0) break;
    for (const row of rows) {
      const { offset, frame, joined = [], left = [], deleted } = decodeEnvelope(row.envelope);
      if (offset !== last + 1 || Number(row.room_offset) !== offset) holes.push(offset);
      last = offset;
      frames.set(offset, frame === undefined ? undefined : digestOf(frame));
      if (frame?.startsWith('{"eventType":"message.dispatch"')) {
        seqs.push((JSON.parse(frame) as { data: { seq: number } }).data.seq);
      }
      for (const userId of joined) enter(stays, Number(userId), offset);
      for (const { userIds } of left) for (const userId of userIds) leave(stays, Number(userId), offset - 1);
      if (!deleted) continue;
      isDeleted = true;
      for (const userId of stays.keys()) leave(stays, userId, offset);
    }
  }
  return { id: roomId, lastOffset: last, frames, stays, holes, seqs, isDeleted };
}

/** The stay of a user that an offset lies in. */
export function stayAt(room: RoomTruth, userId: number, offset: number): Stay | undefined {
  return room.stays.get(userId)?.find(({ from, to }) => offset >= from && offset <= to);
}

/** Whether the user is a member at the end. */
export function isPresent(room: RoomTruth, userId: number): boolean {
  return !room.isDeleted && stayAt(room, userId, Number.POSITIVE_INFINITY) !== undefined;
}

function enter(stays: Map<number, Stay[]>, userId: number, from: number): void {
  const known = stays.get(userId) ?? [];
  if (known.at(-1)?.to === Number.POSITIVE_INFINITY) return;
  known.push({ from, to: Number.POSITIVE_INFINITY });
  stays.set(userId, known);
}

function leave(stays: Map<number, Stay[]>, userId: number, to: number): void {
  const open = stays.get(userId)?.at(-1);
  if (open?.to === Number.POSITIVE_INFINITY) open.to = to;
}
