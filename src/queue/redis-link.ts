import { Redis, type RedisOptions } from 'ioredis';
import type { Logger } from 'winston';
import { Unavailable } from '../protocol/errors.js';
import { writeTogether } from '../write-together.js';

/** Milliseconds until an `add`, `has` or `ping` gives up; under the 3 s in which a client is told 4503. */
export const PATIENCE = 2600;

/** A connection of ours on the host's terms, without what would break BullMQ. */
export function openConnection(redis: string | RedisOptions, own: RedisOptions): Redis {
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
  const client = typeof redis === 'string' ? new Redis(redis, options) : new Redis({ ...redis, ...options });
  writeTogether(client);
  return client;
}

/** BullMQ makes its blocking connections by `duplicate()`: this makes them ours, to watch and to end. */
export function duplicating(make: (own: RedisOptions) => Redis, template: Redis = new Redis({ lazyConnect: true })) {
  const made: Redis[] = [];
  template.duplicate = (override) => {
    const duplicate = make(override ?? {});
    made.push(duplicate);
    return duplicate;
  };
  return {
    template,
    /** Ends them all. */
    async end() {
      await Promise.all(made.map(endConnection));
    },
  };
}

/** Ends a connection in whatever state it is, and resolves when it has ended. */
export function endConnection(client: Redis): Promise<void> {
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
export class Link {
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
export class Outage {
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
