/** One process of the system under test, with proxies before all that it talks to, and watched: it may not end by itself. */
import { join } from 'node:path';
import { type FaultProxy, startProxy } from '../faults/proxy.js';
import { startProcess, type TestProcess, until } from '../helpers/processes.js';
import type { Report } from './report.js';

const root = join(import.meta.dirname, '..', '..');
/** The product promises to be gone within 30 s of SIGTERM. */
const DRAIN_LIMIT = 30_000;

/** What an instance needs. */
export interface InstanceOptions {
  readonly name: string;
  readonly program: 'example/server.js' | 'example/worker.js';
  readonly env: Record<string, string>;
  readonly redisUrl: string;
  readonly databaseUrl: string;
  readonly report: Report;
  readonly log: (name: string, text: string) => void;
}

/** A gateway or a worker. Ended and started again, it keeps its name, its port and its proxies. */
export class Instance {
  readonly name: string;
  readonly redis: FaultProxy;
  readonly database: FaultProxy;
  startedAt = 0;
  readonly #options: InstanceOptions;
  #process: TestProcess | undefined;
  #mayEnd = false;

  private constructor(options: InstanceOptions, redis: FaultProxy, database: FaultProxy) {
    this.name = options.name;
    this.redis = redis;
    this.database = database;
    this.#options = options;
  }

  static async make(options: InstanceOptions): Promise<Instance> {
    return new Instance(options, await startProxy(options.redisUrl), await startProxy(options.databaseUrl));
  }

  get pid(): number {
    return this.#process?.pid ?? -1;
  }

  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  async start(): Promise<void> {
    const { name, program, env, redisUrl, databaseUrl, report, log } = this.#options;
    const started = startProcess(process.execPath, [program], {
      cwd: root,
      env: { ...env, REDIS_URL: this.redis.through(redisUrl), DATABASE_URL: this.database.through(databaseUrl) },
    });
    this.#process = started;
    this.#mayEnd = false;
    this.startedAt = Date.now();
    for (const stream of [started.child.stdout, started.child.stderr]) {
      stream?.on('data', (text: Buffer) => log(name, text.toString()));
    }
    void started.ended.then(({ code, signal }) => {
      if (this.#process !== started) return;
      this.#process = undefined;
      if (this.#mayEnd || report.isStopping) return;
      report.breach(
        'process',
        `${name} ended by itself with ${code ?? signal}. It printed:\n${started.output().slice(-2000)}`,
      );
      void this.start();
    });
    const { PORT } = env;
    if (PORT === undefined) return;
    await until(
      `${name} is ready`,
      async () => {
        const { status } = await fetch(`http://127.0.0.1:${PORT}/readyz`);
        if (status !== 200) throw new Error(`HTTP ${status}`);
      },
      60_000,
    );
  }

  /** As a crash does. */
  async kill(): Promise<void> {
    this.#mayEnd = true;
    await this.#process?.stop('SIGKILL');
  }

  /** As a deployment does: it has to finish what it has in hand, in time and well. */
  async stop(): Promise<void> {
    const { name, report } = this.#options;
    const stopped = this.#process;
    if (!stopped) return;
    this.#mayEnd = true;
    const at = performance.now();
    try {
      await stopped.stop('SIGTERM', DRAIN_LIMIT);
      const { code } = await stopped.ended;
      report.took('drain', performance.now() - at);
      if (code !== 0 && !report.isStopping) report.breach('process', `${name} ended with ${code} after SIGTERM.`);
    } catch (error) {
      report.breach('process', `${name}: ${String(error)}`);
    }
  }

  freeze(): void {
    if (this.#process) process.kill(this.pid, 'SIGSTOP');
  }

  thaw(): void {
    if (this.#process) process.kill(this.pid, 'SIGCONT');
  }

  async close(): Promise<void> {
    await this.redis.close();
    await this.database.close();
  }
}
