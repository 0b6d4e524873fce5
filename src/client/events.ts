/** What a client may send, what it is answered, and what it hears: the server's own table, as a client writes it. */
import type { DispatchPayloads } from '../protocol/dispatch-payloads.js';
import type { EventPayloads, MediaInput, MessageSendPayload, RoomCreatePayload } from '../protocol/payload-types.js';
import type {
  MemberPageShape,
  PageHistoryShape,
  PlainHistoryShape,
  RoomListShape,
  RoomPageShape,
  RoomShape,
  SeqHistoryShape,
} from '../protocol/shapes.js';

/** An attachment to send. */
export type MediaUpload = Pick<MediaInput, 'media_url' | 'media_type' | 'mime_type'> & Partial<MediaInput>;

/** What may be sent beside the content: a reply, or a forward, or media, and the host's own columns. */
export interface MessageExtras {
  parent_message_id?: string;
  forwarded_from_id?: string;
  media?: MediaUpload[];
  [column: string]: unknown;
}

/** `message.send`. */
export interface MessageSendInput extends Omit<MessageSendPayload, 'content' | 'extra_fields'> {
  content?: string;
  extra_fields?: MessageExtras;
}

/** `room.create`. */
export interface RoomCreateInput extends Omit<RoomCreatePayload, 'extra_fields'> {
  extra_fields?: RoomCreatePayload['extra_fields'];
}

/** The `data` of every event. */
export type EventInputs = Omit<EventPayloads, 'message.send' | 'room.create'> & {
  'message.send': MessageSendInput;
  'room.create': RoomCreateInput;
};

/** The answer to an event whose result went to others. */
export interface AckData {
  status: 'successful' | 'failed';
}

/** The answer to `message.send`. */
export interface MessageAck extends AckData {
  message_id: string;
  seq: number;
}

/** The answer to `room.create`. */
export interface RoomAck extends AckData {
  room_id: string;
}

/** `session.resumed`. */
export type ResumedData = DispatchPayloads['session.resumed'];

/** What each event is answered with, where that does not depend on its data. */
export interface EventAnswers {
  'message.send': MessageAck;
  'message.acknowledged': AckData;
  'message.read': AckData;
  'message.react': AckData;
  'message.typing': AckData;
  'message.modify': AckData;
  'room.create': RoomAck;
  'room.discover': RoomPageShape;
  'room.info': RoomShape;
  'room.members': MemberPageShape;
  'room.join': AckData;
  'room.leave': AckData;
  'room.add_members': AckData;
  'room.remove_members': AckData;
  'room.modify': AckData;
  'session.heartbeat': undefined;
  'session.refresh': undefined;
  'session.resume': ResumedData;
}

type HistoryAnswer<D> = D extends { paginate: object }
  ? PageHistoryShape
  : D extends { before: number } | { after: number } | { around: number }
    ? SeqHistoryShape
    : PlainHistoryShape;

/** What an event with that data is answered with; `unknown` for an event of the host's. */
export type AnswerOf<E, D> = E extends 'room.list'
  ? D extends { limit: number } | { cursor: string }
    ? RoomPageShape
    : RoomListShape[]
  : E extends 'room.messages'
    ? HistoryAnswer<D>
    : E extends keyof EventAnswers
      ? EventAnswers[E]
      : unknown;

/** Dispatches that only ever answer an event. */
type Answers =
  | 'roomlist.dispatch'
  | 'roomdiscover.dispatch'
  | 'roominfo.dispatch'
  | 'roommembers.dispatch'
  | 'roommessages.dispatch'
  | 'session.resumed'
  | 'event.ack';

/** The `data` of every dispatch that may come unasked; the host's own too, where it has declared them. */
export interface Dispatches extends Omit<DispatchPayloads, Answers> {}

/** One dispatch as it came. */
export type ChatEvent<E extends keyof Dispatches = keyof Dispatches> = {
  [T in E]: {
    eventType: T;
    data: Dispatches[T];
    /** Of a broadcast of a room, and of typing. */
    room_id?: string;
    /** Of a broadcast of a room. */
    offset?: number;
  };
}[E];

/** Any frame that the server sends. */
export interface ServerFrame {
  eventType?: string;
  data?: unknown;
  room_id?: string;
  offset?: number;
  id?: string;
  error?: unknown;
  status?: string;
}
