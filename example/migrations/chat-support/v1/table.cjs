'use strict';
const { readConfiguration } = require('./configuration.cjs');
const { openDatabase, quote } = require('./database.cjs');
const { readUsers } = require('./users.cjs');

/**
 * A migration that creates one chat table. `define` gets the types and parts of CREATE TABLE and returns its lines; all
 * constraints stand in CREATE TABLE, because SQLite cannot add them later.
 *
 * @param {string} name the table's name without the prefix
 * @param {(table: object) => Array<string | {index: string}>} define
 */
function createTable(name, define) {
  return {
    async up(queryInterface) {
      const configuration = await readConfiguration(queryInterface);
      const database = openDatabase(queryInterface, configuration.transaction);
      const users = await readUsers(database, configuration);
      const lines = define(
        parts(configuration.tablePrefix + name, configuration.tablePrefix, users, database.isSqlite),
      );
      const inside = lines.filter((line) => typeof line === 'string');
      const indexes = lines.filter((line) => typeof line !== 'string');
      const table = quote(configuration.tablePrefix + name);
      // IF NOT EXISTS: a process that died between creating and recording must not block the next one.
      if (database.isSqlite) {
        await database.run(`CREATE TABLE IF NOT EXISTS ${table} (${inside.join(', ')})`);
        for (const { index, columns } of indexes) {
          await database.run(`CREATE INDEX IF NOT EXISTS ${index} ON ${table} ${columns}`);
        }
        return;
      }
      const all = [...inside, ...indexes.map(({ index, columns }) => `INDEX ${index} ${columns}`)];
      await database.run(
        `CREATE TABLE IF NOT EXISTS ${table} (${all.join(', ')}) ` +
          'ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
      );
    },

    async down(queryInterface) {
      const configuration = await readConfiguration(queryInterface);
      const database = openDatabase(queryInterface, configuration.transaction);
      await database.run(`DROP TABLE IF EXISTS ${quote(configuration.tablePrefix + name)}`);
    },
  };
}

/** The vocabulary of the migrations: column types first, then constraints. */
function parts(fullName, prefix, users, isSqlite) {
  const list = (columns) => `(${columns.map(quote).join(', ')})`;
  const named = (kind, columns) => quote(`${fullName}_${columns.join('_')}_${kind}`.slice(0, 64));
  const foreignKey = (column, table, key, onDelete) =>
    `CONSTRAINT ${named('fk', [column])} FOREIGN KEY (${quote(column)}) REFERENCES ${quote(table)} (${quote(key)}) ` +
    `ON DELETE ${onDelete}`;

  return {
    /** Fixed-length ASCII: UUIDs and hashes. */
    ascii: (length) => (isSqlite ? `CHAR(${length})` : `CHAR(${length}) CHARACTER SET ascii COLLATE ascii_bin`),
    uuid: isSqlite ? 'CHAR(36)' : 'CHAR(36) CHARACTER SET ascii COLLATE ascii_bin',
    /** Text compared byte by byte: no collation does that (utf8mb4_bin pads with spaces). */
    bytes: (length) => (isSqlite ? 'BLOB' : `VARBINARY(${length})`),
    string: (length) => `VARCHAR(${length})`,
    text: 'TEXT',
    longText: isSqlite ? 'TEXT' : 'MEDIUMTEXT',
    integer: isSqlite ? 'INTEGER' : 'INT',
    bigint: 'BIGINT',
    boolean: 'TINYINT(1)',
    json: 'JSON',
    /** Milliseconds: a plain DATETIME drops them. */
    time: isSqlite ? 'DATETIME' : 'DATETIME(3)',
    /** The type of the host's user ids. */
    userId: users.type,

    column: (column, type, rest = 'NOT NULL') => `${quote(column)} ${type} ${rest}`.trimEnd(),
    primaryKey: (...columns) => `PRIMARY KEY ${list(columns)}`,
    unique: (...columns) => `CONSTRAINT ${named('unique', columns)} UNIQUE ${list(columns)}`,
    check: (about, condition) => `CONSTRAINT ${quote(`${fullName}_${about}_check`)} CHECK (${condition})`,
    /** SQLite keeps a text in a BLOB column as text, equal to no bytes: refuse the mistake there. */
    checkBytes: (column) =>
      isSqlite
        ? [
            `CONSTRAINT ${quote(`${fullName}_${column}_check`)} ` +
              `CHECK (${quote(column)} IS NULL OR typeof(${quote(column)}) = 'blob')`,
          ]
        : [],
    index: (...columns) => ({ index: named('index', columns), columns: list(columns) }),
    /** Gone with the row it belongs to. */
    belongsTo: (column, table) => foreignKey(column, prefix + table, 'id', 'CASCADE'),
    ofUser: (column) => foreignKey(column, users.table, users.key, 'CASCADE'),
    /** Remembers a user, and forgets them when they are gone. */
    byUser: (column) => foreignKey(column, users.table, users.key, 'SET NULL'),
  };
}

module.exports = { createTable };
