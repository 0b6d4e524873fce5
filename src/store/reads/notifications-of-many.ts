import type { ChatNotificationsShape, UserId } from '../../protocol/shapes.js';
import type { ReadContext } from './context.js';
import type { RoomEnd } from './ends.js';
import { loadMessages } from './messages.js';
import { findReactions, newest, readNotifications, shapesOf, type Unseen, unseenMessage } from './notifications.js';
import { type SqlValue, select, tableOf } from './sql.js';

/** Users with at most this much unseen are read together; more is the work of queries of its own. */
const FEW = 50;
/** Rooms, or messages, that one statement names. */
const NAMED = 100;

/**
 * What `readNotifications` gives, for many users who connect at the same moment: those of one room have the same messages
 * to be told of, which are read once. A fixed number of statements for all who have not missed much.
 */
export async function readNotificationsOfMany(
  context: ReadContext,
  userIds: readonly UserId[],
): Promise<Map<string, ChatNotificationsShape>> {
  const pending = await findPending(context, userIds);
  const stored = await countStored(context, userIds);
  const amounts = new Map(stored);
  for (const { user, last_seq, start } of pending) amounts.set(user, (amounts.get(user) ?? 0) + last_seq - start);
  const isFew = (user: string) => (amounts.get(user) ?? 0) <= FEW;

  const unseen = new Map<string, Unseen[]>(userIds.map((id) => [String(id), []]));
  const seen = await findMessages(
    context,
    userIds,
    pending.filter(({ user }) => isFew(user)),
  );
  const told = userIds.filter((id) => stored.has(String(id)) && isFew(String(id)));
  const reactions = told.length > 0 ? await findReactions(context, told) : [];
  for (const { user, one } of seen) unseen.get(user)!.push(one);
  for (const one of reactions) unseen.get(String(one.recipient_id))!.push(one);
  const ids = [...unseen.values()].flatMap((list) => list.map((one) => one.message_id));
  const messages = await loadMessages(context, [...new Set(ids)]);

  const shapes = new Map<string, ChatNotificationsShape>();
  for (const id of userIds) {
    const user = String(id);
    const shape = isFew(user)
      ? shapesOf(context, newest(unseen.get(user)!), messages)
      : await readNotifications(context, id);
    shapes.set(user, shape);
  }
  return shapes;
}

/** A room's end that a user has not acknowledged. */
interface Pending extends RoomEnd {
  readonly user: string;
}

async function findPending(context: ReadContext, userIds: readonly UserId[]): Promise<Pending[]> {
  const { Room, RoomMember } = context.models;
  type Row = { user_id: UserId; room_id: string; acked_seq: number; joined_seq: number; last_seq: number };
  const rows = await select<Row>(
    context,
    `SELECT m.user_id, m.room_id, m.acked_seq, m.joined_seq, r.last_seq
       FROM ${tableOf(context, RoomMember)} m JOIN ${tableOf(context, Room)} r ON r.id = m.room_id
      WHERE m.user_id IN (:userIds) AND r.last_seq > m.acked_seq AND r.last_seq > m.joined_seq`,
    { userIds: [...userIds] },
  );
  return rows.map(({ user_id, room_id, acked_seq, joined_seq, last_seq }) => ({
    user: String(user_id),
    room_id,
    last_seq: Number(last_seq),
    start: Math.max(Number(acked_seq), Number(joined_seq)),
  }));
}

/** How many stored notifications each has who has any. */
async function countStored(context: ReadContext, userIds: readonly UserId[]): Promise<Map<string, number>> {
  const rows = await select<{ recipient_id: UserId; total: number }>(
    context,
    `SELECT recipient_id, COUNT(*) AS total FROM ${tableOf(context, context.models.ChatNotification)}
      WHERE recipient_id IN (:userIds) GROUP BY recipient_id`,
    { userIds: [...userIds] },
  );
  return new Map(rows.map(({ recipient_id, total }) => [String(recipient_id), Number(total)]));
}

type MessageRow = Parameters<typeof unseenMessage>[0] & {
  readonly sender_id: UserId;
  readonly delivered_count: number;
};

/** The unacknowledged messages of others: each room's end is read once, from where the first of these users stopped. */
async function findMessages(
  context: ReadContext,
  userIds: readonly UserId[],
  pending: readonly Pending[],
): Promise<Array<{ user: string; one: Unseen }>> {
  const starts = new Map<string, number>();
  for (const { room_id, start } of pending) starts.set(room_id, Math.min(start, starts.get(room_id) ?? start));
  const rooms = new Map<string, MessageRow[]>();
  for (const part of inParts([...starts])) {
    const replacements: Record<string, SqlValue> = {};
    // Constants: MySQL uses the index up to the seq for nothing else.
    const ends = part.map(([room_id, start], index) => {
      replacements[`room${index}`] = room_id;
      return `(room_id = :room${index} AND seq > ${start})`;
    });
    const rows = await select<MessageRow>(
      context,
      `SELECT id, room_id, seq, sender_id, parent_message_id, delivered_count, created_at
         FROM ${tableOf(context, context.models.Message)} WHERE is_deleted = 0 AND (${ends.join(' OR ')})`,
      replacements,
    );
    for (const row of rows) rooms.set(row.room_id, [...(rooms.get(row.room_id) ?? []), row]);
  }
  const delivered = await findDelivered(context, userIds, [...rooms.values()].flat());
  return pending.flatMap(({ user, room_id, start }) =>
    (rooms.get(room_id) ?? [])
      .filter(
        ({ id, seq, sender_id }) =>
          Number(seq) > start && String(sender_id) !== user && !delivered.has(`${id}:${user}`),
      )
      .map(({ sender_id: _, delivered_count: __, ...row }) => ({ user, one: unseenMessage(row) })),
  );
}

/** Which of the messages which of the users have acknowledged out of turn, as `<message>:<user>`. */
async function findDelivered(
  context: ReadContext,
  userIds: readonly UserId[],
  messages: readonly MessageRow[],
): Promise<Set<string>> {
  const found = new Set<string>();
  for (const part of inParts(messages.filter(({ delivered_count }) => Number(delivered_count) > 0))) {
    const rows = await select<{ message_id: string; user_id: UserId }>(
      context,
      `SELECT message_id, user_id FROM ${tableOf(context, context.models.MessageDelivery)}
        WHERE message_id IN (:ids) AND user_id IN (:userIds)`,
      { ids: part.map(({ id }) => id), userIds: [...userIds] },
    );
    for (const { message_id, user_id } of rows) found.add(`${message_id}:${user_id}`);
  }
  return found;
}

function inParts<Item>(items: readonly Item[]): Item[][] {
  const parts: Item[][] = [];
  for (let at = 0; at < items.length; at += NAMED) parts.push(items.slice(at, at + NAMED));
  return parts;
}
