import Joi from 'joi';
import { type ErrorDetail, ValidationError } from './errors.js';
import {
  changedFields,
  contentText,
  extraFields,
  givenFields,
  listOf,
  oneOrList,
  prepared,
  text,
  uuid,
  whole,
} from './fields.js';
import { media } from './media.js';
import type { PayloadOptions } from './payload-options.js';
import { readPlainSend } from './plain-send.js';
import { maxDescriptionLength, roomCreate, roomModify } from './room-payloads.js';
import { beginningOf } from './unicode.js';

export { prepared, type UserIdKind, userIdSchema } from './fields.js';
export { mediaTypes, mimeTypes } from './media.js';
export type { OwnField, OwnFields, PayloadOptions, RoomTypePayload } from './payload-options.js';
export type * from './payload-types.js';

/** Longest token of `session.refresh`, in characters; a token is also bounded by `maxPayload`. */
const maxTokenLength = 16_384;
const maxResumedRooms = 1000;

/** The schema of every event's `data`, by event type. Unknown fields are refused, nothing is converted. */
export function payloadSchemas(options: PayloadOptions): Map<string, Joi.ObjectSchema> {
  const { maxIdsPerEvent, maxMembersPerCall, maxPageSize, maxRoomPageSize, maxMemberPageSize } = options;
  const room = { room_id: uuid().required() };
  const cursor = { limit: whole(1, maxRoomPageSize), cursor: text(1, 1024) };
  const messageIds = Joi.object({ message_id: oneOrList(uuid(), maxIdsPerEvent).required() });
  const members = Joi.object({ ...room, members: listOf(options.userId, 1, maxMembersPerCall).required() });
  const schemas: [string, Joi.ObjectSchema][] = [
    ['message.send', messageSend(options)],
    ['message.acknowledged', messageIds],
    ['message.read', messageIds],
    ['message.react', messageReact(options)],
    ['message.typing', Joi.object(room)],
    ['message.modify', messageModify(options)],
    ['room.create', roomCreate(options)],
    ['room.list', Joi.object(cursor)],
    ['room.discover', Joi.object({ ...cursor, query: text(0, 255) })],
    ['room.info', Joi.object(room)],
    ['room.members', Joi.object({ ...room, limit: whole(1, maxMemberPageSize), cursor: cursor.cursor })],
    ['room.messages', roomMessages(maxPageSize)],
    ['room.join', Joi.object(room)],
    ['room.leave', Joi.object(room)],
    ['room.add_members', members],
    ['room.remove_members', members],
    ['room.modify', roomModify(options)],
    ['session.heartbeat', Joi.object({})],
    ['session.refresh', Joi.object({ token: text(1, maxTokenLength).required() })],
    ['session.resume', Joi.object({ rooms: resumedRooms().required() })],
  ];
  return new Map(schemas.map(([eventType, schema]) => [eventType, prepared(schema)]));
}

/** Reads data without its schema; undefined when the schema has to look. */
export type PlainRead = (data: unknown) => unknown;

/** By event type: what most events of it need in place of their schema, to the same result. */
export function plainReads({ maxContentLength, messageFields }: PayloadOptions): Map<string, PlainRead> {
  const hasOwnRules = Object.keys(givenFields(messageFields)).length > 0;
  return new Map(hasOwnRules ? [] : [['message.send', (data) => readPlainSend(data, maxContentLength)]]);
}

function messageSend({
  maxContentLength,
  maxMediaPerMessage,
  messageFields,
  mediaFields,
}: PayloadOptions): Joi.ObjectSchema {
  const extra = extraFields({
    ...givenFields(messageFields),
    parent_message_id: uuid(),
    forwarded_from_id: uuid(),
    media: Joi.array().items(media(maxDescriptionLength, mediaFields)).max(maxMediaPerMessage).default([]),
  });
  return Joi.object({
    room_id: uuid().required(),
    content: contentText(maxContentLength).default(''),
    client_id: text(1, 64),
    extra_fields: extra,
  }).custom((value, helpers) => {
    const { content, extra_fields: extra } = value;
    if (extra.parent_message_id && extra.forwarded_from_id) return helpers.error('send.both');
    const mayBeEmpty = extra.media.length > 0 || extra.forwarded_from_id !== undefined;
    if (mayBeEmpty || content.trim() !== '') return value;
    return helpers.error('send.empty');
  });
}

function messageReact({ reactionFields }: PayloadOptions): Joi.ObjectSchema {
  const columns = givenFields(reactionFields);
  return Joi.object({
    type: Joi.valid('add', 'remove').required(),
    message_id: uuid().required(),
    reaction_content: text(1, 128).required(),
    ...(Object.keys(columns).length > 0 && {
      // What is taken back has no columns.
      // biome-ignore lint/suspicious/noThenProperty: Joi's word.
      extra_fields: Joi.when('type', { is: 'add', then: extraFields(columns), otherwise: Joi.forbidden() }),
    }),
  });
}

function messageModify({ maxContentLength, maxIdsPerEvent, messageFields }: PayloadOptions): Joi.ObjectSchema {
  const extra = Joi.object({ ...changedFields(messageFields), content: contentText(maxContentLength) }).min(1);
  return Joi.object({ action: Joi.valid('update', 'delete').required() }).when('.action', {
    switch: [
      // biome-ignore-start lint/suspicious/noThenProperty: Joi's word.
      { is: 'update', then: Joi.object({ message_id: uuid().required(), extra_fields: extra.required() }) },
      { is: 'delete', then: Joi.object({ message_id: oneOrList(uuid(), maxIdsPerEvent).required() }) },
      // biome-ignore-end lint/suspicious/noThenProperty: Joi's word.
    ],
    otherwise: Joi.object().unknown(),
  });
}

function roomMessages(maxPageSize: number): Joi.ObjectSchema {
  const paginate = Joi.object({ page: whole(1), size: whole(1, maxPageSize) }).custom((value, helpers) =>
    value.page === undefined || value.size === undefined ? helpers.error('history.page') : value,
  );
  const schema = Joi.object({
    room_id: uuid().required(),
    paginate,
    before: whole(0),
    after: whole(0),
    around: whole(0),
    limit: whole(1, maxPageSize),
  });
  return schema.custom((value, helpers) => {
    const named = ['before', 'after', 'around'].filter((key) => value[key] !== undefined).length;
    if (named + (value.paginate === undefined ? 0 : 1) > 1) return helpers.error('history.exclusive');
    if (value.limit === undefined || named === 1) return value;
    return helpers.error('history.limit');
  });
}

/** Room id -> offset. Of two spellings of one id the lower offset counts. */
function resumedRooms(): Joi.Schema {
  const id = uuid();
  return Joi.object().custom((value: Record<string, unknown>, helpers) => {
    const entries = Object.entries(value);
    if (entries.length > maxResumedRooms) return helpers.error('rooms.long', { limit: maxResumedRooms });
    const rooms = new Map<string, number>();
    for (const [key, offset] of entries) {
      const { error, value: room } = id.validate(key);
      if (error) return helpers.error('rooms.key', { room: beginningOf(key, 64) });
      if (!Number.isSafeInteger(offset) || (offset as number) < 0) return helpers.error('rooms.offset', { room });
      rooms.set(room, Math.min(offset as number, rooms.get(room) ?? Number.POSITIVE_INFINITY));
    }
    return Object.fromEntries(rooms);
  });
}

/**
 * Checks an event's `data` and gives the checked copy: ids in lower case and without repeats, names trimmed, defaults
 * filled in. Only this copy may be used. A schema from elsewhere (an event of the host's) must have gone through
 * `prepared`.
 *
 * @throws ValidationError with field (dots between levels) -> sentences; one sentence when no single field is at fault.
 */
export function checkPayload<T>(schema: Joi.ObjectSchema<T>, data: unknown): T {
  const { error, value } = schema.validate(data);
  if (error) throw new ValidationError(toDetail(error.details));
  return value;
}

/** The same frame may break many rules; the answer tells of so many. */
const [mostFields, mostSentences] = [20, 5];

/** Faults that are found by looking at several fields, and the one they are told at. */
const fieldOfFault: Readonly<Record<string, string>> = { 'send.empty': 'content', 'history.limit': 'limit' };

function toDetail(faults: Joi.ValidationErrorItem[]): ErrorDetail {
  const fields = new Map<string, string[]>();
  for (const { path, message, type } of faults) {
    const field = fieldOfFault[type] ?? beginningOf(path.join('.'), 100);
    if (field === '' || type === 'history.page') return message;
    const sentences = fields.get(field);
    if (!sentences && fields.size < mostFields) fields.set(field, [message]);
    else if (sentences && sentences.length < mostSentences) sentences.push(message);
  }
  return Object.fromEntries(fields);
}
