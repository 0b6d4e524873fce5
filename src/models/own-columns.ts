import type { Model, ModelStatic } from 'sequelize';
import type { ChatModelStatics } from './columns.js';

/** The columns that a host added to a model. */
export function ownColumnsOf(model: ModelStatic<Model>): readonly string[] {
  return (model as unknown as ChatModelStatics).ownColumns ?? [];
}

/** Whether the model is the package's own, so that all its columns, getters and setters are known. */
export function isStandard(model: ModelStatic<Model>): boolean {
  return (model as unknown as ChatModelStatics).isStandard === true;
}

/**
 * Of these values those of own columns. Whatever reaches a write of the chat from outside goes through this, so that
 * nothing given can name a column that the chat decides, whatever a schema let through.
 */
export function ownValues(model: ModelStatic<Model>, values: object): Record<string, unknown> {
  const own = ownColumnsOf(model);
  if (own.length === 0) return {};
  return Object.fromEntries(Object.entries(values).filter(([name]) => own.includes(name)));
}

/**
 * A new row with the values that own columns have when nothing is said about them: the model's defaults, made once, so
 * that what is told about the row is what is stored. Rejects with Sequelize's ValidationError when a validator of the
 * model refuses it. Not needed for what `create` writes.
 */
export async function completed<Values extends object>(model: ModelStatic<Model>, row: Values): Promise<Values> {
  const own = ownColumnsOf(model).filter((name) => !isVirtual(model, name));
  if (own.length === 0) return row;
  const built = model.build({ ...row } as never);
  await built.validate({ hooks: false });
  const open = own.filter((name) => (row as Record<string, unknown>)[name] === undefined);
  const defaults = open.map((name) => [name, (built.dataValues as Record<string, unknown>)[name] ?? null]);
  return { ...row, ...Object.fromEntries(defaults) };
}

function isVirtual(model: ModelStatic<Model>, name: string): boolean {
  return String(model.getAttributes()[name]?.type) === 'VIRTUAL';
}
