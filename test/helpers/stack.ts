/**
 * Whole systems for black-box tests, made of the reference app as a user runs it (child processes of the built
 * package): `embedded` is one process with SQLite; `distributed` is MariaDB and Redis, two app processes without a
 * worker, and two worker processes.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectTestClient, type TestClient, type TestClientOptions } from '../../src/testing/client.js';
import { type FaultProxy, startProxy } from '../faults/proxy.js';
import { askControl } from './control.js';
import { startProcess, type TestProcess, until } from './processes.js';
import { startMariaDb, startRedis, type TestMariaDb, type TestRedis } from './services.js';
import type { WireUser } from './shapes.js';

/** The two stacks that the protocol suite runs on. */
export const STACK_KINDS = ['embedded', 'distributed'] as const;

/** One of them. */
export type StackKind = (typeof STACK_KINDS)[number];

/** The secret that signs the tokens of every test stack, so that a test can forge and age them. */
export const JWT_SECRET = 'a-secret-of-the-test-stacks-which-is-long-enough';

const root = join(import.meta.dirname, '..', '..');

/** A signed-up user with a token. */
export interface Person {
  token: string;
  user: WireUser;
}

/** An open connection whose first frame, `chat.notifications`, was taken. */
export type Chatter = TestClient & Person & { notifications: unknown };

/** What tests do with a running system. */
export interface Stack {
  readonly kind: StackKind;
  /** Base addresses of the app's processes, `http://127.0.0.1:port`. */
  readonly gateways: readonly string[];
  /** Signs up somebody new, who is in no room. */
  newUser(fields?: Record<string, unknown>): Promise<Person>;
  /** Signs in again. */
  login(person: Person): Promise<Person>;
  /** Connects and takes the first frame; without an index, gateways take turns. */
  connect(person: Person, gatewayIndex?: number): Promise<Chatter>;
  /** Connects by hand, see `connectTestClient`. */
  open(options?: TestClientOptions & { gatewayIndex?: number; path?: string }): Promise<TestClient>;
  /** Closes every connection that was opened here. */
  disconnectAll(): Promise<void>;
}

/** A system of this test alone: its processes may be ended. */
export interface OwnStack extends Stack {
  /** The app's processes, same order as `gateways`. */
  readonly apps: readonly TestProcess[];
  readonly workers: readonly TestProcess[];
  readonly mariaDb: TestMariaDb | null;
  readonly redis: TestRedis | null;
  /** The proxies of each app process, same order; empty unless `proxied`. */
  readonly appLinks: readonly AppLinks[];
  /** The proxies of each worker process, same order; empty unless `proxied`. */
  readonly workerLinks: readonly Links[];
  /** Starts one more worker process; `env` is added to that of the stack. */
  startWorker(env?: Record<string, string>): Promise<TestProcess>;
  /** Starts one more app process; its address is the last of `gateways`. */
  startApp(env?: Record<string, string>): Promise<TestProcess>;
  /** Takes app processes that have ended out of `apps` and `gateways`. */
  forgetEnded(): void;
  /** Ends everything. */
  close(): Promise<void>;
}

/** A process' own ways to its services. */
export interface Links {
  readonly redis: FaultProxy;
  readonly mariaDb: FaultProxy;
}

/** An app's own ways, and the clients' way to it: its address in `gateways` is that proxy's. */
export interface AppLinks extends Links {
  readonly gateway: FaultProxy;
}

/** How to start a stack of one's own. */
export interface StackOptions {
  /** Added to the environment of every process. */
  env?: Record<string, string>;
  /** Worker processes of `distributed`, default 2. */
  workers?: number;
  /** App processes of `distributed`, default 2. */
  apps?: number;
  /** Let MariaDB and Redis, or Redis alone, be this stack's own, so that they may be stopped; default false. */
  ownServices?: boolean | 'redis';
  /** `distributed`: put a proxy of its own between each process and Redis, MariaDB and (for apps) its clients. */
  proxied?: boolean;
}

/** The password of everybody whom `newUser` signs up. */
export const PASSWORD = 'password of a test user';

/** A handle on a running system, by the addresses of its gateways. */
export function attachStack(kind: StackKind, gateways: readonly string[], websocketPath = 'messaging/'): Stack {
  const open = new Set<TestClient>();
  let turn = 0;
  const post = async (path: string, body: unknown): Promise<Person> => {
    const response = await fetch(`${gateways[0]}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`POST ${path} was answered with ${response.status}: ${answer}`);
    return JSON.parse(answer) as Person;
  };
  const stack: Stack = {
    kind,
    gateways,
    newUser: (fields) => {
      const username = `u_${randomBytes(6).toString('hex')}`;
      return post('/api/users', { username, password: PASSWORD, first_name: 'Test', last_name: 'User', ...fields });
    },
    login: (person) => post('/api/login', { username: person.user.username, password: PASSWORD }),
    async connect(person, gatewayIndex) {
      const client = await stack.open({ token: person.token, gatewayIndex });
      const first = await client.next();
      if (first.eventType !== 'chat.notifications') {
        throw new Error(`The first frame was not chat.notifications but ${JSON.stringify(first)}.`);
      }
      return Object.assign(client, { user: person.user, token: person.token, notifications: first.data });
    },
    async open({ gatewayIndex, path = websocketPath, ...options } = {}) {
      const gateway = gateways[(gatewayIndex ?? turn++) % gateways.length];
      const client = await connectTestClient(`${gateway?.replace('http', 'ws')}/${path}`, options);
      open.add(client);
      void client.closed.then(() => open.delete(client));
      return client;
    },
    async disconnectAll() {
      await Promise.all([...open].map((client) => client.close()));
    },
  };
  return stack;
}

/** The stack of that kind that all test files share, with default settings; started by the first that asks. */
export async function sharedStack(kind: StackKind): Promise<Stack> {
  const answer = await askControl<{ gateways: string[] }>(`stack-${kind}`);
  if (!answer) throw new Error('A shared stack needs vitest with its global setup.');
  return attachStack(kind, answer.gateways);
}

/** Starts a stack of one's own. Rate limits are off unless `env` says otherwise; there is no demo data. */
export async function startStack(kind: StackKind, options: StackOptions = {}): Promise<OwnStack> {
  await askControl('build');
  const folder = await mkdtemp(join(tmpdir(), 'chat-stack-'));
  const mariaDb = kind === 'distributed' ? await startMariaDb({ own: options.ownServices === true }) : null;
  const redis = kind === 'distributed' ? await startRedis({ own: Boolean(options.ownServices) }) : null;
  const env = {
    PORT: '0',
    HOST: '127.0.0.1',
    NODE_ENV: 'test',
    JWT_SECRET,
    CHAT_SEED: '0',
    CHAT_RATE_LIMIT: '0',
    DATABASE_URL: mariaDb?.url ?? `sqlite:${join(folder, 'chat.sqlite')}`,
    REDIS_URL: redis?.url ?? '',
    CHAT_WORKER: kind === 'embedded' ? '1' : '0',
    ...options.env,
  };
  const gateways: string[] = [];
  const apps: TestProcess[] = [];
  const workers: TestProcess[] = [];
  const appLinks: AppLinks[] = [];
  const workerLinks: Links[] = [];
  const proxies: FaultProxy[] = [];
  const proxyOf = async (url: string) => {
    const proxy = await startProxy(url);
    proxies.push(proxy);
    return proxy;
  };
  /** The environment of one process, with its own proxies in it. */
  const connected = async (own: Record<string, string>) => {
    if (!options.proxied || !redis || !mariaDb) return { env: { ...env, ...own }, links: undefined };
    const links = { redis: await proxyOf(redis.url), mariaDb: await proxyOf(mariaDb.url) };
    const urls = { REDIS_URL: links.redis.through(redis.url), DATABASE_URL: links.mariaDb.through(mariaDb.url) };
    return { env: { ...env, ...urls, ...own }, links };
  };
  const startApp = async (own: Record<string, string> = {}) => {
    const { env, links } = await connected(own);
    const app = startProcess(process.execPath, ['example/server.js'], { cwd: root, env });
    apps.push(app);
    const [address] = await app.waitFor(/http:\/\/127\.0\.0\.1:\d+/);
    const gateway = links && (await proxyOf(address));
    if (links && gateway) appLinks.push({ ...links, gateway });
    gateways.push(gateway?.through(address) ?? address);
    await until(
      `${address}/readyz answers 200`,
      async () => {
        if (app.child.exitCode !== null) return;
        const { status } = await fetch(`${address}/readyz`);
        if (status !== 200) throw new Error(`HTTP ${status}`);
      },
      60_000,
    ).catch((error) => {
      throw new Error(`${error.message}\n${app.output()}`);
    });
    if (app.child.exitCode !== null) throw new Error(`The app ended at start:\n${app.output()}`);
    return app;
  };
  const startWorker = async (own: Record<string, string> = {}) => {
    const { env, links } = await connected(own);
    const worker = startProcess(process.execPath, ['example/worker.js'], { cwd: root, env });
    if (links) workerLinks.push(links);
    workers.push(worker);
    return worker;
  };
  const close = async () => {
    const failures: unknown[] = [];
    await Promise.all(proxies.map((proxy) => proxy.heal()));
    const ends = await Promise.allSettled([...apps, ...workers].map((process) => process.stop('SIGTERM')));
    for (const end of ends) if (end.status === 'rejected') failures.push(end.reason);
    await Promise.all(proxies.map((proxy) => proxy.close()));
    await redis?.stop();
    await mariaDb?.stop();
    await rm(folder, { recursive: true, force: true });
    if (failures.length > 0) throw failures[0];
  };
  try {
    // One after the other: the first one migrates.
    for (let index = 0; index < (kind === 'embedded' ? 1 : (options.apps ?? 2)); index++) await startApp();
    for (let index = 0; index < (kind === 'embedded' ? 0 : (options.workers ?? 2)); index++) await startWorker();
    if (redis && !redis.own) await separateUserIds(mariaDb);
  } catch (error) {
    await close().catch(() => {});
    throw error;
  }
  const stack = attachStack(kind, gateways, options.env?.CHAT_WEBSOCKET_PATH);
  return Object.assign(stack, {
    apps,
    workers,
    mariaDb,
    redis,
    appLinks,
    workerLinks,
    startWorker,
    startApp,
    forgetEnded() {
      for (let index = apps.length - 1; index >= 0; index--) {
        const { exitCode, signalCode } = apps[index]!.child;
        if (exitCode === null && signalCode === null) continue;
        for (const list of [apps, gateways, appLinks]) list.splice(index, 1);
      }
    },
    close: async () => {
      await stack.disconnectAll().catch(() => {});
      await close();
    },
  });
}

/** Redis' publish and subscribe know no databases: stacks on one Redis must not have the same user ids. */
async function separateUserIds(mariaDb: TestMariaDb | null): Promise<void> {
  if (!mariaDb) return;
  const { createConnection } = await import('mysql2/promise');
  const connection = await createConnection(mariaDb.url);
  try {
    await connection.query(`ALTER TABLE users AUTO_INCREMENT = ${1 + Math.floor(Math.random() * 2000) * 1_000_000}`);
  } finally {
    await connection.end();
  }
}
