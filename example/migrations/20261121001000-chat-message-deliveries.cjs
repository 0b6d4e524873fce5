'use strict';
const { createTable } = require('./chat-support/v1/table.cjs');

module.exports = createTable('message_deliveries', (t) => [
  t.column('message_id', t.uuid),
  t.column('user_id', t.userId),
  t.column('created_at', t.time),
  t.primaryKey('message_id', 'user_id'),
  t.belongsTo('message_id', 'messages'),
  t.ofUser('user_id'),
  t.index('message_id', 'created_at'),
  t.index('user_id'),
]);
