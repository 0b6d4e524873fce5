'use strict';
const { createTable } = require('./chat-support/v1/table.cjs');

module.exports = createTable('group_chats', (t) => [
  t.column('room_id', t.uuid),
  t.column('name', t.string(64)),
  t.column('description', t.text),
  t.column('creator_id', t.userId, 'NULL'),
  t.column('max_participants', t.integer, 'NOT NULL DEFAULT 100'),
  t.column('avatar', t.string(2048), 'NULL'),
  t.column('join_approval_required', t.boolean, 'NOT NULL DEFAULT 0'),
  t.column('group_locked', t.boolean, 'NOT NULL DEFAULT 0'),
  t.primaryKey('room_id'),
  t.belongsTo('room_id', 'rooms'),
  t.byUser('creator_id'),
  t.index('creator_id'),
]);
