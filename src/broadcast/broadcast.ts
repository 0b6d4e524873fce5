import type { Envelope } from '../protocol/envelope.js';

/**
 * The pipe from workers to gateways. Three kinds of cargo:
 * - envelopes: a room's broadcasts, strictly in offset order, repaired by offset;
 * - replies: the answer to one job, to the gateway that asked;
 * - controls: to every gateway that holds one of the named users.
 * Replies and controls survive a cut link, because no offset would show that they are missing.
 */

/** The answer to one job. */
export interface Reply {
  readonly jobId: string;
  readonly connectionId: string;
  /** Finished JSON texts for the asking connection, in order; empty when the event has no answer. */
  readonly frames: string[];
  /** Room offsets this answer stands behind: it is delivered after the broadcasts up to them. */
  readonly after?: Array<[roomId: string, offset: number]> | undefined;
  /** The result of a gateway's own question (`$...` jobs). */
  readonly result?: unknown;
}

/**
 * To all connections of the named users. `id` is the same when a second run of a job tells it again: a gateway passes
 * over what it has seen.
 */
export type Control = { readonly id: string; readonly userIds: string[] } & (
  | { readonly kind: 'frames'; readonly frames: string[] }
  /** The users joined the room at this offset: hold the room from the offset before it on. */
  | { readonly kind: 'join'; readonly roomId: string; readonly offset: number }
  /** Close them all. */
  | { readonly kind: 'disconnect' }
  /** Memberships were changed in the database without an event: ask which they are, and follow them. */
  | { readonly kind: 'follow' }
);

/** Reads committed envelopes of a room from the database: offsets above `after` up to and with `upTo`, in order. */
export type LoadEnvelopes = (roomId: string, after: number, upTo: number) => Promise<Envelope[]>;

/** What a gateway does with what arrives. Calls come one at a time, in order. */
export interface GatewayListener {
  onEnvelope(envelope: Envelope): void;
  /** A frame outside the room's order that may be lost: typing. */
  onWhisper(roomId: string, frame: string): void;
  onReply(reply: Reply): void;
  onControl(control: Control): void;
  /**
   * This process was frozen, or cut off, for so long that others may have forgotten it. What arrives is to be held until
   * `onRestored`, which follows, and it is known again who may have it.
   */
  onAway?(): void;
  /** The link was cut or the store came back: envelopes may be missing, check every room held. */
  onRestored(): void;
}

/** The gateway's end. */
export interface GatewayLink {
  /** Resolves when envelopes of these rooms published from now on will arrive. */
  subscribe(roomIds: string[]): Promise<void>;
  unsubscribe(roomIds: string[]): Promise<void>;
  /** Resolves when controls for this user will arrive. */
  watchUser(userId: string): Promise<void>;
  unwatchUser(userId: string): Promise<void>;
  /**
   * Envelopes above `after`, in order, without a hole; null when the short history does not reach back that far.
   */
  history(roomId: string, after: number): Promise<Envelope[] | null>;
  close(): Promise<void>;
}

/** The pipe from workers to gateways; `chat.broadcast`. What is open has one owner, who closes it. */
export interface Broadcast {
  /** Publishes in offset order; what somebody else committed but did not publish yet is read by `load` and goes first. */
  publish(envelopes: Envelope[], load: LoadEnvelopes): Promise<void>;
  /** To the room's present members, at once or never. */
  whisper(roomId: string, frame: string): Promise<void>;
  /** To the gateway that asked; it survives a cut link. */
  reply(gatewayId: string, reply: Reply): Promise<void>;
  /** To every gateway that holds one of the named users; it survives a cut link. */
  control(control: Control): Promise<void>;
  /** A gateway's end of the pipe. Resolves when replies to it will arrive. */
  open(gatewayId: string, listener: GatewayListener): Promise<GatewayLink>;
  /** Rejects when nothing can be published now. */
  ping(): Promise<void>;
  /** Ends what was opened for it. */
  close(): Promise<void>;
}
