/** A server that answers as a test says, for what a real one does seldom. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type WebSocket from 'ws';
import * as ws from 'ws';

/** An event as the client sent it. */
export interface FakeEvent {
  event_type: string;
  data: Record<string, unknown>;
  id?: string;
}

/** What the test sees of the server. */
export interface FakeServer {
  readonly url: string;
  /** All events, of all connections, heartbeats apart. */
  readonly events: FakeEvent[];
  /** The tokens that connections came with. */
  readonly tokens: Array<string | undefined>;
  readonly sockets: Set<WebSocket>;
  /** Sends a frame to all connections. */
  send(frame: object): void;
  close(): Promise<void>;
}

/** Returns the answer without its id; undefined for none. It may close the socket. */
export type FakeAnswer = (event: FakeEvent, socket: WebSocket) => object | undefined;

/** Starts a server. `admit` returns a close code for a connection that it does not want. */
export async function startFakeServer(
  answer: FakeAnswer = () => ({ status: 'success' }),
  admit: (token: string | undefined) => number | undefined = () => undefined,
): Promise<FakeServer> {
  // The types are those of ws 7, which express-ws brings.
  const { WebSocketServer } = ws as unknown as { WebSocketServer: typeof WebSocket.Server };
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'bearer' });
  await once(server, 'listening');
  const fake: FakeServer = {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/messaging/`,
    events: [],
    tokens: [],
    sockets: new Set(),
    send(frame) {
      for (const socket of fake.sockets) socket.send(JSON.stringify(frame));
    },
    async close() {
      for (const socket of fake.sockets) socket.terminate();
      server.close();
      await once(server, 'close');
    },
  };
  server.on('connection', (socket, request) => {
    const token = request.headers['sec-websocket-protocol']?.split(',')[1]?.trim();
    const inAddress = new URL(request.url ?? '', 'ws://host').searchParams.get('token') ?? undefined;
    fake.tokens.push(token ?? inAddress);
    const code = admit(token ?? inAddress);
    if (code !== undefined) {
      socket.close(code);
      return;
    }
    fake.sockets.add(socket);
    socket.on('close', () => fake.sockets.delete(socket));
    socket.on('message', (data) => {
      const event = JSON.parse(String(data)) as FakeEvent;
      if (event.event_type !== 'session.heartbeat') fake.events.push(event);
      const frame = answer(event, socket);
      if (frame) socket.send(JSON.stringify({ ...frame, id: event.id }));
    });
  });
  return fake;
}
