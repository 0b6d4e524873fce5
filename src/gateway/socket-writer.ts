import type { ChatSocket } from './socket.js';

/** Milliseconds a client's unsent bytes may stay over the limit. */
const slowGrace = 5000;
const open = 1;

/** Writes to one socket, and notices a client that does not read. */
export class SocketWriter {
  readonly #socket: ChatSocket;
  readonly #limit: number;
  readonly #tooSlow: () => void;
  #slowTimer: NodeJS.Timeout | undefined;

  /** @param limit bytes that may wait unsent for 5 s; four times that ends it at once, by `tooSlow`. */
  constructor(socket: ChatSocket, limit: number, tooSlow: () => void) {
    this.#socket = socket;
    this.#limit = limit;
    this.#tooSlow = tooSlow;
  }

  /** Whether so much waits that what may be lost is better not sent. */
  get isCongested(): boolean {
    return this.#socket.bufferedAmount > this.#limit / 2;
  }

  write(frame: Buffer | string): void {
    if (this.#socket.readyState !== open) return;
    this.#socket.send(typeof frame === 'string' ? Buffer.from(frame) : frame, { binary: false });
    const waiting = this.#socket.bufferedAmount;
    if (waiting <= this.#limit) this.stop();
    else if (waiting > this.#limit * 4) this.#tooSlow();
    else this.#slowTimer ??= setTimeout(() => this.#look(), slowGrace);
  }

  /** Resolves when little of what was written waits in this process, or none ever will leave it. */
  flushed(): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (this.#socket.readyState !== open || this.#socket.bufferedAmount <= this.#limit / 4) resolve();
        else setTimeout(look, 10);
      };
      look();
    });
  }

  stop(): void {
    clearTimeout(this.#slowTimer);
    this.#slowTimer = undefined;
  }

  #look(): void {
    this.#slowTimer = undefined;
    if (this.#socket.bufferedAmount > this.#limit) this.#tooSlow();
  }
}
