/** The proxy does to connections what it says. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type FaultProxy, startProxy } from './proxy.js';

let server: Server;
let proxy: FaultProxy;
/** What the server got, per connection. */
let arrived: Socket[];
let clients: Socket[];

beforeEach(async () => {
  arrived = [];
  clients = [];
  server = createServer((socket) => {
    arrived.push(socket);
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  proxy = await startProxy({ host: '127.0.0.1', port });
});
afterEach(async () => {
  for (const client of clients) client.destroy();
  await proxy.close();
  for (const socket of arrived) socket.destroy();
  server.close();
});

async function open(): Promise<Socket> {
  const client = connect(proxy.port, '127.0.0.1');
  clients.push(client);
  client.on('error', () => {});
  await once(client, 'connect');
  return client;
}

/** Sends, and resolves with the echo, as many bytes as were sent. */
async function echo(client: Socket, text: string): Promise<{ text: string; pieces: number; took: number }> {
  const at = performance.now();
  let got = '';
  let pieces = 0;
  client.write(text);
  while (got.length < text.length) {
    const [bytes] = (await once(client, 'data')) as [Buffer];
    got += bytes.toString();
    pieces++;
  }
  return { text: got, pieces, took: performance.now() - at };
}

it('passes everything on, both ways, and the end too', async () => {
  const client = await open();
  const long = 'x'.repeat(3_000_000);
  expect((await echo(client, long)).text).toBe(long);
  client.end();
  await once(client, 'close');
  await expect.poll(() => proxy.connections).toBe(0);
});

it('names itself in a URL', () => {
  const at = `127.0.0.1:${proxy.port}`;
  expect(proxy.through('redis://localhost:6379')).toBe(`redis://${at}`);
  expect(proxy.through('mysql://chat:chat@127.0.0.1:3306/name?x=1')).toBe(`mysql://chat:chat@${at}/name?x=1`);
  expect(proxy.through('http://127.0.0.1:3000')).toBe(`http://${at}`);
});

it('is away, and back on the same port', async () => {
  const client = await open();
  await echo(client, 'hello');
  const { port } = proxy;
  const ended = new Promise((resolve) => client.once('close', resolve));
  await proxy.down();
  await ended;
  const refused = connect(port, '127.0.0.1');
  const [error] = await once(refused, 'error');
  expect(error.code).toBe('ECONNREFUSED');
  await proxy.heal();
  expect(proxy.port).toBe(port);
  expect((await echo(await open(), 'again')).text).toBe('again');
});

it('delays each direction', async () => {
  const client = await open();
  proxy.latency(100);
  expect((await echo(client, 'slow')).took).toBeGreaterThan(190);
  await proxy.heal();
  expect((await echo(client, 'quick')).took).toBeLessThan(190);
});

it('is silent, without an end, and then passes on what it held', async () => {
  const client = await open();
  await echo(client, 'before');
  proxy.blackHole();
  const late = echo(client, 'held');
  const other = await open();
  const alsoLate = echo(other, 'also held');
  let got = 0;
  for (const socket of arrived) socket.on('data', () => got++);
  client.on('close', () => got++);
  // Everything that could pass through two sockets has passed when a third connection, beside the proxy, was served.
  const { port } = server.address() as { port: number };
  const beside = connect(port, '127.0.0.1');
  clients.push(beside);
  await echo(beside, 'beside');
  expect(got).toBe(0);
  await proxy.heal();
  expect((await late).text).toBe('held');
  expect((await alsoLate).text).toBe('also held');
});

it('resets what is open and takes new ones', async () => {
  const client = await open();
  await echo(client, 'before');
  const failed = once(client, 'error');
  proxy.reset();
  expect((await failed)[0].code).toBe('ECONNRESET');
  await expect.poll(() => proxy.connections).toBe(0);
  expect((await echo(await open(), 'after')).text).toBe('after');
});

it('passes on in crumbs', async () => {
  const client = await open();
  proxy.slice(2);
  const { text, pieces } = await echo(client, 'abcdefghij');
  expect(text).toBe('abcdefghij');
  expect(pieces).toBeGreaterThan(2);
});
