'use strict';
const { createTable } = require('./chat-support/v1/table.cjs');

module.exports = createTable('channels', (t) => [
  t.column('room_id', t.uuid),
  t.column('name', t.string(64)),
  t.column('description', t.text),
  t.column('creator_id', t.userId, 'NULL'),
  t.column('max_subscribers', t.integer, 'NOT NULL DEFAULT 300'),
  t.column('avatar', t.string(2048), 'NULL'),
  t.column('is_public', t.boolean, 'NOT NULL DEFAULT 0'),
  t.primaryKey('room_id'),
  t.belongsTo('room_id', 'rooms'),
  t.byUser('creator_id'),
  t.index('creator_id'),
  t.index('is_public', 'name', 'room_id'),
]);
