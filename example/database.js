import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Sequelize } from 'sequelize';

/**
 * The app's database. It connects with the first query, so a server that is down does not stop the start.
 *
 * @param {string} url `sqlite:PATH` or `mysql://...`
 */
export function createDatabase(url) {
  if (!url.startsWith('sqlite:')) {
    return new Sequelize(url, {
      logging: false,
      // The chat's own isolation: with it on every connection, its transactions need not ask for it.
      isolationLevel: 'READ COMMITTED',
      timezone: '+00:00',
      dialectOptions: { charset: 'utf8mb4', connectTimeout: 5000 },
      pool: { max: 20, acquire: 10_000 },
    });
  }
  const storage = url.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '');
  if (storage !== ':memory:') mkdirSync(dirname(storage), { recursive: true });
  return new Sequelize({ dialect: 'sqlite', storage, logging: false });
}
