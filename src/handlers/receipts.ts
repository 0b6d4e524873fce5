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

/** Of these messages, those that the user has no row about yet in the deliveries, or in the read receipts. */
export async function without(
  { models, sequelize }: HandlerContext,
  kind: 'MessageDelivery' | 'ReadReceipt',
  messages: readonly ReceivedMessage[],
  userId: UserId,
  { transaction }: WriteOptions,
): Promise<ReceivedMessage[]> {
  if (messages.length === 0) return [];
  const rows = await sequelize.query<{ message_id: string }>(
    `SELECT message_id FROM ${models[kind].getTableName()} WHERE user_id = :userId AND message_id IN (:ids)`,
    { replacements: { userId, ids: messages.map(({ id }) => id) }, type: QueryTypes.SELECT, transaction },
  );
  const present = new Set(rows.map(({ message_id }) => message_id));
  return messages.filter(({ id }) => !present.has(id));
}

/** Records that the user received these messages, and moves the mark below which nothing is pending. */
export async function recordDeliveries(
  context: HandlerContext,
  messages: readonly ReceivedMessage[],
  userId: UserId,
  options: WriteOptions,
): Promise<void> {
  const { models } = context;
  const { transaction } = options;
  if (messages.length === 0) return;
  const ids = messages.map(({ id }) => id);
  await models.MessageDelivery.bulkCreate(
    ids.map((message_id) => ({ message_id, user_id: userId, created_at: new Date() })),
    { transaction },
  );
  await models.Message.increment('delivered_count', { by: 1, where: { id: ids }, transaction });
  for (const roomId of new Set(messages.map(({ room_id }) => room_id))) {
    await moveAckedMark(context, roomId, userId, options);
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
  const ids = messages.map(({ id }) => id);
  await models.ReadReceipt.bulkCreate(
    ids.map((message_id) => ({ message_id, user_id: userId, read_at: new Date() })),
    { transaction },
  );
  await models.Message.increment('read_count', { by: 1, where: { id: ids }, transaction });
  for (const { room_id, seq } of messages) unit.markRead(room_id, userId, seq);
}

/** Everything of others below the first message without a delivery row is acknowledged: remember up to where. */
async function moveAckedMark(
  { models, sequelize }: HandlerContext,
  roomId: string,
  userId: UserId,
  { transaction, unit }: WriteOptions,
): Promise<void> {
  const member = await models.RoomMember.findOne({ where: { room_id: roomId, user_id: userId }, transaction });
  if (!member) return;
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
  const mark = first ? Number(first.seq) - 1 : unit.counters(roomId).last_seq;
  await models.RoomMember.update({ acked_seq: mark }, { where: { room_id: roomId, user_id: userId }, transaction });
}
