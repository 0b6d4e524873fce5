'use strict';
const { createTable } = require('./chat-support/v1/table.cjs');

/** One per connection. */
module.exports = createTable('sessions', (t) => [
  t.column('id', t.uuid),
  t.column('user_id', t.userId),
  t.column('channel_name', t.string(191)),
  t.column('last_seen', t.time),
  t.column('created_at', t.time),
  t.primaryKey('id'),
  t.unique('channel_name'),
  t.ofUser('user_id'),
  t.index('user_id', 'last_seen'),
  t.index('last_seen'),
]);
