import Joi from 'joi';
import { changedFields, extraFields, givenFields, httpUrl, listOf, text, uuid, whole } from './fields.js';
import type { OwnFields, PayloadOptions, RoomTypePayload } from './payload-options.js';

/** Code points of a description or a caption: four bytes each, they fit a TEXT column of MySQL. */
export const maxDescriptionLength = 10_000;

type Fields = Record<string, Joi.Schema>;

const name = () => text(1, 64, { trim: true });
const description = () => text(0, maxDescriptionLength);

/**
 * What can be set of each room type besides name and description, the host's own columns included, as `own` takes them:
 * for a new room, or for a change.
 */
function fieldsByType(
  { maxRoomMembers, roomTypes = {}, propertyFields }: PayloadOptions,
  own: (fields: OwnFields | undefined) => Fields,
): Map<string, Fields> {
  const columns = own(propertyFields);
  const properties = { ...columns, preferences: Joi.object() };
  // Only where there are columns that may want a value is it there by itself.
  const isGiven = own === givenFields && Object.keys(columns).length > 0;
  const property = isGiven ? extraFields(properties) : Joi.object(properties);
  const avatar = httpUrl().allow(null);
  const standard: Record<string, Fields> = {
    OneToOneChat: {},
    GroupChat: {
      avatar,
      group_locked: Joi.boolean(),
      join_approval_required: Joi.boolean(),
      max_participants: whole(1, maxRoomMembers),
    },
    Channel: { avatar, is_public: Joi.boolean(), max_subscribers: whole(1, maxRoomMembers) },
  };
  const types = new Set([...Object.keys(standard), ...Object.keys(roomTypes)]);
  return new Map(Array.from(types, (type) => [type, { property, ...own(roomTypes[type]?.fields), ...standard[type] }]));
}

/** `room.create`: which fields there are depends on the type. */
export function roomCreate(options: PayloadOptions): Joi.ObjectSchema {
  // Empty is fine: it names nobody besides the creator.
  const members = listOf(options.userId, 0, options.maxMembersPerCall);
  const named = { name: name().required(), description: description() };
  const byType: Record<string, Fields> = {
    // A name is a field of `room.create`, but not of this type: taken, and dropped.
    OneToOneChat: { name: text(0, 64).strip(), description: description().strip(), participants: members },
    GroupChat: { ...named, participants: members },
    Channel: { ...named, subscribers: members },
  };
  const hostType = (type: RoomTypePayload): Fields => ({
    ...(type.name && { name: type.name === 'required' ? name().required() : name() }),
    ...(type.description && { description: description() }),
    [type.membersField ?? 'participants']: members,
  });
  const types = fieldsByType(options, givenFields);
  const cases = Array.from(types, ([type, fields]) => ({
    is: type,
    // biome-ignore lint/suspicious/noThenProperty: Joi's word.
    then: Joi.object({
      ...(byType[type] ?? hostType(options.roomTypes?.[type] ?? {})),
      extra_fields: extraFields(fields),
    }),
  }));
  return Joi.object({
    type: Joi.valid(...types.keys()).required(),
    client_id: text(1, 64),
  }).when('.type', { switch: cases, otherwise: Joi.object().unknown() });
}

/** `room.modify`: each action has its own data; an action of the host's has any. */
export function roomModify(options: PayloadOptions): Joi.ObjectSchema {
  const users = { users: listOf(options.userId, 1, options.maxMembersPerCall).required() };
  const permission = listOf(text(1, 64), 1, 100).required();
  const usersData = Joi.object(users).required();
  const permissionData = Joi.object({ ...users, permission }).required();
  const data = new Map<string, Joi.Schema>([
    ['update', Joi.object(anyField(options)).min(1).required()],
    ['delete', Joi.object({}).default({})],
    ['add_admin', usersData],
    ['remove_admin', usersData],
    ['add_moderator', usersData],
    ['remove_moderator', usersData],
    ['add_permission', permissionData],
    ['remove_permission', permissionData],
  ]);
  return Joi.object({ room_id: uuid().required(), action: text(1, 64).required() }).when('.action', {
    // biome-ignore lint/suspicious/noThenProperty: Joi's word.
    switch: Array.from(data, ([action, schema]) => ({ is: action, then: Joi.object({ data: schema }) })),
    otherwise: Joi.object({ data: Joi.object().default({}) }),
  });
}

/**
 * The fields of all types together: which type the room is, only the handler knows, and it ignores those of the others.
 * Where two types have a field of the same name, either rule will do.
 */
function anyField(options: PayloadOptions): Fields {
  const all = new Map<string, Set<Joi.Schema>>([
    ['name', new Set([name()])],
    ['description', new Set([description()])],
  ]);
  for (const fields of fieldsByType(options, changedFields).values()) {
    for (const [key, schema] of Object.entries(fields)) all.set(key, new Set(all.get(key)).add(schema));
  }
  return Object.fromEntries(Array.from(all, ([key, schemas]) => [key, either([...schemas]).optional()]));
}

function either(schemas: Joi.Schema[]): Joi.Schema {
  return schemas.length === 1 ? schemas[0]! : Joi.alternatives().try(...schemas.map((schema) => schema.optional()));
}
