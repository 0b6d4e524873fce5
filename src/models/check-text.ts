import { QueryTypes, type Sequelize } from 'sequelize';
import type { Finding } from '../settings/finding.js';
import type { ChatModels } from './index.js';

/**
 * Looks at the character sets that are the host's own business: the default of the database, and the users table. The
 * chat's tables have theirs from the migrations. Finds nothing on SQLite.
 */
export async function checkHostText(sequelize: Sequelize, { User }: Pick<ChatModels, 'User'>): Promise<Finding[]> {
  if (sequelize.getDialect() === 'sqlite') return [];
  const findings: Finding[] = [];
  const [database] = await sequelize.query<{ name: string; charset: string }>(
    'SELECT DATABASE() AS name, @@character_set_database AS charset',
    { type: QueryTypes.SELECT },
  );
  if (database && database.charset !== 'utf8mb4') {
    findings.push({
      level: 'warning',
      text:
        `The database's default character set is ${database.charset}, which tables of your own get and which cannot hold all text: ` +
        `ALTER DATABASE \`${database.name}\` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin.`,
    });
  }
  const table = String(User.getTableName());
  const columns = Object.values(User.getAttributes()).map(({ field }) => field);
  const texts = await sequelize.query<{ column_name: string; charset: string }>(
    'SELECT COLUMN_NAME AS column_name, CHARACTER_SET_NAME AS charset FROM information_schema.COLUMNS ' +
      "WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND CHARACTER_SET_NAME IS NOT NULL AND CHARACTER_SET_NAME <> 'utf8mb4'",
    { replacements: [table], type: QueryTypes.SELECT },
  );
  const shown = new Set(['username', 'email', 'first_name', 'last_name']);
  const narrow = texts.filter(({ column_name: name }) => shown.has(name) && columns.includes(name));
  if (narrow.length > 0) {
    findings.push({
      level: 'warning',
      text:
        `The users table ${table} keeps ${narrow.map(({ column_name: name }) => name).join(', ')} in ${narrow[0]!.charset}, which cannot hold all names: ` +
        'change these columns to CHARACTER SET utf8mb4 by a migration of your own.',
    });
  }
  return findings.length > 0 ? findings : [{ level: 'ok', text: 'Database and users table hold any text (utf8mb4).' }];
}
