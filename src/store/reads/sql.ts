import { DataTypes, type Model, type ModelStatic, type Options, QueryTypes } from 'sequelize';
import type { TransactionOptions } from '../context.js';
import type { ReadContext } from './context.js';

/** The few pieces of SQL that MySQL 8, MariaDB and SQLite share and that Sequelize does not write. */

/** A replacement value; dates are not among them, because Sequelize drops their milliseconds on MySQL. */
export type SqlValue = string | number | boolean | null | Buffer | ReadonlyArray<string | number>;

/** Runs a SELECT and gives the rows as the driver does. */
export function select<Found extends object>(
  context: ReadContext,
  sql: string,
  replacements: Readonly<Record<string, SqlValue>>,
  { transaction }: TransactionOptions = {},
): Promise<Found[]> {
  return context.sequelize.query<Found>(sql, {
    replacements: replacements as Record<string, unknown>,
    type: QueryTypes.SELECT,
    ...(transaction && { transaction }),
  });
}

/** Runs a SELECT over one model's table and gives instances, so that its getters and column types apply. */
export async function selectInstances<Found>(
  context: ReadContext,
  model: ModelStatic<Model>,
  sql: string,
  replacements: Readonly<Record<string, SqlValue>>,
  { transaction }: TransactionOptions = {},
): Promise<Found[]> {
  const rows = await context.sequelize.query(sql, {
    replacements: replacements as Record<string, unknown>,
    type: QueryTypes.SELECT,
    model,
    mapToModel: true,
    ...(transaction && { transaction }),
  });
  return rows as Found[];
}

/**
 * A text as a named replacement: its place in the statement, and its value. SQLite's driver ends a statement at a NUL, so
 * there a text with one goes as its bytes.
 */
export function textReplacement(context: ReadContext, name: string, text: string): { sql: string; value: SqlValue } {
  const isPlain = context.sequelize.getDialect() !== 'sqlite' || !text.includes('\0');
  return isPlain ? { sql: `:${name}`, value: text } : { sql: `CAST(:${name} AS TEXT)`, value: Buffer.from(text) };
}

/** Pairs in a list of rows: MariaDB finds nothing by an index for a single one, and makes a table of 500. */
const isListed = (count: number) => count > 1 && count < 500;

/**
 * That two columns are one of so many pairs, each given as two replacements. As rows in a list: of alternatives that share
 * a value MariaDB reads everything with that value, of a room all its members.
 */
export function isOneOf(
  { sequelize }: Pick<ReadContext, 'sequelize'>,
  one: string,
  other: string,
  count: number,
): string {
  return isListed(count) && sequelize.getDialect() !== 'sqlite'
    ? `(${one}, ${other}) IN (${Array(count).fill('(?, ?)').join(', ')})`
    : `(${Array(count).fill(`(${one} = ? AND ${other} = ?)`).join(' OR ')})`;
}

/** A model's table name, quoted. */
export function tableOf(context: Pick<ReadContext, 'sequelize'>, model: ModelStatic<Model>): string {
  return generatorOf(context).quoteTable(model.getTableName());
}

/** A value written as SQL in the form that this model's column stores it, milliseconds included. */
export function literalOf(
  context: Pick<ReadContext, 'sequelize'>,
  model: ModelStatic<Model>,
  column: string,
  value: unknown,
): string {
  return escapeWith(context)(value, model.getAttributes()[column]);
}

/** The same for many values: of any attribute of any model. */
export function escapeWith({
  sequelize,
}: Pick<ReadContext, 'sequelize'>): (value: unknown, attribute: unknown) => string {
  const generator = generatorOf({ sequelize });
  const isPlainTime =
    sequelize.getDialect() === 'mysql' && (sequelize as unknown as { options: Options }).options.timezone === '+00:00';
  return (value, attribute) =>
    (isPlainTime && value instanceof Date && timeLiteral(value, attribute)) || generator.escape(value, attribute);
}

/** What Sequelize writes for a DATETIME(3) in UTC, by way of a library that takes a tenth of a millisecond for it. */
function timeLiteral(value: Date, attribute: unknown): string | undefined {
  const { type } = (attribute ?? {}) as { type?: unknown };
  if (!(type instanceof DataTypes.DATE) || (type as unknown as { _length?: unknown })._length !== 3) return undefined;
  const text = value.toISOString();
  return text.length === 24 ? `'${text.slice(0, 10)} ${text.slice(11, 23)}'` : undefined;
}

interface Generator {
  quoteTable(name: unknown): string;
  escape(value: unknown, attribute?: unknown): string;
}

/** Sequelize documents these two functions but leaves them out of its types. */
function generatorOf(context: Pick<ReadContext, 'sequelize'>): Generator {
  return (context.sequelize.getQueryInterface() as unknown as { queryGenerator: Generator }).queryGenerator;
}
