import { Model, type ModelStatic, QueryTypes, type Sequelize } from 'sequelize';
import type { ChatModels } from './index.js';

interface ColumnRow {
  table_name: string;
  column_name: string;
  data_type: string;
  charset: string | null;
  collation: string | null;
  fraction: number | null;
}

interface TableRow {
  table_name: string;
  collation: string | null;
  engine: string | null;
}

/** Rejects with one sentence when the database does not answer. */
export async function reachDatabase(sequelize: Sequelize): Promise<void> {
  await sequelize.authenticate().catch((error: Error) => {
    throw new Error(`The database cannot be reached (${error.message}): check the setting database, and that it runs.`);
  });
}

/**
 * Compares the database with what the chat needs and resolves to what is wrong, a sentence each that says what to do;
 * empty when all is well. Throws Sequelize's error when the database cannot be reached.
 */
export async function checkDatabase(sequelize: Sequelize, models: ChatModels): Promise<string[]> {
  const sqlite = sequelize.getDialect() === 'sqlite';
  const ours = [
    ...new Set([...Object.values(models), ...[...models.roomTypes.values()].map(({ model }) => model)]),
  ].filter(isModel);
  const columns = sqlite ? await sqliteColumns(sequelize) : await mysqlColumns(sequelize);
  const own = [...models.roomTypes.values()].filter(({ isOwn }) => isOwn).map(({ model }) => model);
  const problems = missing(ours, models.User, own, columns);
  if (sqlite) {
    const [pragma] = await sequelize.query<{ foreign_keys: number }>('PRAGMA foreign_keys', {
      type: QueryTypes.SELECT,
    });
    if (pragma?.foreign_keys !== 1) {
      problems.push('Foreign keys are off in this SQLite database: leave out "foreignKeys: false" in its options.');
    }
    return problems;
  }
  const names = new Set(ours.filter((model) => model !== models.User).map(tableName));
  const chatColumns = columns.filter((column) => names.has(column.table_name));
  return [
    ...problems,
    ...(await mysqlTables(sequelize, names)),
    ...wrongTypes(chatColumns),
    ...(await charset(sequelize)),
  ];
}

function isModel(value: unknown): value is ModelStatic<Model> {
  return typeof value === 'function' && value.prototype instanceof Model;
}

function tableName(model: ModelStatic<Model>): string {
  const name = model.getTableName();
  return typeof name === 'string' ? name : name.tableName;
}

function missing(
  ours: Array<ModelStatic<Model>>,
  user: ModelStatic<Model>,
  own: Array<ModelStatic<Model>>,
  columns: ColumnRow[],
): string[] {
  const problems: string[] = [];
  const absent: string[] = [];
  for (const model of ours) {
    const table = tableName(model);
    const present = new Set(columns.filter((row) => row.table_name === table).map((row) => row.column_name));
    if (present.size > 0) {
      const lacking = Object.entries(model.getAttributes())
        .filter(([, attribute]) => String(attribute.type) !== 'VIRTUAL')
        .map(([name, attribute]) => attribute.field ?? name)
        .filter((field) => !present.has(field));
      for (const field of lacking) {
        problems.push(
          `The table ${table} has no column "${field}", which the model ${model.name} needs: add it by a migration.`,
        );
      }
    } else if (model === user) {
      problems.push(`The users table ${table} does not exist: run the migration of your own that creates it.`);
    } else if (own.includes(model)) {
      problems.push(
        `The table ${table} of your room type ${model.name} does not exist: run the migration of your own that creates it.`,
      );
    } else {
      absent.push(table);
    }
  }
  if (absent.length > 0) {
    problems.push(
      `The chat's tables are missing (${absent.join(', ')}): run "npx express-realtime-chat migrations <folder>", then ` +
        '"npx sequelize-cli db:migrate", or call "await chat.migrate()" before starting.',
    );
  }
  return problems;
}

async function sqliteColumns(sequelize: Sequelize): Promise<ColumnRow[]> {
  return sequelize.query<ColumnRow>(
    'SELECT m.name AS table_name, c.name AS column_name, c.type AS data_type, NULL AS charset, NULL AS collation, NULL AS fraction ' +
      "FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type IN ('table', 'view')",
    { type: QueryTypes.SELECT },
  );
}

async function mysqlColumns(sequelize: Sequelize): Promise<ColumnRow[]> {
  return sequelize.query<ColumnRow>(
    'SELECT TABLE_NAME AS table_name, COLUMN_NAME AS column_name, DATA_TYPE AS data_type, CHARACTER_SET_NAME AS charset, ' +
      'COLLATION_NAME AS collation, DATETIME_PRECISION AS fraction FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()',
    { type: QueryTypes.SELECT },
  );
}

async function mysqlTables(sequelize: Sequelize, names: Set<string>): Promise<string[]> {
  const rows = await sequelize.query<TableRow>(
    'SELECT TABLE_NAME AS table_name, TABLE_COLLATION AS collation, ENGINE AS engine FROM information_schema.TABLES ' +
      'WHERE TABLE_SCHEMA = DATABASE()',
    { type: QueryTypes.SELECT },
  );
  return rows
    .filter((row) => names.has(row.table_name))
    .flatMap((row) => {
      const problems: string[] = [];
      if (row.engine !== 'InnoDB') {
        problems.push(
          `The table ${row.table_name} uses the engine ${row.engine}, which has no transactions: ALTER TABLE ${row.table_name} ENGINE=InnoDB.`,
        );
      }
      if (!row.collation?.startsWith('utf8mb4_')) {
        problems.push(
          `The table ${row.table_name} has the collation ${row.collation}, which cannot hold all text: ` +
            `ALTER TABLE ${row.table_name} DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin.`,
        );
      }
      return problems;
    });
}

/** Compared byte by byte, as no collation does: most take all emoji for equal, and all of them pad with spaces. */
const byteColumns = new Map([
  ['client_id', 'VARBINARY(256)'],
  ['reaction_content', 'VARBINARY(512)'],
]);

/** Ids and other keys made by the chat. Ids of users are not here: their collation is the users table's. */
const keyColumns = new Set([
  ...['id', 'room_id', 'message_id', 'parent_message_id', 'forwarded_from_id', 'job_id'],
  ...['request_hash', 'channel_name', 'codename'],
]);

/** Where the database takes for equal what is not. */
function looseComparison({ column_name: name, collation }: ColumnRow, where: string): string[] {
  if (collation === null) return [];
  const loose = `${where} is compared by ${collation}, which takes different`;
  const bytes = byteColumns.get(name);
  if (bytes) return [`${loose} texts for equal: change its type to ${bytes}.`];
  if (!keyColumns.has(name) || collation.endsWith('_bin')) return [];
  return [`${loose} keys for equal: change it to CHARACTER SET ascii COLLATE ascii_bin.`];
}

function wrongTypes(columns: ColumnRow[]): string[] {
  // By name: columns that the host added may be of any type.
  const times = new Set(['created_at', 'updated_at', 'last_activity_at', 'joined_at', 'read_at', 'last_seen']);
  return columns.flatMap((column) => {
    const where = `The column ${column.table_name}.${column.column_name}`;
    // Only long texts: the short ones include the user ids, whose character set is the users table's.
    if (column.charset !== null && /text/i.test(column.data_type) && column.charset !== 'utf8mb4') {
      return [
        `${where} has the character set ${column.charset}, which cannot hold all text: change it to CHARACTER SET utf8mb4 COLLATE utf8mb4_bin.`,
      ];
    }
    if (times.has(column.column_name) && Number(column.fraction) < 3) {
      return [`${where} drops milliseconds: change its type to DATETIME(3).`];
    }
    return looseComparison(column, where);
  });
}

async function charset(sequelize: Sequelize): Promise<string[]> {
  const [row] = await sequelize.query<{ charset: string }>('SELECT @@character_set_client AS charset', {
    type: QueryTypes.SELECT,
  });
  return row?.charset === 'utf8mb4'
    ? []
    : [`The database connection uses the character set ${row?.charset}: set dialectOptions.charset to "utf8mb4".`];
}
