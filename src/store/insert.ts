import { DataTypes, type Model, type ModelAttributeColumnOptions, type ModelStatic, type Transaction } from 'sequelize';
import { isStandard } from '../models/index.js';
import type { StoreContext } from './context.js';
import { escapeWith, tableOf } from './reads/sql.js';
import { change, settled } from './transactions.js';

/**
 * Inserts rows in one statement, every column of every row given or null. Sequelize's `bulkCreate` does the same by an
 * instance and a validation a row, which took a seventh of a busy worker's time; it still writes models of
 * the host's, whose types and setters are not ours to know.
 */
export async function insertRows(
  context: StoreContext,
  model: ModelStatic<Model>,
  rows: readonly object[],
  transaction?: Transaction,
): Promise<void> {
  if (!isStandard(model)) {
    await settled(transaction);
    const storable = rows.map((row) => storableRow(context, model, row));
    await model.bulkCreate(storable as never[], { ...(transaction && { transaction }), validate: false, hooks: false });
    return;
  }
  const { into, columns } = tableFor(context, model);
  const write = escapeWith(context);
  /** Times repeat, and writing one out is slow. */
  const times = new Map<number, string>();
  const literal = (value: unknown, attribute: { type: unknown }): string => {
    if (value === null || value === undefined) return 'NULL';
    if (typeof value === 'number') return String(value);
    if (typeof value === 'string' && attribute.type instanceof DataTypes.BLOB) {
      return `X'${Buffer.from(value).toString('hex')}'`;
    }
    if (typeof value === 'string' && isText(attribute) && isPlain(value)) return `'${value}'`;
    if (!(value instanceof Date)) return bytesOfText(context, attribute, value) ?? write(value, attribute);
    let text = times.get(value.getTime());
    if (text === undefined) {
      text = write(value, attribute);
      times.set(value.getTime(), text);
    }
    return text;
  };
  const values = rows.map(
    (row) =>
      `(${columns.map(([name, attribute]) => literal((row as Record<string, unknown>)[name], attribute)).join(',')})`,
  );
  await change(context, `${into} VALUES ${values.join(',')}`, [], transaction);
}

interface Table {
  readonly into: string;
  readonly columns: ReadonlyArray<readonly [name: string, attribute: ModelAttributeColumnOptions]>;
}

/** Under which a model keeps it, put together once. */
const table = Symbol('table');

function tableFor(context: StoreContext, model: ModelStatic<Model>): Table {
  const kept = model as { [table]?: Table };
  if (!Object.hasOwn(kept, table)) {
    const columns = Object.entries(model.getAttributes());
    const names = columns.map(([name, { field }]) => field ?? name);
    kept[table] = { into: `INSERT INTO ${tableOf(context, model)} (${names.join(',')})`, columns };
  }
  return kept[table]!;
}

function isText({ type }: { type?: unknown }): boolean {
  return type instanceof DataTypes.STRING || type instanceof DataTypes.TEXT;
}

/** A text with nothing to escape, on MySQL and SQLite: Sequelize escapes quotation marks too, of which JSON is full. */
function isPlain(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to be escaped.
  return !/[\0\b\t\n\r\x1a'\\]/.test(text);
}

/** SQLite's driver ends a statement at a NUL: there a text with one is written as its bytes. */
function bytesOfText({ sequelize }: StoreContext, attribute: { type?: unknown }, value: unknown): string | undefined {
  const isEndedByNul = sequelize.getDialect() === 'sqlite' && isText(attribute);
  if (!isEndedByNul || typeof value !== 'string' || !value.includes('\0')) return undefined;
  return `CAST(X'${Buffer.from(value).toString('hex')}' AS TEXT)`;
}

function storableRow(context: StoreContext, model: ModelStatic<Model>, row: object): object {
  const columns = model.getAttributes();
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      const bytes = bytesOfText(context, columns[name] ?? {}, value);
      return [name, bytes === undefined ? value : context.sequelize.literal(bytes)];
    }),
  );
}
