/** An id of the host's user model: a number for integer keys, a text for all others. */
export type UserId = number | string;

/** An attachment as the sender gives it. */
export interface MediaInput {
  media_url: string;
  media_type: 'image' | 'video' | 'audio' | 'file';
  mime_type: string;
  /** Bytes. */
  file_size: number;
  caption: string;
  metadata: Record<string, unknown>;
}

/** `message.send`. `extra_fields` also holds the columns of an extended message model. */
export interface MessageSendPayload {
  room_id: string;
  /** As typed: not trimmed, not sanitised. Empty only with media or a forward. */
  content: string;
  client_id?: string;
  extra_fields: {
    parent_message_id?: string;
    forwarded_from_id?: string;
    media: MediaInput[];
    [column: string]: unknown;
  };
}

/** `message.acknowledged`, `message.read`: what came as one id stays one, since the answer has another shape. */
export interface MessageIdsPayload {
  message_id: string | string[];
}

/** `message.react`. */
export interface MessageReactPayload {
  type: 'add' | 'remove';
  message_id: string;
  reaction_content: string;
  /** The columns of an extended reaction model, if there are any. */
  extra_fields?: Record<string, unknown>;
}

/** `message.modify`. */
export type MessageModifyPayload =
  | { action: 'update'; message_id: string; extra_fields: { content?: string; [column: string]: unknown } }
  | { action: 'delete'; message_id: string | string[] };

/** Events that name a room and nothing else. */
export interface RoomIdPayload {
  room_id: string;
}

/** What can be set of a room, of whatever type; a type's handler takes what is its own. */
export interface RoomFields extends RoomDetails {
  name?: string;
  description?: string;
}

/** The fields of a room besides name and description, and the columns of an extended room model. */
export interface RoomDetails {
  avatar?: string | null;
  group_locked?: boolean;
  join_approval_required?: boolean;
  max_participants?: number;
  is_public?: boolean;
  max_subscribers?: number;
  property?: { preferences?: Record<string, unknown>; [column: string]: unknown };
  [column: string]: unknown;
}

/** `room.create`. The checked `extra_fields` are those of the named type. */
export interface RoomCreatePayload {
  type: string;
  /** Absent for a OneToOneChat. */
  name?: string;
  description?: string;
  participants?: UserId[];
  subscribers?: UserId[];
  client_id?: string;
  extra_fields: RoomDetails;
  /** The first members of a room type of the host's, by its `membersField`. */
  [members: string]: unknown;
}

/** One page of a list: `cursor` is what an earlier answer gave as `next_cursor`. */
export interface CursorPayload {
  limit?: number;
  cursor?: string;
}

/** `room.messages`: the newest, a page, or `limit` messages on one side of a seq; at most one of the four. */
export interface RoomMessagesPayload {
  room_id: string;
  paginate?: { page: number; size: number };
  before?: number;
  after?: number;
  around?: number;
  limit?: number;
}

/** `room.add_members`, `room.remove_members`. */
export interface RoomMembersPayload {
  room_id: string;
  members: UserId[];
}

/** `room.modify`. Any other action reaches the handler with its data unchecked. */
export type RoomModifyPayload = { room_id: string } & (
  | { action: 'update'; data: RoomFields }
  | { action: 'delete'; data: Record<string, never> }
  | { action: 'add_admin' | 'remove_admin' | 'add_moderator' | 'remove_moderator'; data: { users: UserId[] } }
  | { action: 'add_permission' | 'remove_permission'; data: { users: UserId[]; permission: string[] } }
  | { action: string; data: Record<string, unknown> }
);

/** `session.refresh`. */
export interface SessionRefreshPayload {
  token: string;
}

/** `session.resume`: per room, the last offset up to which the client has everything. */
export interface SessionResumePayload {
  rooms: Record<string, number>;
}

/** The checked `data` of every event. A host adds its own events by declaration merging. */
export interface EventPayloads {
  'message.send': MessageSendPayload;
  'message.acknowledged': MessageIdsPayload;
  'message.read': MessageIdsPayload;
  'message.react': MessageReactPayload;
  'message.typing': RoomIdPayload;
  'message.modify': MessageModifyPayload;
  'room.create': RoomCreatePayload;
  'room.list': CursorPayload;
  'room.discover': CursorPayload & { query?: string };
  'room.info': RoomIdPayload;
  'room.members': CursorPayload & RoomIdPayload;
  'room.messages': RoomMessagesPayload;
  'room.join': RoomIdPayload;
  'room.leave': RoomIdPayload;
  'room.add_members': RoomMembersPayload;
  'room.remove_members': RoomMembersPayload;
  'room.modify': RoomModifyPayload;
  'session.heartbeat': Record<string, never>;
  'session.refresh': SessionRefreshPayload;
  'session.resume': SessionResumePayload;
}
