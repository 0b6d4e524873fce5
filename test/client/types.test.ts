/** What the compiler knows: checked by tsc, and by the expectations of vitest that it reads. */
import { expectTypeOf, test } from 'vitest';
import type {
  AckData,
  ChatClient,
  MessageAck,
  MessageShape,
  PageHistoryShape,
  PlainHistoryShape,
  RoomListShape,
  RoomPageShape,
  RoomShape,
  SeqHistoryShape,
} from '../../src/client/index.js';

test('answers and dispatches have the types of their events', () => {
  // Never called: its types are what is tested.
  const types = async (chat: ChatClient) => {
    const room = { room_id: 'r' };
    expectTypeOf(await chat.request('room.list', {})).toEqualTypeOf<RoomListShape[]>();
    expectTypeOf(await chat.request('room.list', { limit: 3 })).toEqualTypeOf<RoomPageShape>();
    expectTypeOf(await chat.request('room.info', room)).toEqualTypeOf<RoomShape>();
    expectTypeOf(await chat.request('room.messages', room)).toEqualTypeOf<PlainHistoryShape>();
    expectTypeOf(await chat.request('room.messages', { ...room, before: 3 })).toEqualTypeOf<SeqHistoryShape>();
    const paginate = { page: 1, size: 10 };
    expectTypeOf(await chat.request('room.messages', { ...room, paginate })).toEqualTypeOf<PageHistoryShape>();
    expectTypeOf(await chat.request('message.send', { ...room, content: 'Hi' })).toEqualTypeOf<MessageAck>();
    expectTypeOf(await chat.request('room.leave', room)).toEqualTypeOf<AckData>();
    // @ts-expect-error: a room is missing
    await chat.request('room.info', {});
    // @ts-expect-error: there is no such event
    await chat.request('room.paint', room);
    chat.on('message.dispatch', (message, { offset }) => {
      expectTypeOf(message).toEqualTypeOf<MessageShape>();
      expectTypeOf(offset).toEqualTypeOf<number | undefined>();
    });
    for await (const event of chat.events('message.dispatch', 'roomdelete.dispatch')) {
      if (event.eventType === 'roomdelete.dispatch') expectTypeOf(event.data).toEqualTypeOf<{ room_id: string }>();
      else expectTypeOf(event.data).toEqualTypeOf<MessageShape>();
    }
  };
  expectTypeOf(types).returns.resolves.toBeVoid();
});
