import type { ChatSettings } from 'express-realtime-chat';
import { User } from './database.js';

export default {
  userModel: User,
  redis: process.env.REDIS_URL,
  authenticate: (request) => User.findByPk(new URL(request.url!, 'http://host').searchParams.get('user') ?? ''),
  rateLimit: false,
  exposeEmail: true,
  eventHandlerClass: './out/handlers.js#CustomEventHandler',
  permissionHandlerClass: './out/permissions.js#CustomPermissionHandler',
  exceptionHandlerClass: './out/exceptions.js#CustomExceptionHandler',
  consumerClass: './out/consumers.js#CustomChatConsumer',
  eventMapper: './out/consumers.js#customEventMapper',
  connectionClass: './out/connections.js#CustomConnection',
  models: {
    Message: './out/models.js#CustomMessage',
    GroupChat: './out/models.js#CustomGroupChat',
    RoomProperty: './out/models.js#CustomRoomProperty',
  },
  serializers: {
    UserSerializer: './out/serializers.js#PictureUserSerializer',
    MessageSerializer: './out/serializers.js#CustomMessageSerializer',
    GroupChatSerializer: './out/serializers.js#CustomGroupChatSerializer',
    RoomPropertySerializer: './out/serializers.js#CustomRoomPropertySerializer',
  },
  roomTypes: {
    SupportTicket: {
      model: './out/support-ticket.js#SupportTicket',
      serializer: './out/support-ticket.js#SupportTicketSerializer',
      listSerializer: './out/support-ticket.js#SupportTicketListSerializer',
      membersField: 'agents',
      creatorColumn: 'requester_id',
      cap: 20,
    },
  },
} satisfies ChatSettings;
