/**
 * Thousands of clients in one process, on bare TCP sockets: they connect at once, answer pings, and come again after a
 * growing random wait when they are closed, as our client does. Told what to do by rush.ts.
 */
import { connect } from 'node:net';

/** As our client's defaults: milliseconds. */
const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;
const CONNECT_TIMEOUT = 20_000;

const TEXT = 1;
const CLOSE = 8;
const PING = 9;

/** Every socket of the process reads into it: a read is handled before the next one begins. */
const shared = Buffer.allocUnsafe(256 * 1024);

/** @type {Client[]} */
let clients = [];
let began = 0;
let notIn = 0;
/** @type {Record<string, number>} what they were closed with since they began */
let ends = {};

/** One client: out until its first frame has come. */
class Client {
  /** @type {import('node:net').Socket | undefined} */
  #socket;
  /** @type {Buffer | undefined} what came and is no whole frame yet */
  #rest;
  #isOpen = false;
  #tries = 0;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  isIn = false;

  /**
   * @param {{ host: string, port: number }[]} gateways
   * @param {number} turn
   * @param {string} token
   * @param {string} from
   */
  constructor(gateways, turn, token, from) {
    this.gateways = gateways;
    this.turn = turn;
    this.token = token;
    this.from = from;
  }

  connect() {
    const { host, port } = this.gateways[(this.turn + this.#tries) % this.gateways.length];
    const socket = connect({
      host,
      port,
      localAddress: this.from,
      noDelay: true,
      onread: { buffer: shared, callback: (length) => this.#read(shared.subarray(0, length)) },
    });
    this.#socket = socket;
    this.#rest = undefined;
    this.#isOpen = false;
    this.#timer = setTimeout(() => this.#lost('no answer'), CONNECT_TIMEOUT);
    socket.on('error', () => {});
    socket.on('close', () => this.#socket === socket && this.#lost('cut off'));
    socket.on('connect', () => {
      socket.write(
        `GET /messaging/ HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: YSBydXNoIG9mIGNsaWVudA==\r\n' +
          `Sec-WebSocket-Protocol: bearer, ${this.token}\r\n\r\n`,
      );
    });
  }

  /** Cuts it off without a word. */
  cut() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.resetAndDestroy();
    this.isIn = false;
    this.#tries = 0;
  }

  /** Comes again after a wait, as it would after a lost connection. */
  comeAgain() {
    this.#timer = setTimeout(
      () => this.connect(),
      Math.random() * Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#tries),
    );
  }

  /** @param {string | number} why */
  #lost(why) {
    ends[why] = (ends[why] ?? 0) + 1;
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.destroy();
    if (this.isIn) notIn += 1;
    this.isIn = false;
    this.#tries += 1;
    this.comeAgain();
  }

  /** @param {Buffer} bytes */
  #read(bytes) {
    let data = this.#rest ? Buffer.concat([this.#rest, bytes]) : bytes;
    if (!this.#isOpen) {
      const end = data.indexOf('\r\n\r\n');
      if (end < 0) return this.#keep(data);
      const status = data.toString('latin1', 9, 12);
      if (status !== '101') {
        this.#lost(`HTTP ${status}`);
        return false;
      }
      this.#isOpen = true;
      data = data.subarray(end + 4);
    }
    for (let frame = nextFrame(data); frame; frame = nextFrame(data)) {
      data = data.subarray(frame.end);
      if (frame.opcode === TEXT && !this.isIn) this.#enter();
      if (frame.opcode === PING) this.#socket?.write(Buffer.from([0x8a, 0x80, 0, 0, 0, 0]));
      if (frame.opcode === CLOSE) {
        this.#lost(frame.body.length >= 2 ? frame.body.readUInt16BE(0) : 1005);
        return false;
      }
    }
    return this.#keep(data);
  }

  /** @param {Buffer} data */
  #keep(data) {
    this.#rest = data.length > 0 ? Buffer.from(data) : undefined;
    return true;
  }

  #enter() {
    clearTimeout(this.#timer);
    this.isIn = true;
    this.#tries = 0;
    notIn -= 1;
    if (notIn === 0) tell();
  }
}

/** @param {Buffer} data a server's frame, which has no mask; undefined until it is whole */
function nextFrame(data) {
  if (data.length < 2) return undefined;
  let length = data[1] & 0x7f;
  let start = 2;
  if (length === 126) {
    if (data.length < 4) return undefined;
    length = data.readUInt16BE(2);
    start = 4;
  } else if (length === 127) {
    if (data.length < 10) return undefined;
    length = Number(data.readBigUInt64BE(2));
    start = 10;
  }
  if (data.length < start + length) return undefined;
  return { opcode: data[0] & 0x0f, body: data.subarray(start, start + length), end: start + length };
}

function tell() {
  process.send?.({ isIn: clients.length - notIn, took: Math.round(performance.now() - began), ends });
}

function begin() {
  began = performance.now();
  notIn = clients.length;
  ends = {};
}

process.on('message', (/** @type {import('./rush.js').RushCommand} */ command) => {
  if (command.act === 'come') {
    clients = Array.from({ length: command.count }, (_, index) => {
      const token = command.tokens[index % command.tokens.length];
      return new Client(command.gateways, index, token, `127.0.${1 + (index % 100)}.1`);
    });
    begin();
    for (const client of clients) client.connect();
  } else if (command.act === 'come back') {
    begin();
    for (const client of clients) client.cut();
    for (const client of clients) client.comeAgain();
  } else tell();
});
// The soak is gone: so are its clients.
process.on('disconnect', () => process.exit(0));
