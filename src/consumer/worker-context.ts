import type { Logger } from 'winston';
import type { EventScope, HandlerContext } from '../handlers/base.js';
import type { EventHandler } from '../handlers/event-handler.js';
import type { ActingUser } from '../permissions/permission-handler.js';
import type { ErrorBody } from '../protocol/errors.js';
import type { UserId } from '../protocol/shapes.js';
import type { MessageRooms } from '../store/message-rooms.js';
import type { Store } from '../store/store.js';
import type { CheckedRegistration } from './event-registration.js';
import type { ExceptionHandler } from './exception-handler.js';
import type { Publisher } from './publisher.js';

/** What one event in a worker works with: `runtime` of a consumer. One per chat, made by WorkerRuntime. */
export interface WorkerContext extends HandlerContext {
  readonly store: Store;
  readonly publisher: Publisher;
  /** The rooms of messages that were asked for lately. */
  readonly messageRooms: MessageRooms;
  readonly exceptionHandler: ExceptionHandler;
  readonly eventHandlerClass: new (context: HandlerContext, scope: EventScope) => EventHandler;
  /** Operations whose override was warned of. */
  readonly warned: Set<string>;
  /** How the consumer's own event is registered, its handler a method of this very consumer. */
  registration(consumer: { readonly eventType: string }): CheckedRegistration;
  /** What a client is told about an error: what `exceptionHandlerClass` says, or 4006 when that one fails itself. */
  describeError(error: unknown, eventType: string, logger: Logger): ErrorBody;
  /** Runs a side effect outside any event's time; a throw is logged. Closing waits for it. */
  runEffect(effect: () => unknown, logger: Logger): void;
  /** A user id from its canonical text. */
  parseUserId(id: string): UserId;
  /** The user of that canonical id, an instance of the host's model; undefined when there is none. */
  loadUser(id: string): Promise<ActingUser | undefined>;
}
