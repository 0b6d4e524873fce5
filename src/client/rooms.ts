/** Conveniences: what an app does with rooms and messages, each one request. */
import type { UserId } from '../protocol/payload-types.js';
import type {
  MemberPageShape,
  MessageShape,
  PlainHistoryShape,
  RoomListShape,
  RoomPageShape,
  RoomShape,
  SeqHistoryShape,
} from '../protocol/shapes.js';
import type { AckData, AnswerOf, EventInputs, MessageExtras, RoomAck, RoomCreateInput } from './events.js';
import { newClientId, type SentMessage } from './outbox.js';
import type { RequestOptions } from './requests.js';

/** Sends one event; see `ChatClient.request`. */
export type RequestFunction = <E extends keyof EventInputs, D extends EventInputs[E]>(
  event: E,
  data: D,
  options?: RequestOptions,
) => Promise<AnswerOf<E, D>>;

/** What `chat.room(id)` needs of the client. */
export interface RoomHost {
  request: RequestFunction;
  add(roomId: string, content: string, extra: MessageExtras | undefined): SentMessage;
  type(roomId: string): void;
}

/** Rooms as such. */
export class Rooms {
  readonly #request: RequestFunction;

  constructor(request: RequestFunction) {
    this.#request = request;
  }

  /** One page of the user's rooms, newest activity first. */
  list(page: { limit?: number; cursor?: string | undefined } = {}): Promise<RoomPageShape> {
    const { limit = 50, cursor } = page;
    return this.#request('room.list', cursor === undefined ? { limit } : { limit, cursor }, { retry: true });
  }

  /** All of the user's rooms, page by page. */
  async *all(limit = 100): AsyncGenerator<RoomListShape> {
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page: RoomPageShape = await this.list({ limit, cursor });
      yield* page.rooms;
      cursor = page.next_cursor;
    }
  }

  /** Makes a room. A repeat after a lost connection makes no second one. */
  create(room: RoomCreateInput): Promise<RoomAck> {
    return this.#request('room.create', { client_id: newClientId(), ...room });
  }

  /** Public channels whose name contains `query`. */
  discover(query = '', page: { limit?: number; cursor?: string } = {}): Promise<RoomPageShape> {
    return this.#request('room.discover', { ...page, query }, { retry: true });
  }

  /** Joins a public channel. */
  join(roomId: string): Promise<AckData> {
    return this.#request('room.join', { room_id: roomId });
  }
}

/** One room. It holds nothing but the id: make as many as you like. */
export class Room {
  readonly id: string;
  readonly #host: RoomHost;

  constructor(id: string, host: RoomHost) {
    this.id = id;
    this.#host = host;
  }

  /**
   * Sends a message through the outbox: it is pending at once, and waits for a connection. Resolves with the ack,
   * rejects when it failed; it is then in the outbox and may be tried again.
   */
  send(content: string, extra?: MessageExtras): SentMessage {
    return this.#host.add(this.id, content, extra);
  }

  /** The newest messages, or those on one side of a seq; newest first. */
  history(
    part: { before: number; limit?: number } | { after: number; limit?: number } | { around: number; limit?: number },
  ): Promise<SeqHistoryShape>;
  history(): Promise<PlainHistoryShape>;
  history(part: { before?: number; after?: number; around?: number; limit?: number } = {}): Promise<PlainHistoryShape> {
    return this.#host.request('room.messages', { room_id: this.id, ...part }, { retry: true });
  }

  /** Says that the user types; call it on every key, it is sent every three seconds at most. */
  typing(): void {
    this.#host.type(this.id);
  }

  /** Marks messages as read. */
  async read(...messages: Array<string | MessageShape>): Promise<void> {
    await this.#inParts('message.read', messages);
  }

  /** Says that messages have reached this device. The client does that by itself, unless told not to. */
  async acknowledge(...messages: Array<string | MessageShape>): Promise<void> {
    await this.#inParts('message.acknowledged', messages);
  }

  /** Reacts to a message, in place of an earlier reaction. */
  react(messageId: string, reaction: string): Promise<AckData> {
    return this.#host.request('message.react', { type: 'add', message_id: messageId, reaction_content: reaction });
  }

  /** Takes a reaction back; `status` is "failed" when it was not there. */
  unreact(messageId: string, reaction: string): Promise<AckData> {
    return this.#host.request('message.react', { type: 'remove', message_id: messageId, reaction_content: reaction });
  }

  /** Changes an own message. */
  edit(messageId: string, content: string): Promise<AckData> {
    return this.#host.request('message.modify', {
      action: 'update',
      message_id: messageId,
      extra_fields: { content },
    });
  }

  /** Deletes own messages, all or none. */
  delete(...messageIds: string[]): Promise<AckData> {
    return this.#host.request('message.modify', { action: 'delete', message_id: messageIds });
  }

  /** The room with its members and roles. */
  info(): Promise<RoomShape> {
    return this.#host.request('room.info', { room_id: this.id }, { retry: true });
  }

  /** One page of the members, first joined first. */
  members(page: { limit?: number; cursor?: string } = {}): Promise<MemberPageShape> {
    return this.#host.request('room.members', { ...page, room_id: this.id }, { retry: true });
  }

  /** Adds users by id; who is a member already is skipped. Resolves with the ack. */
  addMembers(...users: UserId[]): Promise<AckData> {
    return this.#host.request('room.add_members', { room_id: this.id, members: users });
  }

  /** Removes members by user id. Resolves with the ack. */
  removeMembers(...users: UserId[]): Promise<AckData> {
    return this.#host.request('room.remove_members', { room_id: this.id, members: users });
  }

  /** Leaves the room; with its last member it is deleted. Rejects with 4003 in a OneToOneChat. */
  leave(): Promise<AckData> {
    return this.#host.request('room.leave', { room_id: this.id });
  }

  /** Changes name, description and the other fields of the room. */
  update(fields: Record<string, unknown>): Promise<AckData> {
    return this.modify('update', fields);
  }

  /** Deletes the room. */
  destroy(): Promise<AckData> {
    return this.modify('delete', {});
  }

  /** Any action of `room.modify`: `add_admin`, `remove_moderator`, `add_permission`, ... */
  modify(action: string, data: Record<string, unknown>): Promise<AckData> {
    return this.#host.request('room.modify', { room_id: this.id, action, data });
  }

  /** An event takes at most 100 ids. */
  async #inParts(
    event: 'message.read' | 'message.acknowledged',
    messages: Array<string | MessageShape>,
  ): Promise<void> {
    const ids = messages.map((message) => (typeof message === 'string' ? message : message.id));
    for (let from = 0; from < ids.length; from += 100) {
      await this.#host.request(event, { message_id: ids.slice(from, from + 100) }, { retry: true });
    }
  }
}
