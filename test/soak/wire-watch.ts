/**
 * Looks at every frame of one connection, both ways: whether each event is answered once, and whether broadcasts come in
 * order.
 */
import type { ServerFrame } from '../../src/client/events.js';
import type { DeviceLog } from './device-log.js';
import type { BreachKind, Report } from './report.js';

/** What is known of a room on one connection. */
interface RoomOnWire {
  /** The last live broadcast; undefined: none since the connection or a resume began. */
  live: number | undefined;
  /** Everything up to here came by a resume. */
  floor: number | undefined;
}

/** A `session.resume` under way: how often each offset came since. */
type Resume = Map<string, Map<number, number>>;

interface Asked {
  readonly type: string;
  readonly at: number;
  resume?: Resume;
}

/** Answers that take longer, in milliseconds, are shown beside the faults. */
const SLOW = 15_000;

/** What is looked at on one connection. */
export class WireWatch {
  readonly #log: DeviceLog;
  readonly #report: Report;
  readonly #asked = new Map<string, Asked>();
  readonly #rooms = new Map<string, RoomOnWire>();
  readonly #resumes = new Set<Resume>();
  #frames = 0;

  constructor(log: DeviceLog, report: Report) {
    this.#log = log;
    this.#report = report;
  }

  /** Events without an answer. */
  get unanswered(): string[] {
    return [...this.#asked.values()].map(({ type }) => type);
  }

  /** The last offset of a room that came on this connection. */
  lastOf(roomId: string): number | undefined {
    const room = this.#rooms.get(roomId);
    return room && Math.max(room.live ?? 0, room.floor ?? 0);
  }

  /** An event goes out. */
  sent(data: string): void {
    const { id, event_type, data: content } = JSON.parse(data) as { id?: string; event_type: string; data: object };
    if (id !== undefined) {
      const asked: Asked = { type: event_type, at: performance.now() };
      if (event_type === 'session.resume') {
        asked.resume = new Map(Object.keys((content as { rooms: object }).rooms).map((room) => [room, new Map()]));
        this.#resumes.add(asked.resume);
      }
      this.#asked.set(id, asked);
    }
  }

  #breach(kind: BreachKind, text: string): void {
    this.#report.breach(kind, `${this.#log.name}: ${text}`);
  }

  /** A frame has come. */
  came(text: string, isBinary = false): void {
    const log = this.#log;
    const report = this.#report;
    if (isBinary) {
      this.#breach('answer', 'a binary frame came');
      return;
    }
    let frame: ServerFrame;
    try {
      frame = JSON.parse(text) as ServerFrame;
    } catch {
      this.#breach('answer', `what came is no JSON: ${text.slice(0, 200)}`);
      return;
    }
    report.count('frames received');
    this.#frames += 1;
    if (this.#frames === 1 && frame.eventType !== 'chat.notifications') {
      this.#breach('answer', `the first frame was ${text.slice(0, 200)}`);
    }
    if (frame.id !== undefined) this.#answer(frame.id, frame);
    const { room_id: roomId, offset, eventType } = frame;
    if (roomId !== undefined && offset !== undefined) {
      report.count('broadcasts received');
      if (!log.keep(roomId, offset, text))
        this.#breach('reordering', `offset ${offset} of ${roomId} came with two texts`);
      this.#order(roomId, offset);
    }
    const data = frame.data as { room?: { id: string }; room_id?: string } | undefined;
    if (eventType === 'roomexit.dispatch' && data?.room) this.#rooms.delete(data.room.id);
    if (eventType === 'roomdelete.dispatch' && data?.room_id) this.#rooms.delete(data.room_id);
  }

  #answer(id: string, frame: ServerFrame): void {
    const asked = this.#asked.get(id);
    if (!asked) {
      this.#breach('answer', `an answer that nobody waits for: ${JSON.stringify(frame).slice(0, 300)}`);
      return;
    }
    this.#asked.delete(id);
    this.#report.count('answers');
    const took = performance.now() - asked.at;
    this.#report.took(`slowest ${asked.type}`, took);
    if (took > SLOW) this.#report.say(`slow: ${asked.type} took ${(took / 1000).toFixed(1)} s`);
    const { code } = (frame.error ?? {}) as { code?: number };
    if (code !== undefined) this.#report.count(`answered ${code}`);
    if (code === 4006 || code === 4029) {
      this.#breach('answer', `${asked.type} was answered with ${JSON.stringify(frame)}`);
    }
    if (!asked.resume) return;
    this.#resumes.delete(asked.resume);
    const rooms = (frame.data as { rooms?: Record<string, { recovered: boolean; offset: number }> })?.rooms ?? {};
    for (const [roomId, { recovered, offset }] of Object.entries(rooms)) {
      const state = this.#rooms.get(roomId);
      const last = state && Math.max(state.live ?? 0, state.floor ?? 0);
      if (recovered) this.#rooms.set(roomId, { live: undefined, floor: Math.max(offset, last ?? 0) });
    }
  }

  /** Live broadcasts: +1 each. Those of a resume come besides, so an offset may then come twice. */
  #order(roomId: string, offset: number): void {
    const log = this.#log;
    let room = this.#rooms.get(roomId);
    if (!room) {
      room = { live: undefined, floor: undefined };
      this.#rooms.set(roomId, room);
    }
    const resume = [...this.#resumes].find((one) => one.has(roomId))?.get(roomId);
    if (resume) {
      const times = (resume.get(offset) ?? 0) + 1;
      resume.set(offset, times);
      if (times > 2) this.#breach('duplicate', `offset ${offset} of ${roomId} came ${times} times in a resume`);
      if (room.live === undefined || offset > room.live) room.live = offset;
      return;
    }
    const { live, floor } = room;
    room.live = offset;
    if (live === undefined) {
      if (floor !== undefined && offset > floor + 1) log.jumps.push({ roomId, from: floor, to: offset });
    } else if (offset === live) this.#breach('duplicate', `offset ${offset} of ${roomId} came twice`);
    else if (offset < live) this.#breach('reordering', `offset ${offset} of ${roomId} came after ${live}`);
    else if (offset > live + 1) log.jumps.push({ roomId, from: live, to: offset });
  }
}
