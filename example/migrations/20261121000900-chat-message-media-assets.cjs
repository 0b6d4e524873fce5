'use strict';
const { createTable } = require('./chat-support/v1/table.cjs');

// A copy of the list in the protocol, on purpose: a migration that ran does not change.
const MEDIA_TYPES = ['image', 'video', 'audio', 'file'];
const MIME_TYPES = [
  ...['jpeg', 'png', 'gif', 'webp', 'bmp', 'heic'].map((kind) => `image/${kind}`),
  ...['mpeg', 'mp4', 'aac', 'ogg', 'wav', 'opus'].map((kind) => `audio/${kind}`),
  ...['mp4', 'quicktime', 'webm', 'ogg', 'x-msvideo', 'x-matroska'].map((kind) => `video/${kind}`),
  ...['pdf', 'msword', 'vnd.ms-excel', 'vnd.ms-powerpoint'].map((kind) => `application/${kind}`),
  ...['wordprocessingml.document', 'spreadsheetml.sheet', 'presentationml.presentation'].map(
    (kind) => `application/vnd.openxmlformats-officedocument.${kind}`,
  ),
  'text/plain',
  'text/csv',
];
const list = (values) => values.map((value) => `'${value}'`).join(', ');

module.exports = createTable('message_media_assets', (t) => [
  t.column('id', t.uuid),
  t.column('message_id', t.uuid),
  t.column('position', t.integer, 'NOT NULL DEFAULT 0'),
  t.column('media_url', t.string(2048)),
  t.column('media_type', t.string(8)),
  t.column('mime_type', t.string(100)),
  t.column('file_size', t.bigint),
  t.column('caption', t.text),
  t.column('metadata', t.json),
  t.primaryKey('id'),
  t.check('media_type', `media_type IN (${list(MEDIA_TYPES)})`),
  t.check('mime_type', `mime_type IN (${list(MIME_TYPES)})`),
  t.check('file_size', 'file_size >= 0'),
  t.belongsTo('message_id', 'messages'),
  t.index('message_id', 'position'),
]);
