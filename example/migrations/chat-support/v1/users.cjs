'use strict';

/**
 * The host's users table as foreign keys need it: its name, its primary key and that key's type (integer, bigint, UUID or
 * string, signed or not), read from the live database.
 */
async function readUsers(database, configuration) {
  const table = configuration.usersTable;
  const columns = await database.columns(table);
  if (columns.size === 0) {
    throw new Error(
      `The users table "${table}" does not exist. The migration that creates it must run before the chat's: give it a ` +
        'name that sorts before them. If the table has another name, set CHAT_USERS_TABLE, or userModel in chat.config.js.',
    );
  }
  const keys = [...columns].filter(([, column]) => column.isKey).map(([name]) => name);
  const key = configuration.usersKey ?? (keys.length === 1 ? keys[0] : 'id');
  const type = columns.get(key)?.type;
  if (type === undefined) throw new Error(`The users table "${table}" has no column "${key}" to refer to.`);
  return { table, key, type };
}

module.exports = { readUsers };
