/**
 * The queue on Redis: one plain BullMQ queue, one job per client event. Gateway's end and worker's end stand together,
 * with the format of a job between them. That and the ways out of an outage make this file longer than most.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BackendFactory,
  createRedisBackend,
  type Job,
  Queue,
  type QueueBaseOptions,
  QueueEvents,
  type RedisQueueBackend,
  Worker,
} from 'bullmq';
import { Redis, type RedisOptions } from 'ioredis';
import type { Logger } from 'winston';
import { Unavailable } from '../protocol/errors.js';
import { createQueueEvents, fromJobId, type QueueEventSource, toJobId, toQueueEvent } from './job-id.js';
import type { ChatJob, ConsumeOptions, EventQueue, QueueConsumer } from './queue.js';

/** Milliseconds until an `add`, `has` or `ping` gives up; under the 3 s in which a client is told 4503. */
const PATIENCE = 2600;
/** A connection that owes an answer and hears nothing for this long is replaced: Redis is frozen, or the link dead. */
const SILENCE = { producer: 2400, worker: 10_000 };
/** How long a closing worker waits for Redis to note its finished jobs; unnoted ones run again elsewhere. */
const CLOSING_PATIENCE = 2000;
/** Failed jobs kept for people to look at. */
const KEPT_FAILURES = 1000;
/** Runs whose start is remembered for the durations in queue events. */
const REMEMBERED_STARTS = 10_000;

/** What a job's hash in Redis holds of a `ChatJob`: all that neither the job's id nor its options tell. */
type JobData = Omit<ChatJob, 'id' | 'type' | 'userId' | 'roomId' | 'lossy'>;

function toJobData({ gatewayId, connectionId, sessionId, eventId, data, addedAt }: ChatJob): JobData {
  return { gatewayId, connectionId, sessionId, eventId, data, addedAt };
}

function fromBullJob(job: Pick<Job<JobData>, 'id' | 'data' | 'opts'>): ChatJob {
  const identity = fromJobId(job.id ?? '');
  if (!identity) throw new Error('This job was not added by a chat gateway.');
  return { ...job.data, ...identity, ...(job.opts.lifo ? { lossy: true } : {}) };
}

/** Where the queue lives. `prefix` and `name` make its keys: `<prefix>:<name>:*`. */
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
  queue.on('error', outage.fault);

  const consumers = new Set<QueueConsumer>();
  let subscription: Subscription | undefined;
  const { events, tell } = createQueueEvents(logger, () => void subscribe());
  let closing: Promise<void> | undefined;

  /** Starts after the last event there is: what is added from now on over this connection is seen, however slow it is. */
  async function subscribe(): Promise<void> {
    while (!closing && !subscription) {
      try {
        const last = await link.use(() => client.xrevrange(queue.toKey('events'), '+', '-', 'COUNT', 1));
        if (!closing) subscription = openSubscription(last[0]?.[0] ?? '0-0');
      } catch {
        await Promise.race([link.ready, sleep(PATIENCE, undefined, { ref: false })]);
      }
    }
  }

  function openSubscription(lastEventId: string): Subscription {
    const own = duplicating((override) => connect({ ...override, maxRetriesPerRequest: null }));
    const source = new QueueEvents(name, { ...options, connection: own.template, lastEventId });
    source.on('error', outage.fault);
    tellQueueEvents(source, tell);
    return {
      async close() {
        const ended = own.duplicate ? endConnection(own.duplicate) : undefined;
        await source.close().catch(outage.fault);
        await ended;
      },
    };
  }

  return {
    events,
    async add(job) {
      // One command each, not `addBulk`: ioredis pipelines them by itself, and lockstep batches measured 40 % slower.
      const place = { jobId: toJobId(job), ...(job.lossy ? { lifo: true } : {}) };
      await link.use(() => queue.add(job.type, toJobData(job), place));
      outage.taken();
    },
    async has(job) {
      const id = toJobId(job);
      // The lists and not the job's hash, which is there for a failed job too; in one step, as jobs move between them.
      const found = await link.use(() =>
        client.multi().lpos(queue.toKey('wait'), id).lpos(queue.toKey('active'), id).exec(),
      );
      return (found ?? []).some(([, position]) => typeof position === 'number');
    },
    async hasFailed(job) {
      return (await link.use(() => client.zscore(queue.toKey('failed'), toJobId(job)))) !== null;
    },
    async ping() {
      await link.use(() => client.ping());
    },
    consume(wishes) {
      const consumer = createBullConsumer(name, options, wishes, connect, outage, logger);
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
        const added = link.close();
        await Promise.all([...consumers].map((consumer) => consumer.close()));
        await added;
        outage.close();
        const ended = endConnection(client);
        await subscription?.close();
        events.removeAllListeners();
        await queue.close().catch(outage.fault);
        await ended;
      })();
      return closing;
    },
  };
}

interface Subscription {
  close(): Promise<void>;
}

function tellQueueEvents(source: QueueEvents, tell: QueueEventSource['tell']): void {
  const starts = new Map<string, number>();
  const read = (jobId: string, eventId: string) => {
    const job = fromJobId(jobId);
    // The id of an event in the stream begins with Redis' clock.
    return job && toQueueEvent(job, Number.parseInt(eventId, 10));
  };
  const duration = (jobId: string, end: number) => {
    const start = starts.get(jobId);
    starts.delete(jobId);
    return start === undefined ? undefined : Math.max(0, end - start);
  };
  source.on('waiting', ({ jobId }, eventId) => {
    const event = read(jobId, eventId);
    if (event) tell('waiting', event);
  });
  source.on('active', ({ jobId }, eventId) => {
    const event = read(jobId, eventId);
    if (!event) return;
    starts.set(jobId, event.time);
    // Ends that are never seen (events are trimmed while nobody reads) must not fill the memory.
    for (const oldest of starts.keys()) {
      if (starts.size <= REMEMBERED_STARTS) break;
      starts.delete(oldest);
    }
    tell('active', event);
  });
  source.on('completed', ({ jobId }, eventId) => {
    const event = read(jobId, eventId);
    if (event) tell('completed', { ...event, duration: duration(jobId, event.time) });
  });
  source.on('failed', ({ jobId, failedReason }, eventId) => {
    const event = read(jobId, eventId);
    if (event) tell('failed', { ...event, duration: duration(jobId, event.time), reason: failedReason });
  });
  source.on('stalled', ({ jobId }, eventId) => {
    const event = read(jobId, eventId);
    if (event) tell('stalled', event);
  });
}

type Connect = (own: RedisOptions) => Redis;

function createBullConsumer(
  name: string,
  options: Omit<QueueBaseOptions, 'connection'>,
  { concurrency, run, onLost }: ConsumeOptions,
  connect: Connect,
  outage: Outage,
  logger: Logger,
): QueueConsumer {
  // A command that Redis has not answered is kept and sent again, however long the outage.
  const client = connect({ maxRetriesPerRequest: null, socketTimeout: SILENCE.worker });
  const blocking = duplicating((override) => connect({ ...override, maxRetriesPerRequest: null }), client);
  const inHand = new Set<Promise<void>>();
  let closing: Promise<void> | undefined;

  /** Settled is all that `close` wants to know of it; whoever called it handles its rejection. */
  function track(work: Promise<void>): Promise<void> {
    const settled = work.catch(() => {}).then(() => void inHand.delete(settled));
    inHand.add(settled);
    return work;
  }

  const backend: BackendFactory<RedisQueueBackend> = (queueName, queueOptions, more) => {
    const redis = createRedisBackend(queueName, queueOptions, more);
    const { moveToActive, moveToFailed } = redis;
    redis.moveToActive = async (...args) => {
      try {
        const taken = await moveToActive.apply(redis, args);
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
      const { data: _content, ...kept } = job.data;
      return moveToFailed.call(redis, failed, reason, keep, token, fetchNext, {
        ...fields,
        data: JSON.stringify(kept),
      });
    };
    return redis;
  };

  async function giveUp(bullJob: Job<JobData>): Promise<void> {
    let job: ChatJob | undefined;
    try {
      job = fromBullJob(bullJob);
      logger.error('A job is given up: its worker died or froze too often.', toLog(job));
      await onLost(job, bullJob.deferredFailure);
    } catch (error) {
      logger.error('The sender of a job that was given up could not be told.', { ...toLog(job), error });
    }
  }

  async function runJob(bullJob: Job<JobData>): Promise<void> {
    let job: ChatJob | undefined;
    try {
      job = fromBullJob(bullJob);
      // Counted by Redis when the job is taken, so a run that was killed at its first step counts too.
      await run(job, { earlierRuns: Math.max(0, bullJob.attemptsStarted - 1) });
    } catch (error) {
      logger.error('A job failed.', { ...toLog(job), error });
      throw error instanceof Error ? error : new Error(String(error));
    }
  }

  const worker = new Worker<JobData, void>(
    name,
    (job) => track(runJob(job)),
    {
      ...options,
      connection: client,
      concurrency,
      // A dead worker's job starts again 5 to 7.5 s later, at most twice; the third death makes it a failed one.
      lockDuration: 5000,
      stalledInterval: 2500,
      maxStalledCount: 2,
      runRetryDelay: 1000,
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

  return {
    ready: () => worker.waitUntilReady(),
    close() {
      closing ??= (async () => {
        // Frees the loop from its blocking read, and first: BullMQ alone would wait for ever while Redis is away.
        const free = blocking.duplicate && endConnection(blocking.duplicate);
        const closed = worker.close().catch(outage.fault);
        const late = new AbortController();
        do {
          // Again, because a job that was being taken at the start comes to hand later.
          await Promise.all(inHand);
          await Promise.race([closed, sleep(CLOSING_PATIENCE, undefined, { signal: late.signal })]);
        } while (inHand.size > 0);
        late.abort();
        await Promise.all([endConnection(client), free, closed]);
      })();
      return closing;
    },
  };
}

function toLog(job: ChatJob | undefined) {
  return { jobId: job?.id, eventType: job?.type, userId: job?.userId, connectionId: job?.connectionId };
}

function openConnection(redis: string | RedisOptions, own: RedisOptions): Redis {
  const options: RedisOptions = {
    // What a host may set for its own connections, and what would break the blocking reads here.
    commandTimeout: undefined,
    socketTimeout: undefined,
    enableAutoPipelining: false,
    enableOfflineQueue: true,
    lazyConnect: false,
    // BullMQ refuses ioredis' prefix; the queue's own does the same.
    keyPrefix: '',
    ...own,
    connectTimeout: 2000,
    disconnectTimeout: 1000,
    retryStrategy: (times) => Math.min(times * 100, 500),
  };
  return typeof redis === 'string' ? new Redis(redis, options) : new Redis({ ...redis, ...options });
}

/** BullMQ makes its blocking connections by `duplicate()`: this makes them ours, to watch and to end. */
function duplicating(make: Connect, template: Redis = new Redis({ lazyConnect: true })) {
  const made: { readonly template: Redis; duplicate?: Redis } = { template };
  template.duplicate = (override) => {
    made.duplicate = make(override ?? {});
    return made.duplicate;
  };
  return made;
}

/** Ends a connection in whatever state it is, and resolves when it has ended. */
function endConnection(client: Redis): Promise<void> {
  if (client.status === 'end') return Promise.resolve();
  const ended = new Promise<void>((resolve) => client.once('end', () => resolve()));
  const waits = client.status === 'reconnecting';
  client.disconnect();
  if (waits) {
    // `disconnect` took its timer, and without a socket no `end` would follow (bullmq issue 4585): give it one to end.
    client.once('connect', () => client.disconnect());
    client.connect().catch(() => {});
  }
  return ended;
}

/** The gateway's connection: waits for Redis as long as a client may wait, then fails at once until it is back. */
class Link {
  readonly #outage: Outage;
  readonly #inHand = new Set<Promise<unknown>>();
  #up = false;
  #downSince = Date.now();
  #open = () => {};
  #closed = false;
  /** Resolves when the connection is there. */
  ready: Promise<void> = this.#wait();

  constructor(client: Redis, outage: Outage) {
    this.#outage = outage;
    client.on('ready', () => {
      this.#up = true;
      this.#open();
    });
    client.on('close', () => {
      if (!this.#up) return;
      this.#up = false;
      this.#downSince = Date.now();
      this.ready = this.#wait();
    });
  }

  /** Runs commands on the connection. Rejects with `Unavailable` when Redis is away, refuses, or does not answer. */
  async use<T>(work: () => Promise<T>): Promise<T> {
    // So the first seconds without a connection, a start or a blip, are waited for; a longer outage is told at once.
    const patience = this.#up ? PATIENCE : this.#downSince + PATIENCE - Date.now();
    if (this.#closed || patience <= 0) throw new Unavailable();
    let late = false;
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        late = true;
        reject(new Error('Redis does not answer in time.'));
      }, patience);
    });
    const answer = this.#up ? work() : this.ready.then(() => (late ? tooLate : work()));
    const settled = Promise.race([answer, tooLate]);
    this.#inHand.add(settled);
    try {
      return await settled;
    } catch (error) {
      // What JSON cannot hold is the caller's mistake.
      if (error instanceof TypeError) throw error;
      this.#outage.fault(error);
      throw new Unavailable();
    } finally {
      clearTimeout(timer);
      this.#inHand.delete(settled);
    }
  }

  /** Takes no more work, and resolves when the work in hand has settled. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#inHand);
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#open = resolve;
    });
  }
}

/** Every `error` of every connection comes here: one line when Redis goes, one when it is back. */
class Outage {
  readonly #logger: Logger;
  readonly #clients = new Set<Redis>();
  readonly #told = new WeakSet<Error>();
  #away = false;
  #refusing = false;
  #closed = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  watch(client: Redis): Redis {
    this.#clients.add(client);
    client.on('error', this.fault);
    client.on('end', () => this.#clients.delete(client));
    client.on('ready', () => this.#back());
    return client;
  }

  #back(): void {
    if (!this.#away || [...this.#clients].some(({ status }) => status !== 'ready')) return;
    this.#away = false;
    this.#logger.info('Redis is back: the queue goes on.');
  }

  readonly fault = (thrown: unknown): void => {
    const error: NodeJS.ErrnoException = thrown instanceof Error ? thrown : new Error(String(thrown));
    // BullMQ emits an error again that was told here before, and perhaps after Redis was back.
    if (this.#closed || this.#told.has(error)) return;
    this.#told.add(error);
    const { message, code } = error;
    if (error.name === 'ReplyError') {
      if (this.#refusing) return;
      this.#refusing = true;
      this.#logger.error(`Redis refuses a command of the queue: ${message}`);
    } else if (typeof code === 'string' || LINK_ERRORS.test(message)) {
      if (this.#away) return;
      this.#away = true;
      this.#logger.error(`Redis cannot be reached, the queue waits for it: ${message || code}`);
    } else if (LOST_JOB.test(message)) {
      // One line for every job in hand, twice; the outage or the freeze that was the cause has its own line.
      this.#logger.debug(`BullMQ: ${message}`);
    } else {
      this.#logger.error('BullMQ failed.', { error });
    }
  };

  /** A command that writes went well: reads do while Redis is full. */
  taken(): void {
    // A Redis that was only slow comes back without a new connection.
    this.#back();
    if (!this.#refusing) return;
    this.#refusing = false;
    this.#logger.info('Redis takes commands of the queue again.');
  }

  close(): void {
    this.#closed = true;
  }
}

const LOST_JOB = /^could not renew lock for job|^(Missing|Lock mismatch|Job) .* moveToFinished/;
const LINK_ERRORS = /connection is closed|timed? ?out|in time|isn't writeable|max retries|aborted/i;
