/**
 * What one test run shares (one MariaDB, one build, one stack of each kind) lives in vitest's main process and is
 * started by the first test file that asks. Test files run in processes of their own and ask over a small HTTP server.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';

const VARIABLE = 'CHAT_TEST_CONTROL';

/** Something started once for all: what to tell whoever asks, and how to end it. */
export interface Shared {
  answer: unknown;
  stop(): Promise<void>;
}

/** The main process' side: serves `make[name]()` once each, started at the first request. */
export async function startControl(make: Record<string, () => Promise<Shared>>): Promise<{ stop(): Promise<void> }> {
  const made = new Map<string, Promise<Shared>>();
  const ready: Shared[] = [];
  const server = createServer((request, response) => {
    const name = (request.url ?? '/').slice(1);
    const start = make[name];
    if (!start) {
      response.writeHead(404).end(JSON.stringify({ error: `nothing shared is called ${name}` }));
      return;
    }
    let shared = made.get(name);
    if (!shared) {
      shared = start().then((started) => {
        ready.push(started);
        return started;
      });
      made.set(name, shared);
    }
    shared.then(
      ({ answer }) => response.end(JSON.stringify(answer ?? {})),
      (error) => response.writeHead(500).end(JSON.stringify({ error: String(error?.stack ?? error) })),
    );
  });
  server.requestTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port was given.');
  process.env[VARIABLE] = `http://127.0.0.1:${address.port}`;
  return {
    async stop() {
      delete process.env[VARIABLE];
      server.closeAllConnections();
      server.close();
      await Promise.allSettled(made.values());
      // Last ready, first stopped: a stack asks for its database, so the database is ready before it.
      const failures: unknown[] = [];
      for (const shared of ready.splice(0).reverse()) await shared.stop().catch((error) => failures.push(error));
      if (failures.length > 0) throw failures[0];
    },
  };
}

/** A test's side: what the shared thing of that name answers, started if need be; null outside a vitest run. */
export async function askControl<T>(name: string): Promise<T | null> {
  const base = process.env[VARIABLE];
  if (!base) return null;
  const response = await fetch(`${base}/${name}`);
  const body = (await response.json()) as T & { error?: string };
  if (!response.ok) throw new Error(body.error);
  return body;
}
