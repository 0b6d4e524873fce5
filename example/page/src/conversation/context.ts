import type { MessageShape, RoomShape } from 'express-realtime-chat/client';
import { createContext, useContext } from 'react';

/** What the messages of a room ask of the conversation around them. The functions stay the same from render to render. */
export interface ConversationActions {
  roomId: string;
  reply(message: MessageShape): void;
  edit(message: MessageShape): void;
  forward(message: MessageShape): void;
  remove(message: MessageShape): void;
  /** Goes to a message, loading what lies around it if need be. */
  jumpTo(message: { id: string; seq: number }): void;
  retry(clientId: string): void;
  discard(clientId: string): void;
}

/** Filled by the conversation. */
export const ConversationContext = createContext<ConversationActions | null>(null);

/** The conversation around a message. */
export function useConversation(): ConversationActions {
  const value = useContext(ConversationContext);
  if (!value) throw new Error('There is no conversation above this component.');
  return value;
}

/** The users of a room, as far as it lists them. */
export function membersOf(room: RoomShape) {
  return room.type === 'Channel' ? room.subscribers : room.participants;
}

/** The ids of those who run a room. */
export function adminIdsOf(room: RoomShape): ReadonlySet<string> {
  if (room.type === 'OneToOneChat') return new Set();
  const admins = room.type === 'Channel' ? room.moderators : room.admins;
  const members = new Set(membersOf(room).map(({ id }) => String(id)));
  const ids = admins.map(({ id }) => String(id));
  // A creator who left has no rights left.
  if (room.creator && members.has(String(room.creator.id))) ids.push(String(room.creator.id));
  return new Set(ids);
}
