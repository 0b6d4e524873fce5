import type { UserId } from '../protocol/shapes.js';

/**
 * What serializers are given: rows with everything they show already read. The reads of the store make them by hanging
 * users, lists and nested messages on model instances; a plain object with the same keys does as well. Whatever is
 * absent is shown as empty, but for the members of a room: without them it is not shown.
 */

/** A row of any model: columns under their names, those of the host too. */
export type Row = object;

/** An instance of the host's user model, or `{ id }` of a user who is gone. */
export type LoadedUser = Row;

/** A moment as the database gave it: SQLite gives text in raw statements. */
export type Moment = Date | string | number;

/** A row of `chat_message_media_assets`. */
export interface LoadedMedia {
  readonly id: string;
  readonly media_url: string;
  readonly media_type: string;
  readonly file_size: number | string;
  readonly mime_type: string;
  readonly caption: string;
  readonly metadata: unknown;
}

/** A row of `chat_message_deliveries`. */
export interface LoadedDelivery {
  readonly user_id: UserId;
  user?: LoadedUser | undefined;
}

/** A row of `chat_read_receipts`. */
export interface LoadedReceipt {
  readonly user_id: UserId;
  reader?: LoadedUser | undefined;
  readonly read_at: Moment;
}

/** A row of `chat_reactions`. */
export interface LoadedReaction {
  readonly id: string;
  readonly user_id: UserId;
  user?: LoadedUser | undefined;
  readonly reaction_content: string | Buffer;
  readonly created_at: Moment;
}

/** A row of `chat_messages` and what belongs to it. */
export interface LoadedMessage {
  readonly id: string;
  readonly room_id: string;
  readonly seq: number | string;
  readonly client_id: string | Buffer;
  readonly sender_id: UserId;
  readonly content: string;
  readonly is_deleted: boolean | number;
  readonly is_edited: boolean | number;
  readonly is_forwarded: boolean | number;
  readonly parent_message_id?: string | null | undefined;
  readonly forwarded_from_id?: string | null | undefined;
  readonly delivered_count: number | string;
  readonly read_count: number | string;
  readonly created_at: Moment;
  readonly updated_at: Moment;
  sender?: LoadedUser | undefined;
  media?: readonly LoadedMedia[] | undefined;
  deliveries?: readonly LoadedDelivery[] | undefined;
  read_receipts?: readonly LoadedReceipt[] | undefined;
  reactions?: readonly LoadedReaction[] | undefined;
  reaction_counts?: Readonly<Record<string, number>> | undefined;
  /** Null: its row is gone. Absent: not read. */
  parent_message?: LoadedMessage | null | undefined;
  /** Null: its row is gone. Absent: not read. */
  forwarded_from?: LoadedMessage | null | undefined;
}

/** A row of `chat_rooms` and what belongs to it. */
export interface LoadedRoom {
  readonly id: string;
  readonly type: string;
  readonly last_seq: number | string;
  readonly member_count: number | string;
  readonly created_by_id?: UserId | null | undefined;
  readonly created_at: Moment;
  readonly updated_at: Moment;
  /** The row of the type's table; absent: looked for under the type's alias. */
  details?: Row | null | undefined;
  property?: { readonly preferences: unknown } | null | undefined;
  creator?: LoadedUser | null | undefined;
  /** The first members, by joining. */
  member_users?: readonly LoadedUser[] | undefined;
  /** The first members who are creator, admin or moderator. */
  admin_users?: readonly LoadedUser[] | undefined;
  /** In a list: the other of two. */
  peer?: LoadedUser | null | undefined;
  last_message?: LoadedMessage | null | undefined;
  unread_count?: number | undefined;
}

/** What `chat.notifications` is made of. */
export interface LoadedNotification {
  readonly id: string;
  readonly notification_type: string;
  readonly message: LoadedMessage;
}
