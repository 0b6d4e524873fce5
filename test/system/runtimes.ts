/** Workers inside the test's process: the real write path on a real database, with a broadcast that keeps what it is told. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QueryTypes, Sequelize } from 'sequelize';
import { v7 as newId } from 'uuid';
import { createLogger, transports } from 'winston';
import type { Broadcast, Control, Reply } from '../../src/broadcast/broadcast.js';
import { WorkerRuntime } from '../../src/consumer/runtime.js';
import { type ChatModels, createUserModel, initModels } from '../../src/models/index.js';
import { migrate } from '../../src/models/migrate.js';
import type { Envelope } from '../../src/protocol/envelope.js';
import type { ChatJob } from '../../src/queue/queue.js';
import { type ChatSettings, resolveSettings } from '../../src/settings/settings.js';
import { statementsOf } from '../helpers/blocks.js';
import { startMariaDb } from '../helpers/services.js';

/** The databases that a worker runs on. */
export const DATABASES = ['SQLite', 'MariaDB'] as const;

/** What a worker told gateways, in order. */
export interface Told {
  readonly envelopes: Envelope[];
  readonly controls: Control[];
  readonly replies: Reply[];
  readonly whispers: Array<{ readonly roomId: string; readonly frame: string }>;
}

/** A broadcast without gateways that keeps what it is given. */
export interface KeepingBroadcast extends Broadcast {
  readonly told: Told;
}

/** `hold` is awaited before anything is told; one that never settles is a worker that died after the commit. */
export function keepingBroadcast(hold: () => Promise<void> = async () => {}): KeepingBroadcast {
  const told: Told = { envelopes: [], controls: [], replies: [], whispers: [] };
  return {
    told,
    async publish(envelopes) {
      await hold();
      told.envelopes.push(...envelopes);
    },
    async control(control) {
      await hold();
      told.controls.push(control);
    },
    async reply(_gatewayId, reply) {
      await hold();
      told.replies.push(reply);
    },
    async whisper(roomId, frame) {
      told.whispers.push({ roomId, frame });
    },
    open: () => Promise.reject(new Error('There is no gateway here.')),
    async ping() {},
    async close() {},
  };
}

/** One worker: what it told, and every statement it ran. */
export interface TestRuntime {
  readonly runtime: WorkerRuntime;
  readonly models: ChatModels;
  readonly sequelize: Sequelize;
  readonly told: Told;
  readonly statements: string[];
  /** The same as the driver was given it: several at once in a block. */
  readonly roundTrips: string[];
  /** Runs an event of a user to its end; gives the job's id and the frames of its answer, parsed. */
  run(userId: number, type: string, data: object, more?: Partial<ChatJob>): Promise<Answer>;
}

/** The last frame of an answer. */
export interface Answer {
  readonly eventType?: string;
  readonly id?: string;
  readonly data: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly detail: unknown; readonly room_id?: string };
}

/** How a worker is opened. */
export interface TestRuntimeOptions {
  readonly broadcast?: KeepingBroadcast;
  readonly settings?: ChatSettings;
  /** Its way to MariaDB: a proxy's address in place of the server's. */
  readonly through?: (url: string) => string;
  /** Connections at most, default 10. */
  readonly connections?: number;
}

/** A migrated database of its own, on which any number of workers run. */
export interface TestDatabase {
  readonly userIds: number[];
  /** Where MariaDB is; undefined on SQLite. */
  readonly url: string | undefined;
  open(options?: TestRuntimeOptions): TestRuntime;
  /** One more connection pool of this database, for a chat of one's own. */
  connect(): Sequelize;
  /** All rows of all the chat's tables, as text, table by table. */
  rows(): Promise<Record<string, string[]>>;
  query<T extends object>(sql: string, replacements?: unknown[]): Promise<T[]>;
  close(): Promise<void>;
}

/** A job of an event as a gateway makes it. */
export function chatJob(userId: number, type: string, data: object, more: Partial<ChatJob> = {}): ChatJob {
  return {
    id: newId(),
    type,
    userId: String(userId),
    gatewayId: 'gateway',
    connectionId: 'connection',
    eventId: 'event',
    data: JSON.parse(JSON.stringify(data)),
    addedAt: Date.now(),
    ...more,
  };
}

/** Keeps what the driver is given: a Sequelize that logs would have every statement pass by itself. */
function keepStatements(sequelize: Sequelize, statements: string[], roundTrips: string[]): void {
  sequelize.addHook('afterConnect', (connection: unknown) => {
    const driver = connection as { query(statement: string | { sql: string }, ...more: unknown[]): unknown };
    const query = driver.query.bind(driver);
    driver.query = (statement, ...more) => {
      const sql = typeof statement === 'string' ? statement : statement.sql;
      statements.push(...statementsOf(sql));
      roundTrips.push(sql);
      return query(statement, ...more);
    };
  });
}

/** Makes a database of that kind with so many users; with `own` on a server that no other test is on. */
export async function openDatabase(
  kind: (typeof DATABASES)[number],
  users: number,
  { own: isOwn = false }: { own?: boolean } = {},
): Promise<TestDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'chat-system-'));
  const server = kind === 'MariaDB' ? await startMariaDb({ own: isOwn }) : null;
  const opened: Sequelize[] = [];
  /** Keeps statements where they are counted only: a long run would fill the memory with them. */
  const connect = (
    statements?: string[],
    roundTrips: string[] = [],
    { through = (url) => url, connections = 10 }: TestRuntimeOptions = {},
  ) => {
    const options = { logging: false as const, pool: { max: connections } };
    const sequelize = server
      ? new Sequelize(through(server.url), options)
      : new Sequelize({
          ...options,
          dialect: 'sqlite',
          storage: join(folder, 'chat.sqlite'),
          logging: (line) => void statements?.push(line.replace(/^Executing \([^)]*\): /, '')),
        });
    if (server && statements) keepStatements(sequelize, statements, roundTrips);
    opened.push(sequelize);
    return sequelize;
  };
  const own = connect();
  await migrate(own, { createUsersTable: true });
  const names = Array.from({ length: users }, (_, index) => `user_${index + 1}`);
  await own.query(`INSERT INTO users (username) VALUES ${names.map(() => '(?)').join(', ')}`, { replacements: names });
  const query = <T extends object>(sql: string, replacements: unknown[] = []) =>
    own.query<T>(sql, { type: QueryTypes.SELECT, replacements });
  const models = initModels(own, { userModel: createUserModel(own) });
  const tables = Object.values(models).flatMap((model) =>
    typeof model === 'function' && model !== models.User ? [String(model.getTableName())] : [],
  );
  const ids = await query<{ id: number }>('SELECT id FROM users ORDER BY id');
  return {
    userIds: ids.map(({ id }) => id),
    url: server?.url,
    connect: () => connect(),
    open(options = {}) {
      const { broadcast = keepingBroadcast(), settings = {} } = options;
      const statements: string[] = [];
      const roundTrips: string[] = [];
      const sequelize = connect(statements, roundTrips, options);
      const theirs = initModels(sequelize, { userModel: createUserModel(sequelize) });
      const logger = createLogger({ silent: true, transports: [new transports.Console()] });
      const runtime = new WorkerRuntime({
        settings: resolveSettings({ ...settings, database: sequelize }),
        sequelize,
        models: theirs,
        broadcast,
        logger,
      });
      const { told } = broadcast;
      return {
        runtime,
        models: theirs,
        sequelize,
        told,
        statements,
        roundTrips,
        async run(userId, type, data, more) {
          const job = chatJob(userId, type, data, more);
          // A job that failed for no known reason was answered all the same.
          await runtime.runJob(job, { earlierRuns: 0 }).catch((error: Error) => {
            if (error.name !== 'AnsweredError') throw error;
          });
          const reply = told.replies.find(({ jobId }) => jobId === job.id);
          return JSON.parse(reply?.frames.at(-1) ?? 'null') as Answer;
        },
      };
    },
    async rows() {
      const all: Record<string, string[]> = {};
      for (const table of tables) {
        const rows = await query(`SELECT * FROM ${table}`);
        all[table] = rows.map((row) => JSON.stringify(row)).sort();
      }
      return all;
    },
    query,
    async close() {
      await Promise.all(opened.map((sequelize) => sequelize.close()));
      await server?.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
