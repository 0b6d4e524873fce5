import { QueryTypes } from 'sequelize';
import type { UserId } from '../store/standing.js';
import type { HandlerContext, WriteOptions } from './base.js';

/** A message that a user acknowledges or reads. */
export interface ReceivedMessage {
  readonly id: string;
  readonly room_id: string;
  readonly sender_id: UserId;
  readonly seq: number;
}

/** Rows of messages by id, in seq order. Their room is locked by the caller. */
export async function findReceived(
  { models, sequelize }: HandlerContext,
  ids: readonly string[],
  { transaction }: WriteOptions,
): Promise<ReceivedMessage[]> {
  const rows = await sequelize.query<ReceivedMessage>(
    `SELECT id, room_id, sender_id, seq FROM ${models.Message.getTableName()} WHERE id IN (:ids) ORDER BY room_id, seq`,
    { replacements: { ids: [...ids] }, type: QueryTypes.SELECT, transaction },
  );
  return rows.map((row) => ({ ...row, seq: Number(row.seq) }));
}

/** Of these messages, those that this user has not received yet, and those not read yet. */
export async function findFresh(
  { models, sequelize }: HandlerContext,
  messages: readonly ReceivedMessage[],
  userId: UserId,
  { transaction }: WriteOptions,
): Promise<{ undelivered: ReceivedMessage[]; unread: ReceivedMessage[] }> {
  if (messages.length === 0) return { undelivered: [], unread: [] };
  const of = (kind: 'MessageDelivery' | 'ReadReceipt') =>
    `SELECT '${kind}' AS kind, message_id FROM ${models[kind].getTableName()}
      WHERE user_id = :userId AND message_id IN (:ids)`;
  const rows = await sequelize.query<{ kind: string; message_id: string }>(
    `${of('MessageDelivery')} UNION ALL ${of('ReadReceipt')}`,
    { replacements: { userId, ids: messages.map(({ id }) => id) }, type: QueryTypes.SELECT, transaction },
  );
  const present = new Set(rows.map(({ kind, message_id }) => `${kind} ${message_id}`));
  const without = (kind: string) => messages.filter(({ id }) => !present.has(`${kind} ${id}`));
  return { undelivered: without('MessageDelivery'), unread: without('ReadReceipt') };
}

/** Records that the user received these messages, and moves the mark below which nothing is pending. */
export async function recordDeliveries(
  context: HandlerContext,
  messages: readonly ReceivedMessage[],
  userId: UserId,
  options: WriteOptions,
): Promise<void> {
  const { models } = context;
  const { transaction, unit } = options;
  if (messages.length === 0) return;
  await unit.insert(
    models.MessageDelivery,
    messages.map(({ id }) => ({ message_id: id, user_id: userId, created_at: new Date() })),
  );
  const ids = messages.map(({ id }) => id);
  await models.Message.increment('delivered_count', { by: 1, where: { id: ids }, transaction });
  for (const roomId of new Set(messages.map(({ room_id }) => room_id))) {
    unit.markAcked(roomId, userId, await ackedSeq(context, roomId, userId, options));
  }
}

/** Records that the user read these messages. */
export async function recordReads(
  { models }: HandlerContext,
  messages: readonly ReceivedMessage[],
  userId: UserId,
  { transaction, unit }: WriteOptions,
): Promise<void> {
  if (messages.length === 0) return;
  await models.ReadReceipt.bulkCreate(
    messages.map(({ id }) => ({ message_id: id, user_id: userId, read_at: new Date() })),
    { transaction },
  );
  const ids = messages.map(({ id }) => id);
  await models.Message.increment('read_count', { by: 1, where: { id: ids }, transaction });
  for (const { room_id, seq } of messages) unit.markRead(room_id, userId, seq);
}

/** Up to where everything of others is acknowledged: below the first message without a delivery row. */
async function ackedSeq(
  { models, sequelize }: HandlerContext,
  roomId: string,
  userId: UserId,
  { transaction, unit }: WriteOptions,
): Promise<number> {
  const member = await models.RoomMember.findOne({ where: { room_id: roomId, user_id: userId }, transaction });
  if (!member) return 0;
  // The old mark as a constant: joined to its column, MariaDB would read the room's whole history.
  const [first] = await sequelize.query<{ seq: number }>(
    `SELECT m.seq FROM ${models.Message.getTableName()} m
       LEFT JOIN ${models.MessageDelivery.getTableName()} d ON d.message_id = m.id AND d.user_id = :userId
      WHERE m.room_id = :roomId AND m.seq > :acked AND m.sender_id <> :userId AND m.is_deleted = :no
        AND d.message_id IS NULL ORDER BY m.seq LIMIT 1`,
    {
      replacements: { roomId, userId, acked: Number(member.acked_seq), no: false },
      type: QueryTypes.SELECT,
      transaction,
    },
  );
  return first ? Number(first.seq) - 1 : unit.counters(roomId).last_seq;
}
