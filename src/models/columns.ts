import { DataTypes, type Model, type ModelAttributeColumnOptions, type ModelOptions } from 'sequelize';
import { v7 } from 'uuid';

/** A user's id: whatever type the primary key of the host's user model has. */
export type UserId = number | string;

/** What a model's columns depend on: the chat it is made for. */
export interface ModelContext {
  /** The type of the host's user ids. */
  readonly userIdType: ModelAttributeColumnOptions['type'];
  /** The full name of a table: prefix and base name. */
  table(base: string): string;
}

/** Column name -> definition. Attribute names are column names, so that raw rows, models and the wire agree. */
export type Columns = Record<string, ModelAttributeColumnOptions>;

/** Options a model class may add by overriding `modelOptions`: a default scope, scopes, hooks. */
export type OwnModelOptions = Pick<ModelOptions, 'defaultScope' | 'scopes' | 'hooks' | 'validate'>;

/** What every chat model class has as statics, beside Sequelize's. */
export interface ChatModelStatics {
  /** The table's name without the prefix. */
  readonly table: string;
  /** Its columns; extend with `{ ...super.columns(context), own: {...} }`. */
  columns(context: ModelContext): Columns;
  /** Default scope (a default order, say), scopes, hooks and validators. */
  modelOptions?(context: ModelContext): OwnModelOptions;
  /** Set by `initModels`: the columns that the host added. */
  readonly ownColumns?: readonly string[];
  /** Set by `initModels`: the host has not put a class of its own in its place. */
  readonly isStandard?: boolean;
}

/** A time-ordered UUID made by us, so that inserts append. */
export function uuidKey(): ModelAttributeColumnOptions {
  return { type: DataTypes.UUID, primaryKey: true, allowNull: false, defaultValue: () => v7() };
}

/** The id of another row. */
export function uuid(options: Partial<ModelAttributeColumnOptions> = {}): ModelAttributeColumnOptions {
  return { type: DataTypes.UUID, allowNull: false, ...options };
}

/** The id of a user of the host. */
export function userId(
  context: ModelContext,
  options: Partial<ModelAttributeColumnOptions> = {},
): ModelAttributeColumnOptions {
  return { type: context.userIdType, allowNull: false, ...options };
}

/** A time with milliseconds, now unless given. */
export function time(): ModelAttributeColumnOptions {
  return { type: DataTypes.DATE(3), allowNull: false, defaultValue: () => new Date() };
}

/** A number that counts up. Safe as a JavaScript number: 2^53 events in one room are out of reach. */
export function counter(): ModelAttributeColumnOptions {
  return { type: DataTypes.BIGINT, allowNull: false, defaultValue: 0 };
}

/** Text stored and compared byte by byte; a string to whoever uses the model. */
export function bytes(
  name: string,
  options: Partial<ModelAttributeColumnOptions> = {},
): ModelAttributeColumnOptions<Model> {
  return {
    type: DataTypes.BLOB,
    allowNull: false,
    get(this: Model) {
      const stored: unknown = this.getDataValue(name as never);
      return Buffer.isBuffer(stored) ? stored.toString('utf8') : stored;
    },
    set(this: Model, value: unknown) {
      this.setDataValue(name as never, (typeof value === 'string' ? Buffer.from(value, 'utf8') : value) as never);
    },
    ...options,
  };
}

/** A JSON object, `{}` unless given. MariaDB hands JSON out as text, so the getter parses it. */
export function json(name: string): ModelAttributeColumnOptions<Model> {
  return {
    type: DataTypes.JSON,
    allowNull: false,
    defaultValue: () => ({}),
    get(this: Model) {
      const stored: unknown = this.getDataValue(name as never);
      return typeof stored === 'string' ? JSON.parse(stored) : stored;
    },
  };
}

/** Text of any length, '' unless given (MySQL takes no default for TEXT). */
export function text(): ModelAttributeColumnOptions {
  return { type: DataTypes.TEXT, allowNull: false, defaultValue: '' };
}

/** Yes or no, no unless given. */
export function flag(): ModelAttributeColumnOptions {
  return { type: DataTypes.BOOLEAN, allowNull: false, defaultValue: false };
}

/** The name that the migrations give a unique key; with it Sequelize tells the columns of a violation on every database. */
export function uniqueKey(context: ModelContext, table: string, ...columns: string[]): string {
  return `${context.table(table)}_${columns.join('_')}_unique`.slice(0, 64);
}
