/** Hooks for React 18 and 19. */

export { ChatProvider, type ChatProviderProps, useChat } from './context.js';
export {
  type Connection,
  type MessagesView,
  type ReactionCount,
  type ReactionsView,
  type RoomsView,
  type RoomView,
  type TypingView,
  useConnection,
  useMessages,
  useReactions,
  useRoom,
  useRooms,
  useTyping,
  useUnread,
} from './hooks.js';
