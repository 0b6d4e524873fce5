import type { MessageShape } from '../../protocol/shapes.js';
import type {
  LoadedDelivery,
  LoadedMedia,
  LoadedMessage,
  LoadedReaction,
  LoadedReceipt,
} from '../../serializers/index.js';
import { textOf } from '../../serializers/values.js';
import type { TransactionOptions } from '../context.js';
import type { ReadContext } from './context.js';
import { mayHave, selectMessages, senderIsThere } from './message-rows.js';
import { listsBy, newestPerMessage, type OfMessage } from './newest.js';
import { selectRows } from './rows.js';
import { select, tableOf } from './sql.js';
import { loadUsers } from './users.js';

/** How messages are loaded. */
export interface LoadMessagesOptions extends TransactionOptions {
  /** Given ids, also load messages that were deleted but kept. Default false. */
  readonly includeDeleted?: boolean;
  /** The messages were made just now: nobody has received, read or reacted to them, so nobody asks. Default false. */
  readonly fresh?: boolean;
  /** Also ask whether the senders are members still; `isSenderThere` tells. Default false. */
  readonly withSenders?: boolean;
}

/**
 * Loads messages and all that their shape shows: senders, media in order, the newest deliveries, receipts and
 * reactions, exact reaction counts, parents and forwards one level deep. Eight queries at most, however many messages.
 * Given rows are taken as they are (their counters too), and media already hung on a row is not read again. The map is in
 * the order given; ids of nothing are absent.
 */
export async function loadMessages(
  context: ReadContext,
  idsOrRows: ReadonlyArray<string | object>,
  options: LoadMessagesOptions = {},
): Promise<Map<string, LoadedMessage>> {
  const messages = await rowsOf(context, idsOrRows, options);
  const list = [...messages.values()];
  if (list.length === 0) return messages;
  const attachSourcesAndMedia = async () => {
    const found = await attachSources(context, list, options);
    await attachMedia(context, [...list, ...found], options);
    return found;
  };
  const [sources] = await Promise.all([
    attachSourcesAndMedia(),
    options.fresh ? undefined : attachLists(context, list, options),
  ]);
  await attachUsers(context, [...list, ...sources], options);
  return messages;
}

/** Loads messages and makes their shapes, in the order given. */
export async function serializeMessages(
  context: ReadContext,
  idsOrRows: ReadonlyArray<string | object>,
  options: LoadMessagesOptions = {},
): Promise<MessageShape[]> {
  const serializer = context.serializers.getSerializer('MessageSerializer');
  const messages = await loadMessages(context, idsOrRows, options);
  return [...messages.values()].map((message) => serializer.serialize(message));
}

async function rowsOf(
  context: ReadContext,
  idsOrRows: ReadonlyArray<string | object>,
  options: LoadMessagesOptions,
): Promise<Map<string, LoadedMessage>> {
  const ids = idsOrRows.filter((one) => typeof one === 'string');
  const found = await findMessages(context, ids, options);
  const messages = new Map<string, LoadedMessage>();
  for (const one of idsOrRows) {
    const row = typeof one === 'string' ? found.get(one) : (one as LoadedMessage);
    if (row && (typeof one !== 'string' || options.includeDeleted || !row.is_deleted)) messages.set(row.id, row);
  }
  return messages;
}

async function findMessages(
  context: ReadContext,
  ids: readonly string[],
  options: LoadMessagesOptions,
): Promise<Map<string, LoadedMessage>> {
  if (ids.length === 0) return new Map();
  const more = options.withSenders ? `, ${senderIsThere(context)}` : '';
  const rest = 'WHERE x.id IN (:ids)';
  const rows = await selectMessages(context, { more, rest }, { ids: [...new Set(ids)] }, options);
  return new Map(rows.map((row) => [row.id, row]));
}

/** Hangs parents and forwarded messages on their rows. They are rows of their own, so that nothing nests deeper. */
async function attachSources(
  context: ReadContext,
  messages: readonly LoadedMessage[],
  options: TransactionOptions,
): Promise<LoadedMessage[]> {
  const ids = messages.flatMap((one) => [one.parent_message_id, one.forwarded_from_id]).filter((id) => id != null);
  const sources = await findMessages(context, ids, { transaction: options.transaction });
  for (const message of messages) {
    if (message.parent_message_id) message.parent_message = sources.get(message.parent_message_id) ?? null;
    if (message.forwarded_from_id) message.forwarded_from = sources.get(message.forwarded_from_id) ?? null;
  }
  return [...sources.values()];
}

async function attachMedia(
  context: ReadContext,
  messages: readonly LoadedMessage[],
  options: TransactionOptions,
): Promise<void> {
  const without = messages.filter((message) => !message.media && !message.is_deleted);
  const asked = without.filter((message) => mayHave(message, 'has_media'));
  const assets = asked.length > 0 ? await findMedia(context, asked, options) : new Map<string, LoadedMedia[]>();
  for (const message of without) message.media = assets.get(message.id) ?? [];
}

async function findMedia(
  context: ReadContext,
  messages: readonly LoadedMessage[],
  options: TransactionOptions,
): Promise<Map<string, LoadedMedia[]>> {
  const { MessageMediaAsset: model } = context.models;
  const rows = await selectRows<LoadedMedia & OfMessage>(
    context,
    { model, serializer: 'MessageMediaAssetSerializer' },
    `SELECT * FROM ${tableOf(context, model)} WHERE message_id IN (:ids) ORDER BY message_id, position, id`,
    { ids: [...new Set(messages.map(({ id }) => id))] },
    options,
  );
  return listsBy(rows, (row): LoadedMedia => row);
}

async function attachLists(
  context: ReadContext,
  messages: readonly LoadedMessage[],
  options: TransactionOptions,
): Promise<void> {
  const { MessageDelivery, ReadReceipt } = context.models;
  const totals = (of: (message: LoadedMessage) => number) => new Map(messages.map((one) => [one.id, of(one)]));
  const [deliveries, receipts, { counts, reactions }] = await Promise.all([
    newestPerMessage<LoadedDelivery>(
      context,
      { model: MessageDelivery, serializer: null },
      ['created_at', 'user_id'],
      totals((message) => Number(message.delivered_count)),
      options,
    ),
    newestPerMessage<LoadedReceipt>(
      context,
      { model: ReadReceipt, serializer: 'ReadReceiptSerializer' },
      ['read_at', 'user_id'],
      totals((message) => Number(message.read_count)),
      options,
    ),
    findReactions(context, messages, options),
  ]);
  for (const message of messages) {
    message.deliveries = deliveries.get(message.id) ?? [];
    message.read_receipts = receipts.get(message.id) ?? [];
    message.reactions = reactions.get(message.id) ?? [];
    message.reaction_counts = Object.fromEntries(counts.get(message.id) ?? []);
  }
}

/** How often each reaction was given, and the newest ones. */
async function findReactions(context: ReadContext, messages: readonly LoadedMessage[], options: TransactionOptions) {
  const asked = messages.filter((message) => mayHave(message, 'has_reactions'));
  const counts = await countReactions(context, asked, options);
  const total = (id: string) => counts.get(id)?.reduce((sum, [, count]) => sum + count, 0) ?? 0;
  const reactions = await newestPerMessage<LoadedReaction>(
    context,
    { model: context.models.Reaction, serializer: 'ReactionSerializer' },
    ['created_at', 'id'],
    new Map(asked.map(({ id }) => [id, total(id)])),
    options,
  );
  return { counts, reactions };
}

/** How often each reaction was given, most first. The column is binary, so equal means equal bytes. */
async function countReactions(
  context: ReadContext,
  messages: readonly LoadedMessage[],
  options: TransactionOptions,
): Promise<Map<string, Array<[content: string, count: number]>>> {
  if (messages.length === 0) return new Map();
  const rows = await select<OfMessage & { reaction_content: string | Buffer; total: number }>(
    context,
    `SELECT message_id, reaction_content, COUNT(*) AS total FROM ${tableOf(context, context.models.Reaction)}
      WHERE message_id IN (:ids) GROUP BY message_id, reaction_content ORDER BY total DESC, reaction_content`,
    { ids: messages.map(({ id }) => id) },
    options,
  );
  return listsBy(rows, (row) => [textOf(row.reaction_content), Number(row.total)]);
}

async function attachUsers(
  context: ReadContext,
  messages: readonly LoadedMessage[],
  options: TransactionOptions,
): Promise<void> {
  const receipts = messages.flatMap((one) => one.read_receipts ?? []);
  const others = messages.flatMap((one) => [...(one.deliveries ?? []), ...(one.reactions ?? [])]);
  const ids = [...messages.map((one) => one.sender_id), ...[...receipts, ...others].map((one) => one.user_id)];
  const users = await loadUsers(context, ids, options);
  for (const message of messages) message.sender = users.of(message.sender_id);
  for (const receipt of receipts) receipt.reader = users.of(receipt.user_id);
  for (const row of others) row.user = users.of(row.user_id);
}
