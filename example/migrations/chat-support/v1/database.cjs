'use strict';

/** The few statements that differ between MySQL/MariaDB and SQLite. */
function openDatabase(queryInterface, transaction) {
  const { sequelize } = queryInterface;
  const isSqlite = sequelize.getDialect() === 'sqlite';

  const run = (sql) => sequelize.query(sql, { transaction, raw: true });
  const select = (sql, replacements) => sequelize.query(sql, { transaction, replacements, type: 'SELECT', raw: true });

  /** Column name -> { type, isKey }; empty when there is no such table. `type` is text to declare the same type with. */
  async function columns(table) {
    const rows = isSqlite
      ? await select('SELECT name, type, pk AS is_key, 0 AS is_text FROM pragma_table_info(:table)', { table })
      : await select(
          "SELECT COLUMN_NAME AS name, COLUMN_TYPE AS type, COLUMN_KEY = 'PRI' AS is_key, CHARACTER_SET_NAME AS charset, " +
            'COLLATION_NAME AS collation FROM information_schema.COLUMNS ' +
            'WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = :table ORDER BY ORDINAL_POSITION',
          { table },
        );
    // A foreign key between texts needs the same character set and collation on both ends.
    const typeOf = (row) =>
      row.charset ? `${row.type} CHARACTER SET ${row.charset} COLLATE ${row.collation}` : row.type;
    return new Map(rows.map((row) => [row.name, { type: typeOf(row), isKey: Number(row.is_key) > 0 }]));
  }

  async function hasIndex(table, index) {
    const rows = isSqlite
      ? await select('SELECT name FROM pragma_index_list(:table) WHERE name = :index', { table, index })
      : await select(
          'SELECT INDEX_NAME FROM information_schema.STATISTICS ' +
            'WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = :table AND INDEX_NAME = :index',
          { table, index },
        );
    return rows.length > 0;
  }

  return { isSqlite, run, select, columns, hasIndex };
}

/** An identifier in backticks, which SQLite takes as well. */
function quote(name) {
  return `\`${String(name).replaceAll('`', '``')}\``;
}

module.exports = { openDatabase, quote };
