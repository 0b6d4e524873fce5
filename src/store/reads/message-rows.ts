import type { LoadedMessage } from '../../serializers/index.js';
import type { TransactionOptions } from '../context.js';
import type { ReadContext } from './context.js';
import { extraOf, isPlain, type ShownModel, selectRows } from './rows.js';
import { type SqlValue, tableOf } from './sql.js';

/** The columns that a message is shown from. */
const SHOWN_COLUMNS = [
  ...['id', 'room_id', 'seq', 'sender_id', 'client_id', 'content', 'is_deleted', 'is_edited', 'is_forwarded'],
  ...['parent_message_id', 'forwarded_from_id', 'delivered_count', 'read_count', 'created_at', 'updated_at'],
];

/** Messages and the serializer that shows them. */
export const messagesOf = ({ models }: ReadContext): ShownModel => ({
  model: models.Message,
  serializer: 'MessageSerializer',
});

/**
 * What to select of messages `x`: their columns, and whether they have media and reactions. Most have neither, and are
 * not asked about them again.
 */
export function messageColumns(context: ReadContext): string {
  const { MessageMediaAsset, Reaction } = context.models;
  const has = (table: string) => `EXISTS (SELECT 1 FROM ${table} o WHERE o.message_id = x.id)`;
  return [
    ...(isPlain(context, messagesOf(context)) ? SHOWN_COLUMNS.map((name) => `x.${name}`) : ['x.*']),
    `${has(tableOf(context, MessageMediaAsset))} AS has_media`,
    `${has(tableOf(context, Reaction))} AS has_reactions`,
  ].join(', ');
}

/** Whether a message may have media or reactions; what was not asked about it is not known. */
export function mayHave(message: LoadedMessage, what: 'has_media' | 'has_reactions'): boolean {
  const found = extraOf(message, what);
  return found === undefined || Number(found) !== 0;
}

/** What to select of messages `x` besides, for `isSenderThere`. */
export function senderIsThere(context: ReadContext): string {
  const members = tableOf(context, context.models.RoomMember);
  return `EXISTS (SELECT 1 FROM ${members} s WHERE s.room_id = x.room_id AND s.user_id = x.sender_id) AS sender_is_there`;
}

/** Whether a message's sender is a member of its room; true when that was not asked. */
export function isSenderThere(message: LoadedMessage): boolean {
  const found = extraOf(message, 'sender_is_there');
  return found === undefined || Number(found) !== 0;
}

/** Reads messages; `rest` is the statement behind the columns, with messages as `x`. */
export function selectMessages(
  context: ReadContext,
  { more = '', rest }: { readonly more?: string; readonly rest: string },
  replacements: Readonly<Record<string, SqlValue>>,
  options: TransactionOptions,
): Promise<LoadedMessage[]> {
  const columns = `${messageColumns(context)}${more}`;
  const sql = `SELECT ${columns} FROM ${tableOf(context, context.models.Message)} x ${rest}`;
  return selectRows<LoadedMessage>(context, messagesOf(context), sql, replacements, options);
}
