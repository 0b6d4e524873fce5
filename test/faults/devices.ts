/** Devices: connections of one person that follow each other, and all broadcasts that they were sent. */
import type { TestFrame } from '../../src/testing/client.js';
import { answered } from '../helpers/chat.js';
import type { Chatter, OwnStack, Person } from '../helpers/stack.js';
import { FrameLog } from '../system/crowd.js';

type Resumed = { rooms: Record<string, { recovered: boolean; offset: number; code?: number }> };

/** One device of a person. */
export class Device {
  readonly person: Person;
  readonly gatewayIndex: number;
  client: Chatter;
  /** Frames that came through sessions that ended, and those that a resume replayed. */
  readonly #earlier: TestFrame[] = [];
  #log: FrameLog;
  readonly #stack: OwnStack;

  constructor(stack: OwnStack, person: Person, gatewayIndex: number, client: Chatter) {
    this.#stack = stack;
    this.person = person;
    this.gatewayIndex = gatewayIndex;
    this.client = client;
    this.#log = new FrameLog(client);
  }

  get userId(): string {
    return String(this.person.user.id);
  }

  get isOpen(): boolean {
    return this.client.socket.readyState === 1;
  }

  /** All frames it was ever sent. */
  get frames(): TestFrame[] {
    return [...this.#earlier, ...this.#log.frames];
  }

  /** What it was sent in a room by itself, over the present connection, in that order. */
  live(roomId: string): number[] {
    return this.#log.of(roomId).map(({ offset }) => Number(offset));
  }

  /** What it holds of a room: every broadcast by its offset. */
  held(roomId: string): Map<number, TestFrame> {
    const frames = this.frames.filter((frame) => frame.room_id === roomId && frame.offset !== undefined);
    return new Map(frames.map((frame) => [Number(frame.offset), frame]));
  }

  /** Comes back, on the same gateway or another. */
  async reconnect(gatewayIndex = this.gatewayIndex): Promise<void> {
    await this.client.close();
    this.#earlier.push(...this.#log.frames);
    this.client = await this.#stack.connect(this.person, gatewayIndex);
    this.#log = new FrameLog(this.client);
  }

  /** Asks for what it misses, over a new connection, so that the order of what comes live stays to be seen. */
  async resume(rooms: Record<string, number>): Promise<Resumed> {
    const client = await this.#stack.connect(this.person, this.gatewayIndex);
    const log = new FrameLog(client);
    const resumed = await answered<Resumed>(client, 'session.resume', { rooms }, 'session.resumed');
    await client.close();
    this.#earlier.push(...log.frames);
    return resumed;
  }
}
