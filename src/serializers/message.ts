import type { DeletedMessageShape, MessageShape } from '../protocol/shapes.js';
import type { LoadedMessage } from './loaded.js';
import { Serializer } from './serializer.js';
import { isoTime, textOf } from './values.js';

/** Shows a message. What is nested in it is shown by the same `serialize`, so that own columns are there too. */
export class MessageSerializer extends Serializer<LoadedMessage, MessageShape> {
  override serialize(message: LoadedMessage): MessageShape {
    const { context } = this;
    const receipts = context.serializer('ReadReceiptSerializer');
    const reactions = context.serializer('ReactionSerializer');
    const attachments = context.serializer('MessageMediaAssetSerializer');
    const shape: MessageShape = {
      id: message.id,
      seq: Number(message.seq),
      client_id: textOf(message.client_id),
      room: { id: message.room_id },
      sender: this.user(message.sender, message.sender_id),
      content: message.is_deleted ? '' : message.content,
      is_deleted: Boolean(message.is_deleted),
      is_edited: Boolean(message.is_edited),
      is_forwarded: Boolean(message.is_forwarded),
      forwarded_from: this.#forward(message),
      parent_message: this.nested(message.parent_message, message.parent_message_id),
      delivered_to: (message.deliveries ?? [])
        .map((delivery) => this.user(delivery.user, delivery.user_id).username)
        .filter((username) => typeof username === 'string'),
      delivered_count: Number(message.delivered_count),
      read_receipts: (message.read_receipts ?? []).map((receipt) => receipts.serialize(receipt)),
      read_count: Number(message.read_count),
      reactions: (message.reactions ?? []).map((reaction) => reactions.serialize(reaction)),
      reaction_counts: { ...message.reaction_counts },
      attachments: message.is_deleted ? [] : (message.media ?? []).map((media) => attachments.serialize(media)),
      created_at: isoTime(message.created_at),
      updated_at: isoTime(message.updated_at),
    };
    return this.withFields(shape, message);
  }

  /**
   * The source of a forward, as far as it was given away: who reads the forward need not be in the source's room, so what
   * was changed there since is not shown.
   */
  #forward(message: LoadedMessage): MessageShape | DeletedMessageShape | null {
    const source = message.forwarded_from;
    const shape = this.nested(source, message.forwarded_from_id);
    if (!source || !shape || source.is_deleted || source.room_id === message.room_id) return shape;
    if (isoTime(source.updated_at) <= isoTime(message.created_at)) return shape;
    const columns = Object.entries(this.context.fieldsOf(this.constructor)).filter(([, { updatable }]) => updatable);
    return { ...(shape as MessageShape), ...Object.fromEntries(columns.map(([name]) => [name, null])), content: '' };
  }

  /** A parent or forward: one level deep, nothing of others' doings, nothing at all once its source is deleted. */
  protected nested(
    source: LoadedMessage | null | undefined,
    id: string | null | undefined,
  ): MessageShape | DeletedMessageShape | null {
    if (source === undefined || !id) return null;
    if (source === null || source.is_deleted) return { id, is_deleted: true, content: '' };
    return {
      ...this.serialize(source),
      forwarded_from: null,
      parent_message: null,
      delivered_to: [],
      delivered_count: 0,
      read_receipts: [],
      read_count: 0,
      reactions: [],
      reaction_counts: {},
    };
  }
}
