'use strict';
const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

const FILES = ['chat.config.js', 'chat.config.cjs', 'chat.config.mjs'];

/**
 * Finds out for which chat a migration runs: the table prefix and the host's users table. Per value, the first that says so:
 * 1. the key `chat` of the sequelize-cli config: `{ tablePrefix, usersTable, usersKey }`;
 * 2. the environment: CHAT_TABLE_PREFIX, CHAT_USERS_TABLE;
 * 3. the chat's own settings in `chat.config.js` (or .cjs, .mjs) of the working directory: `tablePrefix`, `userModel`;
 * 4. `chat_` and `users`.
 * The package's own `migrate()` hands its settings over as `queryInterface.chat`, and nothing else is asked.
 */
async function readConfiguration(queryInterface) {
  const given = queryInterface.chat;
  if (given) return checked({ ...given });

  const option = queryInterface.sequelize.options.chat ?? {};
  const found = {
    tablePrefix: option.tablePrefix ?? process.env.CHAT_TABLE_PREFIX,
    usersTable: option.usersTable ?? (process.env.CHAT_USERS_TABLE || undefined),
    usersKey: option.usersKey,
    createUsersTable: option.createUsersTable === true,
  };
  if (found.tablePrefix === undefined || found.usersTable === undefined) {
    const settings = await readSettingsFile();
    found.tablePrefix ??= settings.tablePrefix;
    if (found.usersTable === undefined && settings.userModel) {
      found.usersTable = tableNameOf(settings.userModel);
      found.usersKey ??= primaryKeyOf(settings.userModel);
    }
  }
  return checked(found);
}

function checked(found) {
  const tablePrefix = found.tablePrefix ?? 'chat_';
  // Constraint names hold the prefix too, and 64 characters is all that MySQL takes.
  if (typeof tablePrefix !== 'string' || !/^[A-Za-z0-9_]{0,20}$/.test(tablePrefix)) {
    throw new Error(
      `The table prefix of the chat must be at most 20 letters, digits or underscores, not ${JSON.stringify(tablePrefix)}.`,
    );
  }
  return { ...found, tablePrefix, usersTable: found.usersTable ?? 'users' };
}

async function readSettingsFile() {
  const file = FILES.map((name) => join(process.cwd(), name)).find((path) => existsSync(path));
  if (!file) return {};
  try {
    const loaded = await import(pathToFileURL(file).href);
    const settings = loaded.default ?? loaded.settings ?? loaded;
    return (typeof settings === 'function' ? await settings() : settings) ?? {};
  } catch (error) {
    throw new Error(
      `${file} could not be read for the table prefix and the users table (${error.message}). ` +
        'Set CHAT_TABLE_PREFIX and CHAT_USERS_TABLE to migrate without it.',
      { cause: error },
    );
  }
}

function tableNameOf(model) {
  const name = model.getTableName();
  return typeof name === 'string' ? name : name.tableName;
}

function primaryKeyOf(model) {
  const key = model.primaryKeyAttribute;
  return model.rawAttributes?.[key]?.field ?? key;
}

module.exports = { readConfiguration };
