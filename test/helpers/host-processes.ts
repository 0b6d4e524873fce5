/** A host of a test's own files whose app and workers are processes, on MariaDB and Redis. */
import { expect } from 'vitest';
import { connectTestClient, type TestClient } from '../../src/testing/client.js';
import type { TestProcess } from './processes.js';
import { useSandboxes } from './sandbox.js';

/** The host, running. */
export interface HostProcesses {
  readonly app: TestProcess;
  /** `http://127.0.0.1:port` */
  readonly address: string;
  /** Starts a worker as a user does. */
  worker(env?: Record<string, string>): TestProcess;
  /** Connections of the users of these ids, first frames taken. */
  connect<Ids extends readonly number[]>(...ids: Ids): Promise<{ [Index in keyof Ids]: TestClient }>;
  /** Ends processes by SIGTERM, which they obey with code 0. */
  stop(...running: TestProcess[]): Promise<void>;
}

/** Builds the package, and after each test ends what it started. `app.js` among the files prints `port NUMBER`. */
export function useHostProcesses(): (files: Record<string, string>) => Promise<HostProcesses> {
  const sandboxes = useSandboxes();
  return async (files) => {
    const made = await sandboxes.project('module');
    const [mariaDb, redis] = await sandboxes.services();
    await made.write(files);
    const shared = { DATABASE_URL: mariaDb.url, REDIS_URL: redis.url, REDIS_PREFIX: redis.prefix };
    const app = made.node(['app.js'], { ...shared, ROLE: 'app' });
    const [, port] = await app.waitFor(/port (\d+)/);
    return {
      app,
      address: `http://127.0.0.1:${port}`,
      worker: (env) => made.startShell('exec npx express-realtime-chat worker', { ...shared, ROLE: 'worker', ...env }),
      connect: async <Ids extends readonly number[]>(...ids: Ids) => {
        const clients = ids.map(async (id) => {
          const client = await connectTestClient(`ws://127.0.0.1:${port}/messaging/?user=${id}`);
          await client.expect('chat.notifications');
          return client;
        });
        return (await Promise.all(clients)) as { [Index in keyof Ids]: TestClient };
      },
      async stop(...running) {
        for (const one of running) {
          one.child.kill('SIGTERM');
          expect((await one.ended).code, one.output()).toBe(0);
        }
      },
    };
  };
}
