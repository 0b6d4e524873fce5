/** The app's side: everything a host names. */

/** The package joi, for the schemas of own events: https://joi.dev. */
export { default as Joi } from 'joi';
export type { Broadcast, Control, Reply } from './broadcast/broadcast.js';
export {
  type ActingChat,
  addGroupToUserGroups,
  type Chat,
  type ChatHealth,
  createChat,
  type EventData,
  fetchUserGroups,
  removeGroupFromUserGroups,
  type SendingUser,
  type SentAnswer,
  type SentAnswers,
  type SentData,
  type SystemChat,
  updateUserGroups,
} from './chat.js';
export { ChatMessagingConsumer } from './consumer/consumer.js';
export { type EventMap, type EventRegistration, mapEventTypesToHandlers } from './consumer/event-map.js';
export { type ErrorContext, ExceptionHandler } from './consumer/exception-handler.js';
export type { Acknowledgement } from './consumer/outcome.js';
export { type JwtAuthenticationOptions, jwtAuthentication } from './gateway/authentication.js';
export { ChatConnection, ConnectionRefused } from './gateway/connection.js';
export type { HandlerContext, WriteOptions } from './handlers/base.js';
export { EventHandler } from './handlers/event-handler.js';
export type { ModificationResult, ReactionResult, RoomReceipts } from './handlers/message.js';
export type { NotificationType } from './handlers/notification.js';
export type { MembershipResult, RoomReference } from './handlers/room.js';
export {
  AbstractChannel,
  AbstractChatNotification,
  AbstractGroupChat,
  AbstractMessage,
  AbstractMessageMediaAsset,
  AbstractOneToOneChat,
  AbstractReaction,
  AbstractReadReceipt,
  AbstractRoom,
  AbstractRoomProperty,
  AbstractRoomType,
  AbstractSession,
  type ChatModels,
  type Columns,
  type ModelContext,
  type OwnModelOptions,
} from './models/index.js';
export { type MigrateOptions, migrate } from './models/migrate.js';
export {
  canAccessMessage,
  canAccessRoom,
  canAddMembersToRoom,
  canModifyMessage,
  canRemoveMembersFromRoom,
  canSendMessageToRoom,
  everyone,
  type Guard,
  isRoomAdmin,
} from './permissions/guards.js';
export {
  type ActingUser,
  type Permission,
  PermissionHandler,
  type PermissionOptions,
} from './permissions/permission-handler.js';
export type * from './protocol/dispatch-payloads.js';
export {
  ChatError,
  CloseCode,
  type ErrorBody,
  ErrorCode,
  type ErrorDetail,
  IntegrityError,
  NotFound,
  PermissionDenied,
  RateLimited,
  Unavailable,
  ValidationError,
} from './protocol/errors.js';
export type { EventPayloads } from './protocol/payload-types.js';
export type * from './protocol/shapes.js';
export type { FailedQueueEvent, FinishedQueueEvent, QueueEvent, QueueEventMap, QueueEvents } from './queue/queue.js';
export {
  ChannelListSerializer,
  ChannelSerializer,
  ChatNotificationSerializer,
  GroupChatListSerializer,
  GroupChatSerializer,
  type LoadedDelivery,
  type LoadedMedia,
  type LoadedMessage,
  type LoadedNotification,
  type LoadedReaction,
  type LoadedReceipt,
  type LoadedRoom,
  type LoadedUser,
  MessageMediaAssetSerializer,
  MessageSerializer,
  OneToOneChatListSerializer,
  OneToOneChatSerializer,
  ReactionSerializer,
  ReadReceiptSerializer,
  RoomListPolymorphicSerializer,
  RoomPolymorphicSerializer,
  RoomPropertySerializer,
  RoomSerializer,
  Serializer,
  type SerializerContext,
  type SerializerField,
  type SerializerFields,
  UserSerializer,
} from './serializers/index.js';
export { clearCaches, importAndVerifyClass, importAndVerifyFunction } from './settings/loader.js';
export type { ChatSettings, ResolvedSettings, RoomTypeSettings } from './settings/settings.js';
