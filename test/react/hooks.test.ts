import { createElement as h, memo, type ReactNode, StrictMode } from 'react';
import { renderToString } from 'react-dom/server';
import { afterEach, describe, expect, test, vi } from 'vitest';
import WebSocket from 'ws';
import type { ChatClientOptions, MessageShape, RoomListShape } from '../../src/client/index.js';
import {
  ChatProvider,
  type MessagesView,
  type ReactionsView,
  type RoomView,
  type TypingView,
  useChat,
  useConnection,
  useMessages,
  useReactions,
  useRoom,
  useRooms,
  useTyping,
  useUnread,
} from '../../src/react/index.js';
import { inState, socketUrl, startWire, useClients, type Wire } from '../client/support.js';
import { useStack } from '../helpers/chat.js';
import type { Person } from '../helpers/stack.js';
import { usePage } from './page.js';

const scene = useStack('embedded');
const page = usePage();
const makeClient = useClients();
let wire: Wire | undefined;
afterEach(async () => {
  page.unmount();
  await wire?.close();
  wire = undefined;
});

const optionsOf = (person: Person, url: string): ChatClientOptions => ({
  url,
  WebSocket,
  token: () => person.token,
  reconnectDelay: 50,
  maxReconnectDelay: 300,
});

/** Ann as a client, Ben for the page, and their group with one message. */
async function pair() {
  const gateway = scene.stack.gateways[0]!;
  const [ann, ben] = await Promise.all([scene.stack.newUser(), scene.stack.newUser()]);
  wire = await startWire(gateway);
  const anns = makeClient(socketUrl(gateway), ann);
  const { room_id: roomId } = await anns.rooms.create({
    type: 'GroupChat',
    name: 'Lunch',
    participants: [ben.user.id],
  });
  await anns.room(roomId).send('one');
  return { ann, ben, anns, roomId, options: optionsOf(ben, wire.url), wire, room: anns.room(roomId) };
}

const show = (node: ReactNode, options: ChatClientOptions) =>
  page.render(h(StrictMode, null, h(ChatProvider, { options }, node)));

describe('in StrictMode', () => {
  test('one page is one connection, which ends with it', async () => {
    const { options } = await pair();
    const sockets: WebSocket[] = [];
    class Counted extends WebSocket {
      constructor(...args: ConstructorParameters<typeof WebSocket>) {
        super(...args);
        sockets.push(this);
      }
    }
    const State = () => h('p', null, useConnection().state);
    const element = await show(h(State), { ...options, WebSocket: Counted });
    await expect.poll(() => element.textContent).toBe('online');
    expect(sockets).toHaveLength(1);
    page.unmount();
    await expect.poll(() => sockets[0]!.readyState).toBe(WebSocket.CLOSED);
    expect(sockets).toHaveLength(1);
  });

  test('messages are those of the past, those that come, and the own ones on their way', async () => {
    const { options, room, roomId, wire } = await pair();
    let view!: MessagesView;
    const Messages = () => {
      view = useMessages(roomId);
      const names = [
        ...view.messages.map(({ content }) => content),
        ...view.pending.map(({ content }) => `(${content})`),
      ];
      return h('p', null, view.status === 'ready' ? names.join(' ') : view.status);
    };
    const element = await show(h(Messages), options);
    await expect.poll(() => element.textContent).toBe('one');
    await room.send('two');
    await expect.poll(() => element.textContent).toBe('one two');
    wire.cut();
    view.send('mine');
    await expect.poll(() => element.textContent).toBe('one two (mine)');
    await room.send('three');
    wire.mend();
    await expect.poll(() => element.textContent, { timeout: 10_000 }).toBe('one two three mine');
    await view.markRead();
    await expect.poll(() => view.messages[0]?.read_count).toBe(1);
  });
});

describe('rendering', () => {
  test('leaves alone what did not change', async () => {
    const { anns, ben, options, room, roomId } = await pair();
    const other = await anns.rooms.create({ type: 'GroupChat', name: 'Other', participants: [ben.user.id] });
    const counts = new Map<string, number>();
    const count = (name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);
    const Message = memo(({ message }: { message: MessageShape }) => {
      count(message.content);
      return h('i', null, message.content);
    });
    const Messages = () => useMessages(roomId).messages.map((message) => h(Message, { key: message.id, message }));
    const Item = memo(({ room: listed }: { room: RoomListShape }) => {
      count(listed.id);
      return h('b', null, `${listed.unread_count};`);
    });
    const Rooms = () => useRooms().rooms.map((listed) => h(Item, { key: listed.id, room: listed }));
    const Badge = () => {
      count('badge');
      return h('u', null, useUnread());
    };
    // Without StrictMode, which renders twice.
    const chat = makeClient(options.url, undefined, options);
    const element = await page.render(
      h(ChatProvider, { client: chat }, h('div', null, h(Messages), h(Rooms), h(Badge))),
    );
    await expect.poll(() => element.innerHTML).toBe('<div><i>one</i><b>0;</b><b>1;</b><u>1</u></div>');
    counts.clear();
    await room.send('two');
    await expect.poll(() => element.innerHTML).toContain('<i>one</i><i>two</i><b>2;</b><b>0;</b><u>2</u>');
    expect(counts.get('two')).toBeGreaterThan(0);
    expect(counts.get('one') ?? 0).toBeLessThanOrEqual(1);
    expect(counts.get(other.room_id)).toBeUndefined();
    counts.clear();
    await room.update({ name: 'Dinner' });
    await expect.poll(() => counts.get(roomId)).toBe(1);
    expect([...counts.keys()]).toEqual([roomId]);
  });

  test('on a server connects to nothing and shows what a page begins with', async () => {
    const connect = vi.fn();
    const options = { url: 'ws://127.0.0.1:1/', WebSocket: connect, token: () => 'token' };
    const All = () =>
      h(
        'p',
        null,
        [useConnection().state, useRooms().status, useRoom('r').status, useMessages('r').status, useUnread()].join(' '),
      );
    const html = renderToString(h(StrictMode, null, h(ChatProvider, { options }, h(All))));
    expect(html).toBe('<p>connecting loading loading loading 0</p>');
    expect(connect).not.toHaveBeenCalled();
  });

  test('without a provider says what is missing', () => {
    const Lost = () => h('p', null, useChat().state);
    expect(() => renderToString(h(Lost))).toThrow('There is no ChatProvider above this component.');
  });
});

describe('hooks', () => {
  test('useRoom has members and actions, and hears of changes', async () => {
    const { ann, ben, anns, options, roomId } = await pair();
    let view!: RoomView;
    const Info = () => {
      view = useRoom(roomId);
      return h('p', null, view.room?.type === 'GroupChat' ? view.room.name : (view.error?.code ?? view.status));
    };
    const element = await show(h(Info), options);
    await expect.poll(() => element.textContent).toBe('Lunch');
    expect(view.room).toMatchObject({
      participants: [{ id: ann.user.id }, { id: ben.user.id }].sort((a, b) => a.id - b.id),
    });
    await anns.room(roomId).update({ name: 'Dinner' });
    await expect.poll(() => element.textContent).toBe('Dinner');
    await view.actions.leave();
    await expect.poll(() => element.textContent).toBe('4002');
  });

  test('useTyping shows others, and useReactions toggles the own one', async () => {
    const { ann, anns, options, room, roomId } = await pair();
    let [typing, reactions]: [TypingView?, ReactionsView?] = [];
    const Reactions = ({ message }: { message: MessageShape }) => {
      reactions = useReactions(message);
      return h('i', null, reactions.reactions.map((one) => `${one.reaction}${one.count}${one.isMine}`).join(' '));
    };
    const Both = () => {
      typing = useTyping(roomId);
      const [message] = useMessages(roomId).messages;
      return h(
        'p',
        null,
        typing.typists.map(({ username }) => username),
        message && h(Reactions, { message }),
      );
    };
    const element = await show(h(Both), options);
    await expect.poll(() => element.innerHTML).toBe('<p><i></i></p>');
    await reactions!.toggle('👍');
    await expect.poll(() => element.textContent).toBe('👍1true');
    await room.react((await room.history()).data.messages[0]!.id, '👍');
    await expect.poll(() => element.textContent).toBe('👍2true');
    await reactions!.toggle('👍');
    await expect.poll(() => element.textContent).toBe('👍1false');
    room.typing();
    await expect.poll(() => element.textContent).toBe(`${ann.user.username}👍1false`);
    const heard = anns.events('messagetyping.dispatch');
    typing!.type();
    expect((await heard.next()).value.data.room_id).toBe(roomId);
    await room.send('two');
    await expect.poll(() => element.textContent).toBe('👍1false');
  });

  test('a client of one’s own outlives the page', async () => {
    const { options } = await pair();
    const chat = makeClient(options.url, undefined, options);
    const State = () => h('p', null, String(useChat() === chat));
    const element = await page.render(h(ChatProvider, { client: chat }, h(State)));
    await inState(chat, 'online');
    await expect.poll(() => element.textContent).toBe('true');
    page.unmount();
    expect((await chat.rooms.list()).rooms).toHaveLength(1);
  });
});
