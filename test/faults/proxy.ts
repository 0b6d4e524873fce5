/**
 * A TCP proxy that misbehaves on request, for putting before Redis, MariaDB or a gateway: away, slow, silent, cut, or
 * in crumbs. What it does to connections it does to those open now and to those that come.
 */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** One proxy before one server. */
export interface FaultProxy {
  readonly port: number;
  /** Connections open through it now. */
  readonly connections: number;
  /** The same URL with this proxy's address in it. */
  through(url: string): string;
  /** Away: open connections are reset, new ones refused, until `heal`. */
  down(): Promise<void>;
  /** Every byte comes so many milliseconds later, in either direction. */
  latency(milliseconds: number): void;
  /** Silent: connections open and stay open, nothing passes, ends are not told; `heal` lets through what was held. */
  blackHole(): void;
  /** From now on new connections go to these servers in turn. */
  lead(...targets: string[]): void;
  /** Drops the client's end of the connection from that port and keeps the server's open, as a pulled plug does. */
  abandon(clientPort: number): void;
  /** Resets the connections open now, once; new ones are welcome. */
  reset(): void;
  /** Passes at most so many bytes at a time, one piece per `everyMs`. */
  slice(bytes: number, everyMs?: number): void;
  /** Ends all faults. */
  heal(): Promise<void>;
  close(): Promise<void>;
}

/** What the proxy does at this moment. */
interface Weather {
  latency: number;
  isSilent: boolean;
  slice: { bytes: number; everyMs: number } | undefined;
}

/** Starts a proxy before `target`, an URL or `{ host, port }`, on a free port of 127.0.0.1. */
export async function startProxy(target: string | { host: string; port: number }): Promise<FaultProxy> {
  let targets = [typeof target === 'string' ? addressOf(target) : target];
  let turn = 0;
  const weather: Weather = { latency: 0, isSilent: false, slice: undefined };
  const links = new Set<Link>();
  let port = 0;
  let server: Server | undefined;

  async function listen(): Promise<void> {
    const listening = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      const next = targets[turn++ % targets.length]!;
      const link = new Link(client, connect({ ...next, allowHalfOpen: true, noDelay: true }), weather);
      links.add(link);
      void link.ended.then(() => links.delete(link));
    });
    listening.listen(port, '127.0.0.1');
    await once(listening, 'listening');
    const address = listening.address();
    if (address === null || typeof address === 'string') throw new Error('No port was given.');
    port = address.port;
    server = listening;
  }

  function reset(): void {
    for (const link of links) link.reset();
  }

  async function down(): Promise<void> {
    const closing = server;
    server = undefined;
    if (!closing) return;
    const closed = once(closing, 'close');
    closing.close();
    reset();
    await closed;
  }

  await listen();
  return {
    get port() {
      return port;
    },
    get connections() {
      return links.size;
    },
    through(url) {
      const own = new URL(url);
      own.hostname = '127.0.0.1';
      own.port = String(port);
      // As it was given: `http://host` has no last slash in the addresses of tests.
      return url.endsWith('/') ? own.href : own.href.replace(/\/$/, '');
    },
    down,
    reset,
    abandon(clientPort) {
      for (const link of links) if (link.clientPort === clientPort) link.abandon();
    },
    lead(...next) {
      targets = next.map(addressOf);
    },
    latency(milliseconds) {
      weather.latency = milliseconds;
    },
    blackHole() {
      weather.isSilent = true;
    },
    slice(bytes, everyMs = 1) {
      weather.slice = { bytes, everyMs };
    },
    async heal() {
      weather.latency = 0;
      weather.isSilent = false;
      weather.slice = undefined;
      for (const link of links) link.wake();
      if (!server) await listen();
    },
    close: down,
  };
}

function addressOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}

/** One connection through the proxy. */
class Link {
  readonly ended: Promise<void>;
  readonly #sockets: readonly [Socket, Socket];
  readonly #ways: readonly [Way, Way];
  readonly clientPort: number | undefined;
  #isAbandoned = false;

  constructor(client: Socket, server: Socket, weather: Weather) {
    this.#sockets = [client, server];
    this.clientPort = client.remotePort;
    this.#ways = [new Way(client, server, weather), new Way(server, client, weather)];
    for (const socket of this.#sockets) {
      // A reset is told to the other side as one; the close that follows ends this link.
      socket.on('error', () => {});
      socket.on('close', (hadError: boolean) => {
        if (hadError && !weather.isSilent && !this.#isAbandoned) this.reset();
      });
    }
    this.ended = Promise.all(this.#sockets.map((socket) => once(socket, 'close').catch(() => {}))).then(() => {
      for (const way of this.#ways) way.stop();
    });
  }

  reset(): void {
    for (const way of this.#ways) way.stop();
    for (const socket of this.#sockets) {
      // One that is not connected yet can only be dropped.
      if (socket.connecting) socket.destroy();
      else socket.resetAndDestroy();
    }
  }

  abandon(): void {
    this.#isAbandoned = true;
    for (const way of this.#ways) way.abandon();
    this.#sockets[0].resetAndDestroy();
  }

  wake(): void {
    for (const way of this.#ways) way.wake();
    // An end that came while it was silent.
    if (this.#sockets.some(({ errored }) => errored)) this.reset();
  }
}

/** Bytes held at most, in one direction; then the sender has to wait, as it has before a full network. */
const HELD_BYTES = 1 << 20;

/** One direction of a connection. */
class Way {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #weather: Weather;
  /** Pieces not passed on yet, with the time at which each came; null is the end. */
  readonly #held: Array<{ at: number; bytes: Buffer | null }> = [];
  #heldBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #isAbandoned = false;

  constructor(from: Socket, to: Socket, weather: Weather) {
    this.#from = from;
    this.#to = to;
    this.#weather = weather;
    from.on('data', (bytes: Buffer) => {
      this.#held.push({ at: performance.now(), bytes });
      this.#heldBytes += bytes.length;
      if (this.#heldBytes > HELD_BYTES) from.pause();
      this.#pass();
    });
    from.on('end', () => {
      this.#held.push({ at: performance.now(), bytes: null });
      this.#pass();
    });
    to.on('drain', () => this.#pass());
  }

  wake(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pass();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#held.length = 0;
  }

  /** Nothing passes any more, not even an end. */
  abandon(): void {
    this.stop();
    this.#isAbandoned = true;
  }

  #pass(): void {
    if (this.#timer || this.#weather.isSilent || this.#isAbandoned) return;
    for (let piece = this.#held[0]; piece; piece = this.#held[0]) {
      const early = piece.at + this.#weather.latency - performance.now();
      if (early > 0) {
        this.#later(early);
        return;
      }
      // Written before, and not taken yet: `drain` goes on.
      if (this.#to.writableNeedDrain) return;
      const { slice } = this.#weather;
      if (piece.bytes && slice && piece.bytes.length > slice.bytes) {
        this.#write(piece.bytes.subarray(0, slice.bytes));
        piece.bytes = piece.bytes.subarray(slice.bytes);
        this.#later(slice.everyMs);
        return;
      }
      this.#held.shift();
      if (piece.bytes) this.#write(piece.bytes);
      else this.#to.end();
      if (slice && this.#held.length > 0) {
        this.#later(slice.everyMs);
        return;
      }
    }
  }

  #write(bytes: Buffer): void {
    this.#heldBytes -= bytes.length;
    if (!this.#to.destroyed) this.#to.write(bytes);
    if (this.#heldBytes <= HELD_BYTES && this.#from.isPaused()) this.#from.resume();
  }

  #later(milliseconds: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#pass();
    }, milliseconds);
  }
}
