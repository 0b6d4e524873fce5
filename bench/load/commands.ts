/** What the bench tells the load generator, and what that answers. One command at a time. */
import type { LoadUser, ProtocolName, Question } from './protocols.js';

/** A user who sends, and where. */
export interface Sender {
  /** Index in the order of connecting. */
  readonly socket: number;
  readonly roomId: string;
  /** Connections that get what is sent there, the sender's own included. */
  readonly receivers: number;
}

/** A connection that asks one question at a time, these in turn. */
export interface Asker {
  readonly socket: number;
  readonly questions: readonly Question[];
}

/** How the sending goes: so many unanswered at a time each, or so many per second by all of them in turn. */
export type Pace = { readonly inFlight: number } | { readonly perSecond: number };

/** A command. Times are milliseconds. */
export type Command =
  | {
      readonly type: 'connect';
      readonly protocol: ProtocolName;
      readonly ports: readonly number[];
      readonly users: readonly LoadUser[];
      /** Handshakes under way at a time. */
      readonly atOnce: number;
    }
  | {
      readonly type: 'send';
      readonly senders: readonly Sender[];
      readonly pace: Pace;
      readonly warmUp: number;
      readonly window: number;
      /** Typing events per second besides, by all senders in turn. */
      readonly typing?: number;
    }
  | {
      readonly type: 'ask';
      readonly askers: readonly Asker[];
      readonly warmUp: number;
      readonly window: number;
    }
  | { readonly type: 'disconnect' };

/** How connecting went. */
export interface Connected {
  readonly took: number;
  readonly p50: number;
  readonly p99: number;
}

/** What a run of sending or asking gave. Rates are of the window; `total` counts all, warm-up and end included. */
export interface Run {
  readonly total: number;
  readonly perSecond: number;
  readonly deliveriesPerSecond: number;
  /** Milliseconds from a send to the sender's own dispatch, or to the answer. */
  readonly p50: number;
  readonly p99: number;
  readonly typingDeliveriesPerSecond: number;
  /** Bytes of an answer, on average. */
  readonly answerBytes: number;
}

/** An answer to a command. `fault` says what must not have happened. */
export type Answer = { readonly result?: Connected | Run | undefined; readonly fault?: string | undefined };
