import type { Departure, Envelope } from '../protocol/envelope.js';
import type { ErrorBody } from '../protocol/errors.js';
import { ackFrame, dispatchFrame, errorFrame, statusFrame, withId } from '../protocol/frames.js';
import type { StoredOutcome, Targeted } from '../store/outcomes.js';
import type { UnitOfWork } from '../store/unit-of-work.js';

/** What an event made, for its acknowledgement: `message_id` and `seq`, or `room_id`. */
export interface Acknowledgement {
  readonly status?: 'successful' | 'failed' | undefined;
  readonly [made: string]: unknown;
}

interface RoomBroadcast {
  readonly roomId: string;
  dispatches: Array<{ eventType: string; data: unknown }>;
  joined: string[];
  left: Departure[];
  deleted: boolean;
}

/**
 * What an event tells whom, collected while it runs. Nothing leaves before the commit: an event that fails sends
 * nothing but its error.
 */
export class Outcome {
  readonly #eventId: string | undefined;
  readonly #rooms = new Map<string, RoomBroadcast>();
  readonly #targeted: Array<Omit<Targeted, 'id'>> = [];
  readonly #private: string[] = [];
  #answer: string | undefined;

  constructor(eventId: string | undefined) {
    this.#eventId = eventId;
  }

  /** Rooms that hear of it: they must be locked to be sealed. */
  get roomIds(): string[] {
    return [...this.#rooms.keys()];
  }

  /** Whether there is anything that must be remembered, since it goes to others. */
  get reachesOthers(): boolean {
    return this.#rooms.size > 0 || this.#targeted.length > 0;
  }

  broadcast(roomId: string, eventType: string, data: unknown): void {
    this.#room(roomId).dispatches.push({ eventType, data });
  }

  target(userIds: readonly string[], eventType: string, data: unknown): void {
    this.#targeted.push({ userIds: [...userIds], frames: [dispatchFrame(eventType, data)] });
  }

  join(roomId: string, userId: string): void {
    const { joined } = this.#room(roomId);
    if (!joined.includes(userId)) joined.push(userId);
  }

  leave(roomId: string, userId: string, exits: ReadonlyArray<readonly [eventType: string, data: unknown]>): void {
    this.#room(roomId).left.push({ userIds: [userId], frames: exits.map(([type, data]) => dispatchFrame(type, data)) });
  }

  delete(roomId: string): void {
    this.#room(roomId).deleted = true;
  }

  private(eventType: string, data: unknown): void {
    this.#private.push(dispatchFrame(eventType, data));
  }

  /** The same with data that is JSON text already. */
  privateText(eventType: string, data: string): void {
    this.#private.push(`{"eventType":${JSON.stringify(eventType)},"data":${data}}`);
  }

  /** The one answer of an event with an `id` whose result goes to others. */
  acknowledge({ status = 'successful', ...made }: Acknowledgement): void {
    if (this.#eventId !== undefined) this.#answer = ackFrame({ ...made, status }, this.#eventId);
  }

  status(): void {
    this.#answer = statusFrame(this.#eventId);
  }

  fail(error: ErrorBody): void {
    this.#answer = errorFrame(error, this.#eventId);
  }

  /** The frames for the asking connection: an explicit answer, or the last private dispatch, carries the event's id. */
  answer(): string[] {
    const said = this.said();
    if (said.length > 0 || this.#eventId === undefined) return said;
    return [ackFrame({ status: 'successful' }, this.#eventId)];
  }

  /** The same without the acknowledgement that goes without saying. */
  said(): string[] {
    if (this.#answer !== undefined) return [...this.#private, this.#answer];
    const last = this.#private.at(-1);
    return last === undefined ? [] : [...this.#private.slice(0, -1), withId(last, this.#eventId)];
  }

  /** Takes offsets from the locked rooms and finishes all frames. `isAnswer` false: the event goes on after this write. */
  seal(unit: UnitOfWork, isAnswer: boolean, position: number): StoredOutcome {
    return {
      envelopes: [...this.#rooms.values()].flatMap((room) => sealRoom(room, unit)),
      targeted: this.#targeted.map((one, index) => ({ ...one, id: `${position}.${index}` })),
      answer: isAnswer ? this.answer() : this.said(),
    };
  }

  #room(roomId: string): RoomBroadcast {
    let room = this.#rooms.get(roomId);
    if (!room) {
      room = { roomId, dispatches: [], joined: [], left: [], deleted: false };
      this.#rooms.set(roomId, room);
    }
    return room;
  }
}

/** One envelope a dispatch; who came or went does so at the first, and the room ends with the last. */
function sealRoom({ roomId, dispatches, joined, left, deleted }: RoomBroadcast, unit: UnitOfWork): Envelope[] {
  const all = dispatches.length === 0 ? [undefined] : dispatches;
  return all.map((dispatch, index): Envelope => {
    const offset = unit.takeOffset(roomId);
    const isFirst = index === 0;
    return {
      roomId,
      offset,
      ...(dispatch && { frame: dispatchFrame(dispatch.eventType, dispatch.data, { room_id: roomId, offset }) }),
      ...(isFirst && joined.length > 0 && { joined: [...new Set(joined)] }),
      ...(isFirst && left.length > 0 && { left }),
      ...(index === all.length - 1 && deleted && { deleted }),
    };
  });
}
