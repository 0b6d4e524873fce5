/** What a host puts in the place of a part is asked also where the chat would otherwise read answers as text. */
import { afterEach, expect, test } from 'vitest';
import {
  ChatMessagingConsumer,
  canSendMessageToRoom,
  EventHandler,
  type HistoryShape,
  MessageSerializer,
  mapEventTypesToHandlers,
  PermissionDenied,
  PermissionHandler,
  type RoomListShape,
} from '../../src/index.js';
import { errorOf, openTestChat, type TestChat } from '../../src/testing/index.js';

let host: TestChat;

afterEach(() => host?.close());

/** What a member reads of a room with one message, and their list of rooms. */
async function reads() {
  const { ann, ben } = host.people;
  const room_id = await host.group(ann, ben);
  const reader = await host.connect(ben);
  await reader.request('message.send', { room_id, content: 'hello' });
  const history = await reader.request('room.messages', { room_id });
  const rooms = await reader.request('room.list', {});
  return { room_id, reader, history, rooms };
}

test('both methods of an operation are called', async () => {
  class Own extends EventHandler {
    override async retrieveMessages(...args: Parameters<EventHandler['retrieveMessages']>): Promise<HistoryShape> {
      const shape = await super.retrieveMessages(...args);
      shape.data.messages[0]!.content += '!';
      return shape;
    }

    override async _listRooms(...args: Parameters<EventHandler['_listRooms']>) {
      const rooms = (await super._listRooms(...args)) as RoomListShape[];
      return rooms.map((room) => ({ ...room, unread_count: 77 }));
    }
  }
  host = await openTestChat({ eventHandlerClass: Own });
  const { history, rooms } = await reads();
  expect((history.data as HistoryShape).data.messages[0]!.content).toBe('hello!');
  expect((rooms.data as RoomListShape[])[0]!.unread_count).toBe(77);
});

test('the helper of an operation is called', async () => {
  class Own extends EventHandler {
    override async _retrieveMessages(...args: Parameters<EventHandler['_retrieveMessages']>): Promise<HistoryShape> {
      const shape = await super._retrieveMessages(...args);
      shape.data.messages[0]!.content += '?';
      return shape;
    }

    override async listRooms(...args: Parameters<EventHandler['listRooms']>) {
      const rooms = (await super.listRooms(...args)) as RoomListShape[];
      return rooms.map((room) => ({ ...room, unread_count: 78 }));
    }
  }
  host = await openTestChat({ eventHandlerClass: Own });
  const { history, rooms, room_id } = await reads();
  expect((history.data as HistoryShape).data.messages[0]!.content).toBe('hello?');
  expect((rooms.data as RoomListShape[])[0]!.unread_count).toBe(78);
  const outsider = await host.connect(host.people.cleo);
  expect(errorOf(await outsider.request('room.messages', { room_id })).code).toBe(4002);
});

test('what a consumer sends goes through its own send', async () => {
  const sent: string[] = [];
  class Own extends ChatMessagingConsumer {
    override send(...args: Parameters<ChatMessagingConsumer['send']>): void {
      sent.push(args[0]);
      super.send(...args);
    }
  }
  host = await openTestChat({ consumerClass: Own });
  await reads();
  expect(sent).toEqual(['roommessages.dispatch', 'roomlist.dispatch']);
});

test('a permission handler of the host decides who reads, and says it for non-members too', async () => {
  class Curfew extends PermissionHandler {
    override async _haveRoomPermission(...args: Parameters<PermissionHandler['_haveRoomPermission']>) {
      if (args[0].username === 'ben') throw new PermissionDenied('Not tonight.');
      return super._haveRoomPermission(...args);
    }
  }
  host = await openTestChat({ permissionHandlerClass: Curfew });
  const { history, room_id } = await reads();
  expect(errorOf(history)).toEqual({ code: 4002, detail: 'Not tonight.' });
  const member = await host.connect(host.people.ann);
  expect((await member.request('room.messages', { room_id })).error).toBeUndefined();
});

test('another guard in the event map decides who reads', async () => {
  const map = (consumer: ChatMessagingConsumer) => {
    const built = mapEventTypesToHandlers(consumer);
    return { ...built, 'room.messages': { ...built['room.messages']!, guard: canSendMessageToRoom } };
  };
  host = await openTestChat({ eventMapper: map });
  const { ann, ben } = host.people;
  const channel = await host.connect(ann);
  const { data } = await channel.request('room.create', { type: 'Channel', name: 'news', subscribers: [ben.id] });
  const { room_id } = data as { room_id: string };
  expect((await channel.request('room.messages', { room_id })).error).toBeUndefined();
  const subscriber = await host.connect(ben);
  expect(errorOf(await subscriber.request('room.messages', { room_id })).code).toBe(4002);
});

test('without messages, too, only members are answered', async () => {
  host = await openTestChat();
  const { ann, ben, cleo } = host.people;
  const room_id = await host.group(ann, ben);
  const [member, outsider] = [await host.connect(ben), await host.connect(cleo)];
  for (const part of [{}, { paginate: { page: 9, size: 50 } }, { before: 1 }, { around: 3 }]) {
    const { data } = await member.request('room.messages', { room_id, ...part });
    expect((data as HistoryShape).data).toEqual({ room_id, messages: [] });
    expect(errorOf(await outsider.request('room.messages', { room_id, ...part })).code).toBe(4002);
  }
  const nowhere = { room_id: '0192f0a0-0000-7000-8000-000000000000' };
  expect(errorOf(await member.request('room.messages', nowhere)).code).toBe(4004);
});

test('a serializer of messages shows them in histories and lists', async () => {
  class Shouting extends MessageSerializer {
    override serialize(message: Parameters<MessageSerializer['serialize']>[0]) {
      const shape = super.serialize(message);
      return { ...shape, content: shape.content.toUpperCase() };
    }
  }
  host = await openTestChat({ serializers: { MessageSerializer: Shouting } });
  const { history, rooms } = await reads();
  expect((history.data as HistoryShape).data.messages[0]!.content).toBe('HELLO');
  expect((rooms.data as RoomListShape[])[0]!.last_message!.content).toBe('HELLO');
});
