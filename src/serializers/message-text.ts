import { defaultSerializers, type SerializerName, type Serializers } from './index.js';
import type { LoadedMessage, LoadedReaction, LoadedReceipt, LoadedUser } from './loaded.js';
import { isoTime, textOf } from './values.js';

/**
 * Makes the JSON text of messages: the same, byte for byte, as `JSON.stringify` of what the MessageSerializer gives, at
 * a fraction of its time, since pages show the same few users over and over. Where the host has serializers of its own, those are asked.
 * Use one for one answer: it remembers users.
 */
export function createMessageText(serializers: Serializers): (message: LoadedMessage) => string {
  const isOwn = (name: SerializerName) =>
    serializers.classes.get(name) === defaultSerializers[name] && Object.keys(serializers.fieldsOf(name)).length === 0;
  const messages = serializers.getSerializer('MessageSerializer');
  const whole = (message: LoadedMessage) => JSON.stringify(messages.serialize(message));
  if (!isOwn('MessageSerializer')) return whole;

  const users = serializers.getSerializer('UserSerializer');
  const known = new Map<unknown, { readonly text: string; readonly name: string | undefined }>();
  const userOf = (user: LoadedUser | undefined, id: unknown) => {
    const key = user ?? id;
    let found = known.get(key);
    if (!found) {
      const shape = users.serialize(user ?? ({ id } as LoadedUser));
      const { username } = shape as { readonly username?: unknown };
      found = {
        text: JSON.stringify(shape),
        name: typeof username === 'string' ? JSON.stringify(username) : undefined,
      };
      known.set(key, found);
    }
    return found;
  };
  const receipts = serializers.getSerializer('ReadReceiptSerializer');
  const receiptText = isOwn('ReadReceiptSerializer')
    ? (one: LoadedReceipt) => `{"reader":${userOf(one.reader, one.user_id).text},"read_at":"${isoTime(one.read_at)}"}`
    : (one: LoadedReceipt) => JSON.stringify(receipts.serialize(one));
  const reactions = serializers.getSerializer('ReactionSerializer');
  const reactionText = isOwn('ReactionSerializer')
    ? (one: LoadedReaction) =>
        `{"id":${JSON.stringify(one.id)},"user":${userOf(one.user, one.user_id).text},"reaction_content":${JSON.stringify(textOf(one.reaction_content))},"created_at":"${isoTime(one.created_at)}"}`
    : (one: LoadedReaction) => JSON.stringify(reactions.serialize(one));
  const media = serializers.getSerializer('MessageMediaAssetSerializer');
  const list = <Item>(items: readonly Item[] | undefined, text: (item: Item) => string | undefined) =>
    items === undefined || items.length === 0
      ? '[]'
      : `[${items
          .map(text)
          .filter((one) => one !== undefined)
          .join(',')}]`;

  return (message) => {
    // What nests another message, or is shown without its content, is rare.
    if (message.parent_message_id || message.forwarded_from_id || message.is_deleted) return whole(message);
    const counts = message.reaction_counts;
    return `{"id":${JSON.stringify(message.id)},"seq":${Number(message.seq)},"client_id":${JSON.stringify(
      textOf(message.client_id),
    )},"room":{"id":${JSON.stringify(message.room_id)}},"sender":${
      userOf(message.sender, message.sender_id).text
    },"content":${JSON.stringify(message.content)},"is_deleted":false,"is_edited":${Boolean(
      message.is_edited,
    )},"is_forwarded":${Boolean(
      message.is_forwarded,
    )},"forwarded_from":null,"parent_message":null,"delivered_to":${list(
      message.deliveries,
      (one) => userOf(one.user, one.user_id).name,
    )},"delivered_count":${Number(message.delivered_count)},"read_receipts":${list(
      message.read_receipts,
      receiptText,
    )},"read_count":${Number(message.read_count)},"reactions":${list(
      message.reactions,
      reactionText,
    )},"reaction_counts":${counts ? JSON.stringify(counts) : '{}'},"attachments":${list(message.media, (one) =>
      JSON.stringify(media.serialize(one)),
    )},"created_at":"${isoTime(message.created_at)}","updated_at":"${isoTime(message.updated_at)}"}`;
  };
}
