import { createRequire } from 'node:module';
import { DataTypes, QueryTypes, UniqueConstraintError } from 'sequelize';

const require = createRequire(import.meta.url);

/**
 * The app's own migrations. Those beside them are copies that `npx express-realtime-chat migrations example/migrations`
 * made, for sequelize-cli; `chat.migrate()` runs the same ones from the package, under the same names.
 */
const OWN = ['20261120000100-users.cjs'];

/**
 * Runs the app's own migrations that have not run yet and notes them where sequelize-cli does,
 * so that `npx sequelize-cli db:migrate --migrations-path example/migrations` may be used instead.
 *
 * @param {import('sequelize').Sequelize} database
 */
export async function migrateUsers(database) {
  const queryInterface = database.getQueryInterface();
  await queryInterface.createTable(
    'SequelizeMeta',
    { name: { type: DataTypes.STRING, allowNull: false, unique: true, primaryKey: true } },
    { charset: 'utf8', collate: 'utf8_unicode_ci' },
  );
  const table = queryInterface.queryGenerator.quoteIdentifier('SequelizeMeta');
  const rows = await database.query(`SELECT name FROM ${table}`, { type: QueryTypes.SELECT });
  const done = new Set(rows.map((row) => row.name));
  for (const name of OWN) {
    if (done.has(name)) continue;
    await require(`./migrations/${name}`).up(queryInterface, database.Sequelize);
    await note(queryInterface, name);
  }
}

/** Another process that starts at the same moment may have noted it first. */
async function note(queryInterface, name) {
  try {
    await queryInterface.bulkInsert('SequelizeMeta', [{ name }]);
  } catch (error) {
    if (!(error instanceof UniqueConstraintError)) throw error;
  }
}
