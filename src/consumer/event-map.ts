import type Joi from 'joi';
import {
  canAccessMessage,
  canAccessRoom,
  canAddMembersToRoom,
  canModifyMessage,
  canRemoveMembersFromRoom,
  canSendMessageToRoom,
  everyone,
  type Guard,
  isRoomAdmin,
} from '../permissions/guards.js';
import type { EventPayloads } from '../protocol/payload-types.js';
import { type PlainRead, prepared } from '../protocol/payloads.js';
import { SettingsError } from '../settings/complaints.js';
import type { ChatMessagingConsumer } from './consumer.js';
import type { CheckedRegistration, EventRegistration } from './event-registration.js';

export type { EventRegistration } from './event-registration.js';

/**
 * Event type -> registration. Add, replace or delete entries in your `eventMapper`. Guard and handler of an event whose
 * payload is declared in `EventPayloads` must take that payload.
 */
export type EventMap = Record<string, EventRegistration> & {
  [Type in keyof EventPayloads]?: EventRegistration<EventPayloads[Type]>;
};

/** The built-in events: guard, handler, and how each runs. */
const builtIn: Readonly<Record<string, (consumer: ChatMessagingConsumer) => EventRegistration>> = {
  'message.send': (consumer) =>
    on(canSendMessageToRoom, consumer.receiveMessageSend, { asksUnderLock: 'createMessage', pipelined: true }),
  'message.acknowledged': (consumer) =>
    on(canAccessMessage, consumer.receiveMessageAcknowledged, { asksUnderLock: 'messageAcknowledged' }),
  'message.read': (consumer) =>
    on(canAccessMessage, consumer.receiveMessageRead, { asksUnderLock: 'createReadReceipt' }),
  'message.react': (consumer) =>
    on(canAccessMessage, consumer.receiveMessageReact, { asksUnderLock: 'reactToMessage' }),
  'message.typing': (consumer) => on(canSendMessageToRoom, consumer.receiveMessageTyping, { lossy: true }),
  'message.modify': (consumer) =>
    on(canModifyMessage, consumer.receiveMessageModify, { asksUnderLock: 'modifyMessage' }),
  'room.create': (consumer) => on(everyone, consumer.receiveRoomCreate),
  'room.list': (consumer) => on(everyone, consumer.receiveRoomList),
  'room.discover': (consumer) => on(everyone, consumer.receiveRoomDiscover),
  'room.info': (consumer) => on(canAccessRoom, consumer.receiveRoomInfo),
  'room.members': (consumer) => on(canAccessRoom, consumer.receiveRoomMembers),
  'room.messages': (consumer) => on(canAccessRoom, consumer.receiveRoomMessages),
  'room.join': (consumer) => on(everyone, consumer.receiveRoomJoin),
  'room.leave': (consumer) => on(canAccessRoom, consumer.receiveRoomLeave),
  'room.add_members': (consumer) => on(canAddMembersToRoom, consumer.receiveRoomAddMembers),
  'room.remove_members': (consumer) => on(canRemoveMembersFromRoom, consumer.receiveRoomRemoveMembers),
  'room.modify': (consumer) => on(isRoomAdmin, consumer.receiveRoomModify),
  'session.heartbeat': (consumer) => on(everyone, consumer.receiveSessionHeartbeat, { unordered: true }),
  'session.refresh': (consumer) => on(everyone, consumer.receiveSessionRefresh),
  'session.resume': (consumer) => on(everyone, consumer.receiveSessionResume),
};

function on<Data>(
  guard: Guard<Data>,
  handler: (data: Data) => Promise<void>,
  traits: Pick<EventRegistration, 'lossy' | 'unordered' | 'asksUnderLock' | 'pipelined'> = {},
): EventRegistration<Data> {
  return { guard, handler, ...traits };
}

/** The built-in events. An `eventMapper` starts from this. */
export function mapEventTypesToHandlers(consumer: ChatMessagingConsumer): EventMap {
  const types = Object.keys(builtIn);
  return Object.fromEntries(types.map((type) => [type, builtInRegistration(type, consumer)!])) as EventMap;
}

/** One entry of that map, for those who need no other; undefined when no built-in event has the name. */
export function builtInRegistration(type: string, consumer: ChatMessagingConsumer): EventRegistration | undefined {
  // Under another name an event still takes the same data.
  return Object.hasOwn(builtIn, type) ? { ...builtIn[type]!(consumer), payload: type } : undefined;
}

/**
 * The checked map: every entry has a guard, a handler and a schema, and is found by exact name only.
 *
 * @throws SettingsError, a sentence that names the setting and the event.
 */
export function checkEventMap(
  mapEvents: () => EventMap,
  schemas: ReadonlyMap<string, Joi.ObjectSchema>,
  plain: ReadonlyMap<string, PlainRead> = new Map(),
): Map<string, CheckedRegistration> {
  let map: EventMap;
  try {
    map = mapEvents();
  } catch (error) {
    throw new SettingsError(
      `Setting eventMapper failed (${(error as Error)?.message ?? error}): it is called at start, with a consumer that has its methods but no event yet.`,
      { cause: error },
    );
  }
  if (map === null || typeof map !== 'object' || map instanceof Promise || Array.isArray(map)) {
    throw new SettingsError('Setting eventMapper must return the map of events to their registrations, at once.');
  }
  return new Map(
    Object.entries(map).map(([type, registration]) => {
      const refuse = (what: string) => new SettingsError(`Setting eventMapper registers ${type} ${what}.`);
      if (type === '' || type.startsWith('$')) throw refuse('under a name that an event cannot have');
      if (typeof registration?.guard !== 'function') {
        throw refuse(
          'without a guard: give { guard, handler, schema }, with the guard everyone if every user may send it',
        );
      }
      if (typeof registration.handler !== 'function') throw refuse('without a handler: name a method of the consumer');
      const own = registration.schema;
      if (own !== undefined && typeof own?.validate !== 'function') throw refuse('with a schema that is not of Joi');
      const payload = registration.payload ?? type;
      const schema = own ? prepared(own) : schemas.get(payload);
      if (!schema) throw refuse('without a schema: give a Joi schema of its data');
      return [type, { ...registration, schema, plain: own ? undefined : plain.get(payload) }];
    }),
  );
}
