/** What the client's tests share: clients of people, a network that can be cut, and waiting for a state. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach } from 'vitest';
import WebSocket from 'ws';
import { type ChatClient, type ChatClientOptions, createChatClient } from '../../src/client/index.js';
import type { Person } from '../helpers/stack.js';

/** A network between a client and a server. */
export interface Wire {
  readonly url: string;
  /** Ends all connections, as a pulled plug does, and takes no new ones. */
  cut(): void;
  /** Takes connections again. */
  mend(): void;
  /** Lets another server be on the other side. */
  lead(target: string): void;
  close(): Promise<void>;
}

/** Starts a wire to the server at that HTTP address. */
export async function startWire(target: string): Promise<Wire> {
  let port = Number(new URL(target).port);
  let isCut = false;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    if (isCut) return near.destroy();
    const far = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/messaging/`,
    cut,
    mend() {
      isCut = false;
    },
    lead(next) {
      port = Number(new URL(next).port);
    },
    async close() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Makes clients and closes them after each test. */
export function useClients() {
  const open = new Set<ChatClient>();
  afterEach(() => {
    for (const client of open) client.close();
    open.clear();
  });
  return (url: string, person: Person | undefined, options: Partial<ChatClientOptions> = {}): ChatClient => {
    const client = createChatClient({
      url,
      WebSocket,
      reconnectDelay: 50,
      maxReconnectDelay: 400,
      ...(person && { token: () => person.token }),
      ...options,
    });
    open.add(client);
    return client;
  };
}

/** The address of a stack's WebSocket. */
export function socketUrl(gateway: string): string {
  return `${gateway.replace('http', 'ws')}/messaging/`;
}

/** Resolves once a store's state fits. Subscribes to it meanwhile. */
export function until<T>(
  store: { get(): T; subscribe(listener: () => void): () => void },
  fits: (state: T) => boolean,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const look = () => {
      if (!fits(store.get())) return;
      clearTimeout(timer);
      setTimeout(() => stop());
      resolve(store.get());
    };
    const timer = setTimeout(
      () => reject(new Error(`The state did not come; it is ${JSON.stringify(store.get()).slice(0, 3000)}`)),
      20_000,
    );
    const stop = store.subscribe(look);
    look();
  });
}

/** Resolves once the client is in that state. */
export function inState(client: ChatClient, ...states: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = () => {
      if (!states.includes(client.state)) return;
      clearTimeout(timer);
      stop();
      resolve();
    };
    const timer = setTimeout(() => reject(new Error(`The state is ${client.state}, not ${states}`)), 20_000);
    const stop = client.on('state', look);
    look();
  });
}
