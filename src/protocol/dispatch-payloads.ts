import type {
  ChannelListShape,
  ChatNotificationsShape,
  HistoryShape,
  MemberPageShape,
  MessageShape,
  RoomListShape,
  RoomPageShape,
  RoomShape,
  UserId,
} from './shapes.js';

/**
 * The `data` of every dispatch, by its `eventType`. A host adds those of its own events by declaration merging; what
 * sends them (`sendGroup`, `send`) and the client that gets them are typed by it.
 */
export interface DispatchPayloads {
  'chat.notifications': ChatNotificationsShape;
  'message.dispatch': MessageShape;
  /** Messages of the one who gets it. */
  'messagedelivered.dispatch': MessageShape[];
  /** One message when one id was read, else a list. */
  'readreceipt.dispatch': MessageShape | MessageShape[];
  'reaction.dispatch': { status: 'successful' | 'failed'; type: 'add' | 'remove'; message: MessageShape };
  'messagetyping.dispatch': { username: string | null; user_id: UserId; room_id: string };
  'messagemodification.dispatch':
    | { status: 'successful' | 'failed'; action: 'update'; message: MessageShape }
    | { status: 'successful' | 'failed'; action: 'delete'; message_ids: string[] };
  'roomcreate.dispatch': RoomShape;
  /** A page when `room.list` had a limit. */
  'roomlist.dispatch': RoomListShape[] | RoomPageShape;
  'roomdiscover.dispatch': RoomPageShape<ChannelListShape>;
  'roominfo.dispatch': RoomShape;
  'roommembers.dispatch': MemberPageShape;
  'roommessages.dispatch': HistoryShape;
  /** `room` is null when it is gone. */
  'roomaddmembers.dispatch': { room: RoomShape | null; new_members: string[]; added_by: string };
  'roomremovemembers.dispatch': { room: RoomShape | null; removed_members: string[]; removed_by: string };
  'roomexit.dispatch': { room: RoomShape | null; message: string };
  'roomupdate.dispatch': RoomShape;
  'roomdelete.dispatch': { room_id: string };
  'session.resumed': { rooms: Record<string, { recovered: boolean; offset?: number; code?: number }> };
  'event.ack': { status: 'successful' | 'failed'; [made: string]: unknown };
}

/** The `data` that a dispatch of this type must have; anything for a type that nobody declared. */
export type DispatchData<Type extends string> = Type extends keyof DispatchPayloads ? DispatchPayloads[Type] : unknown;
