import type { Assembly } from '../src/assembly.js';
import { runLossyBatch } from '../src/consumer/lossy-batch.js';
import { checkDatabase, reachDatabase } from '../src/models/check.js';
import { checkServer } from '../src/models/check-server.js';
import { checkRedis } from '../src/queue/check-redis.js';
import { LOSSY_BATCH, type QueueConsumer } from '../src/queue/queue.js';
import { complaintsOf } from '../src/settings/finding.js';

/** Milliseconds between looks for what may be forgotten; each worker waits a little differently. */
const cleanUpInterval = 60_000;

/** Takes events from the queue, runs them, publishes what they made. */
export interface ChatWorker {
  /** Resolves when events are being taken. */
  ready(): Promise<void>;
  /** Takes no more events and resolves when those in hand are done and everything opened for it is closed. */
  close(): Promise<void>;
}

/** Works with parts that exist already; closing it leaves them open. */
export function startWorker({ runtime, queue }: Assembly): ChatWorker {
  const { settings, logger } = runtime;
  const consumer: QueueConsumer = queue.consume({
    concurrency: settings.concurrency,
    run: async (job, delivery, report) => {
      if (job.type === LOSSY_BATCH) report(await runLossyBatch(runtime, job, delivery));
      else await runtime.runJob(job, delivery);
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
