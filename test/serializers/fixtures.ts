/** Rows as the store hands them to serializers, without a database. */
import type { LoadedMessage, LoadedRoom } from '../../src/serializers/index.js';

export const alice = { id: 1, username: 'alice', email: 'alice@example.org', first_name: 'Alice', last_name: null };

export const message = (values: Partial<LoadedMessage> = {}): LoadedMessage => ({
  id: 'm1',
  room_id: 'r1',
  seq: 1,
  client_id: 'c1',
  sender_id: 1,
  content: 'hello',
  is_deleted: false,
  is_edited: false,
  is_forwarded: false,
  delivered_count: 0,
  read_count: 0,
  created_at: new Date(0),
  updated_at: new Date(0),
  sender: alice,
  ...values,
});

export const room = (values: Partial<LoadedRoom> = {}): LoadedRoom => ({
  id: 'r1',
  type: 'GroupChat',
  last_seq: 1,
  member_count: 1,
  created_at: new Date(0),
  updated_at: new Date(0),
  details: { name: 'Room', description: '', creator_id: 1, max_participants: 100 },
  creator: alice,
  ...values,
});
