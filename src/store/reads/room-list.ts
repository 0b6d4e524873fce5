import type { ChannelListShape, RoomPageShape, UserId } from '../../protocol/shapes.js';
import type { LoadedRoom } from '../../serializers/index.js';
import type { TransactionOptions } from '../context.js';
import { makeWithin, pageBytes, wholeBytes } from './bounds.js';
import type { ReadContext } from './context.js';
import { decodeCursor, encodeCursor } from './cursor.js';
import { splitEnds } from './ends.js';
import { loadMessages } from './messages.js';
import { creatorOf, detailOf, loadRooms } from './rooms.js';
import { literalOf, type SqlValue, select, tableOf, textReplacement } from './sql.js';
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
  const paged = query.limit !== undefined || query.cursor !== undefined;
  const limit = paged ? (query.limit ?? context.settings.maxRoomPageSize) : null;
  const entries = await findEntries(context, userId, limit === null ? null : limit + 1, query.cursor, options);
  const wanted = limit === null ? entries : entries.slice(0, limit);
  const unread = await countUnread(context, userId, wanted, options);
  const lastIds = wanted.map((entry) => entry.last_message_id).filter((id) => id !== null);
  const messages = await loadMessages(context, lastIds, options);
  const rooms = await loadRooms(
    context,
    wanted.map((entry) => entry.room_id),
    options,
  );
  for (const { room_id, last_message_id } of wanted) {
    const room = rooms.get(room_id);
    if (!room) continue;
    room.last_message = (last_message_id && messages.get(last_message_id)) || null;
    room.unread_count = unread.get(room_id) ?? 0;
  }
  const list = [...rooms.values()];
  await attachUsers(context, list, userId, options);
  const serializer = context.serializers.getSerializer('RoomListPolymorphicSerializer');
  const bytes = paged ? pageBytes(context) : wholeBytes(context);
  const shapes = makeWithin(list, bytes, (room) => serializer.serialize(room));
  const last = list[shapes.length - 1];
  const more = shapes.length < list.length || wanted.length < entries.length;
  return { rooms: shapes, next_cursor: more && last ? cursorAfter(last) : null };
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

/** One room of a user's list. */
interface Entry {
  readonly room_id: string;
  readonly last_seq: number;
  readonly read_seq: number;
  readonly joined_seq: number;
  readonly last_message_id: string | null;
}

/**
 * The user's rooms, newest activity first, each with its newest message. That is looked for from the room's end by
 * (room_id, seq), only for the rooms that the inner SELECT leaves.
 */
function findEntries(
  context: ReadContext,
  userId: UserId,
  limit: number | null,
  cursor: string | undefined,
  options: TransactionOptions,
): Promise<Entry[]> {
  const { Message, Room, RoomMember } = context.models;
  const replacements: Record<string, SqlValue> = { userId, limit };
  let below = '';
  if (cursor !== undefined) {
    const [time, id] = decodeCursor(cursor, ['time', 'uuid']) as [string, string];
    const moment = literalOf(context, Room, 'last_activity_at', new Date(time));
    below = `AND (r.last_activity_at < ${moment} OR (r.last_activity_at = ${moment} AND r.id < :id))`;
    replacements.id = id;
  }
  return select<Entry>(
    context,
    `SELECT p.room_id, p.last_seq, p.read_seq, p.joined_seq,
            (SELECT x.id FROM ${tableOf(context, Message)} x
              WHERE x.room_id = p.room_id AND x.is_deleted = 0 ORDER BY x.seq DESC LIMIT 1) AS last_message_id
       FROM (SELECT m.room_id, m.read_seq, m.joined_seq, r.last_seq, r.last_activity_at
               FROM ${tableOf(context, RoomMember)} m JOIN ${tableOf(context, Room)} r ON r.id = m.room_id
              WHERE m.user_id = :userId ${below}
              ORDER BY r.last_activity_at DESC, r.id DESC ${limit === null ? '' : 'LIMIT :limit'}) p
      ORDER BY p.last_activity_at DESC, p.room_id DESC`,
    replacements,
    options,
  );
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
