/** What the tests of the queue on Redis share. */
import { join } from 'node:path';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { createBullQueue } from '../../src/queue/bullmq.js';
import type { EventQueue } from '../../src/queue/queue.js';
import { startProcess } from '../helpers/processes.js';
import { startRedis, type TestRedis } from '../helpers/services.js';
import { keepingLogger } from './support.js';

/** Queues on a Redis of this file's own. All that a test opens is closed behind it. Called once, beside the tests. */
export function useBullQueues() {
  let redis: TestRedis;
  let client: Redis;
  let name = '';
  let count = 0;
  const closers: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    redis = await startRedis();
    client = new Redis(redis.url);
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  afterAll(async () => {
    client?.disconnect();
    await redis?.stop();
  });

  return {
    get client() {
      return client;
    },

    /** The full name of a key of the queue; with `-lossy`, of that of typing. */
    key: (type: string, ending: '' | '-lossy' = '') => `${redis.prefix}:${name}${ending}:${type}`,

    /** A queue under a fresh name, or another end of the last one. */
    open(again?: 'again'): { queue: EventQueue; lines: string[] } {
      if (!again) name = `events-${++count}`;
      const { logger, lines } = keepingLogger();
      const queue = createBullQueue({ redis: redis.url, prefix: redis.prefix, name, logger });
      closers.push(() => queue.close());
      return { queue, lines };
    },

    /** The same queue as anybody's BullMQ sees it; with `-lossy`, that of typing. */
    plainQueue(ending: '' | '-lossy' = ''): Queue {
      const queue = new Queue(`${name}${ending}`, { connection: client, prefix: redis.prefix });
      closers.push(() => queue.close());
      return queue;
    },

    /** A worker in a process of its own; `die` ends it by SIGKILL as soon as it runs a job, `hang` never ends a run. */
    startWorker(behaviour: string) {
      const worker = startProcess(process.execPath, [join(import.meta.dirname, 'worker-child.mjs')], {
        env: { QUEUE_REDIS: redis.url, QUEUE_PREFIX: redis.prefix, QUEUE_NAME: name, QUEUE_BEHAVIOUR: behaviour },
      });
      closers.push(() => worker.stop('SIGKILL'));
      return worker;
    },
  };
}
