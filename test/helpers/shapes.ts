/**
 * The wire shapes as docs/protocol.md gives them, written down once more for the tests: a client that is written apart
 * from the server must not learn the shapes from it.
 */

export interface WireUser {
  id: number;
  username: string;
  email: string | null;
  first_name: string | null;
  last_name: string | null;
}

export interface WireMessage {
  id: string;
  seq: number;
  client_id: string | null;
  room: { id: string };
  sender: WireUser;
  content: string;
  is_deleted: boolean;
  is_edited: boolean;
  is_forwarded: boolean;
  forwarded_from: WireMessage | null;
  parent_message: WireMessage | null;
  delivered_to: string[];
  delivered_count: number;
  read_receipts: { reader: WireUser; read_at: string }[];
  read_count: number;
  reactions: { id: string; user: WireUser; reaction_content: string; created_at: string }[];
  reaction_counts: Record<string, number>;
  attachments: Record<string, unknown>[];
  created_at: string;
  updated_at: string;
}

export interface WireRoom {
  type: string;
  id: string;
  name: string;
  description: string | null;
  last_seq: number;
  member_count: number;
  property: { preferences: Record<string, unknown> };
  creator: WireUser;
  participants: WireUser[];
  admins: WireUser[];
  subscribers: WireUser[];
  moderators: WireUser[];
  [field: string]: unknown;
}

export interface WireListRoom extends WireRoom {
  last_message: WireMessage | null;
  unread_count: number;
  peer: WireUser;
}

export interface WireError {
  code: number;
  detail: string | string[] | Record<string, string[]>;
  [extra: string]: unknown;
}

export interface WireAck {
  status: string;
  message_id: string;
  seq: number;
  room_id: string;
}

export const USER_KEYS = ['id', 'username', 'email', 'first_name', 'last_name'];

export const MESSAGE_KEYS = [
  ...['id', 'seq', 'client_id', 'room', 'sender', 'content', 'is_deleted', 'is_edited', 'is_forwarded'],
  ...['forwarded_from', 'parent_message', 'delivered_to', 'delivered_count', 'read_receipts', 'read_count'],
  ...['reactions', 'reaction_counts', 'attachments', 'created_at', 'updated_at'],
];

export const ATTACHMENT_KEYS = ['id', 'media_url', 'media_type', 'file_size', 'mime_type', 'caption', 'metadata'];

const ROOM_KEYS = ['type', 'id', 'created_at', 'updated_at', 'last_seq', 'member_count'];
const GROUP_KEYS = [
  'name',
  'description',
  'creator',
  'max_participants',
  'avatar',
  'join_approval_required',
  'group_locked',
];
const CHANNEL_KEYS = ['name', 'description', 'creator', 'max_subscribers', 'avatar', 'is_public'];

export const ROOM_TYPE_KEYS: Record<string, string[]> = {
  OneToOneChat: [...ROOM_KEYS, 'property', 'participants'],
  GroupChat: [...ROOM_KEYS, 'property', ...GROUP_KEYS, 'participants', 'admins'],
  Channel: [...ROOM_KEYS, 'property', ...CHANNEL_KEYS, 'subscribers', 'moderators'],
};

export const LIST_ROOM_TYPE_KEYS: Record<string, string[]> = {
  OneToOneChat: [...ROOM_KEYS, 'last_message', 'unread_count', 'peer'],
  GroupChat: [...ROOM_KEYS, ...GROUP_KEYS, 'last_message', 'unread_count'],
  Channel: [...ROOM_KEYS, ...CHANNEL_KEYS, 'last_message', 'unread_count'],
};
