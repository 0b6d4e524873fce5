/** The queue inside one process: what `bullmq.ts` does without Redis. Its jobs end with the process. */
import type { Logger } from 'winston';
import { Unavailable } from '../protocol/errors.js';
import { lineOf, type Turn } from './in-order.js';
import { createQueueEvents, tellPartRuns, toJobId, toQueueEvent } from './job-id.js';
import { type ChatJob, type ConsumeOptions, type EventQueue, LOSSY_CONCURRENCY, type QueueConsumer } from './queue.js';

/** Failed jobs whose id is remembered, as many as the Redis queue keeps. */
const KEPT_FAILURES = 1000;
/** Milliseconds after which a lossy job is stale. */
const FRESH_FOR = 5000;

/** Typing has a lane of its own: neither waits for the other. */
const LANES = ['events', 'lossy'] as const;
type Lane = (typeof LANES)[number];

const laneOf = ({ lossy }: ChatJob): Lane => (lossy ? 'lossy' : 'events');

interface Consumer extends ConsumeOptions {
  readonly inHand: Record<Lane, Set<Promise<void>>>;
}

const inHandOf = (consumers: Iterable<Consumer>) =>
  [...consumers].flatMap(({ inHand }) => LANES.flatMap((lane) => [...inHand[lane]]));

/** Makes a queue of this process, each lane first in, first out. */
export function createMemoryQueue({ logger }: { logger: Logger }): EventQueue {
  const { events, tell } = createQueueEvents(logger);
  const waiting: Record<Lane, Map<string, ChatJob>> = { events: new Map(), lossy: new Map() };
  const addedAt = new WeakMap<ChatJob, number>();
  /** Of jobs that were added in order, the turn of each. */
  const turns = new WeakMap<ChatJob, Turn>();
  const running = new Set<string>();
  const failed = new Set<string>();
  const consumers = new Set<Consumer>();
  let scheduled = false;
  let closing: Promise<void> | undefined;

  function idlest(lane: Lane): Consumer | undefined {
    let best: Consumer | undefined;
    for (const consumer of consumers) {
      const count = consumer.inHand[lane].size;
      if (count >= (lane === 'lossy' ? LOSSY_CONCURRENCY : consumer.concurrency)) continue;
      if (!best || count < best.inHand[lane].size) best = consumer;
    }
    return best;
  }

  /** Not within `add`, so that a job never runs inside the call that added it. */
  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    queueMicrotask(() => {
      scheduled = false;
      for (const lane of LANES) {
        for (const [jobId, job] of waiting[lane]) {
          const consumer = idlest(lane);
          if (!consumer) break;
          waiting[lane].delete(jobId);
          start(consumer, job, lane);
        }
      }
    });
  }

  function start(consumer: Consumer, job: ChatJob, lane: Lane): void {
    running.add(toJobId(job));
    const work = runJob(consumer, job);
    consumer.inHand[lane].add(work);
    void work.then(() => {
      consumer.inHand[lane].delete(work);
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
    const lane = laneOf(job);
    if (waiting[lane].has(jobId) || running.has(jobId) || failed.has(jobId)) {
      turn?.pass();
      return;
    }
    waiting[lane].set(jobId, copy);
    if (turn) turns.set(copy, turn);
    if (job.lossy) addedAt.set(copy, performance.now());
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
      return waiting[laneOf(job)].has(jobId) || running.has(jobId);
    },
    async hasFailed(job) {
      return failed.has(toJobId(job));
    },
    consume(options): QueueConsumer {
      const consumer: Consumer = { ...options, inHand: { events: new Set(), lossy: new Set() } };
      if (!closing) consumers.add(consumer);
      schedule();
      return {
        ready: async () => {},
        async close() {
          consumers.delete(consumer);
          await Promise.all(inHandOf([consumer]));
        },
      };
    },
    async ping() {
      if (closing) throw new Unavailable();
    },
    close() {
      closing ??= (async () => {
        const inHand = inHandOf(consumers);
        consumers.clear();
        await Promise.all(inHand);
        const left = waiting.events.size;
        if (left > 0) logger.warn(`The queue in memory closed with ${left} jobs nobody ran.`);
        events.removeAllListeners();
      })();
      return closing;
    },
  };
}
