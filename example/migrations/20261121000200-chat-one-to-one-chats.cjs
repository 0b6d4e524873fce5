'use strict';
const { createTable } = require('./chat-support/v1/table.cjs');

/** Two users have one chat: the lower id is always first, so the pair is unique. */
module.exports = createTable('one_to_one_chats', (t) => [
  t.column('room_id', t.uuid),
  t.column('first_user_id', t.userId),
  t.column('second_user_id', t.userId),
  t.primaryKey('room_id'),
  t.unique('first_user_id', 'second_user_id'),
  t.belongsTo('room_id', 'rooms'),
  t.ofUser('first_user_id'),
  t.ofUser('second_user_id'),
  t.index('second_user_id'),
]);
