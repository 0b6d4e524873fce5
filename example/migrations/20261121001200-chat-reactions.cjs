'use strict';
const { createTable } = require('./chat-support/v1/table.cjs');

/** One reaction per user and message; contents are compared byte by byte (no collation tells all emoji apart). */
module.exports = createTable('reactions', (t) => [
  t.column('id', t.uuid),
  t.column('message_id', t.uuid),
  t.column('user_id', t.userId),
  t.column('reaction_content', t.bytes(512)),
  t.column('created_at', t.time),
  t.primaryKey('id'),
  t.unique('message_id', 'user_id'),
  ...t.checkBytes('reaction_content'),
  t.belongsTo('message_id', 'messages'),
  t.ofUser('user_id'),
  t.index('user_id'),
]);
