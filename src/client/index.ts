/** The client for browsers and Node. */

export type { DispatchPayloads } from '../protocol/dispatch-payloads.js';
export type { ErrorDetail } from '../protocol/errors.js';
export type { EventPayloads } from '../protocol/payload-types.js';
export type * from '../protocol/shapes.js';
export {
  type ChatClient,
  type ChatClientOptions,
  type ChatListeners,
  createChatClient,
  type Reload,
} from './client.js';
export type { ConnectionState } from './connection.js';
export { ChatError, ClientErrorCode } from './error.js';
export type * from './events.js';
export type { Outbox, OutboxEntry, OutboxStorage, SentMessage } from './outbox.js';
export type { RequestOptions } from './requests.js';
export { createRoomList, type RoomList, type RoomListOptions, type RoomListState } from './room-list.js';
export { createRoomStore, type RoomState, type RoomStore } from './room-state.js';
export type { Room, Rooms } from './rooms.js';
export { webOutboxStorage } from './storage.js';
export { createTimeline, type Timeline, type TimelineOptions, type TimelineState } from './timeline.js';
export type { Token, TokenReason } from './token.js';
export { createTyping, type Typing, type TypingState, type Typist } from './typing.js';
