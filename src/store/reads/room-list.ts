import type { ChannelListShape, RoomPageShape, UserId } from '../../protocol/shapes.js';
import type { LoadedRoom } from '../../serializers/index.js';
import type { TransactionOptions } from '../context.js';
import { makeWithin, pageBytes, wholeBytes } from './bounds.js';
import type { ReadContext } from './context.js';
import { decodeCursor, encodeCursor } from './cursor.js';
import { splitEnds } from './ends.js';
import { type Entry, findEntries } from './room-list-rows.js';
import { creatorOf, detailOf, loadRooms } from './rooms.js';
import { type SqlValue, select, tableOf, textReplacement } from './sql.js';
import { loadUsers } from './users.js';

/** Which part of a list is wanted. */
export interface ListQuery {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

/** Rooms that `discoverRooms` gives when no limit is asked for. */
const DISCOVER_LIMIT = 50;

/**
 * Lists a user's rooms of all types, newest activity first, with last message, unread count and peer: twelve queries at
 * most, however many rooms. Without a limit or cursor it lists all of them (what passes `wholeBytes` is left out,
 * oldest activity first, and `next_cursor` says so); with one, at most `limit` and what fits the bytes of a page.
 */
export async function listRooms(
  context: ReadContext,
  userId: UserId,
  query: ListQuery = {},
  options: TransactionOptions = {},
): Promise<RoomPageShape> {
  const serializer = context.serializers.getSerializer('RoomListPolymorphicSerializer');
  return readList(context, userId, query, options, (room) => serializer.serialize(room));
}

/** The same as the JSON text of the answer: the list alone, or with a limit or cursor the page. */
export async function listRoomsText(context: ReadContext, userId: UserId, query: ListQuery): Promise<string> {
  const serializer = context.serializers.getSerializer('RoomListPolymorphicSerializer');
  const { rooms, next_cursor } = await readList(context, userId, query, {}, (room) =>
    JSON.stringify(serializer.serialize(room)),
  );
  const list = `[${rooms.join(',')}]`;
  return isPaged(query) ? `{"rooms":${list},"next_cursor":${JSON.stringify(next_cursor)}}` : list;
}

function isPaged({ limit, cursor }: ListQuery): boolean {
  return limit !== undefined || cursor !== undefined;
}

async function readList<Made>(
  context: ReadContext,
  userId: UserId,
  query: ListQuery,
  options: TransactionOptions,
  make: (room: LoadedRoom) => Made,
): Promise<{ rooms: Made[]; next_cursor: string | null }> {
  const paged = isPaged(query);
  const limit = paged ? (query.limit ?? context.settings.maxRoomPageSize) : null;
  const wish = { userId, limit: limit === null ? null : limit + 1, cursor: query.cursor };
  const { entries, load } = await findEntries(context, wish, options);
  const count = Math.min(entries.length, limit ?? entries.length);
  const [unread, list] = await Promise.all([
    countUnread(context, userId, entries.slice(0, count), options),
    load(count),
  ]);
  for (const room of list) room.unread_count = unread.get(room.id) ?? 0;
  await attachUsers(context, list, userId, options);
  const rooms = makeWithin(list, paged ? pageBytes(context) : wholeBytes(context), make);
  const last = list[rooms.length - 1];
  const more = rooms.length < list.length || count < entries.length;
  return { rooms, next_cursor: more && last ? cursorAfter(last) : null };
}

/**
 * Finds public channels by name, in the order of names: whose name contains `query`, capitals aside (of letters beyond
 * ASCII, on SQLite, not aside). The asking user need not be a member, so no message is shown and nothing is unread. Three
 * queries.
 */
export async function discoverRooms(
  context: ReadContext,
  query: ListQuery & { readonly query?: string | undefined } = {},
  options: TransactionOptions = {},
): Promise<RoomPageShape<ChannelListShape>> {
  const limit = query.limit ?? Math.min(DISCOVER_LIMIT, context.settings.maxRoomPageSize);
  const conditions = ['is_public = 1'];
  const replacements: Record<string, SqlValue> = { limit: limit + 1 };
  if (query.query) {
    const { sql, value } = textReplacement(context, 'query', query.query);
    conditions.push(`INSTR(LOWER(name), LOWER(${sql})) > 0`);
    replacements.query = value;
  }
  if (query.cursor !== undefined) {
    const [name, id] = decodeCursor(query.cursor, ['text', 'uuid']) as [string, string];
    const { sql, value } = textReplacement(context, 'name', name);
    conditions.push(`(name > ${sql} OR (name = ${sql} AND room_id > :id))`);
    Object.assign(replacements, { name: value, id });
  }
  const found = await select<{ room_id: string }>(
    context,
    `SELECT room_id FROM ${tableOf(context, context.models.Channel)}
      WHERE ${conditions.join(' AND ')} ORDER BY name, room_id LIMIT :limit`,
    replacements,
    options,
  );
  const ids = found.slice(0, limit).map(({ room_id }) => room_id);
  const list = [...(await loadRooms(context, ids, options)).values()];
  await attachUsers(context, list, null, options);
  const serializer = context.serializers.getSerializer('RoomListPolymorphicSerializer');
  const shapes = makeWithin(list, pageBytes(context), (room) => serializer.serialize(room) as ChannelListShape);
  const last = list[shapes.length - 1];
  const more = shapes.length < list.length || found.length > limit;
  return { rooms: shapes, next_cursor: more && last ? encodeCursor([String(detailOf(last, 'name')), last.id]) : null };
}

/** Counts messages of others above what the user has read. */
async function countUnread(
  context: ReadContext,
  userId: UserId,
  entries: readonly Entry[],
  options: TransactionOptions,
): Promise<Map<string, number>> {
  const table = tableOf(context, context.models.Message);
  const { long, short } = splitEnds(
    entries.map(({ room_id, last_seq, read_seq, joined_seq }) => ({
      room_id,
      last_seq: Number(last_seq),
      start: Math.max(Number(read_seq), Number(joined_seq)),
    })),
  );
  const replacements: Record<string, SqlValue> = { userId, short: short.map(({ room_id }) => room_id) };
  const count = 'SELECT x.room_id, COUNT(*) AS total';
  const unread = 'x.sender_id <> :userId AND x.is_deleted = 0 GROUP BY x.room_id';
  const parts = long.map(({ room_id, start }, index) => {
    replacements[`room${index}`] = room_id;
    return `${count} FROM ${table} x WHERE x.room_id = :room${index} AND x.seq > ${start} AND ${unread}`;
  });
  if (short.length > 0) {
    parts.push(
      `${count} FROM ${tableOf(context, context.models.RoomMember)} m
         JOIN ${table} x ON x.room_id = m.room_id AND x.seq > m.read_seq AND x.seq > m.joined_seq
        WHERE m.user_id = :userId AND m.room_id IN (:short) AND ${unread}`,
    );
  }
  if (parts.length === 0) return new Map();
  const sql = parts.join(' UNION ALL ');
  const rows = await select<{ room_id: string; total: number }>(context, sql, replacements, options);
  return new Map(rows.map((row) => [row.room_id, Number(row.total)]));
}

/** Hangs creators, and the other one of two, on rooms of a list. */
async function attachUsers(
  context: ReadContext,
  rooms: readonly LoadedRoom[],
  userId: UserId | null,
  options: TransactionOptions,
): Promise<void> {
  const ids = rooms.map((room) => ({ creator: creatorOf(context, room), peer: peerOf(room, userId) }));
  const known = ids.flatMap(({ creator, peer }) => [creator, peer]).filter((id) => id !== null);
  const users = await loadUsers(context, known, options);
  for (const [index, room] of rooms.entries()) {
    const { creator, peer } = ids[index]!;
    room.creator = creator === null ? null : users.of(creator);
    room.peer = peer === null ? null : users.of(peer);
  }
}

function peerOf(room: LoadedRoom, userId: UserId | null): UserId | null {
  const pair = [detailOf(room, 'first_user_id'), detailOf(room, 'second_user_id')] as Array<UserId | undefined>;
  return pair.find((id) => id !== undefined && String(id) !== String(userId)) ?? null;
}

function cursorAfter(room: LoadedRoom): string {
  return encodeCursor([(room as LoadedRoom & { last_activity_at: Date }).last_activity_at.toISOString(), room.id]);
}
