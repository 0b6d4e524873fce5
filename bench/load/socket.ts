import { connect, type Socket } from 'node:net';
import type { LoadUser, Protocol } from './protocols.js';
import { WebSocketSession } from './websocket.js';
import { XmppSession } from './xmpp.js';

/** What a connection tells. */
export interface LoadSocketEvents {
  message(socket: LoadSocket, bytes: Buffer, start: number): void;
  answer(socket: LoadSocket, length: number): void;
  typing(socket: LoadSocket): void;
  /** A refusal, or the end of a connection that nobody ended here. */
  fault(text: string): void;
}

/** What a server says, as a session tells it to the connection that it belongs to. */
export interface SessionEvents {
  write(bytes: Buffer | string): void;
  message(bytes: Buffer, start: number): void;
  answer(length: number): void;
  typing(): void;
  /** The server has said that this user is in. */
  ready(): void;
  /** A refusal that leaves the connection as it is. */
  fault(text: string): void;
  /** The connection is of no more use. */
  fail(why: string): void;
}

/** One conversation with a server, from the first byte on. */
export interface Session {
  /** The connection stands. */
  begin(): void;
  /** Takes bytes as they came; they are overwritten afterwards. */
  push(bytes: Buffer): void;
  send(text: string): void;
}

/** Every connection of the process reads into it: a read is handled before the next one begins. */
const shared = Buffer.allocUnsafe(256 * 1024);

/** One user's connection. */
export class LoadSocket {
  readonly index: number;
  readonly user: LoadUser;
  readonly #protocol: Protocol;
  readonly #events: LoadSocketEvents;
  #socket: Socket | undefined;
  #session: Session | undefined;
  #ending = false;

  constructor(index: number, user: LoadUser, protocol: Protocol, events: LoadSocketEvents) {
    this.index = index;
    this.user = user;
    this.#protocol = protocol;
    this.#events = events;
  }

  /** Resolves when the server has said that this user is in. */
  open(host: string, port: number): Promise<void> {
    return new Promise((ready, reject) => {
      const socket = connect({
        host,
        port,
        noDelay: true,
        onread: {
          buffer: shared,
          callback: (length) => {
            session.push(shared.subarray(0, length));
            return !this.#ending;
          },
        },
      });
      const fail = (why: string) => {
        if (this.#ending) return;
        this.#ending = true;
        socket.destroy();
        reject(new Error(why));
        this.#events.fault(why);
      };
      const session = this.#begin(`${host}:${port}`, {
        write: (bytes) => socket.write(bytes),
        message: (bytes, start) => this.#events.message(this, bytes, start),
        answer: (length) => this.#events.answer(this, length),
        typing: () => this.#events.typing(this),
        ready,
        fault: (text) => this.#events.fault(text),
        fail,
      });
      this.#socket = socket;
      this.#session = session;
      socket.on('error', (error) => fail(`a connection failed: ${error.message}`));
      socket.on('close', () => fail('a connection was closed by the server'));
      socket.on('connect', () => session.begin());
    });
  }

  send(text: string): void {
    this.#session?.send(text);
  }

  /** Ends it without a word: the server's side of it is not what is measured. */
  close(): void {
    this.#ending = true;
    this.#socket?.destroy();
  }

  #begin(host: string, events: SessionEvents): Session {
    const protocol = this.#protocol;
    if (protocol.transport === 'xmpp') return new XmppSession(this.user, events);
    return new WebSocketSession(protocol, this.user, host, events);
  }
}
