/** The queue inside one process: what `bullmq.ts` does without Redis. Its jobs end with the process. */
import type { Logger } from 'winston';
import { Unavailable } from '../protocol/errors.js';
import { lineOf, type Turn } from './in-order.js';
import { createQueueEvents, tellPartRuns, toJobId, toQueueEvent } from './job-id.js';
import type { ChatJob, ConsumeOptions, EventQueue, QueueConsumer } from './queue.js';

/** Failed jobs whose id is remembered, as many as the Redis queue keeps. */
const KEPT_FAILURES = 1000;
/** Milliseconds after which a lossy job is stale. */
const FRESH_FOR = 5000;

interface Consumer extends ConsumeOptions {
  readonly inHand: Set<Promise<void>>;
}

/** Makes a queue of this process: first in, first out, but the newest lossy job before all others. */
export function createMemoryQueue({ logger }: { logger: Logger }): EventQueue {
  const { events, tell } = createQueueEvents(logger);
  const waiting = new Map<string, ChatJob>();
  const lossy: string[] = [];
  const addedAt = new WeakMap<ChatJob, number>();
  /** Of jobs that were added in order, the turn of each. */
  const turns = new WeakMap<ChatJob, Turn>();
  const running = new Set<string>();
  const failed = new Set<string>();
  const consumers = new Set<Consumer>();
  let scheduled = false;
  let closing: Promise<void> | undefined;

  function take(): ChatJob | undefined {
    const jobId = lossy.pop() ?? waiting.keys().next().value;
    if (jobId === undefined) return undefined;
    const job = waiting.get(jobId);
    waiting.delete(jobId);
    return job;
  }

  function idlest(): Consumer | undefined {
    let best: Consumer | undefined;
    for (const consumer of consumers) {
      if (consumer.inHand.size >= consumer.concurrency) continue;
      if (!best || consumer.inHand.size < best.inHand.size) best = consumer;
    }
    return best;
  }

  /** Not within `add`, so that a job never runs inside the call that added it. */
  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    queueMicrotask(() => {
      scheduled = false;
      for (let consumer = idlest(); consumer && waiting.size > 0; consumer = idlest()) {
        const job = take();
        if (job) start(consumer, job);
      }
    });
  }

  function start(consumer: Consumer, job: ChatJob): void {
    running.add(toJobId(job));
    const work = runJob(consumer, job);
    consumer.inHand.add(work);
    void work.then(() => {
      consumer.inHand.delete(work);
      schedule();
    });
  }

  async function runJob(consumer: Consumer, job: ChatJob): Promise<void> {
    const jobId = toJobId(job);
    const line = turns.get(job);
    if (line) await line.begin;
    const begun = Date.now();
    tell('active', toQueueEvent(job, begun));
    try {
      const isStale = job.lossy && performance.now() - (addedAt.get(job) ?? 0) > FRESH_FOR;
      await consumer.run(isStale ? { ...job, isStale } : job, { earlierRuns: 0, line }, (runs) =>
        tellPartRuns(runs, { added: job.addedAt, begun, ended: Date.now() }, tell),
      );
      running.delete(jobId);
      const time = Date.now();
      tell('completed', { ...toQueueEvent(job, time), duration: time - begun });
    } catch (error) {
      running.delete(jobId);
      failed.add(jobId);
      for (const oldest of failed) {
        if (failed.size <= KEPT_FAILURES) break;
        failed.delete(oldest);
      }
      if ((error as { isLogged?: unknown } | null)?.isLogged !== true)
        logger.error('A job failed.', { jobId: job.id, eventType: job.type, userId: job.userId, error });
      const time = Date.now();
      const reason = error instanceof Error ? error.message : String(error);
      tell('failed', { ...toQueueEvent(job, time), duration: time - begun, reason });
    }
    line?.pass();
  }

  function add(job: ChatJob, turn?: Turn): void {
    const jobId = toJobId(job);
    // Through JSON, as through Redis: what JSON drops or refuses shows in this twin too.
    const copy = JSON.parse(JSON.stringify(job)) as ChatJob;
    if (waiting.has(jobId) || running.has(jobId) || failed.has(jobId)) {
      turn?.pass();
      return;
    }
    waiting.set(jobId, copy);
    if (turn) turns.set(copy, turn);
    if (job.lossy) {
      lossy.push(jobId);
      addedAt.set(copy, performance.now());
    }
    tell('waiting', toQueueEvent(job, Date.now()));
    schedule();
  }

  return {
    events,
    async add(job) {
      if (closing) throw new Unavailable();
      add(job);
    },
    async addInOrder(jobs) {
      if (closing) throw new Unavailable();
      for (const [index, turn] of lineOf(jobs.length).entries()) add(jobs[index]!, turn);
    },
    async has(job) {
      const jobId = toJobId(job);
      return waiting.has(jobId) || running.has(jobId);
    },
    async hasFailed(job) {
      return failed.has(toJobId(job));
    },
    consume(options): QueueConsumer {
      const consumer: Consumer = { ...options, inHand: new Set() };
      if (!closing) consumers.add(consumer);
      schedule();
      return {
        ready: async () => {},
        async close() {
          consumers.delete(consumer);
          await Promise.all(consumer.inHand);
        },
      };
    },
    async ping() {
      if (closing) throw new Unavailable();
    },
    close() {
      closing ??= (async () => {
        const inHand = [...consumers].flatMap((consumer) => [...consumer.inHand]);
        consumers.clear();
        await Promise.all(inHand);
        if (waiting.size > 0) logger.warn(`The queue in memory closed with ${waiting.size} jobs nobody ran.`);
        events.removeAllListeners();
      })();
      return closing;
    },
  };
}
