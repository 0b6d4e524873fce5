import { isStandard } from '../../models/own-columns.js';
import type { UserId } from '../../protocol/shapes.js';
import type { LoadedMessage, LoadedRoom } from '../../serializers/index.js';
import { isoTime } from '../../serializers/values.js';
import type { TransactionOptions } from '../context.js';
import type { ReadContext } from './context.js';
import { decodeCursor } from './cursor.js';
import { messageColumns, messagesOf } from './message-rows.js';
import { loadMessages } from './messages.js';
import { loadRooms } from './rooms.js';
import { isOwnSerializer, isPlain } from './rows.js';
import { literalOf, type SqlValue, select, tableOf } from './sql.js';

/** Which of a user's rooms are wanted; `limit` null: all. */
export interface EntryQuery {
  readonly userId: UserId;
  readonly limit: number | null;
  readonly cursor: string | undefined;
}

/** One room of a user's list, in the list's order. */
export interface Entry {
  readonly room_id: string;
  readonly last_seq: number;
  readonly read_seq: number;
  readonly joined_seq: number;
}

/** The rooms of a list, without the users they show. */
export interface Entries {
  readonly entries: readonly Entry[];
  /** Loads those of the first `count`, each with its newest message. */
  load(count: number): Promise<LoadedRoom[]>;
}

/**
 * Finds a user's rooms, newest activity first. One statement reads all that is shown of them, but for what hangs on their
 * newest messages, where models and serializers of rooms and messages are the package's own; else four.
 */
export function findEntries(context: ReadContext, query: EntryQuery, options: TransactionOptions): Promise<Entries> {
  return showsPlainRooms(context) ? findPlain(context, query, options) : findAny(context, query, options);
}

function showsPlainRooms(context: ReadContext): boolean {
  const { Room, roomTypes } = context.models;
  return (
    isStandard(Room) &&
    [...roomTypes.values()].every(({ model, isOwn }) => !isOwn && isStandard(model)) &&
    LIST_SERIALIZERS.every((name) => isOwnSerializer(context, name)) &&
    isPlain(context, messagesOf(context))
  );
}

const LIST_SERIALIZERS = [
  'RoomListPolymorphicSerializer',
  'OneToOneChatListSerializer',
  'GroupChatListSerializer',
  'ChannelListSerializer',
] as const;

/** The condition and order that all statements share, of members `m` and rooms `r`. */
function restOf(context: ReadContext, { userId, limit, cursor }: EntryQuery) {
  const { Room } = context.models;
  const replacements: Record<string, SqlValue> = { userId };
  let below = '';
  if (cursor !== undefined) {
    const [time, id] = decodeCursor(cursor, ['time', 'uuid']) as [string, string];
    const moment = literalOf(context, Room, 'last_activity_at', new Date(time));
    below = `AND (r.last_activity_at < ${moment} OR (r.last_activity_at = ${moment} AND r.id < :id))`;
    replacements.id = id;
  }
  if (limit !== null) replacements.limit = limit;
  const first = limit === null ? '' : 'ORDER BY r.last_activity_at DESC, r.id DESC LIMIT :limit';
  return { rest: `WHERE m.user_id = :userId ${below} ${first}`, replacements };
}

/** Each with its newest message, looked for from the room's end by (room_id, seq) only for the rooms that the inner SELECT leaves. */
async function findAny(context: ReadContext, query: EntryQuery, options: TransactionOptions): Promise<Entries> {
  const { RoomMember, Room, Message } = context.models;
  const { rest, replacements } = restOf(context, query);
  const entries = await select<Entry & { readonly last_message_id: string | null }>(
    context,
    `SELECT p.room_id, p.last_seq, p.read_seq, p.joined_seq, ${newestOf(tableOf(context, Message), 'p.room_id')} AS last_message_id
       FROM (SELECT m.room_id, m.read_seq, m.joined_seq, r.last_seq, r.last_activity_at
               FROM ${tableOf(context, RoomMember)} m JOIN ${tableOf(context, Room)} r ON r.id = m.room_id ${rest}) p
      ORDER BY p.last_activity_at DESC, p.room_id DESC`,
    replacements,
    options,
  );
  return {
    entries,
    async load(count) {
      const wanted = entries.slice(0, count);
      const ids = wanted.map((entry) => entry.last_message_id).filter((id) => id !== null);
      const roomIds = wanted.map(({ room_id }) => room_id);
      const [messages, rooms] = await Promise.all([
        loadMessages(context, ids, options),
        loadRooms(context, roomIds, options),
      ]);
      for (const { room_id, last_message_id } of wanted) {
        const room = rooms.get(room_id);
        if (room) room.last_message = (last_message_id && messages.get(last_message_id)) || null;
      }
      return [...rooms.values()];
    },
  };
}

/** The id of a room's newest message that is not deleted. */
function newestOf(table: string, room: string): string {
  return `(SELECT y.id FROM ${table} y WHERE y.room_id = ${room} AND y.is_deleted = 0 ORDER BY y.seq DESC LIMIT 1)`;
}

/** A room with the columns of its type and, unless that was deleted, the message at its last seq. */
interface PlainRow extends Omit<LoadedMessage, 'id'> {
  readonly listed_id: string;
  readonly listed_type: string;
  readonly listed_at: Date | string;
  readonly last_seq: number;
  readonly read_seq: number;
  readonly joined_seq: number;
  readonly member_count: number;
  readonly room_created_at: Date | string;
  readonly room_updated_at: Date | string;
  /** The message's; null without one. */
  readonly id: string | null;
}

async function findPlain(context: ReadContext, query: EntryQuery, options: TransactionOptions): Promise<Entries> {
  const { models } = context;
  const { rest, replacements } = restOf(context, query);
  const table = (model: Parameters<typeof tableOf>[1]) => tableOf(context, model);
  const rows = await select<PlainRow>(
    context,
    `SELECT p.*, t.first_user_id, t.second_user_id, COALESCE(g.name, c.name) AS name,
            COALESCE(g.description, c.description) AS description, COALESCE(g.avatar, c.avatar) AS avatar,
            COALESCE(g.creator_id, c.creator_id) AS creator_id, g.max_participants, g.join_approval_required,
            g.group_locked, c.max_subscribers, c.is_public, ${messageColumns(context)}
       FROM (SELECT m.read_seq, m.joined_seq, r.id AS listed_id, r.type AS listed_type, r.last_seq, r.member_count,
                    r.created_at AS room_created_at, r.updated_at AS room_updated_at, r.last_activity_at AS listed_at
               FROM ${table(models.RoomMember)} m JOIN ${table(models.Room)} r ON r.id = m.room_id ${rest}) p
       LEFT JOIN ${table(models.OneToOneChat)} t ON t.room_id = p.listed_id
       LEFT JOIN ${table(models.GroupChat)} g ON g.room_id = p.listed_id
       LEFT JOIN ${table(models.Channel)} c ON c.room_id = p.listed_id
       LEFT JOIN ${table(models.Message)} x ON x.room_id = p.listed_id AND x.seq = p.last_seq AND x.is_deleted = 0`,
    replacements,
    options,
  );
  // Here and not by the database, which would sort rows with texts in them on its disk.
  rows.sort((one, other) => compare(other.listed_at, one.listed_at) || compare(other.listed_id, one.listed_id));
  const entries = rows.map(({ listed_id, last_seq, read_seq, joined_seq }) => ({
    room_id: listed_id,
    last_seq,
    read_seq,
    joined_seq,
  }));
  return {
    entries,
    async load(count) {
      const wanted = rows.slice(0, count);
      const [earlier] = await Promise.all([
        loadEarlier(context, wanted, options),
        loadMessages(
          context,
          wanted.filter(({ id }) => id !== null),
          options,
        ),
      ]);
      return wanted.map((row): LoadedRoom & { readonly last_activity_at: Date } => ({
        id: row.listed_id,
        type: row.listed_type,
        last_seq: row.last_seq,
        member_count: row.member_count,
        created_at: row.room_created_at,
        updated_at: row.room_updated_at,
        last_activity_at: new Date(isoTime(row.listed_at)),
        details: row,
        last_message: row.id === null ? (earlier.get(row.listed_id) ?? null) : (row as LoadedMessage),
      }));
    },
  };
}

/** The newest messages left in rooms whose last one was deleted. */
async function loadEarlier(
  context: ReadContext,
  rows: readonly PlainRow[],
  options: TransactionOptions,
): Promise<Map<string, LoadedMessage>> {
  const rooms = rows.filter(({ id, last_seq }) => id === null && Number(last_seq) > 0).map((row) => row.listed_id);
  if (rooms.length === 0) return new Map();
  const { Message, Room } = context.models;
  const found = await select<{ id: string | null }>(
    context,
    `SELECT ${newestOf(tableOf(context, Message), 'r.id')} AS id FROM ${tableOf(context, Room)} r WHERE r.id IN (:rooms)`,
    { rooms },
    options,
  );
  const ids = found.map(({ id }) => id).filter((id) => id !== null);
  const messages = await loadMessages(context, ids, options);
  return new Map([...messages.values()].map((message) => [message.room_id, message]));
}

function compare(one: Date | string, other: Date | string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
