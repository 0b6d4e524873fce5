import type { Transaction } from 'sequelize';
import type { StoreContext } from './context.js';
import { isOneOf, literalOf } from './reads/sql.js';
import type { UserId } from './standing.js';
import { change } from './transactions.js';

/** A locked room's counters. They are taken under the lock and given back by a rollback, so no number is ever skipped. */
export interface RoomCounters {
  readonly id: string;
  readonly type: string;
  last_seq: number;
  last_offset: number;
  last_activity_at?: Date;
}

/** How far a member has got in a room; 0 leaves a mark as it is. */
export interface Marks {
  readonly roomId: string;
  readonly userId: UserId;
  read: number;
  acked: number;
}

/** What an UPDATE sets, and the values in it. */
interface Changes {
  readonly sql: readonly string[];
  readonly values: readonly unknown[];
}

/**
 * Writes how far rooms and members have got. Of one room, whose marks and counters change with every message, in one
 * statement; else, and on SQLite, which joins no tables in an UPDATE, in one for members and one for rooms.
 */
export async function writeProgress(
  context: StoreContext,
  marks: readonly Marks[],
  rooms: readonly RoomCounters[],
  transaction: Transaction,
): Promise<void> {
  const moved = marks.filter(({ read, acked }) => read > 0 || acked > 0);
  if (moved.length + rooms.length === 0) return;
  const { models, sequelize } = context;
  const update = (sql: string, values: unknown[]) => change(context, sql, values, transaction);
  const [members, table] = [models.RoomMember.getTableName(), models.Room.getTableName()];
  const pairs = moved.flatMap(({ roomId, userId }) => [roomId, userId]);
  const [room] = rooms;
  const isOfOneRoom = rooms.length === 1 && moved.length > 0 && moved.every(({ roomId }) => roomId === room!.id);
  if (isOfOneRoom && sequelize.getDialect() !== 'sqlite') {
    const changes = [changesOfMarks(moved, 'm.'), changesOfRooms(context, rooms, 'r.')];
    // A mark of somebody who is no member, or is none any more, must not keep the room from moving on.
    await update(
      `UPDATE ${table} r LEFT JOIN ${members} m ON ${isOneOf(context, 'm.room_id', 'm.user_id', moved.length)}
          SET ${changes.flatMap(({ sql }) => sql).join(', ')} WHERE r.id = ?`,
      [...pairs, ...changes.flatMap(({ values }) => values), room!.id],
    );
    return;
  }
  if (moved.length > 0) {
    const { sql, values } = changesOfMarks(moved);
    const which = isOneOf(context, 'room_id', 'user_id', moved.length);
    await update(`UPDATE ${members} SET ${sql.join(', ')} WHERE ${which}`, [...values, ...pairs]);
  }
  if (rooms.length > 0) {
    const { sql, values } = changesOfRooms(context, rooms);
    await update(`UPDATE ${table} SET ${sql.join(', ')} WHERE id IN (?)`, [...values, rooms.map(({ id }) => id)]);
  }
}

/** Marks only ever move up. */
function changesOfMarks(marks: readonly Marks[], of = ''): Changes {
  const values: unknown[] = [];
  const moving = (column: string, mark: 'read' | 'acked') => {
    const given = marks.filter((one) => one[mark] > 0);
    if (given.length === 0) return [];
    values.push(...given.flatMap((one) => [one.roomId, one.userId, one[mark], one[mark]]));
    const when = given.map(() => `WHEN ${of}room_id = ? AND ${of}user_id = ? AND ${of}${column} < ? THEN ?`).join(' ');
    return [`${of}${column} = CASE ${when} ELSE ${of}${column} END`];
  };
  return { sql: [...moving('read_seq', 'read'), ...moving('acked_seq', 'acked')], values };
}

function changesOfRooms(context: StoreContext, rooms: readonly RoomCounters[], of = ''): Changes {
  const cases = (column: string, given: readonly RoomCounters[], value: (room: RoomCounters) => string) =>
    `${of}${column} = CASE ${of}id ${given.map((room) => `WHEN ? THEN ${value(room)}`).join(' ')} ELSE ${of}${column} END`;
  const active = rooms.filter((room) => room.last_activity_at);
  // Written out: a Date among the replacements loses its milliseconds on MySQL.
  const moment = (room: RoomCounters) =>
    literalOf(context, context.models.Room, 'last_activity_at', room.last_activity_at);
  return {
    sql: [
      cases('last_seq', rooms, () => '?'),
      cases('last_offset', rooms, () => '?'),
      ...(active.length > 0 ? [cases('last_activity_at', active, moment)] : []),
    ],
    values: [
      ...rooms.flatMap((room) => [room.id, room.last_seq]),
      ...rooms.flatMap((room) => [room.id, room.last_offset]),
      ...active.map(({ id }) => id),
    ],
  };
}
