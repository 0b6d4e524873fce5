'use strict';
const { createTable } = require('./chat-support/v1/table.cjs');

/** Reactions only: what is new in a room follows from messages, deliveries and the member's own position. */
module.exports = createTable('notifications', (t) => [
  t.column('id', t.uuid),
  t.column('recipient_id', t.userId),
  t.column('room_id', t.uuid),
  t.column('message_id', t.uuid),
  t.column('actor_id', t.userId, 'NULL'),
  t.column('notification_type', t.string(16)),
  t.column('created_at', t.time),
  t.primaryKey('id'),
  t.unique('message_id', 'recipient_id', 'actor_id', 'notification_type'),
  t.ofUser('recipient_id'),
  t.belongsTo('room_id', 'rooms'),
  t.belongsTo('message_id', 'messages'),
  t.byUser('actor_id'),
  t.index('recipient_id', 'room_id'),
  t.index('room_id'),
  t.index('actor_id'),
]);
