/** Frames that no client of ours would send, and bytes that are no frames: nothing may break, and nobody hears 4006. */
import { connect } from 'node:net';
import WebSocket from 'ws';
import type { Person } from './people.js';
import type { Random } from './random.js';
import type { Report } from './report.js';
import type { System } from './system.js';

/** What the fuzzer works with. */
export interface FuzzOptions {
  readonly system: System;
  readonly report: Report;
  readonly random: Random;
  readonly people: readonly Person[];
  /** A room of theirs. */
  readonly roomId: string;
  /** Frames to send, and in how many seconds. */
  readonly frames: number;
  readonly seconds: number;
}

const TYPES = [
  ...['message.send', 'message.acknowledged', 'message.read', 'message.react', 'message.typing', 'message.modify'],
  ...['room.create', 'room.list', 'room.discover', 'room.info', 'room.members', 'room.messages', 'room.join'],
  ...['room.add_members', 'room.remove_members', 'room.modify', 'session.heartbeat', 'session.refresh'],
  ...['session.resume', 'room.leave ', 'constructor', '__proto__', '$connect', '', 'toString'],
];
const FIELDS = [
  ...['room_id', 'message_id', 'content', 'client_id', 'extra_fields', 'type', 'name', 'participants', 'subscribers'],
  ...['members', 'paginate', 'before', 'after', 'around', 'limit', 'cursor', 'query', 'action', 'data', 'token'],
  ...['rooms', 'reaction_content', 'parent_message_id', 'media', '__proto__', 'constructor', 'toString'],
];

/** Seconds after its time in which what could not be sent, with every gateway away, is sent after all. */
const PATIENCE = 120;

/** Sends its frames evenly over the time. Resolves when all are sent, or when it is stopped. */
export async function fuzz(options: FuzzOptions, isRunning: () => boolean): Promise<void> {
  const { frames, seconds, random, report, people } = options;
  const started = performance.now();
  const sockets = people.map((person, index) => new Fuzzed(options, person, index));
  for (let sent = 0; sent < frames && isRunning(); ) {
    const passed = (performance.now() - started) / 1000;
    if (passed > seconds + PATIENCE) break;
    const due = Math.min(frames, (passed / seconds) * frames);
    for (let tries = 0; sent < due && tries < 50; tries++) {
      if (random.chance(0.02)) bytes(options);
      else if (!random.pick(sockets).send()) continue;
      sent += 1;
      report.count('frames fuzzed');
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  for (const socket of sockets) socket.close();
  const count = report.counted('frames fuzzed');
  if (isRunning() && count < frames) report.breach('soak', `Only ${count} of ${frames} frames could be fuzzed.`);
}

/** A connection that is opened again whenever it was closed. */
class Fuzzed {
  readonly #options: FuzzOptions;
  readonly #person: Person;
  #socket: WebSocket | undefined;
  #turn: number;

  constructor(options: FuzzOptions, person: Person, turn: number) {
    this.#options = options;
    this.#person = person;
    this.#turn = turn;
  }

  /** False when there is no open connection; then one is opened. */
  send(): boolean {
    const { random, report, system } = this.#options;
    if (this.#socket === undefined) {
      const socket = new WebSocket(system.gateways[this.#turn++ % 2]!.direct, ['bearer', this.#person.token], {
        perMessageDeflate: false,
      });
      this.#socket = socket;
      socket.on('error', () => {});
      socket.on('close', (code) => {
        report.count(`fuzzed connections closed with ${code}`);
        if (this.#socket === socket) this.#socket = undefined;
      });
      socket.on('message', (data: Buffer) => {
        const text = data.toString();
        const { error } = JSON.parse(text) as { error?: { code?: number } };
        if (error?.code === 4006) report.breach('answer', `A fuzzed frame was answered with ${text}; see the log.`);
      });
    }
    const socket = this.#socket;
    if (socket.readyState !== WebSocket.OPEN) return false;
    socket.send(random.chance(0.03) ? noise(random, 40) : frameText(random, this.#options.roomId));
    return true;
  }

  close(): void {
    this.#socket?.terminate();
  }
}

/** One frame: nearly right, or far from it. */
export function frameText(random: Random, roomId: string): string {
  if (random.chance(0.1)) return noise(random, 80).toString('latin1');
  const data = random.chance(0.1) ? value(random, roomId, 3) : object(random, roomId, 2);
  const frame: Record<string, unknown> = {
    event_type: random.chance(0.95) ? random.pick(TYPES) : value(random, roomId, 1),
    data,
  };
  if (random.chance(0.5)) frame.id = random.chance(0.9) ? String(random.below(1e9)) : value(random, roomId, 1);
  let text = JSON.stringify(frame);
  if (random.chance(0.1)) {
    const at = random.below(text.length);
    text = text.slice(0, at) + random.pick(['', '"', '{', ']', '\u0000', '\ud800', '\\', '9e999']) + text.slice(at + 1);
  }
  if (random.chance(0.01)) text = '['.repeat(random.between(1, 5000));
  return text;
}

function object(random: Random, roomId: string, depth: number): Record<string, unknown> {
  const fields: Array<[string, unknown]> = [];
  if (random.chance(0.6)) fields.push(['room_id', roomId]);
  for (let left = random.below(5); left > 0; left--) fields.push([random.pick(FIELDS), value(random, roomId, depth)]);
  return Object.fromEntries(fields);
}

function value(random: Random, roomId: string, depth: number): unknown {
  const kinds: Array<() => unknown> = [
    () => random.pick([0, -1, 1, 2 ** 53, 1e308, 0.5, -0]),
    () => random.pick([true, false, null]),
    () =>
      random.pick([
        '',
        ' ',
        'x',
        "' OR 1=1 --",
        '<b>hi</b><script>x</script>',
        '\u202e\u0000',
        '😀'.repeat(70),
        '%',
        '\\',
      ]),
    () => random.pick([roomId, '0190a000-0000-7000-8000-000000000000', '1', '999999999999999999999', 'add', 'update']),
    () => random.pick(['GroupChat', 'Channel', 'OneToOneChat', 'delete', 'remove', 'x'.repeat(3000)]),
    () => Array.from({ length: random.below(4) }, () => value(random, roomId, depth - 1)),
    () => object(random, roomId, depth - 1),
  ];
  return random.pick(depth > 0 ? kinds : kinds.slice(0, 5))();
}

/** A handshake, and then bytes. */
function bytes({ random, system, people, report }: FuzzOptions): void {
  const { direct } = random.pick(system.gateways);
  const { port } = new URL(direct);
  const socket = connect(Number(port), '127.0.0.1');
  const token = random.chance(0.7) ? random.pick(people).token : 'none';
  socket.on('error', () => {});
  socket.setTimeout(5000, () => socket.destroy());
  socket.write(
    [
      `GET /${random.pick(['messaging/', 'messaging', 'nowhere', 'messaging/?token=%ff', '//messaging/'])} HTTP/1.1`,
      ...['Host: 127.0.0.1', 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13'],
      `Sec-WebSocket-Key: ${random.chance(0.9) ? 'dGhlIHNhbXBsZSBub25jZQ==' : 'x'}`,
      `Sec-WebSocket-Protocol: bearer, ${token}`,
      '',
      '',
    ].join('\r\n'),
  );
  // Reserved bits, no mask, lengths that lie, control frames that are too long: whatever comes.
  socket.write(Buffer.from([random.below(256), random.below(256)]));
  socket.write(noise(random, 120));
  setTimeout(() => socket.destroy(), random.below(2000));
  report.count('connections of raw bytes');
}

function noise(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length: random.between(1, length) }, () => random.below(256)));
}
