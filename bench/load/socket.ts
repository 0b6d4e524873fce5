import { connect, type Socket } from 'node:net';
import { clientFrame, FrameReader, opcodes } from './frames.js';
import type { LoadUser, Protocol } from './protocols.js';

/** What a connection tells. */
export interface LoadSocketEvents {
  message(socket: LoadSocket, bytes: Buffer, start: number): void;
  answer(socket: LoadSocket, length: number): void;
  typing(socket: LoadSocket): void;
  /** A refusal, or the end of a connection that nobody ended here. */
  fault(text: string): void;
}

/** Every connection of the process reads into it: a read is handled before the next one begins. */
const shared = Buffer.allocUnsafe(256 * 1024);

/** One user's connection. */
export class LoadSocket {
  readonly index: number;
  readonly user: LoadUser;
  readonly #protocol: Protocol;
  readonly #events: LoadSocketEvents;
  readonly #reader = new FrameReader((opcode, bytes, start, end) => this.#take(opcode, bytes, start, end));
  #socket: Socket | undefined;
  #opened = false;
  #ending = false;
  #ready: (() => void) | undefined;
  #fail: ((why: string) => void) | undefined;

  constructor(index: number, user: LoadUser, protocol: Protocol, events: LoadSocketEvents) {
    this.index = index;
    this.user = user;
    this.#protocol = protocol;
    this.#events = events;
  }

  /** Resolves when the server has said that this user is in. */
  open(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#ready = resolve;
      const socket = connect({
        host,
        port,
        noDelay: true,
        onread: { buffer: shared, callback: (length) => this.#read(shared.subarray(0, length)) },
      });
      this.#socket = socket;
      const end = (why: string) => {
        if (this.#ending) return;
        this.#ending = true;
        socket.destroy();
        reject(new Error(why));
        this.#events.fault(why);
      };
      this.#fail = end;
      socket.on('error', (error) => end(`a connection failed: ${error.message}`));
      socket.on('close', () => end('a connection was closed by the server'));
      socket.on('connect', () => {
        socket.write(
          `GET ${this.#protocol.path(this.user)} HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: Upgrade\r\n` +
            'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c29ja2V0IG9mIGEgYmVuYw==\r\n' +
            `${this.#protocol.headers(this.user)}\r\n`,
        );
      });
    });
  }

  send(text: string): void {
    this.#socket?.write(clientFrame(text));
  }

  /** Ends it without a word: the server's side of it is not what is measured. */
  close(): void {
    this.#ending = true;
    this.#socket?.destroy();
  }

  #read(bytes: Buffer): boolean {
    if (this.#opened) {
      this.#reader.push(bytes);
      return true;
    }
    // The answer to the handshake is short, and comes whole on one machine.
    const end = bytes.indexOf('\r\n\r\n');
    const status = bytes.toString('latin1', 9, 12);
    if (end < 0 || status !== '101') {
      this.#fail?.(`the handshake was answered with ${status}`);
      return false;
    }
    this.#opened = true;
    const hello = this.#protocol.hello(this.user);
    if (hello !== undefined) this.send(hello);
    if (bytes.length > end + 4) this.#reader.push(bytes.subarray(end + 4));
    return true;
  }

  #take(opcode: number, bytes: Buffer, start: number, end: number): void {
    if (opcode === opcodes.ping) this.#socket?.write(clientFrame(bytes.toString('latin1', start, end), opcodes.pong));
    if (opcode === opcodes.close)
      this.#fail?.(`the server closed with ${end > start ? bytes.readUInt16BE(start) : 1005}`);
    if (opcode !== opcodes.text) return;
    const kind = this.#protocol.kind(bytes, start, end);
    if (kind === 'message') this.#events.message(this, bytes, start);
    else if (kind === 'answer') this.#events.answer(this, end - start);
    else if (kind === 'typing') this.#events.typing(this);
    else if (kind === 'ready') this.#ready?.();
    else if (kind === 'ping') this.send(this.#protocol.pong ?? '');
    else if (kind === 'error') this.#events.fault(bytes.toString('utf8', start, Math.min(end, start + 300)));
  }
}
