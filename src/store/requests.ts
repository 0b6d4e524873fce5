import { QueryTypes } from 'sequelize';
import type { StoreContext, TransactionOptions } from './context.js';
import type { UserId } from './standing.js';

/** A send that may be the repeat of an earlier one: whose, and what its client called it. */
export type SendRequest = readonly [senderId: UserId, clientId: string];

/** What an earlier send of the same name made. */
export interface EarlierMessage {
  readonly id: string;
  readonly seq: number;
  readonly request_hash: string | null;
}

/** The key of a request in the map below. */
export const requestKey = (senderId: UserId, clientId: string): string => `${senderId} ${clientId}`;

/** Finds the messages that these requests made before, in one statement. */
export async function findEarlierMessages(
  { models, sequelize }: StoreContext,
  requests: readonly SendRequest[],
  { transaction }: TransactionOptions = {},
): Promise<Map<string, EarlierMessage>> {
  if (requests.length === 0) return new Map();
  const rows = await sequelize.query<EarlierMessage & { sender_id: UserId; client_id: Buffer }>(
    `SELECT id, seq, request_hash, sender_id, client_id FROM ${models.Message.getTableName()}
      WHERE ${requests.map(() => '(sender_id = ? AND client_id = ?)').join(' OR ')}`,
    {
      // Bytes, as the column holds them.
      replacements: requests.flatMap(([senderId, clientId]) => [senderId, Buffer.from(clientId)]),
      type: QueryTypes.SELECT,
      ...(transaction && { transaction }),
    },
  );
  return new Map(
    rows.map(({ sender_id, client_id, id, seq, request_hash }) => [
      requestKey(sender_id, client_id.toString()),
      { id, seq: Number(seq), request_hash },
    ]),
  );
}
