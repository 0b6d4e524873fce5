/** What MariaDB does for a statement: by which index it finds rows, and how many it looks at. */
import { QueryTypes, type Sequelize } from 'sequelize';

/** One table of a statement. */
export interface TableRead {
  readonly table: string;
  /** How rows are found: `ref`, `range`, `eq_ref`, ...; `ALL` reads the whole table, `index` a whole index. */
  readonly access: string;
  readonly index: string | undefined;
  /** Rows that were looked at: counted where the statement only reads, else estimated. */
  readonly rows: number;
}

/** A statement and its tables. */
export interface Plan {
  readonly sql: string;
  readonly tables: readonly TableRead[];
}

interface PlanNode {
  readonly table_name?: string;
  readonly access_type?: string;
  readonly key?: string;
  readonly rows?: number;
  readonly r_loops?: number;
  readonly r_rows?: number | null;
}

/** The statement, or undefined when it neither reads nor changes rows by a condition. */
export function statementOf(sql: string): string | undefined {
  // Values that Sequelize sends beside an UPDATE are not in its log; any text is as good for the plan.
  return /^(SELECT|UPDATE|DELETE)\b/i.test(sql) ? sql.replace(/= ?\?/g, "= 'x'") : undefined;
}

/** Explains the statements of a log; those that read are run for it, those that change are not. */
export async function plansOf(sequelize: Sequelize, log: readonly string[]): Promise<Plan[]> {
  const plans: Plan[] = [];
  for (const sql of log.map(statementOf).filter((sql) => sql !== undefined)) {
    const verb = /^SELECT/i.test(sql) ? 'ANALYZE' : 'EXPLAIN';
    const [row] = await sequelize.query<Record<string, string>>(`${verb} FORMAT=JSON ${sql}`, {
      type: QueryTypes.SELECT,
      logging: false,
    });
    const tables: TableRead[] = [];
    walk(JSON.parse(Object.values(row!)[0]!), tables);
    plans.push({ sql, tables });
  }
  return plans;
}

/** Rows that all of them looked at. */
export function rowsOf(plans: readonly Plan[]): number {
  return plans.flatMap(({ tables }) => tables).reduce((sum, { rows }) => sum + rows, 0);
}

/** Reads of the chat's tables that no index bounds, as sentences. */
export function unbounded(plans: readonly Plan[]): string[] {
  return plans.flatMap(({ sql, tables }) =>
    tables
      .filter(({ table, access }) => (access === 'ALL' || access === 'index') && !table.startsWith('<'))
      .map(({ table, access, rows }) => `${access} of ${table}, ${rows} rows: ${sql.slice(0, 300)}`),
  );
}

function walk(node: unknown, found: TableRead[]): void {
  if (typeof node !== 'object' || node === null) return;
  const { table_name: table, access_type: access, key, rows, r_loops, r_rows } = node as PlanNode;
  if (table !== undefined && access !== undefined) {
    const counted = r_loops === undefined ? (rows ?? 0) : r_loops * (r_rows ?? 0);
    found.push({ table, access, index: key, rows: Math.round(counted) });
  }
  for (const inner of Object.values(node)) walk(inner, found);
}
