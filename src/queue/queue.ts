import type { EventEmitter } from 'node:events';

/** One client event on its way to a worker. Plain JSON: it crosses a process border. Never holds a token. */
export interface ChatJob {
  /** UUIDv7, made by the gateway; the key under which the database remembers the outcome. */
  readonly id: string;
  /** Event type, `message.send`; those starting with `$` are the gateway's own questions. */
  readonly type: string;
  /** Canonical string form of the user's id. */
  readonly userId: string;
  /** The room the event names, for queue events. */
  readonly roomId?: string | undefined;
  readonly gatewayId: string;
  readonly connectionId: string;
  readonly sessionId?: string | undefined;
  /** The client's own `id` of the event, to be repeated in its one answer. */
  readonly eventId?: string | undefined;
  readonly data: unknown;
  /** Milliseconds since the epoch, by the gateway's clock. */
  readonly addedAt: number;
  /** Typing: may be dropped when old. Never waits behind what is not lossy, nor holds it up: it has places of its own. */
  readonly lossy?: boolean | undefined;
  /** Set by the queue: a lossy job that waited for more than 5 seconds, by no clock but the queue's own. */
  readonly isStale?: boolean | undefined;
  /** Added again, by its gateway, which got no answer, or after a bundle's worker died: it may have been done already. */
  readonly resent?: boolean | undefined;
}

/** Lossy jobs run at once in a process, besides those of `concurrency`. */
export const LOSSY_CONCURRENCY = 4;

/** The type of a job that holds many lossy events of one gateway, in its `data`. */
export const LOSSY_BATCH = '$lossy';

/** One of them: what of a `ChatJob` the batch itself does not tell. */
export type LossyEvent = Pick<ChatJob, 'id' | 'type' | 'userId' | 'roomId' | 'connectionId' | 'sessionId' | 'data'>;

/** What became of one event of a job that holds several, for queue events. */
export interface PartRun extends Pick<ChatJob, 'id' | 'type' | 'userId' | 'roomId'> {
  /** Why it failed; undefined when it did not. */
  readonly reason?: string | undefined;
  /** Milliseconds after the start of the job, and how many it took; undefined: as the job itself. */
  readonly begun?: number | undefined;
  readonly duration?: number | undefined;
}

/** How an event comes to whoever runs it. */
export interface Delivery {
  /** How often it was begun before: 0 on its first run. Above 0 its outcome may be in the database already. */
  readonly earlierRuns: number;
  /** There when it was added with others, in order. */
  readonly line?: Line | undefined;
}

/** Events of one connection that are run in order. */
export interface Line {
  /** The same for all of them. */
  readonly id: symbol;
  /** The next one may begin: it cannot come before this one any more. At the latest that is so when the run has ended. */
  pass(): void;
}

/** What a queue event tells, for analytics: no content, no token. */
export interface QueueEvent {
  readonly jobId: string;
  readonly eventType: string;
  readonly userId: string;
  readonly roomId: string | undefined;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

/** `completed` and `failed` also carry the run's length, and `failed` the reason. */
export interface FinishedQueueEvent extends QueueEvent {
  /** Milliseconds from becoming active to the end; undefined when the start was not seen. */
  readonly duration: number | undefined;
}

/** A job that failed; `reason` is the error's message, without content and without a token. */
export interface FailedQueueEvent extends FinishedQueueEvent {
  readonly reason: string;
}

/** What `chat.queueEvents` emits about each event of a client: taken, begun, done, failed, given to another worker. */
export interface QueueEventMap {
  waiting: [QueueEvent];
  active: [QueueEvent];
  completed: [FinishedQueueEvent];
  failed: [FailedQueueEvent];
  stalled: [QueueEvent];
  error: [Error];
}

/** `chat.queueEvents`: a typed emitter. Listening starts the subscription, `close()` of the queue ends it. */
export type QueueEvents = EventEmitter<QueueEventMap>;

export interface ConsumeOptions {
  /** Jobs run at once in this process; of lossy ones, `LOSSY_CONCURRENCY` more. */
  readonly concurrency: number;
  /**
   * Runs one job. A rejection is logged by the queue, unless its `isLogged` says that it was, and marks the job as failed (kept, bounded, without its data); it
   * is not run again. The error's message and stack are kept in Redis: no content, no token in them. Of a batch,
   * `report` is told what became of its events: queue events tell of each.
   */
  run(job: ChatJob, delivery: Delivery, report: (runs: readonly PartRun[]) => void): Promise<void>;
  /**
   * Called when a job is given up without `run` having answered it: its worker died too often. Before it is marked as
   * failed, so that a death in between loses no answer; it may therefore be called again for the same job.
   */
  onLost(job: ChatJob, reason: string): Promise<void>;
}

export interface QueueConsumer {
  /** Resolves when jobs are being taken. */
  ready(): Promise<void>;
  /** Takes no more jobs and resolves when those in hand are done. */
  close(): Promise<void>;
}

/** The pipe from gateway to worker. Both ends stand in one file per implementation: bullmq.ts, memory.ts. */
export interface EventQueue {
  /**
   * Resolves when the queue has taken the job; rejects with `Unavailable` within 3 s when it cannot be reached (the
   * outcome is unknown then), with a `TypeError` when `data` is not JSON. A job that waits, runs or is kept as failed
   * is not added a second time.
   */
  add(job: ChatJob): Promise<void>;
  /**
   * The same for events that are to be run in this order, by one worker: each begins when the one before has called
   * `line.pass()`, or has ended.
   */
  addInOrder(jobs: readonly ChatJob[]): Promise<void>;
  /** Whether the job still waits or runs. A gateway that misses an answer adds a vanished job again. */
  has(job: ChatJob): Promise<boolean>;
  /** Whether the job ended as failed and is kept as such: adding it again does nothing, so its sender gets an error. */
  hasFailed(job: ChatJob): Promise<boolean>;
  consume(options: ConsumeOptions): QueueConsumer;
  /** Rejects when the queue cannot be reached within 3 s. */
  ping(): Promise<void>;
  readonly events: QueueEvents;
  /** Closes its consumers too. From then on `add` rejects with `Unavailable`. */
  close(): Promise<void>;
}
