import {
  GroupChatSerializer,
  Joi,
  MessageSerializer,
  RoomPropertySerializer,
  UserSerializer,
  type UserShape,
} from 'express-realtime-chat';
import type { User } from './database.js';

export class CustomMessageSerializer extends MessageSerializer {
  static override fields = {
    priority: { schema: Joi.string().valid('low', 'normal', 'urgent'), updatable: true },
    expiry_date: { schema: Joi.date().iso().allow(null) },
    is_pinned: {},
  };
}
export class CustomGroupChatSerializer extends GroupChatSerializer {
  static override fields = {
    welcome_message: { schema: Joi.string().max(500).allow('') },
    caretaker_id: { schema: Joi.number().integer().allow(null), updatable: true },
  };
}
export class CustomRoomPropertySerializer extends RoomPropertySerializer {
  static override fields = { theme: { schema: Joi.string().valid('light', 'dark'), updatable: true } };
}
export class PictureUserSerializer extends UserSerializer {
  static override fields = { profile_picture: {} };
}
export class ShortUserSerializer extends UserSerializer<Pick<UserShape, 'id' | 'username'>> {
  override serialize = ({ id, username }: User) => ({ id, username });
}
