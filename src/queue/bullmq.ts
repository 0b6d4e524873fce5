// Long: both ends of the pipe and all the ways in which they end stand together.

/**
 * The queue on Redis: two plain BullMQ queues, a job per client event or, under load, per bundle of them. Typing has the
 * second one for itself, with a BullMQ worker of its own: neither waits for the other. Gateway's end and worker's end stand
 * together, with the format of a job between them; the ways out of an outage are in redis-link.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BackendFactory,
  createRedisBackend,
  type Job,
  type JobJson,
  Queue,
  type QueueBaseOptions,
  QueueEvents,
  type RedisQueueBackend,
  Worker,
} from 'bullmq';
import type { Redis, RedisOptions } from 'ioredis';
import type { Logger } from 'winston';
import { Places } from '../places.js';
import { Unavailable } from '../protocol/errors.js';
import { type PackedRuns, packRuns, tellQueueEvents } from './bullmq-events.js';
import { BUNDLE, bundling, eventsOf, runBundle } from './bundles.js';
import { createQueueEvents, fromJobId, toJobId } from './job-id.js';
import {
  type ChatJob,
  type ConsumeOptions,
  type EventQueue,
  LOSSY_CONCURRENCY,
  type PartRun,
  type QueueConsumer,
} from './queue.js';
import { duplicating, endConnection, Link, Outage, openConnection, PATIENCE } from './redis-link.js';

/** A connection that owes an answer and hears nothing for this long is replaced: Redis is frozen, or the link dead. */
const SILENCE = { producer: 2400, worker: 10_000 };
/** How long a closing worker waits for Redis to note its finished jobs; unnoted ones run again elsewhere. */
const CLOSING_PATIENCE = 2000;
/** How long it waits for the jobs in hand; while Redis is away they cannot tell anybody, and run again elsewhere. */
const DRAINING_PATIENCE = { there: 20_000, away: 4000 };
/** Milliseconds for which Redis remembers that a lossy job is fresh: no clocks are compared. */
const FRESH_FOR = 5000;
/** Failed jobs kept for people to look at. */
const KEPT_FAILURES = 1000;

/** What a job's hash in Redis holds of a `ChatJob`: all that the job's id does not tell. */
interface JobData extends Omit<ChatJob, 'id' | 'type' | 'userId' | 'roomId'> {
  /** It ran with others and failed for this reason: it is there to be kept among the failed jobs. */
  readonly failure?: string | undefined;
}

function toJobData({ gatewayId, connectionId, sessionId, eventId, data, addedAt, lossy, resent }: ChatJob): JobData {
  return { gatewayId, connectionId, sessionId, eventId, data, addedAt, lossy, resent };
}

/** A job as BullMQ stores it, without options. */
const plainJob = {
  opts: {},
  progress: 0,
  attemptsMade: 0,
  attemptsStarted: 0,
  stalledCounter: 0,
  failedReason: '',
  returnvalue: '',
} satisfies Partial<JobJson>;

function fromBullJob(job: Pick<Job<JobData>, 'id' | 'data'>): ChatJob {
  const identity = fromJobId(job.id ?? '');
  if (!identity) throw new Error('This job was not added by a chat gateway.');
  return { ...job.data, ...identity };
}

/** The BullMQ queue of the lossy jobs that belongs to the one of that name. */
const lossyName = (name: string) => `${name}-lossy`;

/** The key that is there while a lossy job is fresh. */
const freshKey = (name: string, prefix: string, { id }: ChatJob) => `${prefix}:${lossyName(name)}:fresh:${id}`;

/** Where the queue lives. `prefix` and `name` make its keys: `<prefix>:<name>:*` and `<prefix>:<name>-lossy:*`. */
export interface BullQueueOptions {
  readonly redis: string | RedisOptions;
  readonly prefix: string;
  readonly name: string;
  readonly logger: Logger;
}

/** Makes the queue on Redis, connecting at once; with Redis away it waits for it, and for its return. */
export function createBullQueue({ redis, prefix, name, logger }: BullQueueOptions): EventQueue {
  const outage = new Outage(logger);
  const connect = (own: RedisOptions) => outage.watch(openConnection(redis, own));
  // The version check is BullMQ's one command at connecting; when it fails, the queue would stay broken for ever.
  const options = { prefix, skipVersionCheck: true };

  const client = connect({ enableOfflineQueue: false, maxRetriesPerRequest: 0, socketTimeout: SILENCE.producer });
  const link = new Link(client, outage);
  const queue = new Queue<JobData>(name, { ...options, connection: client });
  const lossyQueue = new Queue<JobData>(lossyName(name), { ...options, connection: client });
  const queues = [queue, lossyQueue];
  for (const one of queues) one.on('error', outage.fault);
  const queueOf = ({ lossy }: ChatJob) => (lossy ? lossyQueue : queue);

  const consumers = new Set<QueueConsumer>();
  const subscriptions: Subscription[] = [];
  const { events, tell } = createQueueEvents(logger, () => {
    for (const one of queues) void subscribe(one);
  });
  let closing: Promise<void> | undefined;

  /** The job in the queue that holds an event which went with others. */
  const bundleIds = new WeakMap<ChatJob, string>();

  async function add(job: ChatJob, failure?: string): Promise<void> {
    const id = toJobId(job);
    if (job.type === BUNDLE) for (const part of eventsOf(job)) bundleIds.set(part, id);
    const data = toJobData(job);
    // Those that do not come together one command each, not `addBulk`: lockstep batches measured 40 % slower.
    await link.use(async () => {
      // Before the job, on the same connection: whoever takes it finds the mark.
      const marked = job.lossy ? client.set(freshKey(name, prefix, job), '', 'PX', FRESH_FOR) : undefined;
      const content = JSON.stringify(failure === undefined ? data : { ...data, data: undefined, failure });
      // What is below `Queue.add`, which takes twice as long for options that no job here has.
      const added = queueOf(job)
        .getBackend()
        .addJob({ ...plainJob, id, name: job.type, data: content, timestamp: Date.now() }, id);
      await Promise.all([marked, added]);
    });
    outage.taken();
  }

  const addSoon = bundling(add);
  /** Typing comes in batches, what is added again was with others before, and a gateway's own questions seldom come at once. */
  const goesAlone = (job: ChatJob) => job.lossy === true || job.resent === true || job.type.startsWith('$');

  /** The events that wait in a bundle. */
  async function readParts(jobId: string): Promise<readonly ChatJob[]> {
    const data = await link.use(() => client.hget(queue.toKey(jobId), 'data'));
    return data === null ? [] : eventsOf({ ...(JSON.parse(data) as ChatJob), type: BUNDLE });
  }

  /** Starts after the last event there is: what is added from now on over this connection is seen, however slow it is. */
  async function subscribe(to: Queue): Promise<void> {
    while (!closing) {
      try {
        const last = await link.use(() => client.xrevrange(to.toKey('events'), '+', '-', 'COUNT', 1));
        if (!closing) subscriptions.push(openSubscription(to.name, last[0]?.[0] ?? '0-0'));
        return;
      } catch {
        await Promise.race([link.ready, sleep(PATIENCE, undefined, { ref: false })]);
      }
    }
  }

  function openSubscription(name: string, lastEventId: string): Subscription {
    const own = duplicating((override) => connect({ ...override, maxRetriesPerRequest: null }));
    const source = new QueueEvents(name, { ...options, connection: own.template, lastEventId });
    source.on('error', outage.fault);
    tellQueueEvents(source, tell, readParts);
    return {
      async close() {
        const ended = own.end();
        await source.close().catch(outage.fault);
        await ended;
      },
    };
  }

  return {
    events,
    async add(job) {
      if (closing) throw new Unavailable();
      await (goesAlone(job) ? add(job) : addSoon([job]));
    },
    async addInOrder(jobs) {
      if (closing) throw new Unavailable();
      await addSoon(jobs);
    },
    async has(job) {
      const its = queueOf(job);
      const ids = [toJobId(job), bundleIds.get(job)].filter((id) => id !== undefined);
      // The lists and not the job's hash, which is there for a failed job too; in one step, as jobs move between them.
      const found = await link.use(() => {
        const look = client.multi();
        for (const id of ids) look.lpos(its.toKey('wait'), id).lpos(its.toKey('active'), id);
        return look.exec();
      });
      return (found ?? []).some(([, position]) => typeof position === 'number');
    },
    async hasFailed(job) {
      return (await link.use(() => client.zscore(queueOf(job).toKey('failed'), toJobId(job)))) !== null;
    },
    async ping() {
      await link.use(() => client.ping());
    },
    consume(wishes) {
      const consumer = createBullConsumer(name, options, wishes, { connect, outage, logger, add });
      consumers.add(consumer);
      const close = async () => {
        await consumer.close();
        consumers.delete(consumer);
      };
      if (closing) void close();
      return { ready: consumer.ready, close };
    },
    close() {
      closing ??= (async () => {
        // They may have to give events of a bundle back.
        await Promise.all([...consumers].map((consumer) => consumer.close()));
        await link.close();
        outage.close();
        const ended = endConnection(client);
        await Promise.all(subscriptions.map((subscription) => subscription.close()));
        events.removeAllListeners();
        await Promise.all(queues.map((one) => one.close().catch(outage.fault)));
        await ended;
      })();
      return closing;
    },
  };
}

interface Subscription {
  close(): Promise<void>;
}

/** What a worker's end takes over from the queue. */
interface ConsumerParts {
  connect(own: RedisOptions): Redis;
  readonly outage: Outage;
  readonly logger: Logger;
  /** Adds a job by itself; with `failure`, one that only fails. */
  add(job: ChatJob, failure?: string): Promise<void>;
}

function createBullConsumer(
  name: string,
  options: Omit<QueueBaseOptions, 'connection'> & { readonly prefix: string },
  { concurrency, run, onLost }: ConsumeOptions,
  { connect, outage, logger, add }: ConsumerParts,
): QueueConsumer {
  const places = new Places(concurrency);
  // A command that Redis has not answered is kept and sent again, however long the outage.
  const client = connect({ maxRetriesPerRequest: null, socketTimeout: SILENCE.worker });
  const blocking = duplicating((override) => connect({ ...override, maxRetriesPerRequest: null }), client);
  const inHand = new Set<Promise<void>>();
  let closing: Promise<void> | undefined;
  let isClosed = false;

  /** Settled is all that `close` wants to know of it; whoever called it handles its rejection. */
  function track<T>(work: Promise<T>): Promise<T> {
    const settled: Promise<void> = work.then(noop, noop).then(() => void inHand.delete(settled));
    inHand.add(settled);
    return work;
  }

  const backend: BackendFactory<RedisQueueBackend> = (...about) => {
    const redis = createRedisBackend(...about);
    const { moveToActive, moveToFailed } = redis;
    let hasTaken = false;
    redis.moveToActive = async (...args) => {
      // BullMQ looks for a second job before it begins the first, which waits for the answer meanwhile. Told that there is
      // none it begins; then it waits for the mark of a job, which the taking of the first has left.
      if (hasTaken) {
        hasTaken = false;
        return [...NOTHING];
      }
      try {
        const taken = await moveToActive.apply(redis, args);
        hasTaken = Boolean(taken[0]);
        outage.taken();
        return taken;
      } catch (error) {
        outage.fault(error);
        // BullMQ tries again at once, thousands of times a second while Redis is full or loading.
        await sleep(250);
        throw error;
      }
    };
    redis.moveToFailed = async (failed, reason, keep, token, fetchNext, fields) => {
      const job = failed as unknown as Job<JobData>;
      if (job.deferredFailure) await track(giveUp(job));
      // In the script that marks it as failed, so that no failed job keeps its content and no running one loses it.
      const { data: _content, failure: _reason, ...kept } = job.data;
      return moveToFailed.call(redis, failed, reason, keep, token, fetchNext, {
        ...fields,
        data: JSON.stringify(kept),
      });
    };
    return redis;
  };

  async function giveUp(bullJob: Job<JobData>): Promise<void> {
    let job: ChatJob | undefined;
    const untold = (error: unknown): void => {
      logger.error('The sender of a job that was given up could not be told.', { ...toLog(job), error });
    };
    try {
      job = fromBullJob(bullJob);
    } catch (error) {
      return untold(error);
    }
    logger.error('A job is given up: its worker died or froze too often.', toLog(job));
    const reason = bullJob.deferredFailure;
    for (const part of eventsOf(job)) {
      await onLost(part, reason).catch(untold);
      // Kept by itself, as one that came alone is: its gateway looks for it by its own name.
      if (part !== job) await passOn(part, Object.assign(new Error(reason), { isLogged: true }));
    }
  }

  /** Makes an event of a bundle a job of its own, however long Redis does not take it: nobody else knows of it. */
  async function passOn(job: ChatJob, error?: unknown): Promise<void> {
    if (error !== undefined && !isLogged(error)) logger.error('A job failed.', { ...toLog(job), error });
    const failure = error instanceof Error ? error.message : error === undefined ? undefined : String(error);
    while (!isClosed) {
      try {
        return await add(job, failure);
      } catch {
        await sleep(500, undefined, { ref: false });
      }
    }
    // The bundle runs again elsewhere; it must not end here.
    await new Promise(noop);
  }

  async function runJob(bullJob: Job<JobData>): Promise<PackedRuns> {
    const { failure } = bullJob.data;
    if (failure !== undefined) throw new Error(failure);
    let job: ChatJob | undefined;
    try {
      job = fromBullJob(bullJob);
      if (job.lossy && (await client.exists(freshKey(name, options.prefix, job))) === 0)
        job = { ...job, isStale: true };
      // Counted by Redis when the job is taken, so a run that was killed at its first step counts too.
      const delivery = { earlierRuns: Math.max(0, bullJob.attemptsStarted - 1) };
      if (job.type === BUNDLE) {
        return packRuns(
          await runBundle(job, { run, ...delivery, places, isClosing: () => closing !== undefined, passOn }),
        );
      }
      let result: PackedRuns;
      const report = (runs: readonly PartRun[]) => {
        result = packRuns(runs);
      };
      const one = job;
      if (one.lossy) await run(one, delivery, report);
      else await places.use(() => run(one, delivery, report));
      return result;
    } catch (error) {
      if (!isLogged(error)) logger.error('A job failed.', { ...toLog(job), error });
      throw error instanceof Error ? error : new Error(String(error));
    }
  }

  /** Takes the jobs of one of the two BullMQ queues. */
  function take(queueName: string, atOnce: number): Worker<JobData, PackedRuns> {
    const worker = new Worker<JobData, PackedRuns>(
      queueName,
      (job) => track(runJob(job)),
      {
        ...options,
        connection: client,
        concurrency: atOnce,
        // A dead worker's job starts again 5 to 7.5 s later, at most twice; the third death makes it a failed one.
        lockDuration: 5000,
        stalledInterval: 2500,
        maxStalledCount: 2,
        runRetryDelay: 1000,
        // Seconds between two looks for jobs: the word of a new one may have gone to a worker that froze or died with it.
        drainDelay: 1,
        removeOnComplete: { count: 0 },
        removeOnFail: { count: KEPT_FAILURES },
      },
      backend,
    );
    worker.on('error', (error) => {
      // A worker that closes cuts its own commands off.
      if (!closing) outage.fault(error);
    });
    worker.on('lockRenewalFailed', (jobIds: string[]) => {
      logger.warn(`Lost the locks of ${jobIds.length} jobs in hand, frozen or cut off: other workers run them again.`);
    });
    return worker;
  }

  const workers = [take(name, concurrency), take(lossyName(name), LOSSY_CONCURRENCY)];

  /** Resolves when a closing worker has waited long enough. */
  async function outOfPatience(signal: AbortSignal): Promise<false> {
    const begun = performance.now();
    let isAwaySince = begun;
    for (;;) {
      await sleep(250, undefined, { signal });
      const now = performance.now();
      if (client.status === 'ready') isAwaySince = now;
      if (now - begun > DRAINING_PATIENCE.there || now - isAwaySince > DRAINING_PATIENCE.away) return false;
    }
  }

  return {
    async ready() {
      await Promise.all(workers.map((worker) => worker.waitUntilReady()));
    },
    close() {
      closing ??= (async () => {
        // Frees the loops from their blocking reads, and first: BullMQ alone would wait for ever while Redis is away.
        const free = blocking.end();
        const closed = Promise.all(workers.map((worker) => worker.close().catch(outage.fault)));
        const late = new AbortController();
        const isDrained = await Promise.race([drained(), outOfPatience(late.signal)]);
        late.abort();
        isClosed = true;
        await Promise.all([endConnection(client), free]);
        if (isDrained) await closed;
        else logger.warn(`Closing leaves ${inHand.size} jobs in hand behind: other workers run them again.`);

        async function drained(): Promise<true> {
          do {
            // Again, because a job that was being taken at the start comes to hand later.
            await Promise.all(inHand);
            await Promise.race([closed, sleep(CLOSING_PATIENCE, undefined, { signal: late.signal })]);
          } while (inHand.size > 0);
          return true;
        }
      })();
      return closing;
    },
  };
}

const noop = () => {};

/** What BullMQ's backend answers when no job waits: none, without a name, limits or delays. */
const NOTHING: readonly unknown[] = [null, 0, 0, 0];

/** Whether whoever ran the job has put the error into the log already. */
function isLogged(error: unknown): boolean {
  return (error as { isLogged?: unknown } | null)?.isLogged === true;
}

function toLog(job: ChatJob | undefined) {
  return { jobId: job?.id, eventType: job?.type, userId: job?.userId, connectionId: job?.connectionId };
}
