'use strict';
const { createTable } = require('./chat-support/v1/table.cjs');

module.exports = createTable('room_permissions', (t) => [
  t.column('room_id', t.uuid),
  t.column('user_id', t.userId),
  t.column('codename', t.string(64)),
  t.primaryKey('room_id', 'user_id', 'codename'),
  t.belongsTo('room_id', 'rooms'),
  t.ofUser('user_id'),
  t.index('user_id'),
]);
