import { Redis } from 'ioredis';
import { createConnection } from 'mysql2/promise';
import { expect, test } from 'vitest';
import { startMariaDb, startRedis } from './services.js';

test('gives a fresh empty database each time', async () => {
  const server = await startMariaDb();
  try {
    const other = await server.database();
    expect(other).not.toBe(server.url);
    for (const url of [server.url, other]) {
      const connection = await createConnection(url);
      const [rows] = await connection.query('SHOW TABLES');
      expect(rows).toEqual([]);
      await connection.query('CREATE TABLE t (id INT)');
      await connection.end();
    }
  } finally {
    await server.stop();
  }
});

test('a MariaDB of its own keeps what was committed through a kill', async () => {
  const server = await startMariaDb({ own: true });
  try {
    let connection = await createConnection(server.url);
    connection.on('error', () => {});
    await connection.query('CREATE TABLE t (id INT)');
    await connection.query('INSERT INTO t VALUES (7)');
    connection.destroy();
    await server.kill();
    await expect(createConnection(server.url)).rejects.toThrow();
    await server.restart();
    connection = await createConnection(server.url);
    const [rows] = await connection.query('SELECT id FROM t');
    expect(rows).toEqual([{ id: 7 }]);
    await connection.end();
  } finally {
    await server.stop();
  }
}, 60_000);

test('a Redis of its own keeps what was written through a kill, and can be emptied', async () => {
  const server = await startRedis({ own: true });
  const redis = new Redis(server.url);
  redis.on('error', () => {});
  try {
    await redis.set('a', '1');
    await server.kill();
    await server.restart();
    expect(await redis.get('a')).toBe('1');
    await server.flush();
    expect(await redis.get('a')).toBeNull();
  } finally {
    redis.disconnect();
    await server.stop();
  }
});
