/** Devices of the load: with our own client, which resumes; and plain ones, which only connect again. */
import { ChatClient } from '../../src/client/client.js';
import { DeviceLog } from './device-log.js';
import type { Person } from './people.js';
import type { Random } from './random.js';
import type { Report } from './report.js';
import type { System } from './system.js';
import { Wire, type WireOwner } from './wire.js';

/** What every device needs. */
export interface DeviceOptions {
  readonly system: System;
  readonly report: Report;
  readonly random: Random;
  readonly person: Person;
  readonly name: string;
}

/** One device of one user: its log, and its present connection. */
export abstract class Device implements WireOwner {
  readonly log: DeviceLog;
  readonly person: Person;
  readonly report: Report;
  wire: Wire | undefined;
  readonly #system: System;
  readonly #random: Random;

  constructor({ system, report, random, person, name }: DeviceOptions) {
    this.log = new DeviceLog(person.id, `${person.username}'s ${name}`);
    this.person = person;
    this.report = report;
    this.#system = system;
    this.#random = random;
  }

  address(): string {
    const running = this.#system.gateways.filter(({ instance }) => instance.isRunning);
    // A balancer's picture of who lives is a little old.
    const among = running.length > 0 && this.#random.chance(0.8) ? running : this.#system.gateways;
    return this.#random.pick(among).address;
  }

  opened(wire: Wire): void {
    this.wire = wire;
    this.report.count('connections');
  }

  closed(wire: Wire, _code: number): void {
    if (this.wire === wire) this.wire = undefined;
  }

  /** The last offset of a room that it holds. */
  abstract lastOf(roomId: string): number | undefined;
  abstract get isOnline(): boolean;
  abstract close(): void;
}

/** A device as our users have it. */
export class ClientDevice extends Device {
  readonly client: ChatClient;

  constructor(options: DeviceOptions, acknowledge: boolean) {
    super(options);
    const { person, report } = options;
    const owner: WireOwner = this;
    class OwnWire extends Wire {
      constructor(_url: string, protocols: string[]) {
        super(owner, protocols);
      }
    }
    this.client = new ChatClient({
      url: 'ws://127.0.0.1/messaging/',
      token: () => person.token,
      WebSocket: OwnWire,
      acknowledge,
      requestTimeout: 120_000,
      connectTimeout: 12_000,
      heartbeatInterval: 5000,
      heartbeatTimeout: 5000,
      reconnectDelay: 250,
      maxReconnectDelay: 2000,
    });
    this.client.on('*', ({ room_id, offset }) => {
      if (room_id !== undefined && offset !== undefined) this.log.handle(room_id, offset);
    });
    this.client.on('reload', ({ room_id, code }) => {
      report.count('reloads');
      this.log.reloads.push({ roomId: room_id, after: this.log.handled.get(room_id)?.at(-1), code });
    });
  }

  lastOf(roomId: string): number | undefined {
    return this.log.handled.get(roomId)?.at(-1);
  }

  get isOnline(): boolean {
    return this.client.state === 'online';
  }

  close(): void {
    this.client.close();
  }
}

/** An answer, or `lost` when the connection ended before it. */
export type PlainAnswer = { readonly data: Record<string, unknown> } | { readonly error: { code: number } } | 'lost';

/** A device without our client: it asks, and connects again when it is cut off. It does not resume. */
export class PlainDevice extends Device {
  readonly #waiting = new Map<string, (answer: PlainAnswer) => void>();
  #isClosed = false;
  #count = 0;
  #heartbeat: ReturnType<typeof setInterval> | undefined;

  connect(): void {
    const wire = new Wire(this, ['bearer', this.person.token]);
    let heard = Date.now();
    wire.on('message', (data: Buffer) => {
      heard = Date.now();
      const frame = JSON.parse(data.toString()) as { id?: string; error?: { code: number }; data: object };
      const waiter = frame.id === undefined ? undefined : this.#waiting.get(frame.id);
      if (!waiter) return;
      this.#waiting.delete(frame.id!);
      waiter(frame.error ? { error: frame.error } : { data: (frame.data ?? {}) as Record<string, unknown> });
    });
    wire.on('open', () => {
      this.#heartbeat = setInterval(() => {
        if (Date.now() - heard > 12_000) wire.terminate();
        else void this.ask('session.heartbeat', {});
      }, 5000);
    });
  }

  override closed(wire: Wire, code: number): void {
    super.closed(wire, code);
    clearInterval(this.#heartbeat);
    for (const waiter of [...this.#waiting.values()]) waiter('lost');
    this.#waiting.clear();
    if (!this.#isClosed) setTimeout(() => this.#isClosed || this.connect(), 300 + Math.random() * 700);
  }

  lastOf(roomId: string): number | undefined {
    return this.wire?.watch.lastOf(roomId);
  }

  get isOnline(): boolean {
    return this.wire?.readyState === 1;
  }

  /** Sends an event with an id. */
  ask(type: string, data: object): Promise<PlainAnswer> {
    const { wire } = this;
    if (wire?.readyState !== 1) return Promise.resolve('lost');
    const id = `plain-${++this.#count}`;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      wire.send(JSON.stringify({ event_type: type, data, id }));
    });
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#heartbeat);
    this.wire?.close(1000);
  }
}
