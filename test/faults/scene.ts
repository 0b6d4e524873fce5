/** The system under test of all faults: two gateways, two workers, Redis with AOF and MariaDB, as child processes. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Redis } from 'ioredis';
import { expect } from 'vitest';
import { createGroup } from '../helpers/chat.js';
import { type TestProcess, until } from '../helpers/processes.js';
import { type Chatter, type OwnStack, type StackOptions, startStack } from '../helpers/stack.js';
import { type Crowd, gather, type Sent } from '../system/crowd.js';
import { checkDevices, checkQueue, checkRows } from './checks.js';
import { Device } from './devices.js';

/** Where a worker is hit, see preloads/kill-points.mjs. */
export interface Fault {
  readonly point: 'begun' | 'before commit' | 'after commit' | 'answered' | 'after publish' | 'after answer';
  /** Event type; not known to `before commit`. */
  readonly type?: string;
  /** Only the message that says this. */
  readonly content?: string;
  /** Default SIGKILL. */
  readonly signal?: NodeJS.Signals;
  /** Every worker that gets there, not only the first. */
  readonly always?: boolean;
  /** Only when so many events have got there; they stay there. */
  readonly hold?: number;
}

/** What `check` is told of a scene. */
export interface Expected {
  /** Jobs that ended as failed. */
  readonly failed?: number;
  /** Error codes that sends may have been answered with, default none. */
  readonly refusals?: readonly number[];
}

/** A system, the people on it, and the checks after each fault. */
export class FaultScene {
  readonly crowd: Crowd;
  readonly stack: OwnStack;
  /** Each person's devices: one on either gateway, one person after the other. */
  devices: Device[] = [];
  rooms: string[] = [];
  readonly #faultFile: string;
  readonly #ended = new Set<TestProcess>();

  private constructor(crowd: Crowd, faultFile: string) {
    this.crowd = crowd;
    this.stack = crowd.stack;
    this.#faultFile = faultFile;
  }

  /** Starts it; `preloads` are modules of ./preloads that every process loads first. */
  static async start(options: StackOptions = {}, preloads: readonly string[] = []): Promise<FaultScene> {
    const faultFile = join(mkdtempSync(join(tmpdir(), 'chat-fault-')), 'fault.json');
    const modules = ['kill-points.mjs', ...preloads].map(
      (name) => `--import=${join(import.meta.dirname, 'preloads', name)}`,
    );
    const env = { NODE_OPTIONS: modules.join(' '), CHAT_FAULT_FILE: faultFile, ...options.env };
    const stack = await startStack('distributed', { ownServices: 'redis', ...options, env });
    const scene = new FaultScene(await gather(stack), faultFile);
    await scene.ready();
    return scene;
  }

  /** Signs new people in, each with a device on either gateway, and puts all of them into so many groups. */
  async gather(people = 3, rooms = 2): Promise<void> {
    const persons = await this.crowd.people(people);
    this.devices = await Promise.all(
      persons.flatMap((person, index) =>
        [index, index + 1].map(
          async (gateway) => new Device(this.stack, person, gateway, await this.stack.connect(person, gateway)),
        ),
      ),
    );
    const [creator, ...others] = this.senders as [Chatter, ...Chatter[]];
    this.rooms = [];
    for (let made = 0; made < rooms; made++) this.rooms.push((await createGroup(creator, others)).id);
    await Promise.all(
      this.devices
        .filter((_, index) => index % 2 === 1)
        .flatMap(({ client }) =>
          this.rooms.map((id) => client.expect('roomcreate.dispatch', ({ room_id }) => room_id === id)),
        ),
    );
  }

  /** The first device of each person. */
  get senders(): Chatter[] {
    return this.devices.filter((_, index) => index % 2 === 0).map(({ client }) => client);
  }

  /** Workers that were not ended. */
  get workers(): TestProcess[] {
    return this.stack.workers.filter(isRunning);
  }

  get apps(): TestProcess[] {
    return this.stack.apps.filter(isRunning);
  }

  /** The next worker to get there is hit. */
  arm(fault: Fault): void {
    writeFileSync(this.#faultFile, JSON.stringify(fault));
  }

  disarm(): void {
    rmSync(this.#faultFile, { force: true });
  }

  /** Resolves with a worker of these that ended, once one has. */
  async hit(workers: readonly TestProcess[] = this.workers): Promise<TestProcess> {
    const ended = await Promise.race(workers.map((worker) => worker.ended.then(() => worker)));
    this.#ended.add(ended);
    return ended;
  }

  /** Resolves with the one of these that is stopped (SIGSTOP), once one is. Linux only. */
  frozen(workers: readonly TestProcess[]): Promise<TestProcess> {
    return until('a worker is frozen', async () => {
      const found = workers.find(({ pid }) => / T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')));
      if (!found) throw new Error('none is');
      return found;
    });
  }

  /** Waits until nothing waits or runs in the queue but so many failed jobs. */
  checkQueue(failed = 0): Promise<void> {
    return checkQueue(this.stack, failed);
  }

  /** Ends a process; without this, an end is the process' own fault. */
  async end(process: TestProcess, signal: NodeJS.Signals, graceMs = 30_000): Promise<void> {
    this.#ended.add(process);
    await process.stop(signal, graceMs);
  }

  /** All of the shared checks. */
  async check(sent: readonly Sent[] = [], { failed = 0, refusals = [] }: Expected = {}): Promise<void> {
    expect(sent.flatMap(({ error }) => (error && !refusals.includes(error.code) ? [error] : []))).toEqual([]);
    await checkRows(this.crowd, this.rooms, sent);
    await checkDevices(this.crowd, this.rooms, this.devices);
    await checkQueue(this.stack, failed);
    const left = [...this.stack.apps, ...this.stack.workers].filter((process) => !this.#ended.has(process));
    for (const process of left)
      expect(isRunning(process), `a process ended by itself:\n${process.output()}`).toBe(true);
  }

  /** Between tests: no fault, no connection, two workers. */
  async mend(): Promise<void> {
    this.disarm();
    this.devices = [];
    // One that a test left frozen would take events of the next.
    for (const { child } of [...this.workers, ...this.apps]) child.kill('SIGCONT');
    await this.stack.disconnectAll();
    this.stack.forgetEnded();
    while (this.workers.length < 2) await this.stack.startWorker();
    await this.ready();
  }

  /** Resolves when every worker takes events: a process may need longer to start than a connection waits for one. */
  async ready(): Promise<void> {
    const redis = new Redis(this.stack.redis!.url);
    try {
      await until(
        'all workers wait for events',
        async () => {
          const clients = String(await redis.call('CLIENT', 'LIST'));
          // Each waits at two queues, one for typing.
          expect(clients.match(/ cmd=bzpopmin /g)?.length ?? 0).toBeGreaterThanOrEqual(2 * this.workers.length);
        },
        90_000,
      );
    } finally {
      redis.disconnect();
    }
  }

  async close(): Promise<void> {
    await this.crowd.close();
    // Whoever was hit left a file beside it.
    rmSync(dirname(this.#faultFile), { recursive: true, force: true });
  }
}

function isRunning({ child }: TestProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}
