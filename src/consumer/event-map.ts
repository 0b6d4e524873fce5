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
import { prepared } from '../protocol/payloads.js';
import type { ChatMessagingConsumer } from './consumer.js';
import type { CheckedRegistration, EventRegistration } from './event-registration.js';

export type { EventRegistration } from './event-registration.js';

/** Event type -> registration. Add, replace or delete entries in your `eventMapper`. */
export type EventMap = Record<string, EventRegistration>;

/** The built-in events. An `eventMapper` starts from this. */
export function mapEventTypesToHandlers(consumer: ChatMessagingConsumer): EventMap {
  const on = (
    guard: Guard<never>,
    handler: (data: never) => Promise<void>,
    traits: Partial<EventRegistration> = {},
  ) => ({
    guard,
    handler,
    ...traits,
  });
  return {
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
}

/** The checked map: every entry has a guard, a handler and a schema, and is found by exact name only. */
export function checkEventMap(
  map: EventMap,
  schemas: ReadonlyMap<string, Joi.ObjectSchema>,
): Map<string, CheckedRegistration> {
  return new Map(
    Object.entries(map).map(([type, registration]) => {
      const schema = registration?.schema ? prepared(registration.schema) : schemas.get(type);
      if (typeof registration?.guard !== 'function') {
        throw new Error(`The event ${type} has no guard, so it does not register: name one, or "everyone".`);
      }
      if (typeof registration.handler !== 'function')
        throw new Error(`The event ${type} has no handler: name a method.`);
      if (!schema) throw new Error(`The event ${type} has no schema: give a Joi schema for its data.`);
      return [type, { ...registration, schema }];
    }),
  );
}
