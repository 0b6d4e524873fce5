'use strict';
const { readConfiguration } = require('./chat-support/v1/configuration.cjs');
const { openDatabase, quote } = require('./chat-support/v1/database.cjs');

/** Says that this migration made the users table: no table of a host's own has an index of this name. */
const MARK = 'chat_made_this_table';

/**
 * A minimal users table, for a database without any: the chat alone, without a host. Does nothing unless the
 * configuration asks for it (`createUsersTable: true`), and undoing removes only what it made.
 */
module.exports = {
  async up(queryInterface) {
    const configuration = await readConfiguration(queryInterface);
    if (!configuration.createUsersTable) return;
    const database = openDatabase(queryInterface, configuration.transaction);
    if ((await database.columns(configuration.usersTable)).size > 0) return;
    const table = quote(configuration.usersTable);
    const columns =
      '`username` VARCHAR(150) NOT NULL, `email` VARCHAR(254) NULL, ' +
      '`first_name` VARCHAR(150) NULL, `last_name` VARCHAR(150) NULL';
    if (database.isSqlite) {
      await database.run(`CREATE TABLE IF NOT EXISTS ${table} (\`id\` INTEGER PRIMARY KEY AUTOINCREMENT, ${columns})`);
      await database.run(`CREATE UNIQUE INDEX IF NOT EXISTS ${quote(MARK)} ON ${table} (\`username\`)`);
      return;
    }
    await database.run(
      `CREATE TABLE IF NOT EXISTS ${table} (\`id\` INT NOT NULL AUTO_INCREMENT PRIMARY KEY, ${columns}, ` +
        `UNIQUE INDEX ${quote(MARK)} (\`username\`)) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
    );
  },

  async down(queryInterface) {
    const configuration = await readConfiguration(queryInterface);
    if (!configuration.createUsersTable) return;
    const database = openDatabase(queryInterface, configuration.transaction);
    if (!(await database.hasIndex(configuration.usersTable, MARK))) return;
    await database.run(`DROP TABLE ${quote(configuration.usersTable)}`);
  },
};
