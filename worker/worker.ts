import { type Assembly, assemble } from '../src/assembly.js';
import { checkDatabase, reachDatabase } from '../src/models/check.js';
import { checkServer } from '../src/models/check-server.js';
import { checkRedis } from '../src/queue/check-redis.js';
import type { QueueConsumer } from '../src/queue/queue.js';
import { complaintsOf } from '../src/settings/finding.js';
import { type ChatSettings, resolveSettings } from '../src/settings/settings.js';

/** Milliseconds between looks for what may be forgotten; each worker waits a little differently. */
const cleanUpInterval = 60_000;

/** Takes events from the queue, runs them, publishes what they made. */
export interface ChatWorker {
  /** Resolves when events are being taken. */
  ready(): Promise<void>;
  /** Takes no more events and resolves when those in hand are done and everything opened for it is closed. */
  close(): Promise<void>;
}

/**
 * A worker with its own connections: the same settings as the app's, as many workers as one likes. Rejects with one
 * sentence that says what to do when database, tables or Redis are missing.
 */
export async function createWorker(settings: ChatSettings): Promise<ChatWorker> {
  const { redis } = resolveSettings(settings);
  if (redis === undefined) {
    throw new Error(
      'A worker of its own needs Redis: give the setting redis, or work in the app by chat.startWorker().',
    );
  }
  // Before anything connects for good: then the sentence below is all that is said.
  try {
    await checkRedis(redis);
  } catch (error) {
    // A wrong part is told before a missing server: it is the settings that are at hand.
    await assemble({ ...settings, redis: undefined, logger: undefined, logLevel: 'error' }).close();
    throw error;
  }
  const assembly = assemble(settings);
  try {
    await checkReady(assembly);
    const worker = startWorker(assembly);
    await worker.ready();
    return {
      ready: worker.ready,
      async close() {
        await worker.close();
        await assembly.close();
      },
    };
  } catch (error) {
    await assembly.close();
    throw error;
  }
}

/** Works with parts that exist already; closing it leaves them open. */
export function startWorker({ runtime, queue }: Assembly): ChatWorker {
  const { settings, logger } = runtime;
  const consumer: QueueConsumer = queue.consume({
    concurrency: settings.concurrency,
    run: async (job, delivery) => {
      await runtime.runJob(job, delivery);
    },
    onLost: (job, reason) => runtime.reportLost(job, reason),
  });
  const timer = setInterval(
    () => void runtime.cleanUp().catch((error: unknown) => logger.warn('Cleaning up failed.', { error })),
    cleanUpInterval * (0.8 + Math.random() * 0.4),
  );
  timer.unref();
  return {
    ready: () => consumer.ready(),
    async close() {
      clearInterval(timer);
      await consumer.close();
    },
  };
}

/** Rejects with a sentence when events could not be run. */
export async function checkReady({ sequelize, models, settings, logger }: Assembly): Promise<void> {
  await reachDatabase(sequelize);
  const server = await checkServer(sequelize, settings);
  const complaints = [...(await checkDatabase(sequelize, models)), ...complaintsOf(server, 'error')];
  if (complaints.length > 0) throw new Error(complaints.join(' '));
  for (const complaint of complaintsOf(server, 'warning')) logger.warn(complaint);
  if (settings.redis === undefined) return;
  for (const complaint of await checkRedis(settings.redis)) logger.warn(complaint);
}
