import { hash } from 'node:crypto';
import type { Transaction } from 'sequelize';
import type { StoreContext, TransactionOptions } from './context.js';
import { type Beside, type Part, type Reading, readTogether } from './reading.js';
import { isOneOf } from './reads/sql.js';
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
  options: TransactionOptions = {},
): Promise<Map<string, EarlierRequest>> {
  const earlier = earlierMessages(context, requests);
  await readTogether(context, [earlier], options);
  return earlier.found();
}

/** The same, to be read in one statement with something else. */
export function earlierMessages(
  context: StoreContext,
  requests: readonly ClientRequest[],
): Reading<Map<string, EarlierRequest>> {
  const { models } = context;
  const earlier = new Map<string, EarlierRequest>();
  const tombstones = tombstoneKeys('message', requests);
  const messages: Part = {
    columns: {
      message_id: 'id',
      seq: 'seq',
      request_hash: 'request_hash',
      sender_id: 'sender_id',
      client_id: 'client_id',
    },
    from: `FROM ${models.Message.getTableName()} WHERE ${isOneOf(context, 'sender_id', 'client_id', requests.length)}`,
    // Bytes, as the column holds them.
    replacements: requests.flatMap(([senderId, clientId]) => [senderId, Buffer.from(clientId)]),
    take(row: MessageRow & { readonly sender_id: UserId; readonly client_id: Buffer }) {
      earlier.set(requestKey(row.sender_id, row.client_id.toString()), earlierOf(row));
    },
  };
  const deleted: Part = {
    columns: { job_id: 'job_id', reply: 'reply' },
    from: `FROM ${models.Outcome.getTableName()} WHERE job_id IN (?)`,
    replacements: [[...tombstones.keys()]],
    take({ job_id, reply }: { readonly job_id: string; readonly reply: string }) {
      earlier.set(tombstones.get(job_id)!, JSON.parse(reply));
    },
  };
  return { parts: requests.length > 0 ? [messages, deleted] : [], found: () => earlier };
}

/**
 * The same of one send, in the row of a room `r` that is locked by the same statement: joined to that row, so that both
 * are read after it, and under the lock that the statement asks for, so as they were committed last.
 */
export function earlierBeside(
  { models }: StoreContext,
  [userId, clientId]: ClientRequest,
): Beside<Map<string, EarlierRequest>> {
  const earlier = new Map<string, EarlierRequest>();
  return {
    columns: 'e.id AS message_id, e.seq, e.request_hash, o.reply',
    joins: `LEFT JOIN ${models.Message.getTableName()} e ON e.sender_id = ? AND e.client_id = ?
       LEFT JOIN ${models.Outcome.getTableName()} o ON o.job_id = ? AND o.position = 0`,
    replacements: [userId, Buffer.from(clientId), tombstoneId('message', userId, clientId)],
    take(row: MessageRow & { readonly reply: string | null }) {
      const key = requestKey(userId, clientId);
      if (row.message_id !== null) earlier.set(key, earlierOf(row));
      else if (row.reply !== null) earlier.set(key, JSON.parse(row.reply));
    },
    found: () => earlier,
  };
}

interface MessageRow {
  readonly message_id: string | null;
  readonly seq: number;
  readonly request_hash: string | null;
}

const earlierOf = ({ message_id, seq, request_hash }: MessageRow): EarlierRequest => ({
  request_hash,
  answer: { message_id, seq: Number(seq) },
});

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
  return hash('sha256', `${kind}\n${userId}\n${clientId}`).slice(0, 36);
}
