import type { StoreContext, TransactionOptions } from './context.js';
import { selectRows } from './transactions.js';

/** A SELECT whose rows come in one statement with those of others. */
export interface Part {
  /** What is selected, under names that no other part of the statement uses. */
  readonly columns: Readonly<Record<string, string>>;
  /** From where, and which. */
  readonly from: string;
  readonly replacements: readonly unknown[];
  /** Is given each row that was found. */
  take(row: never): void;
}

/** Something that is asked of the database, and what it made of the rows. */
export interface Reading<Found> {
  /** None: nothing has to be asked. */
  readonly parts: readonly Part[];
  found(): Found;
}

/** The same, joined to the one row that another statement is about, whose rows it is given. */
export interface Beside<Found> {
  readonly columns: string;
  readonly joins: string;
  readonly replacements: readonly unknown[];
  take(row: never): void;
  found(): Found;
}

/** Reads them all in one statement, or in none where nothing is asked. */
export async function readTogether(
  context: StoreContext,
  readings: ReadonlyArray<Reading<unknown>>,
  options: TransactionOptions = {},
): Promise<void> {
  const parts = readings.flatMap((reading) => reading.parts);
  if (parts.length === 0) return;
  const selects = parts.map((part, index) => {
    const columns = parts.flatMap((other) =>
      Object.entries(other.columns).map(([name, sql]) => `${other === part ? sql : 'NULL'} AS ${name}`),
    );
    return `SELECT ${index} AS part, ${columns.join(', ')} ${part.from}`;
  });
  const values = parts.flatMap(({ replacements }) => replacements);
  const rows = await selectRows<{ part: number }>(context, selects.join(' UNION ALL '), values, options);
  for (const row of rows) parts[Number(row.part)]!.take(row as never);
}
