/** Users who stop being members at this envelope's offset, and what they are told in its place. */
export interface Departure {
  readonly userIds: string[];
  /** The exit frames they get, in order. */
  readonly frames: string[];
}

/** One broadcast of a room: what takes effect and what is delivered at its offset. */
export interface Envelope {
  readonly roomId: string;
  readonly offset: number;
  /** The finished JSON text for every present member; absent when nobody is left to hear it. */
  readonly frame?: string | undefined;
  /** Users who are members from this offset on; they get the frame too. */
  readonly joined?: string[] | undefined;
  /** Users who are no longer members at this offset; they do not get the frame. */
  readonly left?: Departure[] | undefined;
  /** The room ends with this frame. */
  readonly deleted?: boolean | undefined;
}

/**
 * An envelope as one text, the same in Redis and in the database: a JSON header, a newline, then the frame as it is.
 * So the frame is encoded once, by the worker that made it, and never parsed on its way.
 */
export function encodeEnvelope({ frame, ...header }: Envelope): string {
  return frame === undefined ? JSON.stringify(header) : `${JSON.stringify(header)}\n${frame}`;
}

/** The inverse of `encodeEnvelope`. */
export function decodeEnvelope(text: string): Envelope {
  const end = text.indexOf('\n');
  if (end < 0) return JSON.parse(text) as Envelope;
  const envelope = JSON.parse(text.slice(0, end)) as Envelope;
  return { ...envelope, frame: text.slice(end + 1) };
}
