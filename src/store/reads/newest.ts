import type { TransactionOptions } from '../context.js';
import type { ReadContext } from './context.js';
import { type ShownModel, selectRows } from './rows.js';
import { type SqlValue, tableOf } from './sql.js';

/** A row that belongs to a message. */
export interface OfMessage {
  readonly message_id: string;
}

/** Rows by their message, in the order given, each turned into what `make` makes of it. */
export function listsBy<Row extends OfMessage, Made>(
  rows: readonly Row[],
  make: (row: Row) => Made,
): Map<string, Made[]> {
  const lists = new Map<string, Made[]>();
  for (const row of rows) {
    const list = lists.get(row.message_id);
    if (list) list.push(make(row));
    else lists.set(row.message_id, [make(row)]);
  }
  return lists;
}

/** More messages than this with long lists are read by a window function, which reads all rows of each. */
const MAX_PARTS = 100;

/**
 * Reads the newest rows of each message in one query, oldest first. `totals` says how many each message has: those with
 * at most `limit` are read whole, and of each other the newest by its index alone, since a message that ten
 * thousand have read must not cost ten thousand rows each time it is shown.
 *
 * @param order the column to sort by, and one to tell equals apart; an index starts (message_id, first of them)
 */
export async function newestPerMessage<Row extends object>(
  context: ReadContext,
  shown: ShownModel,
  order: readonly [string, string],
  totals: ReadonlyMap<string, number>,
  options: TransactionOptions,
): Promise<Map<string, Row[]>> {
  const limit = context.settings.receiptListSize;
  const ids = [...totals].filter(([, total]) => total > 0).map(([id]) => id);
  if (ids.length === 0 || limit === 0) return new Map();
  const { sql, replacements } = newestSql(tableOf(context, shown.model), order, ids, totals, limit);
  const rows = await selectRows<Row & OfMessage>(context, shown, sql, replacements, options);
  const key = (row: Row, column: string) => (row as Record<string, unknown>)[column];
  rows.sort((one, other) => order.reduce((by, column) => by || compare(key(one, column), key(other, column)), 0));
  const lists = listsBy(rows, (row): Row => row);
  // The totals are counter columns read a moment before: rows may have been added since.
  for (const list of lists.values()) if (list.length > limit) list.splice(0, list.length - limit);
  return lists;
}

function newestSql(
  table: string,
  order: readonly [string, string],
  ids: readonly string[],
  totals: ReadonlyMap<string, number>,
  limit: number,
): { sql: string; replacements: Record<string, SqlValue> } {
  const newestFirst = order.map((column) => `${column} DESC`).join(', ');
  const short = ids.filter((id) => totals.get(id)! <= limit);
  const long = ids.filter((id) => totals.get(id)! > limit);
  const replacements: Record<string, SqlValue> = { limit };
  if (long.length > MAX_PARTS) {
    const place = `ROW_NUMBER() OVER (PARTITION BY message_id ORDER BY ${newestFirst}) AS place`;
    const ranked = `SELECT t.*, ${place} FROM ${table} t WHERE message_id IN (:ids)`;
    return {
      sql: `SELECT * FROM (${ranked}) ranked WHERE place <= :limit`,
      replacements: { ...replacements, ids },
    };
  }
  const parts: string[] = [];
  if (short.length > 0) {
    parts.push(`SELECT * FROM ${table} WHERE message_id IN (:short)`);
    replacements.short = short;
  }
  for (const [index, id] of long.entries()) {
    const newest = `SELECT * FROM ${table} WHERE message_id = :long${index} ORDER BY ${newestFirst} LIMIT :limit`;
    parts.push(`SELECT * FROM (${newest}) n${index}`);
    replacements[`long${index}`] = id;
  }
  return { sql: parts.join(' UNION ALL '), replacements };
}

function compare(one: unknown, other: unknown): number {
  const [a, b] = [one, other] as [number, number];
  return a < b ? -1 : a > b ? 1 : 0;
}
