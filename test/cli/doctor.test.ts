/** `npx express-realtime-chat doctor` against real servers that are set right, and then wrong one by one. */
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { type Connection, createConnection } from 'mysql2/promise';
import { Sequelize } from 'sequelize';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createChat } from '../../src/index.js';
import { createSilentLogger } from '../../src/logging/logger.js';
import { createWorker } from '../../worker/worker.js';
import { askControl } from '../helpers/control.js';
import { freePort, startProcess } from '../helpers/processes.js';
import { startMariaDb, startRedis, type TestMariaDb, type TestRedis } from '../helpers/services.js';

const root = join(import.meta.dirname, '..', '..');
const cli = join(root, 'dist', 'src', 'cli', 'index.js');
const entry = JSON.stringify(join(root, 'dist', 'src', 'index.js'));
const PASSWORD = 'Xq7-canary-of-the-database-92';
const SECRET = 'Zt4-canary-of-the-tokens-which-is-long-enough-81';

let folder: string;
let redis: TestRedis;
let control: Redis;
let mariaDb: TestMariaDb;
/** As the server's administrator, in the database of the chat. */
let admin: Connection;
let database: string;
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chat-doctor-'));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  [redis, mariaDb] = await Promise.all([startRedis({ own: true }), startMariaDb({ own: true }), askControl('build')]);
  control = new Redis(redis.url);
  admin = await createConnection({ uri: mariaDb.url, multipleStatements: true });
  await admin.query(`
    CREATE DATABASE good CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
    CREATE USER app IDENTIFIED BY '${PASSWORD}';
    GRANT ALL ON good.* TO app;
    GRANT ALL ON poor.* TO app;
    GRANT PROCESS ON *.* TO app;
    USE good;`);
  database = urlOf('good');
  const chat = createChat({ database, logLevel: 'error' });
  await chat.migrate();
  await chat.close();
});

afterAll(async () => {
  await admin?.end();
  control?.disconnect();
  await redis?.stop();
  await mariaDb?.stop();
  await rm(folder, { recursive: true, force: true });
});

function urlOf(name: string): string {
  const url = new URL(mariaDb.url);
  [url.username, url.password, url.pathname] = ['app', PASSWORD, `/${name}`];
  return url.href;
}

interface Report {
  readonly code: number | null;
  readonly output: string;
  /** Texts by their level. */
  readonly ok: string[];
  readonly warning: string[];
  readonly error: string[];
}

/** Runs the doctor on a config file with this text. */
async function doctor(text: string, env: Record<string, string> = {}): Promise<Report> {
  count += 1;
  const file = `config-${count}.mjs`;
  await writeFile(join(folder, file), `import { jwtAuthentication } from ${entry};\n${text}`);
  const started = startProcess(process.execPath, [cli, 'doctor', '--config', file], { cwd: folder, env });
  const { code } = await started.ended;
  const output = started.output();
  expect(output).not.toContain(PASSWORD);
  expect(output).not.toContain(SECRET);
  expect(output).not.toMatch(/^\s+at /m);
  const lines = output.trimEnd().split('\n');
  const of = (level: string) =>
    lines.filter((line) => line.startsWith(`${level} `)).map((line) => line.slice(level.length).trim());
  const report = { code, output, ok: of('ok'), warning: of('warning'), error: of('error') };
  // One line for each finding, each a sentence, and one that sums up.
  expect(lines).toHaveLength(report.ok.length + report.warning.length + report.error.length + 2);
  for (const sentence of [...report.ok, ...report.warning, ...report.error]) expect(sentence).toMatch(/^\S.*\S$/);
  const sum = (number: number, word: string) => `${number} ${word}${number === 1 ? '' : 's'}`;
  expect(lines.at(-1)).toBe(`${sum(report.error.length, 'error')}, ${sum(report.warning.length, 'warning')}.`);
  expect(code, output).toBe(report.error.length > 0 ? 1 : 0);
  return report;
}

/** The text of a config file in which all is well, but for `more`. */
const config = (more = '', loadUser = `secret: '${SECRET}'`) =>
  `export default { database: '${database}', redis: '${redis.url}',
    authenticate: jwtAuthentication({ ${loadUser}, loadUser: () => null }), ${more} };`;

describe('doctor finds all well', () => {
  test('on MariaDB and Redis that are set as the deployment page says, and ends with 0', async () => {
    const report = await doctor(config());
    expect(report.error).toEqual([]);
    expect(report.warning).toEqual([]);
    const all = report.ok.join('\n');
    for (const part of [
      /^Node\.js \d+\.\d+\.\d+ runs the chat\.$/m,
      /^The settings in config-\d+\.mjs fit\.$/m,
      /^The secret of jwtAuthentication is long enough\.$/m,
      /^MariaDB \d+\.\d+\.\d+ answers\.$/m,
      /^Transactions are READ COMMITTED/m,
      /^What is committed is on the disk\.$/m,
      /^All \d\d migrations have run\.$/m,
      /^Tables, columns, character sets, collations, time precision and engine are as they must be\.$/m,
      /^Redis \d+\.\d+\.\d+ answers\.$/m,
      /^Redis evicts nothing\.$/m,
      /^Redis keeps an append-only file\.$/m,
      /^The clock of the database agrees with this machine's\.$/m,
      /^The clock of Redis agrees with this machine's\.$/m,
    ]) {
      expect(all).toMatch(part);
    }
    expect(report.output.trimEnd().split('\n').at(-1)).toBe('0 errors, 0 warnings.');
  });

  test('in one process on SQLite, and with a Sequelize instance that the config file leaves open', async () => {
    const report = await doctor(`import { Sequelize } from 'sequelize';
      import { createChat } from ${entry};
      const database = new Sequelize({ dialect: 'sqlite', storage: 'one.sqlite', logging: false });
      export default async () => {
        await createChat({ database, logLevel: 'error' }).migrate();
        return { database, authenticate: () => null };
      };`);
    expect(report).toMatchObject({ code: 0, warning: [], error: [] });
    expect(report.ok.join('\n')).toMatch(/SQLite answers; it is meant for one process/);
    expect(report.ok.join('\n')).toMatch(/No redis is set: queue and broadcast serve one process/);
  });
});

describe('doctor finds a config file', () => {
  test.each([
    ['that does not exist', undefined, /The config file \S+ does not exist/],
    ['with a setting that nobody knows', 'export default { concurency: 5 };', /did you mean concurrency\?/],
    ['with a wrong setting', "export default { redis: 'http://127.0.0.1' };", /Setting redis must be a redis:\/\//],
    ['with a class that is not there', "export default { connectionClass: './no.js#No' };", /connectionClass/],
    ['that throws', "throw new Error('There is no .env here.');", /failed: There is no \.env here/],
  ])('%s, and ends with 1', async (_, text, sentence) => {
    if (text !== undefined) {
      const report = await doctor(text);
      expect(report.error).toHaveLength(1);
      expect(report.error[0]).toMatch(sentence);
      return;
    }
    const started = startProcess(process.execPath, [cli, 'doctor'], { cwd: folder });
    expect((await started.ended).code).toBe(1);
    expect(started.output()).toMatch(sentence);
  });
});

describe('doctor finds secrets', () => {
  test.each([
    ['that anybody would try first', "secret: 'your-256-bit-secret-and-some-more'", 'error', /anybody would try first/],
    ['that are one character over and over', "secret: 'x'.repeat(40)", 'error', /anybody would try first/],
    ['that are short', "secret: 'k3-9fj2-qq-1pz7'", 'warning', /has 15 bytes/],
  ] as const)('%s', async (_, options, level, sentence) => {
    const report = await doctor(config('', options));
    expect(report[level]).toHaveLength(1);
    expect(report[level][0]).toMatch(sentence);
    expect(report[level][0]).toContain('openssl rand -base64 32');
    expect(report[level === 'error' ? 'warning' : 'error']).toEqual([]);
  });

  test('missing where an app needs them, and none to judge in a function of the host', async () => {
    const none = await doctor(config('authenticate: undefined'));
    expect(none.warning).toEqual([expect.stringMatching(/^The setting authenticate is missing/)]);
    const own = await doctor(config('authenticate: () => null'));
    expect(own.warning).toEqual([]);
    expect(own.ok.join('\n')).toMatch(/authenticate is a function of yours/);
  });

  test('of the database that are the same as everywhere', async () => {
    // The test server's own user: chat, with the password chat.
    const url = new URL(mariaDb.url);
    url.pathname = '/good';
    const report = await doctor(config(`database: '${url.href}'`));
    expect(report.warning).toEqual([expect.stringMatching(/^The database is opened with a password that anybody/)]);
  });
});

describe('doctor on the password of Redis', () => {
  const setPassword = (password: string) => control.config('SET', 'requirepass', password);
  afterEach(() => setPassword(''));

  test('is content with none, or any, on the own machine', async () => {
    await setPassword('redis');
    const report = await doctor(config(`redis: '${redis.url.replace('//', '//:redis@')}'`));
    expect(report).toMatchObject({ warning: [], error: [] });
  });

  test('warns of none, and of one that is the same as everywhere, over the network', async () => {
    // An address of this machine that does not look like one.
    const address = `redis: { host: '0.0.0.0', port: ${new URL(redis.url).port}`;
    expect((await doctor(config(`${address} }`))).warning).toEqual([
      expect.stringMatching(/^Redis is opened over the network without a password: .*"requirepass"/),
    ]);
    await setPassword('password1');
    expect((await doctor(config(`${address}, password: 'password1' }`))).warning).toEqual([
      expect.stringMatching(/^Redis is opened over the network with a password that anybody would try first/),
    ]);
    await setPassword(PASSWORD);
    expect((await doctor(config(`${address}, password: '${PASSWORD}' }`))).warning).toEqual([]);
  });
});

describe('doctor finds a server that does not answer', () => {
  const closers: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });

  /** A server that takes connections and never says a word. */
  async function blackHole(): Promise<number> {
    const sockets = new Set<Socket>();
    const server: Server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
    });
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    closers.push(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });
    return port;
  }

  test('because it does not run: both are named, and what can be looked at is', async () => {
    const [mysqlPort, redisPort] = [await freePort(), await freePort()];
    const report = await doctor(
      config(
        `database: 'mysql://app:${PASSWORD}@127.0.0.1:${mysqlPort}/good', redis: 'redis://:${PASSWORD}@127.0.0.1:${redisPort}'`,
      ),
    );
    expect(report.error).toEqual([
      expect.stringMatching(/^The database cannot be reached \(.*ECONNREFUSED.*\): check the setting database/),
      expect.stringMatching(/^Redis cannot be reached \(.*ECONNREFUSED.*\): check the setting redis/),
    ]);
    expect(report.ok.join('\n')).toMatch(/The settings in .* fit/);
  });

  test('because it is only Redis that does not run: the database is looked at all the same', async () => {
    const report = await doctor(config(`redis: 'redis://127.0.0.1:${await freePort()}'`));
    expect(report.error).toEqual([expect.stringMatching(/^Redis cannot be reached/)]);
    expect(report.ok.join('\n')).toMatch(/All \d\d migrations have run/);
  });

  test('because it takes connections and is silent: both are said after ten seconds, at the same time', async () => {
    const began = performance.now();
    const [mysqlPort, redisPort] = [await blackHole(), await blackHole()];
    const report = await doctor(
      config(
        `database: 'mysql://app:${PASSWORD}@127.0.0.1:${mysqlPort}/good', redis: 'redis://127.0.0.1:${redisPort}'`,
      ),
    );
    expect(report.error).toEqual([
      expect.stringMatching(/^The database (cannot be reached|did not answer)/),
      expect.stringMatching(/^Redis (cannot be reached|did not answer)/),
    ]);
    expect(performance.now() - began).toBeLessThan(25_000);
  });

  test('because the password is wrong', async () => {
    const report = await doctor(config(`database: '${database.replace(PASSWORD, 'wrong-one-57')}'`));
    expect(report.error).toEqual([expect.stringMatching(/^The database cannot be reached \(.*Access denied/)]);
    expect(report.output).not.toContain('wrong-one-57');
  });
});

describe('doctor finds a Redis', () => {
  afterEach(async () => {
    await control.call('REPLICAOF', 'NO', 'ONE');
    await control.config('SET', 'maxmemory', '0');
    await control.config('SET', 'maxmemory-policy', 'noeviction');
    await control.config('SET', 'appendonly', 'yes');
    await expect.poll(() => control.info('persistence'), { timeout: 20_000 }).toMatch(/aof_rewrite_in_progress:0/);
  });

  test('that evicts and keeps no file: an error and a warning, each with what to set', async () => {
    await control.config('SET', 'maxmemory-policy', 'allkeys-lru');
    await control.config('SET', 'appendonly', 'no');
    const report = await doctor(config());
    expect(report.error).toEqual([
      'Redis may evict events when it is full: set "maxmemory-policy noeviction" (it is allkeys-lru).',
    ]);
    expect(report.warning).toEqual([
      'Redis keeps no append-only file, so events that wait are lost when it is killed: set "appendonly yes".',
    ]);
  });

  test('that evicts what expires', async () => {
    await control.config('SET', 'maxmemory-policy', 'volatile-ttl');
    expect((await doctor(config())).error).toEqual([expect.stringContaining('(it is volatile-ttl)')]);
  });

  test('that is nearly full', async () => {
    const used = Number(/^used_memory:(\d+)/m.exec(await control.info('memory'))?.[1]);
    await control.config('SET', 'maxmemory', String(Math.round(used * 1.05)));
    expect((await doctor(config())).warning).toEqual([expect.stringMatching(/raise "maxmemory"/)]);
  });

  test('that is a replica', async () => {
    await control.call('REPLICAOF', '127.0.0.1', String(await freePort()));
    expect((await doctor(config())).error).toEqual([
      expect.stringMatching(/^Redis is a replica, which takes no events/),
    ]);
  });
});

describe('doctor finds a database', () => {
  test('without tables, in latin1, opened in latin1', async () => {
    await admin.query('CREATE DATABASE poor CHARACTER SET latin1');
    const report = await doctor(
      `export default { database: { dialect: 'mysql', ...${JSON.stringify(optionsOf('poor'))}, logging: false,
        dialectOptions: { charset: 'latin1' } }, redis: '${redis.url}', authenticate: () => null };`,
    );
    const errors = report.error.join('\n');
    expect(errors).toMatch(
      /^Migrations have not run \(20261121000000-chat-users\.cjs, .*\): run "npx express-realtime-chat/m,
    );
    expect(errors).toMatch(/^The chat's tables are missing/m);
    expect(errors).toMatch(/^The users table users does not exist/m);
    expect(errors).toMatch(/^The database connection uses the character set latin1: set dialectOptions\.charset/m);
    expect(report.warning).toEqual([
      "The database's default character set is latin1, which tables of your own get and which cannot hold all text: " +
        'ALTER DATABASE `poor` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin.',
    ]);
    await admin.query('DROP DATABASE poor');
  });

  test('whose tables were changed: character set, collation, time precision, engine', async () => {
    await admin.query(`
      ALTER TABLE chat_reactions MODIFY reaction_content VARCHAR(128) COLLATE utf8mb4_general_ci NOT NULL;
      ALTER TABLE chat_messages MODIFY content MEDIUMTEXT CHARACTER SET latin1 NOT NULL;
      ALTER TABLE chat_messages MODIFY created_at DATETIME NOT NULL;
      ALTER TABLE chat_group_chats DEFAULT CHARACTER SET latin1;
      ALTER TABLE chat_outcomes ENGINE=Aria;
      ALTER TABLE users MODIFY username VARCHAR(150) CHARACTER SET latin1 NOT NULL;`);
    const report = await doctor(config());
    expect(report.error.toSorted()).toEqual([
      expect.stringMatching(/^The column chat_messages\.content has the character set latin1.*CHARACTER SET utf8mb4/),
      expect.stringMatching(/^The column chat_messages\.created_at drops milliseconds.*DATETIME\(3\)/),
      expect.stringMatching(
        /^The column chat_reactions\.reaction_content is compared by utf8mb4_general_ci.*VARBINARY/,
      ),
      expect.stringMatching(/^The table chat_group_chats has the collation latin1_swedish_ci.*ALTER TABLE/),
      expect.stringMatching(/^The table chat_outcomes uses the engine Aria.*ENGINE=InnoDB/),
    ]);
    expect(report.warning).toEqual([expect.stringMatching(/^The users table users keeps username in latin1/)]);
    await admin.query(`
      ALTER TABLE chat_reactions MODIFY reaction_content VARBINARY(512) NOT NULL;
      ALTER TABLE chat_messages MODIFY content MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL;
      ALTER TABLE chat_messages MODIFY created_at DATETIME(3) NOT NULL;
      ALTER TABLE chat_group_chats DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
      ALTER TABLE chat_outcomes ENGINE=InnoDB;
      ALTER TABLE users MODIFY username VARCHAR(150) CHARACTER SET utf8mb4 NOT NULL;`);
    expect((await doctor(config())).code).toBe(0);
  });

  test('with a migration that did not run, or with no record of any', async () => {
    await admin.query("DELETE FROM SequelizeMeta WHERE name = '20261121001500-chat-outcomes.cjs'");
    expect((await doctor(config())).error).toEqual([
      expect.stringMatching(/^Migrations have not run \(20261121001500-chat-outcomes\.cjs\): run "npx .*db:migrate/),
    ]);
    await admin.query('RENAME TABLE SequelizeMeta TO kept');
    const unrecorded = await doctor(config());
    expect(unrecorded.error).toEqual([]);
    expect(unrecorded.warning).toEqual([expect.stringMatching(/^The tables are there, but no record/)]);
    await admin.query(`RENAME TABLE kept TO SequelizeMeta;
      INSERT INTO SequelizeMeta (name) VALUES ('20261121001500-chat-outcomes.cjs')`);
    expect((await doctor(config())).code).toBe(0);
  });

  test('whose server loses, cuts or refuses what it is given', async () => {
    await admin.query(`
      SET GLOBAL innodb_flush_log_at_trx_commit = 2;
      SET GLOBAL sql_mode = '';
      SET GLOBAL max_allowed_packet = 65536;
      SET GLOBAL max_connections = 10;
      SET GLOBAL read_only = 1;`);
    const report = await doctor(
      `export default { database: { dialect: 'mysql', ...${JSON.stringify(optionsOf('good'))}, logging: false,
        pool: { max: 30 } }, redis: '${redis.url}', authenticate: () => null };`,
    );
    await admin.query(`
      SET GLOBAL innodb_flush_log_at_trx_commit = 1;
      SET GLOBAL sql_mode = DEFAULT;
      SET GLOBAL max_allowed_packet = DEFAULT;
      SET GLOBAL max_connections = 500;
      SET GLOBAL read_only = 0;`);
    expect(report.error).toEqual([expect.stringMatching(/^The database is read-only: name the primary/)]);
    const warnings = report.warning.join('\n');
    expect(report.warning).toHaveLength(4);
    expect(warnings).toMatch(/^The server writes commits .*set "innodb_flush_log_at_trx_commit = 1" \(it is 2\)\.$/m);
    expect(warnings).toMatch(/^The server cuts what is too long .*add STRICT_TRANS_TABLES to "sql_mode"\.$/m);
    expect(warnings).toMatch(/^The server takes statements of 65536 bytes, and a message may need 393216/m);
    expect(warnings).toMatch(/^The server takes 10 connections, and this process alone may want 30/m);
  });
});

test('a server that takes backslashes for themselves would run SQL of users: doctor says so, and no worker starts', async () => {
  const server = await startMariaDb({ own: true, args: ['--sql-mode=STRICT_TRANS_TABLES,NO_BACKSLASH_ESCAPES'] });
  const logger = createSilentLogger();
  const sentence = /no text of a user could be told from SQL.*take NO_BACKSLASH_ESCAPES out of "sql_mode"\.$/;
  try {
    const chat = createChat({ database: server.url, logger });
    await chat.migrate();
    await chat.close();
    const report = await doctor(config(`database: '${server.url}'`));
    expect(report.error).toEqual([expect.stringMatching(sentence)]);
    await expect(createWorker({ database: server.url, redis: redis.url, logger })).rejects.toThrow(sentence);
  } finally {
    await server.stop();
  }
});

test('doctor finds clocks that differ', async () => {
  const behind = 'const now = Date.now; Date.now = () => now() - 600_000;';
  const report = await doctor(config(), {
    NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(behind)}`,
  });
  expect(report.error).toEqual([]);
  expect(report.warning).toEqual([
    expect.stringMatching(/^The clock of the database is \d+ s ahead of this machine's.*let NTP set both\.$/),
    expect.stringMatching(/^The clock of Redis is \d+ s ahead of this machine's/),
  ]);
  for (const warning of report.warning) expect(Number(/is (\d+) s/.exec(warning)?.[1])).toBeGreaterThan(590);
});

test('a server that logs statements denies READ COMMITTED: doctor says so, no table is made and no worker starts', async () => {
  const server = await startMariaDb({ own: true, args: ['--log-bin', '--server-id=1', '--binlog-format=STATEMENT'] });
  const logger = createSilentLogger();
  const sentence =
    /^The server logs statements, which forbids READ COMMITTED.*set "binlog_format = ROW" \(or MIXED\)\.$/;
  const admin = new Sequelize(server.url, { logging: false });
  const tables = () => admin.getQueryInterface().showAllTables();
  try {
    // Of the package's own instance, and of a host's, whose own isolation is another.
    for (const database of [server.url, admin]) {
      const chat = createChat({ database, logger });
      await expect(chat.migrate()).rejects.toThrow(sentence);
      await chat.close();
    }
    expect(await tables()).toEqual([]);
    // By sequelize-cli, say, which does not ask.
    await admin.query("SET GLOBAL binlog_format = 'ROW'");
    const host = new Sequelize(server.url, { logging: false });
    const migrated = createChat({ database: host, logger });
    expect((await migrated.migrate()).length).toBeGreaterThan(0);
    await host.query("INSERT INTO users (id, username) VALUES (1, 'ann')");
    await migrated.close();
    await host.close();
    await admin.query("SET GLOBAL binlog_format = 'STATEMENT'");

    const report = await doctor(config(`database: '${server.url}'`));
    expect(report.error).toEqual([expect.stringMatching(sentence)]);
    await expect(createWorker({ database: server.url, redis: redis.url, logger })).rejects.toThrow(sentence);
    // What would happen otherwise.
    const chat = createChat({ database: server.url, logger });
    const creating = chat.as({ id: 1 }).send('room.create', { type: 'GroupChat', name: 'x', participants: [] });
    await expect(creating).rejects.toThrow();
    await chat.close();
  } finally {
    await admin.close();
    await server.stop();
  }
});

function optionsOf(name: string) {
  const { hostname: host, port } = new URL(mariaDb.url);
  return { host, port: Number(port), database: name, username: 'app', password: PASSWORD };
}
