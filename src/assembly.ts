import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { Sequelize, type Options as SequelizeOptions } from 'sequelize';
import type { Logger } from 'winston';
import type { Broadcast } from './broadcast/broadcast.js';
import { createMemoryBroadcast } from './broadcast/memory.js';
import { createRedisBroadcast } from './broadcast/redis.js';
import { act } from './consumer/acting.js';
import { WorkerRuntime } from './consumer/runtime.js';
import { createDefaultLogger, createRedactedLogger } from './logging/logger.js';
import { spareFormatting, useReadCommitted } from './models/connections.js';
import { modelsFromSettings } from './models/from-settings.js';
import type { ChatModels } from './models/index.js';
import { migrate } from './models/migrate.js';
import { createBullQueue } from './queue/bullmq.js';
import { createMemoryQueue } from './queue/memory.js';
import type { EventQueue } from './queue/queue.js';
import { type ChatSettings, type ResolvedSettings, resolveSettings } from './settings/settings.js';

/** The parts that an app and a worker have in common, made from one set of settings. */
export interface Assembly {
  readonly settings: ResolvedSettings;
  readonly logger: Logger;
  readonly sequelize: Sequelize;
  readonly models: ChatModels;
  readonly queue: EventQueue;
  readonly broadcast: Broadcast;
  readonly runtime: WorkerRuntime;
  /** Whether queue and broadcast live in this process. */
  readonly isEmbedded: boolean;
  /** Runs an event in a user's name in this process; `isSystem`: without asking for permissions. */
  act(userId: string | number, type: string, data: object, isSystem: boolean): Promise<Record<string, unknown>>;
  /** Runs the package's migrations that did not run yet; resolves to their names. */
  migrate(): Promise<string[]>;
  /** Closes queue, broadcast, and the database if it was opened here. */
  close(): Promise<void>;
}

/** Makes the parts. Opens no socket and runs no query by itself; a wrong setting throws a sentence. */
export function assemble(input: ChatSettings): Assembly {
  const settings = resolveSettings(input);
  const logger = settings.logger
    ? createRedactedLogger(settings.logger)
    : createDefaultLogger({ level: settings.logLevel });
  const sequelize = openDatabase(settings.database);
  const ownsDatabase = sequelize !== settings.database;
  const undo = [spareFormatting(sequelize), useReadCommitted(sequelize, ownsDatabase)];
  const models = modelsFromSettings(sequelize, settings);
  const { redis, redisPrefix: prefix } = settings;
  const isEmbedded = redis === undefined;
  const queue = isEmbedded
    ? createMemoryQueue({ logger })
    : createBullQueue({ redis, prefix, name: settings.queueName, logger });
  const broadcast = isEmbedded
    ? createMemoryBroadcast({ historySize: settings.redisHistorySize })
    : createRedisBroadcast({ redis, prefix, historySize: settings.redisHistorySize, logger });
  let runtime: WorkerRuntime | undefined;
  const closeAll = async () => {
    await runtime?.settled();
    await queue.close();
    await broadcast.close();
    for (const one of undo) one();
    if (ownsDatabase) await sequelize.close();
  };
  try {
    runtime = new WorkerRuntime({ settings, sequelize, models, broadcast, logger });
  } catch (error) {
    // A wrong class must not leave connections behind that keep the process from ending.
    closeAll().catch((failure: unknown) => logger.warn('Closing after a wrong setting failed.', { error: failure }));
    throw error;
  }
  if (isEmbedded) {
    logger.info('The chat runs embedded: no redis is set, so queue and broadcast serve this one process only.');
  }
  return {
    settings,
    logger,
    sequelize,
    models,
    queue,
    broadcast,
    runtime,
    isEmbedded,
    act: (userId, type, data, isSystem) => act(runtime, userId, type, data, isSystem),
    migrate: () =>
      migrate(sequelize, {
        tablePrefix: settings.tablePrefix,
        usersTable: String(models.User.getTableName()),
        createUsersTable: settings.userModel === undefined,
      }),
    close: closeAll,
  };
}

function openDatabase(database: Sequelize | SequelizeOptions | string): Sequelize {
  if (database instanceof Sequelize) return database;
  // `sqlite:PATH` means that path; Sequelize would take it for a URL.
  const sqlitePath = typeof database === 'string' ? /^sqlite:(?:\/\/)?(.+)$/.exec(database)?.[1] : undefined;
  const options: SequelizeOptions | undefined =
    sqlitePath !== undefined
      ? { dialect: 'sqlite', storage: sqlitePath }
      : typeof database === 'object'
        ? database
        : undefined;
  if (options?.dialect === 'sqlite' && options.storage && options.storage !== ':memory:') {
    mkdirSync(path.dirname(path.resolve(options.storage)), { recursive: true });
  }
  const defaults: SequelizeOptions = { logging: false, pool: { max: 10 } };
  return options ? new Sequelize({ ...defaults, ...options }) : new Sequelize(database as string, defaults);
}
