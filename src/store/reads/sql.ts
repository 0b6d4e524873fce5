import { type Model, type ModelStatic, QueryTypes } from 'sequelize';
import type { TransactionOptions } from '../context.js';
import type { ReadContext } from './context.js';

/**
 * The few pieces of SQL that MySQL 8, MariaDB and SQLite share and that Sequelize does not write. Two limits shape
 * them. MySQL uses the second column of an index for a range only when the bound is a constant, not when it comes from
 * a joined row: so bounds are read first and written out. SQLite refuses expressions nested deeper than 1,000 and
 * unions of more than 500 parts.
 */

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

/** A model's table name, quoted. */
export function tableOf(context: ReadContext, model: ModelStatic<Model>): string {
  return generatorOf(context).quoteTable(model.getTableName());
}

/** A value written as SQL in the form that this model's column stores it, milliseconds included. */
export function literalOf(context: ReadContext, model: ModelStatic<Model>, column: string, value: unknown): string {
  return generatorOf(context).escape(value, model.getAttributes()[column]);
}

/** `a OR b OR c ...` as a balanced tree, which stays shallow however many there are. At least one. */
export function anyOf(conditions: readonly string[]): string {
  if (conditions.length <= 1) return conditions[0] ?? '1 = 0';
  const half = conditions.length >> 1;
  return `(${anyOf(conditions.slice(0, half))} OR ${anyOf(conditions.slice(half))})`;
}

interface Generator {
  quoteTable(name: unknown): string;
  escape(value: unknown, attribute?: unknown): string;
}

/** Sequelize documents these two functions but leaves them out of its types. */
function generatorOf(context: ReadContext): Generator {
  return (context.sequelize.getQueryInterface() as unknown as { queryGenerator: Generator }).queryGenerator;
}
