/** Every example of the original's page on handlers. */
import {
  type ActingUser,
  EventHandler,
  type EventPayloads,
  type MembershipResult,
  type MessageShape,
  NotFound,
  type NotificationType,
  type RoomReference,
  type RoomShape,
  type UserId,
  ValidationError,
  type WriteOptions,
} from 'express-realtime-chat';
import { JoinRequest, type User } from './database.js';
import { MyCustomException } from './exceptions.js';
import { call } from './hooks.js';

const bannedWords = ['spam', 'buy now', 'click here'];

export class CustomEventHandler extends EventHandler {
  override async createMessage(data: EventPayloads['message.send'], user: ActingUser): Promise<MessageShape> {
    const message = await super.createMessage(data, user);
    // The webhook, awaited as in the original.
    await call('webhook', { room: message.room.id, sender: message.sender.username });
    const name = await this.roomName(message.room.id);
    this.afterCommit(() => call('analytics', { event: 'message_sent', user: user.id, name }));
    if (message.content === 'side effect fails') throw new Error('The webhook is down');
    return message;
  }

  private async roomName(roomId: string): Promise<string | null> {
    const room = await this.getModel('Room').findByPk(roomId, { include: this.getModel('Room').withDetails() });
    return room?.group_chat?.name ?? null;
  }

  override async _createMessage(
    data: EventPayloads['message.send'],
    user: ActingUser,
    options: WriteOptions,
  ): Promise<MessageShape> {
    // An own error class has an own code, see exceptions.ts.
    if (data.content === 'over quota') throw new MyCustomException('Enough for today');
    if (bannedWords.some((word) => data.content.toLowerCase().includes(word))) {
      throw new ValidationError('Message contains prohibited content');
    }
    return super._createMessage(data, user, options);
  }

  override async joinRoom(user: ActingUser, roomId: string): Promise<MembershipResult> {
    const result = await super.joinRoom(user, roomId);
    await call('analytics', { event: 'room_joined', user: user.id, room: roomId });
    return result;
  }

  override async _joinRoom(user: ActingUser, roomId: string, options: WriteOptions): Promise<MembershipResult> {
    const { transaction } = options;
    const Room = this.getModel('Room');
    const room = await Room.findByPk(roomId, { include: Room.withDetails(), transaction });
    if (!room) throw new NotFound();
    if (room.group_chat) {
      if (room.group_chat.join_approval_required) {
        await JoinRequest.upsert({ room_id: roomId, user_id: Number(user.id) }, { transaction });
        throw new ValidationError('Join request submitted. Awaiting approval.', { commit: true });
      }
      return this._addMembersToRoom([user.id], room, options);
    }
    return super._joinRoom(user, roomId, options);
  }

  override async _modifyRoom(
    data: EventPayloads['room.modify'],
    room: RoomReference,
    options: WriteOptions,
  ): Promise<RoomShape | null> {
    if (data.action === 'set_welcome_message') {
      const text = (data.data as { welcome_message?: string }).welcome_message ?? '';
      await room.details!.update({ welcome_message: text }, { transaction: options.transaction });
      return this._retrieveRoom(room, options);
    }
    return super._modifyRoom(data, room, options);
  }

  override async createChatNotification(
    message: MessageShape,
    type: NotificationType,
    recipients: readonly UserId[],
    options: WriteOptions,
  ): Promise<void> {
    await super.createChatNotification(message, type, recipients, options);
    this.afterCommit(() => call('push', { type, recipients, text: `${message.sender.username}: ${message.content}` }));
  }

  override async getAndGroupChatNotifications(user: ActingUser) {
    if ((user as User).is_bot) return null;
    const rooms = await super.getAndGroupChatNotifications(user);
    if (user.username !== 'cleo') return rooms;
    return Object.fromEntries(Object.entries(rooms!).map(([id, list]) => [id, list.length]));
  }
}
