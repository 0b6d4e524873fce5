import { clientFrame, FrameReader, opcodes } from './frames.js';
import type { LoadUser, WebSocketProtocol } from './protocols.js';
import type { Session, SessionEvents } from './socket.js';

/** A conversation over a WebSocket. */
export class WebSocketSession implements Session {
  readonly #protocol: WebSocketProtocol;
  readonly #user: LoadUser;
  readonly #host: string;
  readonly #events: SessionEvents;
  readonly #reader = new FrameReader((opcode, bytes, start, end) => this.#take(opcode, bytes, start, end));
  #opened = false;

  constructor(protocol: WebSocketProtocol, user: LoadUser, host: string, events: SessionEvents) {
    this.#protocol = protocol;
    this.#user = user;
    this.#host = host;
    this.#events = events;
  }

  begin(): void {
    this.#events.write(
      `GET ${this.#protocol.path(this.#user)} HTTP/1.1\r\nHost: ${this.#host}\r\nConnection: Upgrade\r\n` +
        'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c29ja2V0IG9mIGEgYmVuYw==\r\n' +
        `${this.#protocol.headers(this.#user)}\r\n`,
    );
  }

  send(text: string): void {
    this.#events.write(clientFrame(text));
  }

  push(bytes: Buffer): void {
    if (this.#opened) this.#reader.push(bytes);
    else this.#shake(bytes);
  }

  #shake(bytes: Buffer): void {
    // The answer to the handshake is short, and comes whole on one machine.
    const end = bytes.indexOf('\r\n\r\n');
    const status = bytes.toString('latin1', 9, 12);
    if (end < 0 || status !== '101') {
      this.#events.fail(`the handshake was answered with ${status}`);
      return;
    }
    this.#opened = true;
    const hello = this.#protocol.hello(this.#user);
    if (hello !== undefined) this.send(hello);
    if (bytes.length > end + 4) this.#reader.push(bytes.subarray(end + 4));
  }

  #take(opcode: number, bytes: Buffer, start: number, end: number): void {
    if (opcode === opcodes.ping) this.#events.write(clientFrame(bytes.toString('latin1', start, end), opcodes.pong));
    if (opcode === opcodes.close)
      this.#events.fail(`the server closed with ${end > start ? bytes.readUInt16BE(start) : 1005}`);
    if (opcode !== opcodes.text) return;
    const kind = this.#protocol.kind(bytes, start, end);
    if (kind === 'message') this.#events.message(bytes, start);
    else if (kind === 'answer') this.#events.answer(end - start);
    else if (kind === 'typing') this.#events.typing();
    else if (kind === 'ready') this.#events.ready();
    else if (kind === 'ping') this.send(this.#protocol.pong ?? '');
    else if (kind === 'error') this.#events.fault(bytes.toString('utf8', start, Math.min(end, start + 300)));
  }
}
