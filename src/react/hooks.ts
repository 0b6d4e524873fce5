import { useCallback, useMemo, useSyncExternalStore } from 'react';
import type {
  ConnectionState,
  MessageExtras,
  MessageShape,
  ReactionShape,
  Room,
  RoomListState,
  RoomState,
  SentMessage,
  TimelineOptions,
  TimelineState,
  Typist,
} from '../client/index.js';
import { useChatContext } from './context.js';

/** What a store is to React. */
interface Watched<T> {
  subscribe(listener: () => void): () => void;
  get(): T;
}

/** The state of a store. A server renders what it is before anything was loaded. */
function useStore<T>({ subscribe, get }: Watched<T>): T {
  return useSyncExternalStore(subscribe, get, get);
}

/** One thing of a store's state: the component renders again only when that changes. */
function useSelected<T, S>({ subscribe, get }: Watched<T>, select: (state: T) => S): S {
  const read = () => select(get());
  return useSyncExternalStore(subscribe, read, read);
}

/** The connection's state, and what to do about it. */
export interface Connection {
  readonly state: ConnectionState;
  readonly isOnline: boolean;
  /** Connects again after `unauthenticated` or `closed`. */
  connect(): void;
}

/** Whether the chat is connected. */
export function useConnection(): Connection {
  const { chat } = useChatContext();
  const subscribe = useCallback((listener: () => void) => chat.on('state', listener), [chat]);
  const state = useSyncExternalStore(
    subscribe,
    () => chat.state,
    // What a server renders is what a page begins with.
    () => 'connecting' as const,
  );
  return useMemo(() => ({ state, isOnline: state === 'online', connect: () => chat.connect() }), [chat, state]);
}

/** The user's rooms, newest activity first, and what can be done with the list. */
export interface RoomsView extends RoomListState {
  /** Loads older rooms, when `hasMore`. */
  loadMore(): Promise<void>;
  /** Loads the list anew. */
  refresh(): Promise<void>;
}

/** The user's rooms with last message and unread count. */
export function useRooms(): RoomsView {
  const { stores } = useChatContext();
  const list = stores.roomList();
  const state = useStore(list);
  return useMemo(() => ({ ...state, loadMore: () => list.loadMore(), refresh: () => list.refresh() }), [state, list]);
}

/** A room as it is now, and what can be done in it. */
export interface RoomView extends RoomState {
  /** Sends, joins, changes, ...: see `chat.room(id)`. */
  readonly actions: Room;
  /** Loads the room anew. */
  reload(): Promise<void>;
}

/** A room with its members and roles. */
export function useRoom(roomId: string): RoomView {
  const { chat, stores } = useChatContext();
  const store = stores.room(roomId);
  const state = useStore(store);
  const actions = useMemo(() => chat.room(roomId), [chat, roomId]);
  return useMemo(() => ({ ...state, actions, reload: () => store.reload() }), [state, actions, store]);
}

/** A room's messages, and what can be done with them. */
export interface MessagesView extends TimelineState {
  /** Sends through the outbox; the message is in `pending` at once. */
  send(content: string, extra?: MessageExtras): SentMessage;
  /** Sends a failed message again. */
  retry(clientId: string): void;
  /** Forgets a message that failed or waits. */
  discard(clientId: string): void;
  /** Loads the messages before these, when `hasOlder`. */
  loadOlder(): Promise<void>;
  /** Loads the messages after these, when `hasNewer`. */
  loadNewer(): Promise<void>;
  /** Goes to the message with this `seq`: loads it with its neighbours, unless it is here already. */
  jumpTo(seq: number): Promise<void>;
  /** Marks what is here as read; call it when the user sees it. */
  markRead(): Promise<void>;
  /** Loads the newest messages anew. */
  reload(): Promise<void>;
}

/** A room's messages: history by `loadOlder`, live ones, and the own ones on their way. */
export function useMessages(roomId: string, options?: TimelineOptions): MessagesView {
  const { chat, stores } = useChatContext();
  const timeline = stores.timeline(roomId, options);
  const state = useStore(timeline);
  const actions = useMemo(
    () => ({
      send: (content: string, extra?: MessageExtras) => chat.room(roomId).send(content, extra),
      retry: (clientId: string) => chat.outbox.retry(clientId),
      discard: (clientId: string) => chat.outbox.discard(clientId),
      loadOlder: () => timeline.loadOlder(),
      loadNewer: () => timeline.loadNewer(),
      jumpTo: (seq: number) => timeline.jumpTo(seq),
      markRead: () => timeline.markRead(),
      reload: () => timeline.reload(),
    }),
    [chat, roomId, timeline],
  );
  return useMemo(() => ({ ...state, ...actions }), [state, actions]);
}

/** Who types in a room, and saying that the user does. */
export interface TypingView {
  /** Without the user. */
  readonly typists: readonly Typist[];
  /** Call it on every key; it is sent every three seconds at most. */
  type(): void;
}

/** Who types in a room. */
export function useTyping(roomId: string): TypingView {
  const { chat, stores } = useChatContext();
  const { typists } = useStore(stores.typing(roomId));
  return useMemo(() => ({ typists, type: () => chat.room(roomId).typing() }), [chat, roomId, typists]);
}

/** Unread messages of a room, or of all rooms. Renders again only when the number changes. */
export function useUnread(roomId?: string): number {
  const { stores } = useChatContext();
  return useSelected(stores.roomList(), ({ rooms, unread }) =>
    roomId === undefined ? unread : (rooms.find(({ id }) => id === roomId)?.unread_count ?? 0),
  );
}

/** One reaction to a message, with all who reacted so. */
export interface ReactionCount {
  readonly reaction: string;
  readonly count: number;
  /** The newest of them. */
  readonly reactions: readonly ReactionShape[];
  /** The user is among them. */
  readonly isMine: boolean;
}

/** The reactions to a message, and changing the user's own. */
export interface ReactionsView {
  /** Most frequent first. */
  readonly reactions: readonly ReactionCount[];
  /** Reacts so, or takes it back when the user has reacted so. */
  toggle(reaction: string): Promise<void>;
}

/** The reactions to a message. */
export function useReactions(message: MessageShape): ReactionsView {
  const { chat } = useChatContext();
  return useMemo(() => {
    const me = chat.userId;
    const reactions = Object.entries(message.reaction_counts)
      .map(([reaction, count]) => {
        const of = message.reactions.filter(({ reaction_content }) => reaction_content === reaction);
        return { reaction, count, reactions: of, isMine: of.some(({ user }) => String(user.id) === me) };
      })
      .sort((a, b) => b.count - a.count);
    return {
      reactions,
      async toggle(reaction: string) {
        const room = chat.room(message.room.id);
        const isMine = reactions.some((one) => one.reaction === reaction && one.isMine);
        await (isMine ? room.unreact(message.id, reaction) : room.react(message.id, reaction));
      },
    };
  }, [chat, message]);
}
