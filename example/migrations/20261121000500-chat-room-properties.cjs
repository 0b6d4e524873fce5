'use strict';
const { createTable } = require('./chat-support/v1/table.cjs');

module.exports = createTable('room_properties', (t) => [
  t.column('room_id', t.uuid),
  t.column('preferences', t.json),
  t.primaryKey('room_id'),
  t.belongsTo('room_id', 'rooms'),
]);
