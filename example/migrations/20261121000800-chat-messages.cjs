'use strict';
const { createTable } = require('./chat-support/v1/table.cjs');

/** Parent and forwarded message are no foreign keys: their ids outlive a source that was deleted. */
module.exports = createTable('messages', (t) => [
  t.column('id', t.uuid),
  t.column('room_id', t.uuid),
  t.column('sender_id', t.userId),
  t.column('client_id', t.bytes(256)),
  t.column('request_hash', t.ascii(64), 'NULL'),
  t.column('seq', t.bigint),
  t.column('content', t.longText),
  t.column('is_deleted', t.boolean, 'NOT NULL DEFAULT 0'),
  t.column('is_edited', t.boolean, 'NOT NULL DEFAULT 0'),
  t.column('is_forwarded', t.boolean, 'NOT NULL DEFAULT 0'),
  t.column('parent_message_id', t.uuid, 'NULL'),
  t.column('forwarded_from_id', t.uuid, 'NULL'),
  t.column('delivered_count', t.integer, 'NOT NULL DEFAULT 0'),
  t.column('read_count', t.integer, 'NOT NULL DEFAULT 0'),
  t.column('created_at', t.time),
  t.column('updated_at', t.time),
  t.primaryKey('id'),
  t.unique('sender_id', 'client_id'),
  t.unique('room_id', 'seq'),
  ...t.checkBytes('client_id'),
  t.check('reply_or_forward', 'parent_message_id IS NULL OR forwarded_from_id IS NULL'),
  t.belongsTo('room_id', 'rooms'),
  t.ofUser('sender_id'),
]);
