/** Reads off a payload's schema which of its fields hold ids: asks each field what it says to a text that is no id. */
import type Joi from 'joi';

/** What a field's id is of: a room or a message (a UUID), a user, or the rooms that are the keys of an object. */
export type IdKind = 'uuid' | 'user' | 'room keys';

interface Terms {
  keys?: { key: string; schema: Joi.Schema }[];
  items?: Joi.Schema[];
  matches?: { schema?: Joi.Schema }[];
  whens?: { then?: Joi.Schema; otherwise?: Joi.Schema; switch?: { then?: Joi.Schema; otherwise?: Joi.Schema }[] }[];
}

const NO_ID = 'this is no id';

/** All fields of a schema, whichever of its cases has them: path (dots between levels) -> schema. */
export function fieldsOf(schema: Joi.Schema | undefined, path = ''): Map<string, Joi.Schema> {
  const terms = (schema as { $_terms?: Terms } | undefined)?.$_terms;
  const fields = new Map<string, Joi.Schema>();
  if (!terms) return fields;
  const add = (more: Map<string, Joi.Schema>) => {
    for (const [name, field] of more) fields.set(name, field);
  };
  for (const { key, schema: field } of terms.keys ?? []) {
    const own = path === '' ? key : `${path}.${key}`;
    fields.set(own, field);
    add(fieldsOf(field, own));
  }
  for (const item of terms.items ?? []) add(fieldsOf(item, path));
  for (const { schema: match } of terms.matches ?? []) add(fieldsOf(match, path));
  for (const { then, otherwise, switch: cases } of terms.whens ?? []) {
    for (const branch of [then, otherwise, ...(cases ?? []).flatMap((one) => [one.then, one.otherwise])]) {
      add(fieldsOf(branch, path));
    }
  }
  return fields;
}

/** The id fields of a payload: path -> what they are ids of. */
export function idFieldsOf(schema: Joi.Schema): Map<string, IdKind> {
  const found = new Map<string, IdKind>();
  for (const [path, field] of fieldsOf(schema)) {
    const kind = kindOf(field);
    if (kind) found.set(path, kind);
  }
  return found;
}

function kindOf(field: Joi.Schema): IdKind | undefined {
  const faults = [NO_ID, [NO_ID], { [NO_ID]: 1 }].flatMap((value) => field.validate(value).error?.details ?? []);
  const said = faults.map(({ type, context }) => `${type} ${context?.reason ?? ''}`);
  if (said.some((words) => words.startsWith('rooms.key'))) return 'room keys';
  if (said.some((words) => /^userId\.base|user id/.test(words))) return 'user';
  return said.some((words) => /^uuid\.base|UUID/.test(words)) ? 'uuid' : undefined;
}
