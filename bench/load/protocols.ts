/** How each server is spoken to. Frames are told apart by their first bytes; only acks and own messages are looked into. */
import { groupMessage } from './xmpp.js';

/** What a frame of the server is. */
export type FrameKind = 'message' | 'typing' | 'answer' | 'ready' | 'error' | 'ping' | 'other';

/** What is said in one server's language. */
interface Language {
  /** A message. */
  message(roomId: string, content: string, id: number): string;
  /** Whether the server answers a message, besides sending it back. */
  readonly answersMessages: boolean;
  typing(roomId: string): string;
  /** A question that has one answer. `turn` counts those that the connection has asked before. */
  ask(question: Question, id: number, turn: number): string;
}

/** A language spoken over WebSockets. */
export interface WebSocketProtocol extends Language {
  readonly transport: 'websocket';
  /** The request's path. */
  path(user: LoadUser): string;
  /** More headers of the handshake. */
  headers(user: LoadUser): string;
  /** Sent right after the handshake. */
  hello(user: LoadUser): string | undefined;
  kind(bytes: Buffer, start: number, end: number): FrameKind;
  readonly pong?: string;
}

/** The one that is spoken over streams of XML. */
export interface XmppProtocol extends Language {
  readonly transport: 'xmpp';
}

/** One server's language. */
export type Protocol = WebSocketProtocol | XmppProtocol;

/** Who connects. `rooms` is for servers that do not look it up. */
export interface LoadUser {
  readonly id: number;
  readonly token: string;
  readonly rooms: readonly string[];
}

/** What can be asked of a server with a database. */
export type Question =
  | { readonly type: 'history'; readonly roomId: string; readonly page?: number; readonly before?: number }
  | { readonly type: 'rooms' }
  /** The next message is read: `idPrefix` and its number, from 1, are its id. */
  | { readonly type: 'read'; readonly idPrefix: string };

/** The end of the id of the message with that number, of those that were there before. */
export function numberInId(number: number): string {
  return number.toString(16).padStart(12, '0');
}

/** Whether `text` (ASCII) stands at that place. */
function standsAt(bytes: Buffer, at: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) if (bytes[at + index] !== text.charCodeAt(index)) return false;
  return true;
}

const EVENT = '{"eventType":"';

/** This project's protocol; the bare server speaks it too, and takes user and rooms from the address. */
const own: WebSocketProtocol = {
  transport: 'websocket',
  answersMessages: true,
  path: () => '/messaging/',
  headers: ({ token }) => `Authorization: Bearer ${token}\r\n`,
  hello: () => undefined,
  kind(bytes, start) {
    const at = start + EVENT.length;
    if (!standsAt(bytes, start, EVENT)) return standsAt(bytes, start, '{"error"') ? 'error' : 'other';
    if (standsAt(bytes, at, 'message.dispatch')) return 'message';
    if (standsAt(bytes, at, 'event.ack') || standsAt(bytes, at, 'roommessages.') || standsAt(bytes, at, 'roomlist.'))
      return 'answer';
    if (standsAt(bytes, at, 'messagetyping.')) return 'typing';
    return standsAt(bytes, at, 'chat.notifications') ? 'ready' : 'other';
  },
  message: (room_id, content, id) =>
    `{"event_type":"message.send","id":"${id}","data":{"room_id":"${room_id}","content":"${content}"}}`,
  typing: (room_id) => `{"event_type":"message.typing","data":{"room_id":"${room_id}"}}`,
  ask(question, id, turn) {
    if (question.type === 'read') {
      const message_id = question.idPrefix + numberInId(turn + 1);
      return `{"event_type":"message.read","id":"${id}","data":{"message_id":"${message_id}"}}`;
    }
    if (question.type === 'rooms') return `{"event_type":"room.list","id":"${id}","data":{}}`;
    const { roomId: room_id, page, before } = question;
    const data = { room_id, ...(page ? { paginate: { page, size: 50 } } : { before, limit: 50 }) };
    return JSON.stringify({ event_type: 'room.messages', id: String(id), data });
  },
};

/** Socket.IO 4 over its WebSocket transport. */
const socketIo: WebSocketProtocol = {
  transport: 'websocket',
  answersMessages: true,
  path: () => '/socket.io/?EIO=4&transport=websocket',
  headers: () => '',
  hello: ({ token }) => `40${JSON.stringify({ token })}`,
  kind(bytes, start, end) {
    if (end - start === 1 && bytes[start] === 0x32) return 'ping';
    if (standsAt(bytes, start, '43')) {
      let at = start + 2;
      while (bytes[at]! <= 0x39) at++;
      return standsAt(bytes, at, '[{"error"') ? 'error' : 'answer';
    }
    if (standsAt(bytes, start, '44')) return 'error';
    if (standsAt(bytes, start, '42["message"')) return 'message';
    if (standsAt(bytes, start, '42["typing"')) return 'typing';
    return standsAt(bytes, start, '42["notifications"') ? 'ready' : 'other';
  },
  message: (room_id, content, id) => `42${id}["message",{"room_id":"${room_id}","content":"${content}"}]`,
  typing: (room_id) => `42["typing",{"room_id":"${room_id}"}]`,
  ask: (question, id) => `42${id}${JSON.stringify([question.type, question])}`,
  pong: '3',
};

/** ejabberd's rooms. Only messages are compared. */
const xmpp: XmppProtocol = {
  transport: 'xmpp',
  answersMessages: false,
  message: groupMessage,
  typing: () => '',
  ask: () => '',
};

/** By name, as it goes from process to process. */
export const protocols = {
  own,
  bare: { ...own, path: ({ id, rooms }) => `/?user=${id}&rooms=${rooms.join(',')}`, headers: () => '' },
  'socket.io': socketIo,
  /** Its messages are broadcast, and nothing else. */
  'socket.io fan-out': {
    ...socketIo,
    message: (room_id, content, id) => `42${id}["fan-out",{"room_id":"${room_id}","content":"${content}"}]`,
  },
  xmpp,
} satisfies Record<string, Protocol>;

/** The name of a protocol. */
export type ProtocolName = keyof typeof protocols;
