/**
 * What travels in `data` of a dispatch: the shapes of users, messages, rooms and lists, keys as on the wire. Times are
 * ISO 8601 UTC with milliseconds. Columns that a host adds stand beside these keys; declare them by merging into the
 * interface (`declare module 'express-realtime-chat' { interface MessageShape { priority: number } }`).
 */

/** A user id as the host's user model holds it: a number, or a string (UUID, bigint beyond 2^53, any other). */
export type UserId = string | number;

/** A user of the host's user model. A field it lacks is null, and so is all but the id of a user who is gone. */
export interface UserShape {
  id: UserId;
  username: string | null;
  /** Null unless the setting `exposeEmail` is on. */
  email: string | null;
  first_name: string | null;
  last_name: string | null;
}

/** What stands in place of a parent or a forwarded message that was deleted. */
export interface DeletedMessageShape {
  id: string;
  is_deleted: true;
  content: '';
}

/** Who read a message, and when. */
export interface ReadReceiptShape {
  reader: UserShape;
  read_at: string;
}

/** One user's reaction to a message. */
export interface ReactionShape {
  id: string;
  user: UserShape;
  reaction_content: string;
  created_at: string;
}

/** A file that a message carries. */
export interface AttachmentShape {
  id: string;
  media_url: string;
  media_type: string;
  /** Bytes. */
  file_size: number;
  mime_type: string;
  caption: string;
  metadata: Record<string, unknown>;
}

/**
 * A message. `delivered_to`, `read_receipts` and `reactions` hold the newest of each (setting `receiptListSize`), oldest
 * of those first; the counts are exact. A nested message (`parent_message`, `forwarded_from`) has the same keys, with
 * empty lists, zero counts and nothing nested in it.
 */
export interface MessageShape {
  id: string;
  seq: number;
  client_id: string;
  room: { id: string };
  sender: UserShape;
  /** A sanitised HTML fragment. */
  content: string;
  is_deleted: boolean;
  is_edited: boolean;
  is_forwarded: boolean;
  forwarded_from: MessageShape | DeletedMessageShape | null;
  parent_message: MessageShape | DeletedMessageShape | null;
  /** User names. */
  delivered_to: string[];
  delivered_count: number;
  read_receipts: ReadReceiptShape[];
  read_count: number;
  reactions: ReactionShape[];
  /** Reaction content -> how many users reacted with it, compared byte by byte. */
  reaction_counts: Record<string, number>;
  attachments: AttachmentShape[];
  created_at: string;
  updated_at: string;
}

/** The free-form part of a room. */
export interface RoomPropertyShape {
  preferences: Record<string, unknown>;
}

/** What every room type shows, in a list and alone. */
export interface RoomBaseShape {
  type: string;
  id: string;
  created_at: string;
  updated_at: string;
  last_seq: number;
  member_count: number;
}

/** What only a room shown alone has. */
export interface RoomAloneShape {
  property: RoomPropertyShape;
}

/** What only a room in a list has. */
export interface RoomInListShape {
  /** The newest message that is not deleted. */
  last_message: MessageShape | null;
  /** Messages of others above the highest seq that this user has read or sent, counted from joining. */
  unread_count: number;
}

/** The own columns of a group chat. */
export interface GroupChatColumns {
  type: 'GroupChat';
  name: string;
  description: string;
  creator: UserShape | null;
  max_participants: number;
  avatar: string | null;
  join_approval_required: boolean;
  group_locked: boolean;
}

/** The own columns of a channel. */
export interface ChannelColumns {
  type: 'Channel';
  name: string;
  description: string;
  creator: UserShape | null;
  max_subscribers: number;
  avatar: string | null;
  is_public: boolean;
}

/** A conversation of two. */
export interface OneToOneChatShape extends RoomBaseShape, RoomAloneShape {
  type: 'OneToOneChat';
  participants: UserShape[];
}

/** A group chat. The member lists hold the first of each (setting `memberListSize`); the rest by `room.members`. */
export interface GroupChatShape extends RoomBaseShape, RoomAloneShape, GroupChatColumns {
  type: 'GroupChat';
  participants: UserShape[];
  admins: UserShape[];
}

/** A channel. The member lists hold the first of each (setting `memberListSize`); the rest by `room.members`. */
export interface ChannelShape extends RoomBaseShape, RoomAloneShape, ChannelColumns {
  type: 'Channel';
  subscribers: UserShape[];
  moderators: UserShape[];
}

/** A conversation of two in a list; `peer` is the other one. */
export interface OneToOneChatListShape extends RoomBaseShape, RoomInListShape {
  type: 'OneToOneChat';
  peer: UserShape | null;
}

/** A group chat in a list. */
export interface GroupChatListShape extends RoomBaseShape, RoomInListShape, GroupChatColumns {
  type: 'GroupChat';
}

/** A channel in a list. */
export interface ChannelListShape extends RoomBaseShape, RoomInListShape, ChannelColumns {
  type: 'Channel';
}

/** Room type -> its shape alone. A host adds its own types by declaration merging. */
export interface RoomShapes {
  OneToOneChat: OneToOneChatShape;
  GroupChat: GroupChatShape;
  Channel: ChannelShape;
}

/** Room type -> its shape in a list. A host adds its own types by declaration merging. */
export interface RoomListShapes {
  OneToOneChat: OneToOneChatListShape;
  GroupChat: GroupChatListShape;
  Channel: ChannelListShape;
}

/** A room of any type; told apart by `type`. */
export type RoomShape = RoomShapes[keyof RoomShapes];

/** A room in a list, of any type; told apart by `type`. */
export type RoomListShape = RoomListShapes[keyof RoomListShapes];

/** `roomlist.dispatch` for a `room.list` with a limit, and `roomdiscover.dispatch`. */
export interface RoomPageShape<T extends RoomBaseShape = RoomListShape> {
  rooms: T[];
  /** To be sent back for the rest; null at the end. */
  next_cursor: string | null;
}

/** One member in `roommembers.dispatch`. */
export interface MemberShape {
  user: UserShape;
  role: 'creator' | 'admin' | 'moderator' | 'member';
  joined_at: string;
}

/** `roommembers.dispatch`. */
export interface MemberPageShape {
  room_id: string;
  members: MemberShape[];
  next_cursor: string | null;
}

/** Messages of a room, newest first. */
export interface HistoryData {
  room_id: string;
  messages: MessageShape[];
}

/** `roommessages.dispatch` for a request that names neither a page nor a seq. */
export interface PlainHistoryShape {
  data: HistoryData;
}

/** `roommessages.dispatch` for `before`, `after` or `around`. */
export interface SeqHistoryShape {
  /** There are messages older than those in `data`. */
  has_before: boolean;
  /** There are messages newer than those in `data`. */
  has_after: boolean;
  data: HistoryData;
}

/** `roommessages.dispatch` for `paginate`. */
export interface PageHistoryShape {
  has_next: boolean;
  has_previous: boolean;
  next_page_number: number | null;
  prev_page_number: number | null;
  page: number;
  size: number;
  data: HistoryData;
}

/** `roommessages.dispatch`. */
export type HistoryShape = PlainHistoryShape | SeqHistoryShape | PageHistoryShape;

/** Something a user has not seen yet. For NEW_MESSAGE and REPLY the id is the message's. */
export interface ChatNotificationShape {
  id: string;
  notification_type: string;
  message: MessageShape;
}

/** `chat.notifications`: room id -> what is unseen there, oldest first. */
export type ChatNotificationsShape = Record<string, ChatNotificationShape[]>;
