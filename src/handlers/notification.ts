import { Op } from 'sequelize';
import { v7 as newId } from 'uuid';
import type { ActingUser } from '../permissions/permission-handler.js';
import type { ChatNotificationsShape, MessageShape } from '../protocol/shapes.js';
import type { TransactionOptions } from '../store/context.js';
import { readNotifications } from '../store/reads/index.js';
import type { UserId } from '../store/standing.js';
import type { WriteOptions } from './base.js';
import { SessionHandler } from './session.js';

/** What a notification is about. */
export type NotificationType = 'NEW_MESSAGE' | 'REPLY' | 'REACTION';

/**
 * What members have not seen yet. A message costs no row per member: what is pending follows from the messages, the
 * member's joining and their acknowledgements. Only reactions are stored, one row each.
 */
export abstract class NotificationHandler extends SessionHandler {
  /**
   * What a user has not seen, by room; sent first on every connection, as `chat.notifications`. An override may send
   * another shape, or nothing by returning null.
   */
  async getAndGroupChatNotifications(user: ActingUser): Promise<object | null> {
    return this._getAndGroupChatNotifications(user, {});
  }

  async _getAndGroupChatNotifications(
    user: ActingUser,
    _options: TransactionOptions = this.reading,
  ): Promise<ChatNotificationsShape> {
    return readNotifications(this.context, user.id);
  }

  /**
   * Hook, inside the transaction: these recipients are to be told about this message. Override it to queue a push
   * (through `this.afterCommit`). Recipients are read only for an override, since the default needs none for messages.
   */
  async createChatNotification(
    message: MessageShape,
    type: NotificationType,
    recipients: readonly UserId[],
    { transaction }: WriteOptions = this.writing,
  ): Promise<void> {
    if (type !== 'REACTION') return;
    await this.updateChatNotification([message.id], this.scope.user, false, { transaction } as WriteOptions);
    await this.models.ChatNotification.bulkCreate(
      recipients.map((recipient) => ({
        id: newId(),
        recipient_id: recipient,
        room_id: message.room.id,
        message_id: message.id,
        actor_id: this.scope.user.id,
        notification_type: type,
        created_at: new Date(),
      })),
      { transaction },
    );
  }

  /**
   * Hook, inside the transaction: notifications about these messages are settled. `many` false: those this user caused
   * (a reaction replaced or taken back); true: those this user received (acknowledged or read).
   */
  async updateChatNotification(
    messageIds: readonly string[],
    user: ActingUser,
    many: boolean,
    { transaction }: WriteOptions = this.writing,
  ): Promise<void> {
    await this.models.ChatNotification.destroy({
      where: { message_id: { [Op.in]: [...messageIds] }, [many ? 'recipient_id' : 'actor_id']: user.id },
      transaction,
    });
  }

  /** Whether neither hook is overridden: then there are notifications of reactions only, each for a message's sender. */
  protected get hasOwnNotificationsOnly(): boolean {
    return (
      !this.tellsRecipients && this.updateChatNotification === NotificationHandler.prototype.updateChatNotification
    );
  }

  /** Whether a host overrides the hook: then it is worth reading who the recipients are. */
  protected get tellsRecipients(): boolean {
    return this.createChatNotification !== NotificationHandler.prototype.createChatNotification;
  }
}
