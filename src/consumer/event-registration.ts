import type Joi from 'joi';
import type { EventHandler } from '../handlers/event-handler.js';
import type { Guard } from '../permissions/guards.js';
import type { PlainRead } from '../protocol/payloads.js';

/** How an event is registered: who may send it, what its data must be, and what runs. */
export interface EventRegistration<Data = never> {
  /** The check it is registered with; `everyone` is written out. */
  readonly guard: Guard<Data>;
  /** Runs with the checked data, after the guard. */
  readonly handler: (data: Data) => Promise<void>;
  /** The built-in event whose data it takes: so that `events['chat.say'] = events['message.send']` needs no schema. */
  readonly payload?: string | undefined;
  /** The schema of `data`, before that of `payload`. The built-in events have theirs; an own event without one is refused at start. */
  readonly schema?: Joi.ObjectSchema | undefined;
  /**
   * May be dropped: for what is stale in a moment, as typing is. It never waits behind other events, nor holds them up: it
   * has a queue and four places in a worker of its own. Those without an `id` that a gateway gets within 50 ms travel as one
   * job; each has its own consumer, guard and handler.
   */
  readonly lossy?: boolean | undefined;
  /**
   * The guard is asked once only, inside the write, under the lock of the room of `data.room_id`, or of the messages of
   * `data.message_id`. For handlers that do nothing before their write. The name of an operation of the event handler
   * means: as long as the host has put nothing of its own in place of that operation, of the consumer's method, or of
   * the permission handler.
   */
  readonly asksUnderLock?: boolean | keyof EventHandler | undefined;
  /**
   * Several of one connection to the same room (`data.room_id`) may be with a worker at once, which runs them in order:
   * each begins when the one before has ended, or has begun a write of which nothing is the host's own.
   */
  readonly pipelined?: boolean | undefined;
  /** Does not wait for the events before it. */
  readonly unordered?: boolean | undefined;
}

/** A registration that `checkEventMap` has found complete. */
export type CheckedRegistration = EventRegistration & {
  readonly schema: Joi.ObjectSchema;
  /** Reads most data of the built-in event whose schema it is; undefined when the schema has to look. */
  readonly plain?: PlainRead | undefined;
};
