'use strict';
const { createTable } = require('./chat-support/v1/table.cjs');

module.exports = createTable('read_receipts', (t) => [
  t.column('message_id', t.uuid),
  t.column('user_id', t.userId),
  t.column('read_at', t.time),
  t.primaryKey('message_id', 'user_id'),
  t.belongsTo('message_id', 'messages'),
  t.ofUser('user_id'),
  t.index('message_id', 'read_at'),
  t.index('user_id'),
]);
