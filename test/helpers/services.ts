/**
 * MariaDB and Redis for tests. One MariaDB serves a whole test run, each call gets a fresh database of it; a Redis is
 * light, so each call gets a process of its own. TEST_MYSQL_URL and TEST_REDIS_URL name running servers to use instead.
 * A test that stops, kills or freezes its server asks for `{ own: true }`.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { createConnection } from 'mysql2/promise';
import { askControl } from './control.js';
import { ensureServices, findProgram, findService } from './install-services.js';
import { freePort, startProcess, type TestProcess, until } from './processes.js';

/** A MariaDB to test against. */
export interface TestMariaDb {
  /** `mysql://user:password@127.0.0.1:port/database`, a fresh empty database. */
  readonly url: string;
  /** Its process; throws for a server that is not this test's own. */
  readonly pid: number;
  /** Makes a fresh empty database (or one of that name) in the server's default character set; resolves to its URL. */
  database(name?: string): Promise<string>;
  /** Drops the databases made here; an own server is stopped and its data removed. */
  stop(): Promise<void>;
  /** SIGKILL, awaited. Own server only, as is `restart`. */
  kill(): Promise<void>;
  /** Starts it again (after `kill`, or stops it first) on the same port and data. */
  restart(): Promise<void>;
}

/** A Redis to test against. */
export interface TestRedis {
  readonly url: string;
  /** A fresh key prefix, for tests that can set one. */
  readonly prefix: string;
  /** Whether it is a process of this test alone. */
  readonly own: boolean;
  /** Its process; throws for a server that is not this test's own. */
  readonly pid: number;
  stop(): Promise<void>;
  /** SIGKILL, awaited. Own server only, as is `restart`. */
  kill(): Promise<void>;
  /** Starts it again (after `kill`, or stops it first) on the same port and data. */
  restart(): Promise<void>;
  /** Empties it. */
  flush(): Promise<void>;
}

/** A MariaDB: the run's shared one, or with `own` one that the test may stop, kill and freeze, with `args` after ours. */
export async function startMariaDb(options: { own?: boolean; args?: string[] } = {}): Promise<TestMariaDb> {
  if (!options.own) {
    const shared = process.env.TEST_MYSQL_URL || (await askControl<{ url: string }>('mariadb'))?.url;
    if (shared) return sharedMariaDb(shared);
  }
  return ownMariaDb(options.args);
}

/** A Redis process, or a free database of the one that TEST_REDIS_URL names unless `own`. */
export async function startRedis(options: { appendonly?: boolean; own?: boolean } = {}): Promise<TestRedis> {
  if (!options.own && process.env.TEST_REDIS_URL) return claimRedisDatabase(process.env.TEST_REDIS_URL);
  return ownRedis(options.appendonly ?? true);
}

/** A handle that makes and drops databases on a server. */
async function mariaDbDatabases(base: string) {
  const made: string[] = [];
  const query = async (sql: string) => {
    const connection = await createConnection(withPath(base, ''));
    try {
      await connection.query(sql);
    } finally {
      await connection.end();
    }
  };
  return {
    query,
    async database(name = `chat_test_${randomBytes(6).toString('hex')}`): Promise<string> {
      await query(`CREATE DATABASE \`${name.replaceAll('`', '')}\``);
      made.push(name);
      return withPath(base, name);
    },
    async drop() {
      for (const name of made.splice(0)) await query(`DROP DATABASE IF EXISTS \`${name.replaceAll('`', '')}\``);
    },
  };
}

function notOwn(what: string): never {
  throw new Error(`This ${what} is shared with other tests: ask for your own with { own: true } to do that.`);
}

async function sharedMariaDb(base: string): Promise<TestMariaDb> {
  const databases = await mariaDbDatabases(base);
  return {
    url: await databases.database(),
    get pid() {
      return notOwn('MariaDB');
    },
    database: databases.database,
    stop: databases.drop,
    kill: async () => notOwn('MariaDB'),
    restart: async () => notOwn('MariaDB'),
  };
}

async function ownMariaDb(args: readonly string[] = []): Promise<TestMariaDb> {
  ensureServices(['mariadb']);
  const program = findService('mariadb');
  const installer = findProgram('mariadb-install-db', 'mysql_install_db');
  if (!program || !installer) throw new Error('The tests need mariadbd and mariadb-install-db in PATH.');
  const folder = await mkdtemp(join(tmpdir(), 'chat-mariadb-'));
  const data = join(folder, 'data');
  // A server that starts removes temporary tables from its folder, those of other servers too.
  const temporary = join(folder, 'tmp');
  await mkdir(temporary);
  const ownTemporary = `--tmpdir=${temporary}`;
  const user = process.getuid?.() === 0 ? ['--user=root'] : [];
  // --no-defaults: the machine's configuration has no say, and the server's character set is latin1, as a raw one's is.
  const install = startProcess(installer, [
    '--no-defaults',
    ...user,
    `--datadir=${data}`,
    ownTemporary,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    '--skip-name-resolve',
    '--innodb-log-file-size=16M',
  ]);
  if ((await install.ended).code !== 0) throw new Error(`mariadb-install-db failed:\n${install.output()}`);
  const initFile = join(folder, 'init.sql');
  await writeFile(
    initFile,
    "CREATE USER IF NOT EXISTS 'chat'@'%' IDENTIFIED BY 'chat';\nGRANT ALL PRIVILEGES ON *.* TO 'chat'@'%' WITH GRANT OPTION;\n",
  );
  const port = await freePort();
  const base = `mysql://chat:chat@127.0.0.1:${port}/`;
  const boot = async () => {
    const server = startProcess(program, [
      '--no-defaults',
      ...user,
      `--datadir=${data}`,
      ownTemporary,
      `--init-file=${initFile}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      `--socket=${join(folder, 'socket')}`,
      `--pid-file=${join(folder, 'pid')}`,
      '--skip-name-resolve',
      '--skip-log-bin',
      '--max-connections=500',
      '--innodb-buffer-pool-size=64M',
      '--innodb-log-file-size=16M',
      '--innodb-flush-log-at-trx-commit=1',
      '--performance-schema=OFF',
      ...args,
    ]);
    await until('MariaDB answers', async () => {
      if (server.child.exitCode !== null) return;
      await (await createConnection(base)).end();
    });
    if (server.child.exitCode !== null) throw new Error(`mariadbd ended at start:\n${server.output()}`);
    return server;
  };
  let server: TestProcess = await boot();
  const databases = await mariaDbDatabases(base);
  return {
    url: await databases.database(),
    get pid() {
      return server.pid;
    },
    database: databases.database,
    async stop() {
      await server.stop('SIGTERM');
      await rm(folder, { recursive: true, force: true });
    },
    kill: () => server.stop('SIGKILL'),
    async restart() {
      await server.stop('SIGTERM');
      server = await boot();
    },
  };
}

async function ownRedis(appendonly: boolean): Promise<TestRedis> {
  ensureServices(['redis']);
  const program = findService('redis');
  if (!program) throw new Error('The tests need redis-server in PATH.');
  const folder = await mkdtemp(join(tmpdir(), 'chat-redis-'));
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}/0`;
  const boot = async () => {
    const server = startProcess(program, [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''],
      ...['--appendonly', appendonly ? 'yes' : 'no', '--maxmemory-policy', 'noeviction'],
    ]);
    await server.waitFor(/Ready to accept connections/);
    return server;
  };
  let server = await boot();
  return {
    url,
    prefix: freshPrefix(),
    own: true,
    get pid() {
      return server.pid;
    },
    async stop() {
      await server.stop('SIGTERM');
      await rm(folder, { recursive: true, force: true });
    },
    kill: () => server.stop('SIGKILL'),
    async restart() {
      await server.stop('SIGTERM');
      server = await boot();
    },
    flush: () => withRedis(url, async (redis) => void (await redis.flushall())),
  };
}

/** Takes one of the databases 1 to 15 of a running Redis for this test; 0 holds the claims. Waits for a free one. */
async function claimRedisDatabase(base: string): Promise<TestRedis> {
  const root = withPath(base, '0');
  const claimKey = (index: number) => `chat-test-claim-${index}`;
  const index = await withRedis(root, (redis) =>
    until(
      'A database of TEST_REDIS_URL is free',
      async () => {
        for (let candidate = 1; candidate <= 15; candidate++) {
          // Expires, so that a test run that was killed does not hold it for ever.
          if (await redis.set(claimKey(candidate), String(process.pid), 'EX', 900, 'NX')) return candidate;
        }
        throw new Error('all 15 are taken');
      },
      600_000,
    ),
  );
  const url = withPath(base, String(index));
  const flush = () => withRedis(url, async (redis) => void (await redis.flushdb()));
  await flush();
  return {
    url,
    prefix: freshPrefix(),
    own: false,
    get pid() {
      return notOwn('Redis');
    },
    async stop() {
      await flush();
      await withRedis(root, (redis) => redis.del(claimKey(index)));
    },
    kill: async () => notOwn('Redis'),
    restart: async () => notOwn('Redis'),
    flush,
  };
}

async function withRedis<T>(url: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { maxRetriesPerRequest: 2 });
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

function freshPrefix(): string {
  return `t${randomBytes(4).toString('hex')}`;
}

function withPath(base: string, path: string): string {
  const url = new URL(base);
  url.pathname = `/${path}`;
  return url.href;
}
