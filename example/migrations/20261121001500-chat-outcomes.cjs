'use strict';
const { createTable } = require('./chat-support/v1/table.cjs');

/** What each event led to, kept for a day: a second run of a job, and a gateway that missed something, read it here. The room is no foreign key: its last broadcast outlives it. */
module.exports = createTable('outcomes', (t) => [
  t.column('job_id', t.ascii(36)),
  t.column('position', t.integer),
  t.column('room_id', t.uuid, 'NULL'),
  t.column('room_offset', t.bigint, 'NULL'),
  t.column('envelope', t.longText, 'NULL'),
  t.column('reply', t.longText, 'NULL'),
  t.column('created_at', t.time),
  t.primaryKey('job_id', 'position'),
  t.unique('room_id', 'room_offset'),
  t.index('created_at'),
]);
