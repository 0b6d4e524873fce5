import Joi from 'joi';
import type { OwnFields } from './payload-options.js';
import { codePointLength, isWellFormed } from './unicode.js';

/** How the primary key of the host's user model looks on the wire. */
export type UserIdKind = 'integer' | 'bigint' | 'uuid' | 'string';

/** The sentences behind the rules below and behind Joi's own, without the field's name: that is the key in `detail`. */
const fieldMessages: Readonly<Record<string, string>> = {
  'any.required': 'This field is required.',
  'any.unknown': 'Unknown field.',
  'field.fixed': 'This field cannot be changed.',
  'object.unknown': 'Unknown field.',
  'object.base': 'Must be an object.',
  'object.min': 'Name at least one field.',
  'array.base': 'Must be a list.',
  'boolean.base': 'Must be true or false.',
  'any.only': 'Must be one of {{#valids}}.',
  'number.base': 'Must be a number.',
  'number.integer': 'Must be a whole number.',
  'number.unsafe': 'Must be a safe whole number.',
  'number.infinity': 'Must be a number.',
  'number.min': 'Must be {{#limit}} or more.',
  'number.max': 'Must be {{#limit}} or less.',
  'text.base': 'Must be a text.',
  'text.illFormed': 'Ill-formed Unicode.',
  'text.empty': 'This field may not be empty.',
  'text.long': 'Must have at most {{#limit}} characters.',
  'uuid.base': 'Must be a UUID.',
  'userId.base': 'Must be a user id: {{#form}}.',
  'url.base': 'Must be an http or https URL of at most {{#limit}} characters.',
  'list.empty': 'May not be an empty list.',
  'list.long': 'May not have more than {{#limit}} entries.',
  'list.item': 'Entry {{#place}}: {{#reason}}',
  'rooms.key': '{{#room}} is no UUID.',
  'rooms.offset': 'The offset of {{#room}} must be a whole number of 0 or more.',
  'rooms.long': 'May not have more than {{#limit}} rooms.',
  'history.page': 'page and size required',
  'history.exclusive': 'Only one of paginate, before, after and around.',
  'history.limit': 'Only together with before, after or around.',
  'send.empty': 'This field may not be empty.',
  'send.both': 'A message is a reply or a forward, not both.',
};

const checkOptions: Joi.ValidationOptions = {
  convert: false,
  abortEarly: false,
  messages: { ...fieldMessages },
  errors: { label: false, wrap: { array: false, string: false } },
};

/**
 * The schema as payloads are checked: something must be there, nothing is converted, all faults are told at once, in the
 * sentences above. Once per schema, not per check: Joi compiles the sentences anew each time, which takes longer than
 * the check.
 */
export function prepared<T extends Joi.Schema>(schema: T): T {
  return schema.required().prefs(checkOptions) as T;
}

/**
 * The rules of a host's columns for something new. JSON has no dates, so a rule for one reads the text that stands for it;
 * nothing else is converted.
 */
export function givenFields(fields: OwnFields = {}): Record<string, Joi.Schema> {
  const rules = Object.entries(fields).flatMap(([name, { schema }]) => (schema ? [[name, readingDates(schema)]] : []));
  return Object.fromEntries(rules) as Record<string, Joi.Schema>;
}

/**
 * The rules of a host's columns for a change: each may be absent, and then stays as it is (a default is for something
 * new). What is not updatable is refused with the reason.
 */
export function changedFields(fields: OwnFields = {}): Record<string, Joi.Schema> {
  return Object.fromEntries(
    Object.entries(givenFields(fields)).map(([name, schema]) => [
      name,
      fields[name]!.updatable ? schema.optional().prefs({ noDefaults: true }) : fixed(),
    ]),
  );
}

/** An object of these rules, which may be left out unless one of them must be given. Defaults are filled in. */
export function extraFields(rules: Record<string, Joi.Schema>): Joi.ObjectSchema {
  const isNeeded = Object.values(rules).some(
    (rule) => (rule.describe().flags as { presence?: string } | undefined)?.presence === 'required',
  );
  const schema = Joi.object(rules);
  return isNeeded ? schema.required() : schema.default();
}

function readingDates(schema: Joi.Schema): Joi.Schema {
  return schema.type === 'date' ? schema.prefs({ convert: true }) : schema;
}

function fixed(): Joi.Schema {
  return Joi.any().custom((_value, helpers) => helpers.error('field.fixed'));
}

const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A UUID of any version, in either case; gives it in lower case. */
export function uuid(): Joi.Schema {
  return Joi.any().custom((value, helpers) =>
    typeof value === 'string' && uuidForm.test(value) ? value.toLowerCase() : helpers.error('uuid.base'),
  );
}

/** The id of a user: gives numbers for `integer`, texts for all else. A number is as good as its digits for `bigint`. */
export function userIdSchema(kind: UserIdKind): Joi.Schema {
  const { form, read } = userIdForms[kind];
  return Joi.any().custom((value, helpers) => read(value) ?? helpers.error('userId.base', { form }));
}

const userIdForms: Record<UserIdKind, { form: string; read(value: unknown): number | string | undefined }> = {
  integer: { form: 'a positive whole number', read: (value) => (isPositive(value) ? value : undefined) },
  bigint: {
    form: 'a positive whole number, or its digits in a text',
    read(value) {
      if (isPositive(value)) return String(value);
      const isDigits = typeof value === 'string' && /^[1-9]\d{0,18}$/.test(value);
      return isDigits && BigInt(value) < 2n ** 63n ? value : undefined;
    },
  },
  uuid: {
    form: 'a UUID',
    read: (value) => (typeof value === 'string' && uuidForm.test(value) ? value.toLowerCase() : undefined),
  },
  string: {
    form: 'a text of 1 to 255 characters',
    read: (value) =>
      typeof value === 'string' && isWellFormed(value) && value !== '' && fits(value, 255) ? value : undefined,
  },
};

function isPositive(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

/** Counts only when it must: a code point has one or two UTF-16 units. */
function fits(text: string, most: number): boolean {
  return text.length <= most || (text.length <= 2 * most && codePointLength(text) <= most);
}

/** A well-formed text of `least` to `most` code points, trimmed before if asked. */
export function text(least: number, most: number, { trim = false } = {}): Joi.Schema {
  return Joi.any().custom((value, helpers) => {
    if (typeof value !== 'string') return helpers.error('text.base');
    if (!isWellFormed(value)) return helpers.error('text.illFormed');
    const checked = trim ? value.trim() : value;
    if (checked.length < least) return helpers.error('text.empty');
    return fits(checked, most) ? checked : helpers.error('text.long', { limit: most });
  });
}

/** Content as it is typed: at most `most` code points without the space around it. What it becomes is the handler's. */
export function contentText(most: number): Joi.Schema {
  return Joi.any().custom((value, helpers) => {
    if (typeof value !== 'string') return helpers.error('text.base');
    if (!isWellFormed(value)) return helpers.error('text.illFormed');
    return fits(value.trim(), most) ? value : helpers.error('text.long', { limit: most });
  });
}

const longestUrl = 2048;

/** An http(s) URL of at most 2048 characters, as given. Spaces, quotes and angle brackets must be encoded in it. */
export function httpUrl(): Joi.Schema {
  return Joi.any().custom((value, helpers) => {
    const isUrl =
      typeof value === 'string' &&
      value.length <= longestUrl &&
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be in a URL.
      /^https?:\/\/[^\s\u0000-\u001f\u007f<>"\\]+$/i.test(value) &&
      isWellFormed(value) &&
      URL.canParse(value);
    return isUrl ? value : helpers.error('url.base', { limit: longestUrl });
  });
}

/** A whole number from `least` to `most`. */
export function whole(least: number, most: number = Number.MAX_SAFE_INTEGER): Joi.NumberSchema {
  return Joi.number().integer().min(least).max(most);
}

/**
 * A list of ids, repeats removed. Joi's own lists check every entry before the length, and tell of every wrong one: here
 * a list that is too long is refused unread, and the first wrong entry ends it.
 */
export function listOf(item: Joi.Schema, least: number, most: number): Joi.Schema {
  const entry = prepared(item);
  return Joi.any().custom((value, helpers) => {
    if (!Array.isArray(value)) return helpers.error('array.base');
    return readList(value, entry, least, most, helpers);
  });
}

/** One id, or a list as in `listOf` with at least one. What came as one stays one. */
export function oneOrList(item: Joi.Schema, most: number): Joi.Schema {
  const entry = prepared(item);
  return Joi.any().custom((value, helpers) => {
    if (Array.isArray(value)) return readList(value, entry, 1, most, helpers);
    const { error, value: checked } = entry.validate(value);
    return error ? helpers.error(error.details[0]!.type, error.details[0]!.context) : checked;
  });
}

function readList(
  list: unknown[],
  entry: Joi.Schema,
  least: number,
  most: number,
  helpers: Joi.CustomHelpers,
): unknown {
  if (list.length < least) return helpers.error('list.empty');
  if (list.length > most) return helpers.error('list.long', { limit: most });
  const checked = new Set<unknown>();
  for (const [index, item] of list.entries()) {
    const { error, value } = entry.validate(item);
    if (error) return helpers.error('list.item', { place: index + 1, reason: error.details[0]!.message });
    checked.add(value);
  }
  return [...checked];
}
