import type { ChatNotificationShape } from '../protocol/shapes.js';
import type { LoadedNotification } from './loaded.js';
import { Serializer } from './serializer.js';

/** Shows one unseen thing in `chat.notifications`. */
export class ChatNotificationSerializer extends Serializer<LoadedNotification, ChatNotificationShape> {
  override serialize(notification: LoadedNotification): ChatNotificationShape {
    const shape = {
      id: notification.id,
      notification_type: notification.notification_type,
      message: this.context.serializer('MessageSerializer').serialize(notification.message),
    };
    return this.withFields(shape, notification);
  }
}
