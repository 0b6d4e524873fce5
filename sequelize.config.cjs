'use strict';
const { isAbsolute, join } = require('node:path');

/**
 * The database of `npx sequelize-cli` in this repository: DATABASE_URL, `sqlite:PATH` or `mysql://user:password@host:port/name`,
 * by default a file under .data/. There is no host here, so the migrations also make a users table when there is none.
 */
const chat = { createUsersTable: true };

function readDatabase(url) {
  if (url.startsWith('sqlite:')) {
    const path = url.slice('sqlite:'.length).replace(/^\/\/(?=.)/, '');
    if (path)
      return { dialect: 'sqlite', storage: isAbsolute(path) || path === ':memory:' ? path : join(__dirname, path) };
  }
  if (/^(mysql|mariadb):\/\//.test(url)) {
    const { hostname, port, username, password, pathname } = new URL(url);
    const database = decodeURIComponent(pathname.slice(1));
    if (database) {
      return {
        dialect: 'mysql',
        host: hostname.replace(/^\[(.*)\]$/, '$1'),
        port: port ? Number(port) : 3306,
        username: decodeURIComponent(username),
        password: decodeURIComponent(password),
        database,
      };
    }
  }
  // The value itself may hold a password, so it is not repeated.
  throw new Error('DATABASE_URL must be sqlite:PATH or mysql://user:password@host:port/database.');
}

module.exports = { ...readDatabase(process.env.DATABASE_URL || 'sqlite:.data/chat.sqlite'), logging: false, chat };
