import Joi from 'joi';
import type { Model, ModelStatic } from 'sequelize';
import { type ChatModels, ownColumnsOf, type ReplaceableModelName } from '../models/index.js';
import { nearest, SettingsError } from '../settings/complaints.js';
import { defaultSerializers, type Serializers } from './index.js';
import type { SerializerFields, SerializerName } from './serializer.js';

/** What clients may do with the fields of a serializer: nothing, give them with something new, or also change them. */
type Use = 'shown' | 'given' | 'changed';

/** A serializer, the model whose rows it shows, and the keys of its shape that are neither columns nor associations. */
interface Pairing {
  readonly name: string;
  readonly setting: string;
  readonly model: ModelStatic<Model>;
  readonly modelSetting: string;
  readonly use: Use;
  readonly wireKeys: readonly string[];
  /** The columns of a second row that is shown with it: the room's own, beside those of its type. */
  readonly beside?: readonly string[];
  /** Columns that the chat itself fills in. */
  readonly filled?: readonly (string | undefined)[];
  /** A list serializer may carry the rules of its room type; they are not asked there. */
  readonly isList?: boolean;
}

const PAIRS: ReadonlyArray<readonly [SerializerName, ReplaceableModelName, Use, ...string[]]> = [
  ['MessageSerializer', 'Message', 'changed', 'delivered_to', 'reaction_counts', 'attachments'],
  ['RoomPropertySerializer', 'RoomProperty', 'changed'],
  ['ReactionSerializer', 'Reaction', 'given'],
  ['MessageMediaAssetSerializer', 'MessageMediaAsset', 'given'],
  // Made by the chat from events that name only ids.
  ['ReadReceiptSerializer', 'ReadReceipt', 'shown'],
  ['ChatNotificationSerializer', 'ChatNotification', 'shown'],
];

/** Keys that rooms have on the wire or in room.create, whatever their type. */
const ROOM_KEYS = [
  ...['type', 'id', 'last_seq', 'member_count', 'created_at', 'updated_at', 'property', 'last_message', 'unread_count'],
  ...['participants', 'subscribers', 'admins', 'moderators', 'peer', 'creator', 'name', 'description', 'details'],
];

/**
 * Compares what serializers declare with what models have, so that a mistake shows at start and not at the first message.
 *
 * @throws SettingsError, a sentence with the setting's name.
 */
export function checkFields(models: ChatModels, serializers: Serializers): void {
  for (const [name, key, use, ...wireKeys] of PAIRS) {
    const [setting, modelSetting] = [`serializers.${name}`, `models.${key}`];
    checkPairing(serializers, { name, setting, model: models[key], modelSetting, use, wireKeys });
  }
  for (const [type, { model, isOwn, membersField, creatorColumn }] of models.roomTypes) {
    const wireKeys = [...ROOM_KEYS, membersField, ...(creatorColumn ? [creatorColumn] : [])];
    const beside = ownColumnsOf(models.Room);
    const about = { model, use: 'changed', wireKeys, beside, filled: ['name', 'description', creatorColumn] } as const;
    const modelSetting = isOwn ? `roomTypes.${type}.model` : `models.${type}`;
    const settingOf = (key: string, name: string) => (isOwn ? `roomTypes.${type}.${key}` : `serializers.${name}`);
    for (const [key, name] of [
      ['serializer', `${type}Serializer`],
      ['listSerializer', `${type}ListSerializer`],
    ] as const) {
      const isList = key === 'listSerializer';
      checkPairing(serializers, { ...about, name, setting: settingOf(key, name), modelSetting, isList });
    }
  }
  const users = { name: 'UserSerializer', setting: 'serializers.UserSerializer', modelSetting: 'userModel' };
  const userKeys = ['id', 'username', 'email', 'first_name', 'last_name'];
  checkDeclared(serializers.fieldsOf(users.name), { ...users, model: models.User, use: 'shown', wireKeys: userKeys });
  for (const name of ['RoomPolymorphicSerializer', 'RoomListPolymorphicSerializer']) {
    const [field] = Object.keys(serializers.fieldsOf(name));
    if (field === undefined) continue;
    throw new SettingsError(
      `Setting serializers.${name}: the field "${field}" belongs on the serializer of a room type.`,
    );
  }
  refuseUnfilled({}, { setting: '', model: models.Session, modelSetting: 'models.Session' });
  refuseUnfilled({}, { setting: '', model: models.Room, modelSetting: 'models.Room' });
}

function checkPairing(serializers: Serializers, pairing: Pairing): void {
  const { name, model, modelSetting, setting, isList } = pairing;
  const fields = serializers.fieldsOf(name);
  checkDeclared(fields, pairing);
  if (isList) return;
  const own = ownColumnsOf(model);
  const isStandard = serializers.classes.get(name) === defaultSerializers[name as SerializerName];
  if (own.length > 0 && isStandard) {
    throw new SettingsError(
      `Setting ${modelSetting} adds the column${own.length > 1 ? 's' : ''} ${listed(own)}, but ${name} does not know of ` +
        `${own.length > 1 ? 'them' : 'it'}: give ${setting} a subclass of ${name} with static fields.`,
    );
  }
  refuseUnfilled(fields, pairing);
}

/** Each declared field must be a column of the host's own, with a rule only where a client can give it. */
function checkDeclared(fields: SerializerFields, pairing: Pairing): void {
  const { setting, model, use, wireKeys, isList, name, beside = [] } = pairing;
  if (!isObject(fields)) {
    throw new SettingsError(`Setting ${setting}: static fields must be an object such as { priority: { schema } }.`);
  }
  const own = ownColumnsOf(model);
  const isUser = name === 'UserSerializer';
  const standard = isUser ? [] : Object.keys(model.getAttributes()).filter((column) => !own.includes(column));
  const reserved = new Set([...standard, ...(isUser ? [] : Object.keys(model.associations ?? {})), ...wireKeys]);
  for (const [field, rule] of Object.entries(fields)) {
    const refuse = (why: string): never => {
      throw new SettingsError(`Setting ${setting}: the field "${field}" ${why}.`);
    };
    if (!isObject(rule)) refuse('must be an object such as { schema, updatable: true }');
    if (isSchema(rule)) refuse('is a bare schema; write { schema: ... } around it');
    const unknown = Object.keys(rule).find((key) => key !== 'schema' && key !== 'updatable');
    if (unknown !== undefined) {
      const near = nearest(unknown, ['schema', 'updatable']);
      refuse(`has "${unknown}"; ${near ? `did you mean "${near}"` : 'only "schema" and "updatable" are known'}`);
    }
    if (reserved.has(field)) refuse("is the chat's own: clients can neither give nor change it");
    const isColumn = Object.hasOwn(model.getAttributes(), field);
    const isShown = isColumn || field in model.prototype || beside.includes(field);
    if (!isColumn && (rule.schema !== undefined || !isShown)) {
      refuse(`is no column of the model ${model.name}`);
    }
    if (rule.schema === undefined) {
      if (rule.updatable) refuse('is updatable, but has no schema to check new values with');
      continue;
    }
    const problem = schemaProblem(rule.schema);
    if (problem !== undefined) refuse(problem);
    if (isList) continue;
    if (use === 'shown') refuse('has a schema, but no event takes it from a client; leave the schema out to show it');
    if (use === 'given' && rule.updatable) refuse('is updatable, but no event changes it');
  }
}

/** A column that must have a value needs somebody to give it: the model's default, or a client who has to. */
function refuseUnfilled(
  fields: SerializerFields,
  { model, modelSetting, setting, filled = [] }: Pick<Pairing, 'model' | 'modelSetting' | 'setting' | 'filled'>,
): void {
  for (const column of ownColumnsOf(model)) {
    const attribute = model.getAttributes()[column]!;
    const needsValue = attribute.allowNull === false && attribute.defaultValue === undefined;
    if (!needsValue || attribute.autoIncrement || filled.includes(column)) continue;
    const schema = fields[column]?.schema;
    const { presence, default: value } = (schema?.describe().flags ?? {}) as { presence?: string; default?: unknown };
    if (presence === 'required' || value !== undefined) continue;
    const orElse = setting === '' ? '' : `, or let ${setting} declare it with a required schema`;
    throw new SettingsError(
      `Setting ${modelSetting}: the column "${column}" of ${model.name} must have a value and nobody gives one: ` +
        `add a defaultValue, allow null${orElse}.`,
    );
  }
}

function schemaProblem(schema: unknown): string | undefined {
  try {
    return Joi.isSchema(schema) ? undefined : 'has a schema that is none of Joi';
  } catch {
    return 'has a schema of another version of Joi; use the Joi that express-realtime-chat exports';
  }
}

function isSchema(value: unknown): boolean {
  return Joi.isSchema(value, { legacy: true });
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function listed(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}
