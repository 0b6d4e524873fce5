import { ChatError, ClientErrorCode, errorOf } from './error.js';
import type { ServerFrame } from './events.js';

/** How one request is sent. */
export interface RequestOptions {
  /** Milliseconds until it rejects with 408; default the client's `requestTimeout`; 0: never. */
  timeout?: number | undefined;
  /** Rejects it; what was sent is not taken back. */
  signal?: AbortSignal | undefined;
  /** Send it again after a 4503 or 4029, later. */
  retry?: boolean | undefined;
}

interface Request {
  readonly id: string;
  readonly text: string;
  /** It may be sent again when the connection ends before its answer. */
  readonly isRepeatable: boolean;
  isSent: boolean;
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

/** Events that change nothing when they happen twice: reads, and those that name what they make. */
const repeatable = new Set([
  ...['room.list', 'room.discover', 'room.info', 'room.members', 'room.messages', 'room.join', 'room.create'],
  ...['message.send', 'message.acknowledged', 'message.read'],
]);
const maxWaiting = 1000;

/** Events with an answer: each has an id, and waits for a connection, and for the frame with that id. */
export class Requests {
  readonly #waiting = new Map<string, Request>();
  readonly #write: (text: string) => boolean;
  #isOnline = false;
  #count = 0;

  constructor(write: (text: string) => boolean) {
    this.#write = write;
  }

  /** Sends an event once online, or `now`. Resolves with the data of its answer. */
  send(event: string, data: object, options: RequestOptions = {}, now = false): Promise<unknown> {
    const { timeout = 0, signal } = options;
    if (this.#waiting.size >= maxWaiting) {
      return Promise.reject(new ChatError(ClientErrorCode.full, 'Too many events wait for an answer.'));
    }
    if (signal?.aborted) return Promise.reject(signal.reason);
    const id = String(++this.#count);
    return new Promise((resolve, reject) => {
      const finish = () => {
        this.#waiting.delete(id);
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
      };
      const request: Request = {
        id,
        text: JSON.stringify({ event_type: event, data, id }),
        isRepeatable: repeatable.has(event),
        isSent: false,
        resolve(answer) {
          finish();
          resolve(answer);
        },
        reject(error) {
          finish();
          reject(error);
        },
      };
      const abort = () => request.reject(signal?.reason);
      signal?.addEventListener('abort', abort);
      const timer =
        timeout > 0
          ? setTimeout(() => request.reject(new ChatError(ClientErrorCode.timeout, 'No answer in time.')), timeout)
          : undefined;
      this.#waiting.set(id, request);
      if (now || this.#isOnline) this.#send(request);
      if (now && !request.isSent) request.reject(lost());
    });
  }

  /** Takes an answer; false when nobody waits for it. */
  answer(frame: ServerFrame): boolean {
    const request = frame.id === undefined ? undefined : this.#waiting.get(frame.id);
    if (!request) return false;
    if (frame.error === undefined) request.resolve(frame.data);
    else request.reject(errorOf(frame.error));
    return true;
  }

  /** Sends what waited, in the order it was asked. */
  online(): void {
    this.#isOnline = true;
    for (const request of this.#waiting.values()) if (!request.isSent) this.#send(request);
  }

  /** The connection ended. What may be sent again waits for the next. */
  lost(code: number): void {
    this.#isOnline = false;
    const sent = [...this.#waiting.values()].filter(({ isSent }) => isSent);
    // The server said no to one frame because of its size: the largest.
    if (code === ClientErrorCode.tooLarge && sent.length > 0) {
      const largest = sent.reduce((a, b) => (b.text.length > a.text.length ? b : a));
      largest.reject(new ChatError(code, 'The event is larger than the server takes.'));
    }
    for (const request of sent) {
      request.isSent = false;
      if (!request.isRepeatable) request.reject(lost());
    }
  }

  /** Rejects all that waits. */
  close(): void {
    for (const request of [...this.#waiting.values()]) request.reject(closed());
  }

  #send(request: Request): void {
    request.isSent = this.#write(request.text);
  }
}

/** The client was closed. */
export const closed = () => new ChatError(ClientErrorCode.closed, 'The client was closed.');
const lost = () => new ChatError(ClientErrorCode.connectionLost, 'The connection ended before the answer came.');

/** Milliseconds to wait before trying again what failed so; undefined when trying again is of no use. */
export function retryDelay(error: unknown, tries: number): number | undefined {
  if (!(error instanceof ChatError)) return undefined;
  // A little later than told, and not all at once.
  if (error.code === 4029) return (error.retryAfter ?? 1) * 1000 * (1 + Math.random() / 4);
  if (error.code === 4503) return Math.random() * Math.min(30_000, 1000 * 2 ** tries);
  return error.code === ClientErrorCode.connectionLost ? 0 : undefined;
}
