import type { CustomGroupChat, CustomMessage, CustomRoomProperty } from './models.js';

declare module 'express-realtime-chat' {
  interface UserShape {
    profile_picture: string | null;
  }
  interface MessageShape {
    priority: CustomMessage['priority'];
    is_pinned: boolean;
    expiry_date: string | null;
  }
  interface RoomPropertyShape {
    theme: string;
  }
  interface GroupChatShape {
    welcome_message: string;
    caretaker_id: number | null;
  }
  interface EventPayloads {
    'message.pin': { room_id: string; message_id: string };
    'message.flag': { message_id: string; reason: string };
  }
  interface DispatchPayloads {
    'message.pinned': { message_id: string; pinned_by: string };
    'message.flagged': { message_id: string };
    'message.flag_taken': { message_id: string };
  }
  interface ChatModels {
    Message: typeof CustomMessage;
    GroupChat: typeof CustomGroupChat;
    RoomProperty: typeof CustomRoomProperty;
  }
}
