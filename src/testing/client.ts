/**
 * A client for tests: it queues every frame, so that none is lost between two awaits, and it can prove silence without
 * sleeping. Needs the package `ws`.
 */
import { once } from 'node:events';
import WebSocket from 'ws';

/** A frame as the server sent it. `T` is what the test knows `data` to be. */
export interface TestFrame<T = unknown> {
  eventType: string;
  data: T;
  /** Only in the answer to an event that had this id. */
  id?: string;
  /** Only in a broadcast of a room. */
  room_id?: string;
  offset?: number;
  /** Only in an answer that reports a failure. */
  error?: unknown;
  /** Only in the answer to a `session.*` event without a dispatch. */
  status?: string;
}

/** How a connection ended. */
export interface TestClosure {
  code: number;
  reason: string;
}

/** How to connect. A token goes into `Authorization: Bearer`; `protocols` and `headers` are sent as they are. */
export interface TestClientOptions {
  token?: string;
  protocols?: string[];
  headers?: Record<string, string>;
  /** Milliseconds that `next`, `expect` and `request` wait before they throw; default 15,000. */
  timeout?: number;
}

/** What `silence` needs to cover broadcasts too; see there. */
export interface TestFence {
  /** Makes a broadcast that this client receives, after everything that is to be proved absent was answered. */
  send(): Promise<unknown>;
  /** Whether a frame is of that broadcast. */
  matches(frame: TestFrame): boolean;
  /** How many frames match, default 1. */
  count?: number;
}

/** The server refused the upgrade; `status` is the HTTP status. */
export class UpgradeRefused extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`The server answered the upgrade with HTTP ${status}.`);
    this.name = 'UpgradeRefused';
    this.status = status;
  }
}

interface Waiter {
  /** Set when it waits for the answer with this id. */
  id?: string;
  matches(frame: TestFrame): boolean;
  resolve(frame: TestFrame): void;
  reject(error: Error): void;
}

/** One connection. Frames wait in `pending` until a call takes them. */
export class TestClient {
  readonly socket: WebSocket;
  /** Resolves when the connection ended, for whatever reason. */
  readonly closed: Promise<TestClosure>;
  /** Frames that arrived and were not taken yet, oldest first. */
  readonly pending: TestFrame[] = [];
  /** Breaches of the protocol that can be seen on any frame; `silence` and `close` throw when there is one. */
  readonly breaches: string[] = [];
  private readonly waiters: Waiter[] = [];
  /** Ids sent and not answered yet, with how often. */
  private readonly asked = new Map<string, number>();
  private readonly timeout: number;
  private closure: TestClosure | undefined;
  private count = 0;

  constructor(socket: WebSocket, timeout = 15_000) {
    this.socket = socket;
    this.timeout = timeout;
    socket.on('message', (data: Buffer, isBinary: boolean) => this.take(data.toString(), isBinary));
    // An error is followed by 'close', which is what tests look at.
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        this.closure = { code, reason: reason.toString() };
        for (const waiter of this.waiters.splice(0)) waiter.reject(this.closedError());
        resolve(this.closure);
      });
    });
  }

  /** The next frame of any kind for which `predicate` holds: an error, say, which has no type. Others are kept. */
  next<T = unknown>(predicate?: (frame: TestFrame<T>) => boolean): Promise<TestFrame<T>> {
    return this.wait('a frame', (frame) => predicate?.(frame as TestFrame<T>) ?? true);
  }

  /** The next frame of that type for which `predicate` holds; other frames are kept. */
  expect<T = unknown>(eventType: string, predicate?: (frame: TestFrame<T>) => boolean): Promise<TestFrame<T>> {
    return this.wait(
      eventType,
      // An answer with an id belongs to `request`, broadcasts carry none.
      (frame) => frame.eventType === eventType && (predicate?.(frame as TestFrame<T>) ?? true),
    );
  }

  /** Sends one event and does not wait. */
  send(eventType: string, data: unknown, id?: string): void {
    this.sendRaw(JSON.stringify({ event_type: eventType, data, ...(id === undefined ? {} : { id }) }));
  }

  /** Sends what is given as one frame: text, or binary for a Buffer. */
  sendRaw(frame: string | Buffer): void {
    const id = idOf(frame);
    if (id !== undefined) this.asked.set(id, (this.asked.get(id) ?? 0) + 1);
    this.socket.send(frame);
  }

  /** Sends one event with an id and resolves with its answer: a private dispatch, an error, a status or an ack. */
  request<T = unknown>(eventType: string, data: unknown, id = this.newId()): Promise<TestFrame<T>> {
    const answer = this.answer<T>(id);
    this.send(eventType, data, id);
    return answer;
  }

  /** Resolves with the frame that carries this id. */
  answer<T = unknown>(id: string): Promise<TestFrame<T>> {
    return this.wait(`the answer to ${id}`, (frame) => frame.id === id, id);
  }

  /** An id that this client did not use yet. */
  newId(): string {
    this.count++;
    return `request-${this.count}`;
  }

  /**
   * Throws when a frame is waiting or on its way that nobody took. A heartbeat's answer proves that all earlier answers
   * are here. Broadcasts caused by another connection take another way: for these give a `fence`, a broadcast made
   * after that connection got its answer.
   */
  async silence(fence?: TestFence): Promise<void> {
    if (fence) {
      const matches = (frame: TestFrame) => fence.matches(frame);
      const arrived = Array.from({ length: fence.count ?? 1 }, () => this.wait('the fence', matches));
      await Promise.all([fence.send(), ...arrived]);
    }
    const answer = await this.request('session.heartbeat', {});
    if (answer.status !== 'success') throw new Error(`A heartbeat was answered with ${JSON.stringify(answer)}.`);
    this.throwBreaches();
    if (this.pending.length === 0) return;
    const frames = this.pending.map((frame) => JSON.stringify(frame).slice(0, 600));
    throw new Error(`Silence was expected, but there came:\n${frames.join('\n')}`);
  }

  /** Closes the connection and waits for its end. */
  async close(): Promise<void> {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.close(1000);
    else if (this.socket.readyState !== WebSocket.CLOSED) this.socket.terminate();
    const timer = setTimeout(() => this.socket.terminate(), 5000);
    await this.closed;
    clearTimeout(timer);
    this.throwBreaches();
  }

  /** Ends the connection without a close frame, as a crash does. */
  async terminate(): Promise<void> {
    this.socket.terminate();
    await this.closed;
  }

  private wait<T>(what: string, matches: (frame: TestFrame) => boolean, id?: string): Promise<TestFrame<T>> {
    const index = this.pending.findIndex(matches);
    if (index >= 0) return Promise.resolve(this.pending.splice(index, 1)[0] as TestFrame<T>);
    if (this.closure) return Promise.reject(this.closedError());
    // Made here, so that its stack names the test that waits.
    const late = new Error(`${what} did not come within ${this.timeout} ms`);
    return new Promise((resolve, reject) => {
      const finish = (act: () => void) => {
        clearTimeout(timer);
        const at = this.waiters.indexOf(waiter);
        if (at >= 0) this.waiters.splice(at, 1);
        act();
      };
      const waiter: Waiter = {
        id,
        matches,
        resolve: (frame) => finish(() => resolve(frame as TestFrame<T>)),
        reject: (error) => finish(() => reject(error)),
      };
      const timer = setTimeout(() => {
        const kept = this.pending.map((frame) => JSON.stringify(frame).slice(0, 300)).join('\n');
        late.message += kept ? `; waiting are:\n${kept}` : '; nothing else came';
        waiter.reject(late);
      }, this.timeout);
      this.waiters.push(waiter);
    });
  }

  private take(text: string, isBinary: boolean): void {
    if (isBinary) this.breaches.push('a binary frame');
    let frame: TestFrame;
    try {
      frame = JSON.parse(text) as TestFrame;
    } catch {
      this.breaches.push(`not JSON: ${text.slice(0, 300)}`);
      return;
    }
    if (frame.id !== undefined) {
      const open = this.asked.get(frame.id) ?? 0;
      if (open === 0) this.breaches.push(`an answer that nobody waits for: ${text.slice(0, 300)}`);
      this.asked.set(frame.id, open - 1);
    }
    // A request waits for one id, `next` for anything: the narrower one first.
    const waiter =
      this.waiters.find((candidate) => candidate.id !== undefined && candidate.id === frame.id) ??
      this.waiters.find((candidate) => candidate.matches(frame));
    if (waiter) waiter.resolve(frame);
    else this.pending.push(frame);
  }

  private throwBreaches(): void {
    if (this.breaches.length > 0) throw new Error(`The server sent ${this.breaches.join('; ')}.`);
  }

  private closedError(): Error {
    return new Error(`The connection is closed: ${this.closure?.code} ${this.closure?.reason}`);
  }
}

/** The id that the server will see in a frame, if it can be read at all. */
function idOf(frame: string | Buffer): string | undefined {
  try {
    const { id } = JSON.parse(frame.toString()) as { id?: unknown };
    return typeof id === 'string' ? id : undefined;
  } catch {
    return undefined;
  }
}

/** Connects, and resolves once the socket is open. Throws `UpgradeRefused` when the server answers with an HTTP status. */
export async function connectTestClient(url: string, options: TestClientOptions = {}): Promise<TestClient> {
  const headers = { ...options.headers };
  if (options.token !== undefined) headers.Authorization = `Bearer ${options.token}`;
  const socket = new WebSocket(url, options.protocols ?? [], { headers, perMessageDeflate: false });
  const refused = new Promise<never>((_resolve, reject) => {
    socket.once('unexpected-response', (request, response) => {
      response.resume();
      request.destroy();
      reject(new UpgradeRefused(response.statusCode ?? 0));
    });
  });
  const client = new TestClient(socket, options.timeout);
  await Promise.race([once(socket, 'open'), refused]);
  return client;
}
