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
import { prepared } from '../protocol/payloads.js';
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

/** The built-in events. An `eventMapper` starts from this. */
export function mapEventTypesToHandlers(consumer: ChatMessagingConsumer): EventMap {
  const on = <Data>(
    guard: Guard<Data>,
    handler: (data: Data) => Promise<void>,
    traits: Pick<EventRegistration, 'lossy' | 'unordered' | 'asksUnderLock'> = {},
  ): EventRegistration<Data> => ({ guard, handler, ...traits });
  const map = {
    'message.send': on(canSendMessageToRoom, consumer.receiveMessageSend, { asksUnderLock: true }),
    'message.acknowledged': on(canAccessMessage, consumer.receiveMessageAcknowledged),
    'message.read': on(canAccessMessage, consumer.receiveMessageRead),
    'message.react': on(canAccessMessage, consumer.receiveMessageReact),
    'message.typing': on(canSendMessageToRoom, consumer.receiveMessageTyping, { lossy: true }),
    'message.modify': on(canModifyMessage, consumer.receiveMessageModify),
    'room.create': on(everyone, consumer.receiveRoomCreate),
    'room.list': on(everyone, consumer.receiveRoomList),
    'room.discover': on(everyone, consumer.receiveRoomDiscover),
    'room.info': on(canAccessRoom, consumer.receiveRoomInfo),
    'room.members': on(canAccessRoom, consumer.receiveRoomMembers),
    'room.messages': on(canAccessRoom, consumer.receiveRoomMessages),
    'room.join': on(everyone, consumer.receiveRoomJoin),
    'room.leave': on(canAccessRoom, consumer.receiveRoomLeave),
    'room.add_members': on(canAddMembersToRoom, consumer.receiveRoomAddMembers),
    'room.remove_members': on(canRemoveMembersFromRoom, consumer.receiveRoomRemoveMembers),
    'room.modify': on(isRoomAdmin, consumer.receiveRoomModify),
    'session.heartbeat': on(everyone, consumer.receiveSessionHeartbeat, { unordered: true }),
    'session.refresh': on(everyone, consumer.receiveSessionRefresh),
    'session.resume': on(everyone, consumer.receiveSessionResume),
  };
  // Under another name an event still takes the same data.
  return Object.fromEntries(
    Object.entries(map).map(([type, registration]) => [type, { ...registration, payload: type }]),
  ) as EventMap;
}

/**
 * The checked map: every entry has a guard, a handler and a schema, and is found by exact name only.
 *
 * @throws SettingsError, a sentence that names the setting and the event.
 */
export function checkEventMap(
  mapEvents: () => EventMap,
  schemas: ReadonlyMap<string, Joi.ObjectSchema>,
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
      const schema = own ? prepared(own) : schemas.get(registration.payload ?? type);
      if (!schema) throw refuse('without a schema: give a Joi schema of its data');
      return [type, { ...registration, schema }];
    }),
  );
}
