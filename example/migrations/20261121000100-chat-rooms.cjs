'use strict';
const { createTable } = require('./chat-support/v1/table.cjs');

/** Every room of every type; what only one type has is in that type's table. */
module.exports = createTable('rooms', (t) => [
  t.column('id', t.uuid),
  t.column('type', t.string(64)),
  t.column('last_seq', t.bigint, 'NOT NULL DEFAULT 0'),
  t.column('last_offset', t.bigint, 'NOT NULL DEFAULT 0'),
  t.column('member_count', t.integer, 'NOT NULL DEFAULT 0'),
  t.column('last_activity_at', t.time),
  t.column('created_by_id', t.userId, 'NULL'),
  t.column('client_id', t.bytes(256), 'NULL'),
  t.column('request_hash', t.ascii(64), 'NULL'),
  t.column('created_at', t.time),
  t.column('updated_at', t.time),
  t.primaryKey('id'),
  t.unique('created_by_id', 'client_id'),
  ...t.checkBytes('client_id'),
  t.byUser('created_by_id'),
]);
