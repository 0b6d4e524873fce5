import type { Socket } from 'node:net';
import type { ChatSocket } from './socket.js';

/** Milliseconds a client's unsent bytes may stay over the limit. */
const slowGrace = 5000;
/** Bytes that are held back at most, to be written in one go. */
const maxHeld = 65_536;
const open = 1;

/**
 * Writes finished frames to one socket, and notices a client that does not read. Frames of the same turn of the event
 * loop leave in one system call: those are what a busy gateway spends its time on.
 */
export class SocketWriter {
  readonly #socket: ChatSocket;
  readonly #stream: Socket;
  readonly #limit: number;
  readonly #tooSlow: () => void;
  #slowTimer: NodeJS.Timeout | undefined;
  #held = 0;

  /**
   * @param stream what carries `socket`. Frames are written past `socket`, which has no compression and so nothing of its
   * own waiting; its control frames go the same way, in order.
   * @param limit bytes that may wait unsent for 5 s; four times that ends it at once, by `tooSlow`.
   */
  constructor(socket: ChatSocket, stream: Socket, limit: number, tooSlow: () => void) {
    this.#socket = socket;
    this.#stream = stream;
    this.#limit = limit;
    this.#tooSlow = tooSlow;
  }

  /** Whether so much waits that what may be lost is better not sent. */
  get isCongested(): boolean {
    return this.#socket.bufferedAmount > this.#limit / 2;
  }

  /** Writes a frame made by `textFrame`. */
  write(frame: Buffer): void {
    if (this.#socket.readyState !== open) return;
    if (this.#held === 0) {
      this.#stream.cork();
      setImmediate(() => this.#release());
    }
    this.#held += frame.length;
    this.#stream.write(frame);
    if (this.#held > maxHeld) {
      this.#stream.uncork();
      this.#stream.cork();
      this.#held = 1;
    }
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

  #release(): void {
    this.#held = 0;
    this.#stream.uncork();
  }

  #look(): void {
    this.#slowTimer = undefined;
    if (this.#socket.bufferedAmount > this.#limit) this.#tooSlow();
  }
}
