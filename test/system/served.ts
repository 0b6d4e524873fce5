/** Whole chats inside the test's process, each with an HTTP server of its own. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express5, { type Express } from 'express';
import { type Chat, createChat } from '../../src/chat.js';
import type { ChatSettings } from '../../src/settings/settings.js';
import { connectTestClient, type TestClient, type TestClientOptions } from '../../src/testing/client.js';

/** A chat that can be connected to. */
export interface ServedChat {
  readonly chat: Chat;
  readonly app: Express;
  /** `127.0.0.1:port` */
  readonly address: string;
  /** A connection of that user, its first frame taken. */
  connect(userId: number): Promise<TestClient>;
  /** A connection by hand. */
  open(options?: TestClientOptions & { query?: string }): Promise<TestClient>;
  close(): Promise<void>;
}

/** Makes a chat, its server (on Express 5 or another), and with `worker` a worker in this process. The user's id serves as token. */
export async function serveChat(
  settings: ChatSettings,
  { worker = true, express = express5 }: { worker?: boolean; express?: typeof express5 | undefined } = {},
): Promise<ServedChat> {
  const chat = createChat({
    authenticate: (request) => {
      const id = /^Bearer (\d+)$/.exec(request.headers.authorization ?? '')?.[1];
      return id === undefined ? null : { id: Number(id) };
    },
    rateLimit: false,
    ...settings,
  });
  const app = express();
  app.use(chat.middleware());
  const server: Server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  if (worker) await chat.startWorker();
  const open: ServedChat['open'] = ({ query = '', ...options } = {}) =>
    connectTestClient(`ws://${address}/messaging/${query}`, options);
  return {
    chat,
    app,
    address,
    open,
    async connect(userId) {
      const client = await open({ token: String(userId) });
      await client.expect('chat.notifications');
      return client;
    },
    async close() {
      await chat.close();
      server.close();
      server.closeAllConnections();
    },
  };
}
