import type { InitOptions, Model, ModelStatic } from 'sequelize';
import { SettingsError } from '../settings/complaints.js';
import type { ChatModelStatics, Columns, ModelContext } from './columns.js';

/** A class from which a chat makes its own model. */
export type ChatModelClass = ModelStatic<Model> & ChatModelStatics;

/**
 * `Model.init`, but leaves the Sequelize instance as it was: the host may have a model `Session` or `Message` of its own,
 * and two chats may share one instance. So `sequelize.models` and `sequelize.sync()` never see ours (migrations make
 * our tables). Classes work without being registered.
 */
export function initUnregistered<M extends ModelStatic<Model>>(model: M, columns: Columns, options: InitOptions): M {
  const { modelManager, models } = options.sequelize;
  const registered = [...modelManager.models];
  const byName = { ...models };
  (model as ModelStatic<Model>).init(columns, {
    ...options,
    // Said here so that the host's `define` defaults (underscored, paranoid, ...) do not reach our tables.
    freezeTableName: true,
    underscored: false,
    timestamps: false,
    paranoid: false,
    version: false,
    schema: '',
  });
  modelManager.models = registered;
  for (const name of Object.keys(models)) {
    if (!Object.hasOwn(byName, name)) delete models[name];
  }
  Object.assign(models, byName);
  return model;
}

/** Where a class comes from, and the columns that the chat's own code works with. */
export interface ModelPlace {
  /** The setting that names it, `models.Message` for example. */
  readonly setting: string;
  readonly needed: readonly string[];
  /** The class it has by default; none for a room type of the host's. */
  readonly standard?: ChatModelClass;
}

/** A model of one chat: a fresh subclass, of the same name, so that the class given stays untouched and can serve any number of chats. */
export function defineModel<M extends ChatModelClass>(
  base: M,
  sequelize: InitOptions['sequelize'],
  context: ModelContext,
  place?: ModelPlace,
): M {
  const Fresh = class extends (base as ChatModelClass) {} as M;
  const given = base.columns(context);
  if (place) refuseMissing(base, given, place);
  const columns = copied(given);
  initUnregistered(Fresh, columns, {
    ...base.modelOptions?.(context),
    sequelize,
    modelName: base.name,
    tableName: context.table(base.table),
  });
  refuseShadowing(Fresh, Object.keys(columns));
  const own = Object.keys(columns).filter((name) => !place?.needed.includes(name));
  Object.defineProperty(Fresh, 'ownColumns', { value: place ? own : [] });
  Object.defineProperty(Fresh, 'isStandard', { value: !place || base === place.standard });
  return Fresh;
}

/** Sequelize writes the column's name into its definition: one that stands for several columns must not be shared. */
function copied(columns: Columns): Columns {
  const isPlain = (column: object) => Object.getPrototypeOf(column) === Object.prototype;
  return Object.fromEntries(
    Object.entries(columns).map(([name, column]) => [name, isPlain(column) ? { ...column } : column]),
  );
}

function refuseMissing(base: ChatModelClass, columns: unknown, { setting, needed }: ModelPlace): void {
  const how = 'return { ...super.columns(context), own: {...} } from its static method columns';
  if (typeof columns !== 'object' || columns === null) {
    throw new SettingsError(`Setting ${setting}: columns() of ${base.name} gives no columns; ${how}.`);
  }
  const missing = needed.filter((name) => !Object.hasOwn(columns, name));
  if (missing.length === 0) return;
  const names = missing.map((name) => `"${name}"`).join(', ');
  throw new SettingsError(
    `Setting ${setting}: ${base.name} lacks the column${missing.length > 1 ? 's' : ''} ${names}, which the chat needs; ${how}.`,
  );
}

/** A class field hides the column of its name: what is loaded would never be seen. */
function refuseShadowing(model: ModelStatic<Model>, columns: string[]): void {
  const instance = model.build();
  const field = columns.find((column) => Object.hasOwn(instance, column));
  if (field !== undefined) {
    throw new Error(
      `The field "${field}" of the model class ${model.name} hides its column. Write "declare ${field}" (TypeScript) or leave the field out (JavaScript).`,
    );
  }
}
