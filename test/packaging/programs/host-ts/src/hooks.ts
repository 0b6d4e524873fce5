/** What the host's handlers call out to: a webhook, push messages, analytics. The app hears them all on one port. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Spy } from 'express-realtime-chat/testing';

export interface Call {
  readonly path: string;
  readonly body: Record<string, unknown>;
}

/** Calls one of them, from whatever process. */
export async function call(path: string, body: object): Promise<void> {
  const signal = AbortSignal.timeout(10_000);
  await fetch(`http://127.0.0.1:${process.env.HOOKS_PORT}/${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    signal,
  });
}

export interface Hooks {
  /** The body of the next call of that path for which the predicate holds; others are kept. */
  next(path: string, matches?: (body: Call['body']) => boolean): Promise<Call['body']>;
  close(): void;
}

export async function listen(): Promise<Hooks> {
  const calls = new Spy<Call>();
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const part of request) text += part;
    calls.call({ path: request.url!.slice(1), body: JSON.parse(text) });
    response.end();
  });
  server.listen(Number(process.env.HOOKS_PORT), '127.0.0.1');
  await once(server, 'listening');
  return {
    async next(path, matches = () => true) {
      return (await calls.next((one) => one.path === path && matches(one.body))).body;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
