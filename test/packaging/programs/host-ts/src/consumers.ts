import {
  ChatMessagingConsumer,
  canAccessMessage,
  type EventMap,
  type EventPayloads,
  everyone,
  Joi,
  mapEventTypesToHandlers,
  PermissionDenied,
} from 'express-realtime-chat';

export class CustomChatConsumer extends ChatMessagingConsumer {
  async receiveMessagePin({ room_id, message_id }: EventPayloads['message.pin']): Promise<void> {
    const { isPermitted } = await this.permissionHandler.haveAdminPrivileges(this.user, room_id, 'pin');
    if (!isPermitted) throw new PermissionDenied('Only admins can pin messages');
    await this.pinMessage(message_id);
    this.sendGroup(`group-${room_id}`, 'message.pinned', { message_id, pinned_by: this.user.username! });
  }
  private async pinMessage(id: string): Promise<void> {
    await this.getModel('Message').update({ is_pinned: true }, { where: { id } });
  }
  async receiveMessageFlag({ message_id }: EventPayloads['message.flag']): Promise<void> {
    this.sendGroup(`user-${this.user.id}`, 'message.flagged', { message_id });
    this.send('message.flag_taken', { message_id });
  }
}

const id = Joi.string().uuid().required();

export function customEventMapper(consumer: CustomChatConsumer): EventMap {
  const events = mapEventTypesToHandlers(consumer);
  events['message.pin'] = {
    guard: everyone,
    handler: consumer.receiveMessagePin,
    schema: Joi.object({ room_id: id, message_id: id }),
  };
  events['message.flag'] = {
    guard: canAccessMessage,
    handler: consumer.receiveMessageFlag,
    schema: Joi.object({ message_id: id, reason: Joi.string().required() }),
  };
  events['chat.say'] = events['message.send']!;
  delete events['room.discover'];
  return events;
}
