/** What the queue's tests share: jobs, a logger that keeps its lines, and consumers that keep what they ran. */
import { randomUUID } from 'node:crypto';
import { Writable } from 'node:stream';
import { expect } from 'vitest';
import { createLogger, format, type Logger, transports } from 'winston';
import type { ChatJob, ConsumeOptions, Delivery, EventQueue, QueueConsumer } from '../../src/queue/queue.js';

/** A job of a type, with what the test says of it. */
export function chatJob(type: string, more: Partial<ChatJob> = {}): ChatJob {
  return {
    id: randomUUID(),
    type,
    userId: '7',
    gatewayId: 'gateway-1',
    connectionId: 'connection-1',
    data: {},
    addedAt: Date.now(),
    ...more,
  };
}

/** A logger and the lines it wrote from `info` up, each `level message`. */
export function keepingLogger(): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString().trimEnd());
      done();
    },
  });
  const logger = createLogger({
    level: 'info',
    format: format.printf(({ level, message }) => `${level} ${String(message)}`),
    transports: [new transports.Stream({ stream })],
  });
  return { logger, lines };
}

/** A promise with its ends outside. */
export function deferred<T = void>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: unknown) => void;
} {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((res, rej) => {
    resolve = res;
    reject = rej;
  });
  return { promise, resolve, reject };
}

/** Things that arrive over time: `next(n)` resolves when there are n of them. */
export class Arrivals<T> {
  readonly all: T[] = [];
  readonly #waiting = new Set<() => void>();

  push(item: T): void {
    this.all.push(item);
    for (const check of this.#waiting) check();
  }

  /** Resolves with all of them once there are `count`, or once one of them fits. */
  async until(wanted: number | ((item: T) => boolean)): Promise<T[]> {
    const done = () => (typeof wanted === 'number' ? this.all.length >= wanted : this.all.some(wanted));
    if (done()) return this.all;
    await new Promise<void>((resolve) => {
      const check = () => {
        if (!done()) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
    });
    return this.all;
  }
}

/** A run that a test looks at. */
export interface Run {
  readonly job: ChatJob;
  readonly delivery: Delivery;
}

/** Consumes with `run` (default: nothing to do), and keeps what was begun, finished and lost. */
export function consumeAll(
  queue: EventQueue,
  options: Partial<ConsumeOptions> = {},
): { begun: Arrivals<Run>; finished: Arrivals<ChatJob>; lost: Arrivals<{ job: ChatJob; reason: string }> } & {
  consumer: QueueConsumer;
} {
  const begun = new Arrivals<Run>();
  const finished = new Arrivals<ChatJob>();
  const lost = new Arrivals<{ job: ChatJob; reason: string }>();
  const consumer = queue.consume({
    concurrency: options.concurrency ?? 10,
    async run(job, delivery, report) {
      begun.push({ job, delivery });
      await options.run?.(job, delivery, report);
      finished.push(job);
    },
    async onLost(job, reason) {
      lost.push({ job, reason });
      await options.onLost?.(job, reason);
    },
  });
  return { begun, finished, lost, consumer };
}

/** Every event of every kind that the queue tells, in order. */
export function keepEvents(queue: EventQueue): Arrivals<{ name: string; event: Record<string, unknown> }> {
  const events = new Arrivals<{ name: string; event: Record<string, unknown> }>();
  for (const name of ['waiting', 'active', 'completed', 'failed', 'stalled'] as const) {
    queue.events.on(name, (event: object) => events.push({ name, event: { ...event } }));
  }
  return events;
}

/** Expects something to become so; the time is for a busy machine. */
export function eventually<T>(look: () => T | Promise<T>): ReturnType<typeof expect.poll<T>> {
  return expect.poll(look, { timeout: 15_000 });
}
