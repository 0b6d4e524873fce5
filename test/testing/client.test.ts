import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type WebSocket from 'ws';
import * as ws from 'ws';
import { connectTestClient, type TestClient, UpgradeRefused } from '../../src/testing/client.js';

// The types are of ws 7, which names it otherwise.
const { WebSocketServer } = ws as unknown as { WebSocketServer: typeof WebSocket.Server };

interface Event {
  event_type: string;
  data: { frames?: unknown[] };
  id?: string;
}

describe('the test client', () => {
  let server: Server;
  let url: string;
  let client: TestClient | undefined;

  beforeEach(async () => {
    const sockets = new WebSocketServer({ noServer: true });
    server = createServer();
    server.on('upgrade', (request, socket, head) => {
      if (request.url !== '/chat') {
        socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
        return;
      }
      sockets.handleUpgrade(request, socket as Socket, head, (peer) => {
        peer.send(JSON.stringify({ eventType: 'hello', data: request.headers.authorization ?? null }));
        peer.on('message', (data: Buffer) => {
          const event = JSON.parse(data.toString()) as Event;
          // `play` sends what it is given; everything else is a heartbeat.
          for (const frame of event.data.frames ?? []) peer.send(JSON.stringify(frame));
          if (event.event_type !== 'play') peer.send(JSON.stringify({ status: 'success', id: event.id }));
        });
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/chat`;
    client = undefined;
  });

  afterEach(async () => {
    await client?.terminate();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  async function connect(): Promise<TestClient> {
    client = await connectTestClient(url, { token: 'secret', timeout: 300 });
    expect(await client.next()).toEqual({ eventType: 'hello', data: 'Bearer secret' });
    return client;
  }

  const play = (target: TestClient, ...frames: unknown[]) => target.send('play', { frames });

  test('loses no frame between two awaits', async () => {
    const target = await connect();
    play(target, { eventType: 'a', data: 1 }, { eventType: 'b', data: 2 }, { eventType: 'a', data: 3 });
    await target.request('x', {});
    expect((await target.expect('b')).data).toBe(2);
    expect((await target.expect('a', ({ data }) => data === 3)).data).toBe(3);
    expect((await target.next()).data).toBe(1);
    await target.silence();
  });

  test('gives the answer with an id to who asked, whoever waits for anything', async () => {
    const target = await connect();
    const next = target.next();
    const answer = await target.request('x', {});
    expect(answer.status).toBe('success');
    play(target, { eventType: 'a', data: 1 });
    expect((await next).eventType).toBe('a');
  });

  test('silence names what came', async () => {
    const target = await connect();
    play(target, { eventType: 'leaked', data: 1 });
    await expect(target.silence()).rejects.toThrow('leaked');
  });

  test('silence behind a fence waits for the fence', async () => {
    const target = await connect();
    const send = async () => play(target, { eventType: 'leaked', data: 1 }, { eventType: 'fence', data: 1 });
    const fence = { send, matches: ({ eventType }: { eventType: string }) => eventType === 'fence' };
    await expect(target.silence(fence)).rejects.toThrow('leaked');
  });

  test('notices a second answer to an id, and one that nobody asked for', async () => {
    const target = await connect();
    play(target, { status: 'success', id: 'nobody' });
    await expect(target.silence()).rejects.toThrow('nobody waits for');
    target.breaches.length = 0;
    target.pending.length = 0;
    await target.request('x', { frames: [] }, 'same');
    await target.request('x', { frames: [] }, 'same');
    await target.silence();
    play(target, { status: 'success', id: 'same' });
    await target.request('x', {});
    expect(target.breaches).toHaveLength(1);
  });

  test('gives up after its time, and at once when the connection ends', async () => {
    const target = await connect();
    await expect(target.expect('never')).rejects.toThrow('never did not come within 300 ms');
    const waiting = expect(target.next()).rejects.toThrow('closed');
    await target.terminate();
    await waiting;
  });

  test('throws UpgradeRefused with the HTTP status', async () => {
    const error = await connectTestClient(url.replace('/chat', '/other')).catch((reason) => reason);
    expect(error).toBeInstanceOf(UpgradeRefused);
    expect(error.status).toBe(404);
  });
});
