'use strict';
const { createTable } = require('./chat-support/v1/table.cjs');

module.exports = createTable('room_members', (t) => [
  t.column('room_id', t.uuid),
  t.column('user_id', t.userId),
  t.column('role', t.string(16), "NOT NULL DEFAULT 'member'"),
  t.column('joined_at', t.time),
  t.column('joined_offset', t.bigint, 'NOT NULL DEFAULT 0'),
  t.column('joined_seq', t.bigint, 'NOT NULL DEFAULT 0'),
  t.column('read_seq', t.bigint, 'NOT NULL DEFAULT 0'),
  t.column('acked_seq', t.bigint, 'NOT NULL DEFAULT 0'),
  t.primaryKey('room_id', 'user_id'),
  t.belongsTo('room_id', 'rooms'),
  t.ofUser('user_id'),
  t.index('user_id', 'room_id'),
]);
