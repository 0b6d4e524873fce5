import { type ErrorBody, type ErrorDetail, ValidationError } from './errors.js';
import { scanFrame } from './frame-scan.js';
import { beginningOf, codePointLength, isWellFormed } from './unicode.js';

/** Objects and lists of a frame may lie this deep in each other by default, the frame itself included. */
const defaultDepth = 32;

/** Code points of an event's `id`. */
export const maxIdLength = 64;

/** One client event, as it came. `data` holds no forbidden key and no ill-formed text, but is not checked further. */
export interface ClientFrame {
  readonly eventType: string;
  readonly data: Record<string, unknown>;
  readonly id?: string | undefined;
}

/** 4003 for a whole frame. Carries what could be read of it, so that the answer reaches its question. */
export class FrameError extends ValidationError {
  readonly eventId: string | undefined;
  readonly eventType: string | undefined;

  constructor(detail: ErrorDetail, known: { eventId?: string | undefined; eventType?: string | undefined } = {}) {
    super(detail);
    this.eventId = known.eventId;
    this.eventType = known.eventType;
  }
}

/**
 * Reads one frame of a client.
 *
 * @throws FrameError (4003): binary, no JSON, too deep, not an object, a forbidden or unknown key, an ill-formed text, or
 * a missing or wrong `event_type`, `data` or `id`. `eventId` of the error is the event's `id` wherever one can be told.
 */
export function parseFrame(text: string | Buffer, isBinary: boolean, maxDepth = defaultDepth): ClientFrame {
  if (isBinary) throw new FrameError('Binary frames are not supported.');
  const source = typeof text === 'string' ? text : text.toString('utf8');
  // Before JSON.parse, which takes any depth.
  const { depth, id: seenId } = scanFrame(source);
  const seen = { eventId: isEventId(seenId) ? seenId : undefined };
  if (depth > maxDepth) throw new FrameError(`The frame is more than ${maxDepth} levels deep.`, seen);
  let frame: unknown;
  try {
    frame = JSON.parse(source);
  } catch {
    throw new FrameError('The frame is not valid JSON.', seen);
  }
  if (!isObject(frame)) throw new FrameError('The frame must be a JSON object.');
  return checkFrame(frame);
}

function checkFrame(frame: Record<string, unknown>): ClientFrame {
  const { event_type: eventType, data, id, ...unknown } = frame;
  const known = {
    eventId: isEventId(id) ? id : undefined,
    eventType: typeof eventType === 'string' ? eventType : undefined,
  };
  const fault = findFault(frame, '');
  if (fault) throw new FrameError(fault, known);
  const detail: Record<string, string[]> = {};
  for (const key of Object.keys(unknown).slice(0, 20)) detail[beginningOf(key, 64)] = ['Unknown field.'];
  if (id !== undefined && !isEventId(id)) detail.id = [`Must be a text of 1 to ${maxIdLength} characters.`];
  if (eventType === undefined) detail.event_type = ['This field is required.'];
  else if (typeof eventType !== 'string') detail.event_type = ['Must be a text.'];
  // A heartbeat says nothing but that it came.
  const given = data === undefined && eventType === 'session.heartbeat' ? {} : data;
  if (given === undefined) detail.data = ['This field is required.'];
  else if (!isObject(given)) detail.data = ['Must be an object.'];
  if (Object.keys(detail).length > 0) throw new FrameError(detail, known);
  return { eventType: eventType as string, data: given as Record<string, unknown>, id: known.eventId };
}

/** The first forbidden key or ill-formed text, as a sentence. The depth is known to be small. */
function findFault(value: unknown, field: string): string | undefined {
  if (typeof value === 'string')
    return isWellFormed(value) ? undefined : `Ill-formed Unicode in ${beginningOf(field, 64)}.`;
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) {
    for (const item of value) {
      const fault = findFault(item, field);
      if (fault) return fault;
    }
    return undefined;
  }
  for (const [key, item] of Object.entries(value)) {
    if (key === '__proto__' || key === 'constructor' || key === 'prototype') return `The key ${key} is not allowed.`;
    const fault = isWellFormed(key) ? findFault(item, key) : 'Ill-formed Unicode in a key.';
    if (fault) return fault;
  }
  return undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEventId(id: unknown): id is string {
  // UTF-16 length first: it bounds the count.
  if (typeof id !== 'string' || id.length > 2 * maxIdLength || !isWellFormed(id)) return false;
  const length = codePointLength(id);
  return length >= 1 && length <= maxIdLength;
}

/** A dispatch; a room's broadcast also says which room and offset it is (typing: the room alone). */
export function dispatchFrame(
  eventType: string,
  data: unknown,
  room: { room_id?: string | undefined; offset?: number | undefined } = {},
): string {
  return JSON.stringify({ eventType, data, room_id: room.room_id, offset: room.offset });
}

/** An event failed. */
export function errorFrame(body: ErrorBody, id?: string | undefined): string {
  const { code, detail, ...extra } = body;
  return JSON.stringify({ error: { code, detail, ...extra }, id });
}

/** The event type is not in the event map. */
export function invalidEventTypeFrame(id?: string | undefined): string {
  return JSON.stringify({ error: 'invalid event type', id });
}

/** The answer to `session.*` events that have no dispatch. */
export function statusFrame(id?: string | undefined): string {
  return JSON.stringify({ status: 'success', id });
}

/** The answer to an event with an `id` whose result went elsewhere; `data` has the status and what the event made. */
export function ackFrame(data: { status: 'successful' | 'failed'; [made: string]: unknown }, id: string): string {
  return JSON.stringify({ eventType: 'event.ack', data, id });
}

/** A finished frame with the `id` of the event that it answers; the frame itself is not encoded again. */
export function withId(frame: string, id: string | undefined): string {
  return id === undefined ? frame : `${frame.slice(0, -1)},"id":${JSON.stringify(id)}}`;
}
