import { createHash } from 'node:crypto';
import { QueryTypes, type Transaction } from 'sequelize';
import type { StoreContext, TransactionOptions } from './context.js';
import type { UserId } from './standing.js';

/** A request that may be the repeat of an earlier one: whose, and what its client called it. */
export type ClientRequest = readonly [userId: UserId, clientId: string];

/** What an earlier request of the same name made. */
export interface EarlierRequest {
  readonly request_hash: string | null;
  /** What it was acknowledged with. */
  readonly answer: Record<string, unknown>;
}

type Kind = 'message' | 'room';

/** The key of a request in the maps below. */
export const requestKey = (userId: UserId, clientId: string): string => `${userId} ${clientId}`;

/** Finds what these sends made before, the messages that were deleted since included, in one statement. */
export async function findEarlierMessages(
  context: StoreContext,
  requests: readonly ClientRequest[],
  { transaction }: TransactionOptions = {},
): Promise<Map<string, EarlierRequest>> {
  if (requests.length === 0) return new Map();
  const { models, sequelize } = context;
  const tombstones = tombstoneKeys('message', requests);
  const rows = await sequelize.query<{
    id: string;
    seq: number;
    request_hash: string | null;
    sender_id: UserId;
    client_id: Buffer;
    job_id: string | null;
    reply: string;
  }>(
    `SELECT id, seq, request_hash, sender_id, client_id, NULL AS job_id, NULL AS reply
       FROM ${models.Message.getTableName()}
      WHERE ${requests.map(() => '(sender_id = ? AND client_id = ?)').join(' OR ')}
      UNION ALL
     SELECT NULL, NULL, NULL, NULL, NULL, job_id, reply FROM ${models.Outcome.getTableName()} WHERE job_id IN (?)`,
    {
      // Bytes, as the column holds them.
      replacements: [
        ...requests.flatMap(([senderId, clientId]) => [senderId, Buffer.from(clientId)]),
        [...tombstones.keys()],
      ],
      type: QueryTypes.SELECT,
      ...(transaction && { transaction }),
    },
  );
  return new Map(
    rows.map(({ job_id, reply, sender_id, client_id, id, seq, request_hash }): [string, EarlierRequest] =>
      job_id === null
        ? [requestKey(sender_id, client_id.toString()), { request_hash, answer: { message_id: id, seq: Number(seq) } }]
        : [tombstones.get(job_id)!, JSON.parse(reply)],
    ),
  );
}

/** What this creation made before, the room that was deleted since included. */
export async function findEarlierRoom(
  context: StoreContext,
  [userId, clientId]: ClientRequest,
  { transaction }: TransactionOptions = {},
): Promise<EarlierRequest | undefined> {
  const room = await context.models.Room.findOne({
    where: { created_by_id: userId, client_id: Buffer.from(clientId) as never },
    ...(transaction && { transaction }),
  });
  if (room) return { request_hash: room.request_hash, answer: { room_id: room.id } };
  const tombstone = await context.models.Outcome.findOne({
    where: { job_id: tombstoneId('room', userId, clientId) },
    ...(transaction && { transaction }),
  });
  return tombstone?.reply ? (JSON.parse(tombstone.reply) as EarlierRequest) : undefined;
}

/**
 * Remembers which requests made the rows that are about to be deleted, so that a repeat does not make them anew. Kept
 * with the outcomes, and as long as they are.
 */
export async function rememberDeleted(
  { models }: StoreContext,
  kind: Kind,
  rows: ReadonlyArray<EarlierRequest & { readonly userId: UserId; readonly clientId: string }>,
  transaction: Transaction,
): Promise<void> {
  const named = rows.filter(({ request_hash }) => request_hash !== null);
  if (named.length === 0) return;
  await models.Outcome.bulkCreate(
    named.map(({ userId, clientId, request_hash, answer }) => ({
      job_id: tombstoneId(kind, userId, clientId),
      position: 0,
      room_id: null,
      room_offset: null,
      envelope: null,
      reply: JSON.stringify({ request_hash, answer }),
      created_at: new Date(),
    })),
    { transaction },
  );
}

/** Under which ids the tombstones of these requests would stand, and the requests' keys. */
function tombstoneKeys(kind: Kind, requests: readonly ClientRequest[]): Map<string, string> {
  return new Map(
    requests.map(([userId, clientId]) => [tombstoneId(kind, userId, clientId), requestKey(userId, clientId)]),
  );
}

/** Stands where a job's id stands: 36 characters that no job has. */
function tombstoneId(kind: Kind, userId: UserId, clientId: string): string {
  return createHash('sha256').update(`${kind}\n${userId}\n${clientId}`).digest('hex').slice(0, 36);
}
