import type { ChatNotificationShape, ChatNotificationsShape, UserId } from '../../protocol/shapes.js';
import type { LoadedMessage, LoadedNotification, Moment } from '../../serializers/index.js';
import { isoTime } from '../../serializers/values.js';
import type { TransactionOptions } from '../context.js';
import { makeWithin, wholeBytes } from './bounds.js';
import type { ReadContext } from './context.js';
import { type RoomEnd, splitEnds } from './ends.js';
import { loadMessages } from './messages.js';
import { type SqlValue, select, tableOf } from './sql.js';

/** Most shown of one room: the newest. */
const PER_ROOM = 100;

/** Most shown in all: the newest. */
const IN_ALL = 1000;

/** Rooms looked at, those with the newest activity first. */
const MAX_ROOMS = 5000;

/**
 * What a user has not seen, by room, oldest first: messages of others sent since they joined that they have not
 * acknowledged, and reactions to their own messages. The newest 100 of a room and 1,000 in all. Eleven queries at most,
 * however many rooms, and none reads a room's history below what was acknowledged.
 */
export async function readNotifications(
  context: ReadContext,
  userId: UserId,
  options: TransactionOptions = {},
): Promise<ChatNotificationsShape> {
  const pending = await findPending(context, userId, options);
  const unseen = newest([
    ...(await findMessages(context, userId, pending, options)),
    ...(await findReactions(context, [userId], options)),
  ]);
  const ids = [...new Set(unseen.map((one) => one.message_id))];
  return shapesOf(context, unseen, await loadMessages(context, ids, options));
}

/** What is unseen, newest first, with its messages loaded: as the user is shown it. */
export function shapesOf(
  context: ReadContext,
  unseen: readonly Unseen[],
  messages: ReadonlyMap<string, LoadedMessage>,
): ChatNotificationsShape {
  const loaded = unseen.flatMap((one): Array<{ roomId: string; notification: LoadedNotification }> => {
    const message = messages.get(one.message_id);
    const { id, notification_type } = one;
    return message ? [{ roomId: one.room_id, notification: { ...one, id, notification_type, message } }] : [];
  });
  const serializer = context.serializers.getSerializer('ChatNotificationSerializer');
  const shapes = makeWithin(loaded, wholeBytes(context), ({ notification }) => serializer.serialize(notification));
  const rooms = new Map<string, ChatNotificationShape[]>();
  for (const [index, shape] of shapes.entries()) {
    const roomId = loaded[index]!.roomId;
    const list = rooms.get(roomId);
    if (list) list.unshift(shape);
    else rooms.set(roomId, [shape]);
  }
  return Object.fromEntries(rooms);
}

/** Something unseen, before its message is loaded. */
export interface Unseen {
  readonly id: string;
  readonly room_id: string;
  readonly message_id: string;
  readonly notification_type: string;
  readonly created_at: Moment;
  readonly seq: number;
}

async function findPending(context: ReadContext, userId: UserId, options: TransactionOptions): Promise<RoomEnd[]> {
  const { Room, RoomMember } = context.models;
  const rows = await select<{ room_id: string; acked_seq: number; joined_seq: number; last_seq: number }>(
    context,
    `SELECT m.room_id, m.acked_seq, m.joined_seq, r.last_seq
       FROM ${tableOf(context, RoomMember)} m JOIN ${tableOf(context, Room)} r ON r.id = m.room_id
      WHERE m.user_id = :userId AND r.last_seq > m.acked_seq AND r.last_seq > m.joined_seq
      ORDER BY r.last_activity_at DESC, r.id DESC LIMIT :limit`,
    { userId, limit: MAX_ROOMS },
    options,
  );
  return rows.map((row) => ({
    room_id: row.room_id,
    last_seq: Number(row.last_seq),
    start: Math.max(Number(row.acked_seq), Number(row.joined_seq)),
  }));
}

/** The newest unacknowledged messages of others in each room. */
async function findMessages(
  context: ReadContext,
  userId: UserId,
  pending: readonly RoomEnd[],
  options: TransactionOptions,
): Promise<Unseen[]> {
  if (pending.length === 0) return [];
  const { Message, MessageDelivery, RoomMember } = context.models;
  const table = tableOf(context, Message);
  const { long, short } = splitEnds(pending);
  const replacements: Record<string, SqlValue> = {
    userId,
    perRoom: PER_ROOM,
    inAll: IN_ALL,
    short: short.map(({ room_id }) => room_id),
  };
  const columns = 'x.id, x.room_id, x.seq, x.parent_message_id, x.created_at';
  const unseen = `x.is_deleted = 0 AND x.sender_id <> :userId AND NOT EXISTS (
    SELECT 1 FROM ${tableOf(context, MessageDelivery)} d WHERE d.message_id = x.id AND d.user_id = :userId)`;
  const parts = long.map(({ room_id, start }, index) => {
    replacements[`room${index}`] = room_id;
    const found = `SELECT ${columns} FROM ${table} x WHERE x.room_id = :room${index} AND x.seq > ${start} AND ${unseen}`;
    return `SELECT * FROM (${found} ORDER BY x.seq DESC LIMIT :perRoom) part${index}`;
  });
  if (short.length > 0) {
    parts.push(
      `SELECT id, room_id, seq, parent_message_id, created_at FROM (
         SELECT ${columns}, ROW_NUMBER() OVER (PARTITION BY x.room_id ORDER BY x.seq DESC) AS place
           FROM ${tableOf(context, RoomMember)} m
           JOIN ${table} x ON x.room_id = m.room_id AND x.seq > m.acked_seq AND x.seq > m.joined_seq
          WHERE m.user_id = :userId AND m.room_id IN (:short) AND ${unseen}
       ) ranked WHERE place <= :perRoom`,
    );
  }
  const rows = await select<Parameters<typeof unseenMessage>[0]>(
    context,
    `SELECT * FROM (${parts.join(' UNION ALL ')}) unseen ORDER BY created_at DESC, seq DESC LIMIT :inAll`,
    replacements,
    options,
  );
  return rows.map(unseenMessage);
}

/** The notification that a message is to who has not seen it. */
export function unseenMessage({
  parent_message_id,
  ...row
}: Omit<Unseen, 'message_id' | 'notification_type'> & { readonly parent_message_id: string | null }): Unseen {
  return { ...row, message_id: row.id, notification_type: parent_message_id ? 'REPLY' : 'NEW_MESSAGE' };
}

/**
 * Stored notifications: the newest reactions to the user's own messages, and whatever types a host stores. Their seq
 * puts them after messages of the same time.
 */
export function findReactions(
  context: ReadContext,
  userIds: readonly UserId[],
  options: TransactionOptions = {},
): Promise<Array<Unseen & { readonly recipient_id: UserId }>> {
  const { ChatNotification, Message, RoomMember } = context.models;
  return select<Unseen & { recipient_id: UserId }>(
    context,
    `SELECT ranked.*, ${Number.MAX_SAFE_INTEGER} AS seq FROM (
       SELECT n.*, ROW_NUMBER() OVER (PARTITION BY n.recipient_id, n.room_id ORDER BY n.created_at DESC, n.id DESC) AS place
         FROM ${tableOf(context, ChatNotification)} n
         JOIN ${tableOf(context, RoomMember)} m ON m.room_id = n.room_id AND m.user_id = n.recipient_id
         JOIN ${tableOf(context, Message)} x ON x.id = n.message_id AND x.is_deleted = 0
        WHERE n.recipient_id IN (:userIds)
     ) ranked WHERE place <= :perRoom ORDER BY created_at DESC, id DESC LIMIT :inAll`,
    { userIds: [...userIds], perRoom: PER_ROOM, inAll: IN_ALL * userIds.length },
    options,
  );
}

/** Messages and reactions together, newest first, cut to what is shown. */
export function newest(unseen: readonly Unseen[]): Unseen[] {
  const sorted = unseen
    .map((one) => ({ one, time: Date.parse(isoTime(one.created_at)) }))
    .sort((a, b) => b.time - a.time || Number(b.one.seq) - Number(a.one.seq));
  const perRoom = new Map<string, number>();
  const shown: Unseen[] = [];
  for (const { one } of sorted) {
    const count = perRoom.get(one.room_id) ?? 0;
    if (count === PER_ROOM) continue;
    perRoom.set(one.room_id, count + 1);
    shown.push(one);
    if (shown.length === IN_ALL) break;
  }
  return shown;
}
