/**
 * What each event must say to each id that is not the sender's to name. A new event, or a new id field of an event, has
 * no row here, and the matrix test fails until it has.
 */
import type { Scenery } from './scenery.js';

/** What can be wrong with an id. */
export const CONDITIONS = [
  'absent',
  'unknown',
  'foreign',
  'public',
  'deleted',
  'left',
  'removed',
  'wrong type',
  'hostile value',
] as const;

export type Condition = (typeof CONDITIONS)[number];

/**
 * An error code; or `nothing`: carried out, with no effect and nobody told but the members of the sender's own room; or
 * `allowed`: it is what the event is for (the tests of the protocol show what it does); or `4002/4004 inside`: told in
 * the answer, per room.
 */
export type Expected = 4002 | 4003 | 4004 | 'nothing' | 'allowed' | '4002 inside' | '4004 inside';

/** `isList` beside it: a list is taken too, in which one wrong id spoils all. */
export type IdOf = 'room' | 'message' | 'user' | 'room keys';

export type Cells = Readonly<Record<Condition, Expected>>;

export interface MatrixRow {
  /** Data that is carried out as it is: all its ids are ones that the sender may name. */
  readonly data: (scenery: Scenery) => Record<string, unknown>;
  /** Unless this is what it is answered with: then a wrong id is seen to be told first. */
  readonly answer?: 4003;
  /** By the path of the id field. */
  readonly ids: Readonly<Record<string, { readonly of: IdOf; readonly isList?: boolean } & Cells>>;
}

const refused = {
  absent: 4003,
  unknown: 4004,
  foreign: 4002,
  public: 4002,
  deleted: 4004,
  left: 4002,
  removed: 4002,
  'wrong type': 4003,
  'hostile value': 4003,
} as const;

const room = { of: 'room', ...refused } as const;
const message = { of: 'message', ...refused } as const;
const messages = { ...message, isList: true } as const;
const optional = { ...message, absent: 'allowed' } as const;
/** Users who are not in the room are passed over, wherever they are. */
const passedOver = { foreign: 'nothing', public: 'nothing', left: 'nothing', removed: 'nothing' } as const;
const user = { of: 'user', ...refused, ...passedOver } as const;
/** Users who are drawn into a room: those who are in none are what it is for. */
const newcomer = {
  of: 'user',
  ...refused,
  foreign: 'allowed',
  public: 'allowed',
  left: 'allowed',
  removed: 'allowed',
} as const;
const changed = { ...user, unknown: 'nothing', deleted: 'nothing' } as const;

/** One row for each kind of data that an event takes. */
export const MATRIX: Readonly<Record<string, readonly MatrixRow[]>> = {
  'message.send': [
    { data: ({ home }) => ({ room_id: home.id, content: 'x' }), ids: { room_id: room } },
    {
      data: ({ home }) => ({
        room_id: home.id,
        content: 'x',
        extra_fields: { parent_message_id: home.messageId },
      }),
      ids: { 'extra_fields.parent_message_id': optional },
    },
    {
      data: ({ home }) => ({ room_id: home.id, content: 'x', extra_fields: { forwarded_from_id: home.messageId } }),
      ids: { 'extra_fields.forwarded_from_id': optional },
    },
  ],
  'message.acknowledged': [{ data: ({ home }) => ({ message_id: home.messageId }), ids: { message_id: messages } }],
  'message.read': [{ data: ({ home }) => ({ message_id: home.messageId }), ids: { message_id: messages } }],
  'message.react': [
    {
      data: ({ home }) => ({ type: 'add', message_id: home.messageId, reaction_content: 'x' }),
      ids: { message_id: message },
    },
    {
      data: ({ home }) => ({ type: 'remove', message_id: home.messageId, reaction_content: 'x' }),
      ids: { message_id: message },
    },
  ],
  'message.typing': [{ data: ({ home }) => ({ room_id: home.id }), ids: { room_id: room } }],
  'message.modify': [
    {
      data: ({ home }) => ({ action: 'update', message_id: home.messageId, extra_fields: { content: 'changed' } }),
      ids: { message_id: message },
    },
    { data: ({ home }) => ({ action: 'delete', message_id: home.messageId }), ids: { message_id: messages } },
  ],
  'room.create': [
    {
      data: ({ mate }) => ({ type: 'GroupChat', name: 'x', participants: [mate] }),
      ids: { participants: { ...newcomer, absent: 'allowed' } },
    },
    {
      data: ({ mate }) => ({ type: 'Channel', name: 'x', subscribers: [mate] }),
      ids: { subscribers: { ...newcomer, absent: 'allowed' } },
    },
    { data: ({ mate }) => ({ type: 'OneToOneChat', participants: [mate] }), ids: { participants: newcomer } },
  ],
  'room.list': [{ data: () => ({}), ids: {} }],
  'room.discover': [{ data: () => ({}), ids: {} }],
  'room.info': [{ data: ({ home }) => ({ room_id: home.id }), ids: { room_id: room } }],
  'room.members': [{ data: ({ home }) => ({ room_id: home.id }), ids: { room_id: room } }],
  'room.messages': [
    { data: ({ home }) => ({ room_id: home.id }), ids: { room_id: room } },
    { data: ({ home }) => ({ room_id: home.id, paginate: { page: 1, size: 10 } }), ids: { room_id: room } },
    { data: ({ home }) => ({ room_id: home.id, after: 0, limit: 10 }), ids: { room_id: room } },
  ],
  'room.join': [
    {
      data: ({ home }) => ({ room_id: home.id }),
      // A public channel is the one kind of room that one can join.
      ids: { room_id: { ...room, foreign: 4003, public: 'allowed', left: 4003, removed: 4003 } },
    },
  ],
  'room.leave': [{ data: ({ home }) => ({ room_id: home.id }), ids: { room_id: room } }],
  'room.add_members': [
    {
      data: ({ home, mate }) => ({ room_id: home.id, members: [mate] }),
      ids: { room_id: room, members: newcomer },
    },
  ],
  'room.remove_members': [
    {
      data: ({ home, stranger }) => ({ room_id: home.id, members: [stranger] }),
      ids: { room_id: room, members: user },
    },
  ],
  'room.modify': [
    {
      data: ({ home }) => ({ room_id: home.id, action: 'update', data: { description: 'changed' } }),
      ids: { room_id: room },
    },
    { data: ({ home }) => ({ room_id: home.id, action: 'delete' }), ids: { room_id: room } },
    ...['add_admin', 'remove_admin'].map(
      (action): MatrixRow => ({
        data: ({ home, mate }) => ({ room_id: home.id, action, data: { users: [mate] } }),
        ids: { room_id: room, 'data.users': changed },
      }),
    ),
    ...['add_moderator', 'remove_moderator'].map(
      (action): MatrixRow => ({
        data: ({ homeChannel, mate }) => ({ room_id: homeChannel.id, action, data: { users: [mate] } }),
        ids: { room_id: room, 'data.users': changed },
      }),
    ),
    ...['add_permission', 'remove_permission'].map(
      (action): MatrixRow => ({
        data: ({ home, mate }) => ({
          room_id: home.id,
          action,
          data: { users: [mate], permission: ['can_add_new_participants'] },
        }),
        ids: { room_id: room, 'data.users': changed },
      }),
    ),
    {
      data: ({ home }) => ({ room_id: home.id, action: 'an action of nobody', data: {} }),
      answer: 4003,
      ids: { room_id: room },
    },
  ],
  'session.heartbeat': [{ data: () => ({}), ids: {} }],
  'session.refresh': [{ data: () => ({ token: 'x' }), answer: 4003, ids: {} }],
  'session.resume': [
    {
      data: ({ home }) => ({ rooms: { [home.id]: 0 } }),
      ids: {
        rooms: {
          of: 'room keys',
          absent: 4003,
          unknown: '4004 inside',
          foreign: '4002 inside',
          public: '4002 inside',
          deleted: '4004 inside',
          left: '4002 inside',
          removed: '4002 inside',
          'wrong type': 4003,
          'hostile value': 4003,
        },
      },
    },
  ],
};
