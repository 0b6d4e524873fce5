/** The system under test: two gateways, two workers, MariaDB and Redis (AOF) as child processes, proxies in between. */
import { randomBytes } from 'node:crypto';
import { type FaultProxy, startProxy } from '../faults/proxy.js';
import { freePort } from '../helpers/processes.js';
import { startMariaDb, startRedis, type TestMariaDb, type TestRedis } from '../helpers/services.js';
import { Instance } from './instance.js';
import type { LogScan } from './log-scan.js';
import type { Report } from './report.js';

/** A gateway with a proxy between it and its clients. */
export interface Gateway {
  readonly instance: Instance;
  /** `ws://127.0.0.1:port/messaging/` through the proxy. */
  readonly address: string;
  /** The same without the proxy. */
  readonly direct: string;
  readonly front: FaultProxy;
}

/** Everything that runs. */
export interface System {
  readonly gateways: readonly Gateway[];
  readonly workers: readonly Instance[];
  readonly mariaDb: TestMariaDb;
  readonly redis: TestRedis;
  readonly secret: string;
  readonly instances: readonly Instance[];
}

/** Events a second that one connection may send: floods meet it, the load does not. */
const RATE_LIMIT = 200;

/** What ends the parts that were started so far. */
export class Endings {
  readonly #report: Report;
  readonly #all: Array<() => Promise<unknown>> = [];

  constructor(report: Report) {
    this.#report = report;
  }

  push(end: () => Promise<unknown>): void {
    this.#all.push(end);
  }

  /** Last started, first ended. */
  async run(): Promise<void> {
    for (let end = this.#all.pop(); end; end = this.#all.pop()) {
      await end().catch((error) => this.#report.breach('soak', `Closing failed: ${String(error)}`));
    }
  }
}

/** Starts it all; how to end it is in `endings` as soon as it is started. */
export async function startSystem(report: Report, scan: LogScan, endings: Endings): Promise<System> {
  const mariaDb = await startMariaDb({ own: true });
  endings.push(() => mariaDb.stop());
  const redis = await startRedis({ own: true, appendonly: true });
  endings.push(() => redis.stop());
  const secret = randomBytes(32).toString('hex');
  const shared = {
    HOST: '127.0.0.1',
    NODE_ENV: 'test',
    JWT_SECRET: secret,
    CHAT_SEED: '0',
    CHAT_WORKER: '0',
    CHAT_RATE_LIMIT: String(RATE_LIMIT),
  };
  const make = async (name: string, program: 'example/server.js' | 'example/worker.js', env: object) => {
    const instance = await Instance.make({
      name,
      program,
      env: { ...shared, ...env },
      redisUrl: redis.url,
      databaseUrl: mariaDb.url,
      report,
      log: (from, text) => scan.take(from, text),
    });
    endings.push(() => instance.close());
    return instance;
  };
  const gateways: Gateway[] = [];
  const workers: Instance[] = [];
  for (let index = 1; index <= 2; index++) {
    const port = await freePort();
    const instance = await make(`gateway ${index}`, 'example/server.js', { PORT: String(port) });
    const direct = `ws://127.0.0.1:${port}/messaging/`;
    const front = await startProxy(direct);
    endings.push(() => front.close());
    endings.push(() => instance.stop());
    await instance.start();
    gateways.push({ instance, front, direct, address: front.through(direct) });
  }
  for (let index = 1; index <= 2; index++) {
    const worker = await make(`worker ${index}`, 'example/worker.js', {});
    endings.push(() => worker.stop());
    await worker.start();
    workers.push(worker);
  }
  const instances = [...gateways.map(({ instance }) => instance), ...workers];
  return { gateways, workers, mariaDb, redis, secret, instances };
}
