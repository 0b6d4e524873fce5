// Long: each operation on messages is a pair of methods that a host overrides, side by side.

import { Model, type ModelStatic, UniqueConstraintError } from 'sequelize';
import { v7 as newId } from 'uuid';
import { completed, isStandard, ownValues } from '../models/index.js';
import type { ActingUser } from '../permissions/permission-handler.js';
import { NotFound, PermissionDenied, ValidationError } from '../protocol/errors.js';
import type {
  MessageModifyPayload,
  MessageReactPayload,
  MessageSendPayload,
  RoomMessagesPayload,
} from '../protocol/payload-types.js';
import type { HistoryShape, MessageShape } from '../protocol/shapes.js';
import type { LoadedMessage } from '../serializers/index.js';
import type { TransactionOptions } from '../store/context.js';
import { loadMessages, readHistory, serializeMessages } from '../store/reads/index.js';
import { refuseRepeat, requestHash } from '../store/repeat.js';
import { findEarlierMessages, rememberDeleted, requestKey } from '../store/requests.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import type { WriteOptions } from './base.js';
import { cleanContent } from './content.js';
import { RoomHandler } from './room.js';

/** What `message.react` made. */
export interface ReactionResult {
  readonly status: 'successful' | 'failed';
  readonly type: 'add' | 'remove';
  readonly message: MessageShape;
}

/** What `message.modify` made. */
export type ModificationResult =
  | { readonly status: 'successful'; readonly action: 'update'; readonly message: MessageShape }
  | { readonly status: 'successful'; readonly action: 'delete'; readonly message_ids: string[] };

/** Messages of one room that were read just now. */
export type RoomReceipts = readonly [roomId: string, messages: MessageShape[]];

/** Receipts of more messages than this do not share a transaction with others. */
const groupedReceipts = 10;

type Message = InstanceType<RoomHandler['models']['Message']>;

/** Messages and what is done with them. */
export abstract class MessageHandler extends RoomHandler {
  /** What was asked for under a `client_id`, hashed: an override may write something else, and a repeat is a repeat. */
  readonly #asked = new Map<string, string>();

  /**
   * Sends a message: cleans its content, commits `_createMessage`, publishes. Returns the message as it was sent. Side
   * effects belong after `super.createMessage`; by then it is committed.
   */
  async createMessage(data: MessageSendPayload, user: ActingUser): Promise<MessageShape> {
    data = withFields(data);
    const cleaned = { ...data, content: this.#cleaned(data) };
    if (data.client_id !== undefined) this.#asked.set(data.client_id, requestHash(cleaned));
    const write = () =>
      this.scope.write(
        {
          operation: ['createMessage', data, user],
          roomIds: [data.room_id],
          pairs: [[data.room_id, user.id]],
          requests: data.client_id === undefined ? [] : [[user.id, data.client_id]],
          // An override may need its rows at once, so it gets a transaction of its own.
          grouped: this._createMessage === MessageHandler.prototype._createMessage && !this.tellsRecipients,
          check: (unit) => this.#refuseRepeat(cleaned, user, unit),
        },
        (options) => this._createMessage({ ...cleaned }, user, options),
      );
    try {
      return await write();
    } catch (error) {
      // The same client_id at the same time: the other one is committed now, so this one is found to be a repeat.
      if (error instanceof UniqueConstraintError && data.client_id !== undefined) return write();
      throw error;
    }
  }

  /** Inside the transaction: writes the message and its media. `content` is sanitised. */
  async _createMessage(
    data: MessageSendPayload,
    user: ActingUser,
    options: WriteOptions = this.writing,
  ): Promise<MessageShape> {
    data = withFields(data);
    const { unit } = options;
    const { parent_message_id, forwarded_from_id, media, ...columns } = data.extra_fields;
    if (parent_message_id && forwarded_from_id) {
      throw new ValidationError({ forwarded_from_id: ['A message is a reply or a forward, not both.'] });
    }
    if (parent_message_id) await this.#checkParent(parent_message_id, data.room_id, user, options);
    const source = forwarded_from_id ? await this.#forwardSource(forwarded_from_id, user, options) : undefined;
    const takesSource = source !== undefined && data.content === '' && media.length === 0;
    const now = new Date();
    const row = await completed(this.models.Message, {
      ...ownValues(this.models.Message, columns),
      id: newId(),
      room_id: data.room_id,
      sender_id: user.id,
      client_id: data.client_id ?? this.nextClientId(),
      request_hash: data.client_id === undefined ? null : (this.#asked.get(data.client_id) ?? requestHash({ ...data })),
      seq: unit.takeSeq(data.room_id),
      content: takesSource ? source.content : data.content,
      is_deleted: false,
      is_edited: false,
      is_forwarded: source !== undefined,
      parent_message_id: parent_message_id ?? null,
      forwarded_from_id: forwarded_from_id ?? null,
      delivered_count: 0,
      read_count: 0,
      created_at: now,
      updated_at: now,
    });
    const { MessageMediaAsset } = this.models;
    const rows = (takesSource ? (source.media ?? []) : media).map((asset, position) => ({
      ...ownValues(MessageMediaAsset, asset instanceof Model ? asset.get() : asset),
      id: newId(),
      message_id: row.id,
      position,
      media_url: asset.media_url,
      media_type: asset.media_type,
      mime_type: asset.mime_type,
      file_size: asset.file_size,
      caption: asset.caption,
      metadata: asset.metadata,
    }));
    const assets = await Promise.all(rows.map((asset) => completed(MessageMediaAsset, asset)));
    await unit.insert(this.models.Message, [row]);
    await unit.insert(MessageMediaAsset, assets);
    unit.markRead(row.room_id, user.id, row.seq);
    const shown = assets.map((asset) => instanceOf(MessageMediaAsset, asset));
    const message = Object.assign(instanceOf(this.models.Message, row), { media: shown });
    const shape = await this.#shapeOfNew(message as object as LoadedMessage, options);
    if (this.tellsRecipients) {
      const members = await this.models.RoomMember.findAll({
        attributes: ['user_id'],
        where: { room_id: row.room_id },
        transaction: options.transaction,
      });
      const recipients = members.map(({ user_id }) => user_id).filter((id) => String(id) !== String(user.id));
      await this.createChatNotification(shape, parent_message_id ? 'REPLY' : 'NEW_MESSAGE', recipients, options);
    }
    return shape;
  }

  /** Adds, replaces or takes back the user's one reaction to a message. */
  async reactToMessage(data: MessageReactPayload, user: ActingUser): Promise<ReactionResult> {
    return this.scope.write({ operation: ['reactToMessage', data, user] }, (options) =>
      this._reactToMessage(data, user, options),
    );
  }

  async _reactToMessage(
    data: MessageReactPayload,
    user: ActingUser,
    options: WriteOptions = this.writing,
  ): Promise<ReactionResult> {
    const { transaction } = options;
    const of = { message_id: data.message_id, user_id: user.id };
    const existing = await this.models.Reaction.findOne({ where: of, transaction });
    if (data.type === 'remove') {
      const isThere = existing?.reaction_content === data.reaction_content;
      if (isThere) {
        await existing.destroy({ transaction });
        await this.updateChatNotification([data.message_id], user, false, options);
      }
      const message = await this.#shapeOf(data.message_id, options);
      return { status: isThere ? 'successful' : 'failed', type: 'remove', message };
    }
    const made = { id: newId(), reaction_content: data.reaction_content, created_at: new Date() };
    const columns = ownValues(this.models.Reaction, data.extra_fields ?? {});
    if (existing) await existing.destroy({ transaction });
    await this.models.Reaction.create({ ...columns, ...of, ...made }, { transaction });
    const message = await this.#shapeOf(data.message_id, options);
    const { sender } = message;
    if (String(sender.id) !== String(user.id)) {
      const isMember = await this.models.RoomMember.count({
        where: { room_id: message.room.id, user_id: sender.id },
        transaction,
      });
      if (isMember > 0) await this.createChatNotification(message, 'REACTION', [sender.id], options);
    }
    return { status: 'successful', type: 'add', message };
  }

  /** Notes that messages reached one of the user's devices. Returns those it was news for; own ones are no news. */
  async messageAcknowledged(user: ActingUser, messageId: string | readonly string[]): Promise<MessageShape[]> {
    const isOwn = this._messageAcknowledged === MessageHandler.prototype._messageAcknowledged;
    return this.scope.write(
      { operation: ['messageAcknowledged', user, messageId], ...this.#receiptOf(user, messageId, isOwn) },
      (options) => this._messageAcknowledged(user, messageId, options),
    );
  }

  async _messageAcknowledged(
    user: ActingUser,
    messageId: string | readonly string[],
    options: WriteOptions = this.writing,
  ): Promise<MessageShape[]> {
    return this.#receive(user, messageId, options, (message) => options.unit.receipts.deliver(message, user.id));
  }

  /** Notes that the user read messages, which also acknowledges them. Returns those newly read, by room. */
  async createReadReceipt(user: ActingUser, messageId: string | readonly string[]): Promise<RoomReceipts[]> {
    const isOwn = this._createReadReceipt === MessageHandler.prototype._createReadReceipt;
    return this.scope.write(
      { operation: ['createReadReceipt', user, messageId], ...this.#receiptOf(user, messageId, isOwn) },
      (options) => this._createReadReceipt(user, messageId, options),
    );
  }

  async _createReadReceipt(
    user: ActingUser,
    messageId: string | readonly string[],
    options: WriteOptions = this.writing,
  ): Promise<RoomReceipts[]> {
    const { receipts } = options.unit;
    const shapes = await this.#receive(user, messageId, options, async (message) => {
      await receipts.deliver(message, user.id);
      return receipts.read(message, user.id);
    });
    const rooms = new Map<string, MessageShape[]>();
    for (const shape of shapes) rooms.set(shape.room.id, [...(rooms.get(shape.room.id) ?? []), shape]);
    return [...rooms];
  }

  /** What a receipt's write is to read, and whether it may share a transaction. */
  #receiptOf(user: ActingUser, messageId: string | readonly string[], isOwn: boolean) {
    const messageIds = typeof messageId === 'string' ? [messageId] : messageId;
    return {
      receipts: [{ userId: user.id, messageIds }],
      grouped: isOwn && this.hasOwnNotificationsOnly && messageIds.length <= groupedReceipts,
    };
  }

  /** Notes each message of others by `note`. The shapes of those that it was news for. */
  async #receive(
    user: ActingUser,
    messageId: string | readonly string[],
    options: WriteOptions,
    note: (message: LoadedMessage) => Promise<boolean>,
  ): Promise<MessageShape[]> {
    const ids = typeof messageId === 'string' ? [messageId] : messageId;
    const { unit } = options;
    await unit.receipts.load([{ userId: user.id, messageIds: ids }]);
    const isOwn = ({ sender_id }: LoadedMessage) => String(sender_id) === String(user.id);
    const messages = unit.receipts.messages(ids);
    const fresh: LoadedMessage[] = [];
    for (const message of messages) if (!isOwn(message) && (await note(message))) fresh.push(message);
    // An override may need its rows at once.
    if (!unit.grouped) await unit.receipts.write();
    const settled = this.hasOwnNotificationsOnly ? messages.filter(isOwn).map(({ id }) => id) : ids;
    if (settled.length > 0) await this.updateChatNotification(settled, user, true, options);
    const serializer = this.getSerializer('MessageSerializer');
    return fresh.map((message) => serializer.serialize(message));
  }

  /** Edits one message, or deletes some of one room. */
  async modifyMessage(data: MessageModifyPayload): Promise<ModificationResult> {
    return this.scope.write({ operation: ['modifyMessage', data] }, (options) => this._modifyMessage(data, options));
  }

  async _modifyMessage(data: MessageModifyPayload, options: WriteOptions = this.writing): Promise<ModificationResult> {
    return data.action === 'update' ? this.#edit(data, options) : this.#delete(data.message_id, options);
  }

  /** A part of the room's history, newest first. */
  async retrieveMessages(room: { readonly id: string }, data: RoomMessagesPayload): Promise<HistoryShape> {
    return this._retrieveMessages(room, data, {});
  }

  async _retrieveMessages(
    room: { readonly id: string },
    data: RoomMessagesPayload,
    _options: TransactionOptions = this.reading,
  ): Promise<HistoryShape> {
    return readHistory(this.context, room.id, data);
  }

  async #edit(
    { message_id, extra_fields: { content, ...given } }: Extract<MessageModifyPayload, { action: 'update' }>,
    options: WriteOptions,
  ): Promise<ModificationResult> {
    const { transaction } = options;
    const columns = ownValues(this.models.Message, given);
    const message = await this.#find(message_id, options);
    if (content !== undefined) {
      const media = await this.models.MessageMediaAsset.count({ where: { message_id }, transaction });
      const cleaned = cleanContent(content, {
        maxLength: this.settings.maxContentLength,
        allowEmpty: media > 0 || message.is_forwarded,
      });
      Object.assign(columns, { content: cleaned, is_edited: true });
    }
    await message.update({ ...columns, updated_at: new Date() } as never, { transaction });
    return { status: 'successful', action: 'update', message: await this.#shapeOf(message_id, options) };
  }

  async #delete(messageId: string | readonly string[], options: WriteOptions): Promise<ModificationResult> {
    const { transaction } = options;
    const ids = typeof messageId === 'string' ? [messageId] : [...messageId];
    await this.models.ChatNotification.destroy({ where: { message_id: ids }, transaction });
    if (this.settings.messageSoftDelete) {
      await this.models.Message.update(
        { is_deleted: true, updated_at: new Date() },
        { where: { id: ids }, transaction },
      );
    } else {
      await this.#rememberSends(ids, options);
      await this.models.Message.destroy({ where: { id: ids }, transaction });
    }
    return { status: 'successful', action: 'delete', message_ids: ids };
  }

  /** Ends the event when the user sent this `client_id` before: as a repeat, or as misuse. */
  async refuseRepeatedMessage(data: MessageSendPayload, user: ActingUser): Promise<void> {
    await this.#refuseRepeat({ ...data, content: this.#cleaned(data) }, user);
  }

  /** By cleaned content, which is what the first one was stored with. */
  async #refuseRepeat(data: MessageSendPayload, user: ActingUser, unit?: UnitOfWork): Promise<void> {
    const { client_id } = data;
    if (client_id === undefined) return;
    const earlier = unit
      ? unit.earlierMessage(user.id, client_id)
      : (await findEarlierMessages(this.context, [[user.id, client_id]])).get(requestKey(user.id, client_id));
    if (earlier) {
      refuseRepeat(earlier.request_hash, requestHash({ ...data }), earlier.answer);
    }
  }

  #cleaned({ content, extra_fields: { media, forwarded_from_id } }: MessageSendPayload): string {
    return cleanContent(content, {
      maxLength: this.settings.maxContentLength,
      allowEmpty: media.length > 0 || forwarded_from_id !== undefined,
    });
  }

  /** What is sent again with the `client_id` of a deleted message must not come back. */
  async #rememberSends(ids: readonly string[], { transaction }: WriteOptions): Promise<void> {
    const messages = await this.models.Message.findAll({ where: { id: [...ids] }, transaction });
    await rememberDeleted(
      this.context,
      'message',
      messages.map(({ id, seq, sender_id, client_id, request_hash }) => ({
        userId: sender_id,
        clientId: client_id,
        request_hash,
        answer: { message_id: id, seq: Number(seq) },
      })),
      transaction,
    );
  }

  /** A parent is a message of the same room. */
  async #checkParent(id: string, roomId: string, user: ActingUser, options: WriteOptions): Promise<void> {
    const parent = await this.#find(id, options);
    if (parent.room_id === roomId) return;
    const isReadable = await this.permissionHandler.haveMessagePermission(user, id, options);
    if (!isReadable) throw new PermissionDenied();
    throw new ValidationError({ parent_message_id: ['The parent message must be of the same room.'] });
  }

  /** A forwarded message is one that the sender may read. */
  async #forwardSource(id: string, user: ActingUser, options: WriteOptions) {
    const isReadable = await this.permissionHandler.haveMessagePermission(user, id, options);
    if (!isReadable) throw new PermissionDenied();
    const messages = await loadMessages(this.context, [id], { fresh: true, transaction: options.transaction });
    return messages.get(id);
  }

  async #find(id: string, { transaction }: WriteOptions): Promise<Message> {
    const message = await this.models.Message.findOne({ where: { id, is_deleted: false }, transaction });
    if (!message) throw new NotFound();
    return message;
  }

  /** Of one that has nothing of others in it, and whose sender was read to run its event, without a question. */
  async #shapeOfNew(message: LoadedMessage, { transaction }: WriteOptions): Promise<MessageShape> {
    const sender = this.context.users.get(message.sender_id);
    if (sender && !message.parent_message_id && !message.forwarded_from_id) {
      return this.getSerializer('MessageSerializer').serialize(Object.assign(message, { sender }));
    }
    const [shape] = await serializeMessages(this.context, [message], { fresh: true, transaction });
    return shape!;
  }

  async #shapeOf(id: string, { transaction }: WriteOptions): Promise<MessageShape> {
    const [shape] = await serializeMessages(this.context, [id], { transaction });
    if (!shape) throw new NotFound();
    return shape;
  }
}

/** A row as its serializer sees it: an instance where the host has a class of its own, which may show it otherwise. */
function instanceOf(model: ModelStatic<Model>, row: object): object {
  return isStandard(model) ? { ...row } : model.build(row as never, { isNewRecord: false });
}

/** What an override passes may lack what the check of an event gives. */
function withFields(data: MessageSendPayload): MessageSendPayload {
  const given: Partial<MessageSendPayload['extra_fields']> = data.extra_fields ?? {};
  return { ...data, extra_fields: { ...given, media: given.media ?? [] } };
}
