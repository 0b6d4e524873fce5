import { afterEach, describe, expect, test } from 'vitest';
import { type ChatClientOptions, createRoomList, createTimeline, type MessageShape } from '../../src/client/index.js';
import { useStack } from '../helpers/chat.js';
import { startStack } from '../helpers/stack.js';
import { inState, socketUrl, startWire, until, useClients, type Wire } from './support.js';

const scene = useStack('embedded');
const makeClient = useClients();
let wire: Wire | undefined;
afterEach(async () => {
  await wire?.close();
  wire = undefined;
});

const contents = (messages: readonly MessageShape[]) => messages.map(({ content }) => content);

/** Two people, the second behind a wire, and their group. */
async function pair(options: Partial<ChatClientOptions> = {}) {
  const gateway = scene.stack.gateways[0]!;
  const [ann, ben] = await Promise.all([scene.stack.newUser(), scene.stack.newUser()]);
  wire = await startWire(gateway);
  const [anns, bens] = [makeClient(socketUrl(gateway), ann), makeClient(wire.url, ben, options)];
  const { room_id: roomId } = await anns.rooms.create({
    type: 'GroupChat',
    name: 'Lunch',
    participants: [ben.user.id],
  });
  await inState(bens, 'online');
  return { ann, ben, anns, bens, roomId, wire };
}

describe('a timeline', () => {
  test('loads the past in pages, follows what is live, and leaves unchanged messages alone', async () => {
    // Deliveries would change them.
    const { anns, bens, roomId } = await pair({ acknowledge: false });
    for (let number = 1; number <= 9; number++) await anns.room(roomId).send(String(number));
    const timeline = createTimeline(bens, roomId, { pageSize: 4 });
    const first = await until(timeline, ({ status }) => status === 'ready');
    const stop = timeline.subscribe(() => {});
    expect(contents(first.messages)).toEqual(['6', '7', '8', '9']);
    expect(first).toMatchObject({ hasOlder: true, hasNewer: false });
    await timeline.loadOlder();
    await timeline.loadOlder();
    const all = timeline.get();
    expect(contents(all.messages)).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9']);
    expect(all.hasOlder).toBe(false);
    expect(all.messages.at(-1)).toBe(first.messages.at(-1));
    await anns.room(roomId).send('10');
    const live = await until(timeline, ({ messages }) => messages.length === 10);
    expect(live.messages[0]).toBe(all.messages[0]);
    await anns.room(roomId).delete(live.messages[4]!.id);
    await until(timeline, ({ messages }) => messages.length === 9);
    // A number that is missing is a deletion, nothing to load.
    await timeline.reload();
    expect(timeline.get().messages.map(({ seq }) => seq)).toEqual([7, 8, 9, 10]);
    expect(timeline.get().messages.at(-1)).toBe(live.messages.at(-1));
    stop();
  });

  test('jumps to a message, and holds no more than it should', async () => {
    const { anns, bens, roomId } = await pair();
    for (let number = 1; number <= 12; number++) await anns.room(roomId).send(String(number));
    const timeline = createTimeline(bens, roomId, { pageSize: 4, maxMessages: 6 });
    const stop = timeline.subscribe(() => {});
    await until(timeline, ({ status }) => status === 'ready');
    await timeline.jumpTo(3);
    const around = timeline.get();
    expect(around.messages.map(({ seq }) => seq)).toContain(3);
    expect(around.hasNewer).toBe(true);
    await anns.room(roomId).send('13');
    while (timeline.get().hasNewer) await timeline.loadNewer();
    expect(contents(timeline.get().messages)).toEqual(['8', '9', '10', '11', '12', '13']);
    expect(timeline.get().hasOlder).toBe(true);
    await timeline.loadOlder();
    expect(timeline.get()).toMatchObject({ hasOlder: true, hasNewer: true });
    expect(timeline.get().messages).toHaveLength(6);
    await timeline.reload();
    expect(contents(timeline.get().messages)).toEqual(['10', '11', '12', '13']);
    await anns.room(roomId).send('14');
    await until(timeline, ({ messages }) => messages.at(-1)?.content === '14');
    stop();
  });

  test('gets back what was missed while the network was away, and sends what was written meanwhile, once and in order', async () => {
    const { anns, bens, roomId, wire } = await pair();
    await anns.room(roomId).send('before');
    const timeline = createTimeline(bens, roomId);
    const stop = timeline.subscribe(() => {});
    await until(timeline, ({ messages }) => messages.length === 1);
    const heard: string[] = [];
    const reloads: unknown[] = [];
    bens.on('message.dispatch', ({ content }) => heard.push(content));
    bens.on('reload', (reload) => reloads.push(reload));
    wire.cut();
    await inState(bens, 'reconnecting');
    const mine = ['mine 1', 'mine 2'].map((content) => bens.room(roomId).send(content));
    expect(timeline.get().pending.map(({ content, status }) => [content, status])).toEqual([
      ['mine 1', 'pending'],
      ['mine 2', 'pending'],
    ]);
    for (const content of ['missed 1', 'missed 2', 'missed 3']) await anns.room(roomId).send(content);
    wire.mend();
    await Promise.all(mine);
    const expected = ['missed 1', 'missed 2', 'missed 3', 'mine 1', 'mine 2'];
    const { messages, pending } = await until(timeline, (state) => state.messages.length === 6);
    expect(contents(messages)).toEqual(['before', ...expected]);
    expect(pending).toEqual([]);
    expect(heard).toEqual(expected);
    expect(reloads).toEqual([]);
    expect((await anns.room(roomId).history()).data.messages).toHaveLength(6);
    stop();
  });

  test('gets back what was missed in a room of which nothing was heard yet, without loading it again', async () => {
    const { anns, bens, roomId, wire } = await pair();
    await anns.room(roomId).send('before');
    bens.close();
    // A new page: it knows the room from the list alone.
    bens.connect();
    await inState(bens, 'online');
    const timeline = createTimeline(bens, roomId);
    const stop = timeline.subscribe(() => {});
    await until(timeline, ({ messages }) => messages.length === 1);
    const reloads: unknown[] = [];
    bens.on('reload', (reload) => reloads.push(reload));
    const heard = bens.events('message.dispatch');
    wire.cut();
    await inState(bens, 'reconnecting');
    await anns.room(roomId).send('missed');
    wire.mend();
    expect((await heard.next()).value).toMatchObject({ data: { content: 'missed' } });
    expect(contents(timeline.get().messages)).toEqual(['before', 'missed']);
    expect(reloads).toEqual([]);
    stop();
  });

  test('loads a room anew when it cannot be resumed', async () => {
    const { anns, ben, bens, roomId, wire } = await pair();
    await anns.room(roomId).send('before');
    const timeline = createTimeline(bens, roomId);
    const stop = timeline.subscribe(() => {});
    await until(timeline, ({ messages }) => messages.length === 1);
    const reloads: unknown[] = [];
    bens.on('reload', (reload) => reloads.push(reload));
    wire.cut();
    await inState(bens, 'reconnecting');
    // Another membership than before: nothing of it is replayed.
    await anns.room(roomId).removeMembers(ben.user.id);
    await anns.room(roomId).send('without ben');
    await anns.room(roomId).addMembers(ben.user.id);
    await anns.room(roomId).send('with ben');
    wire.mend();
    const { messages } = await until(timeline, (state) => state.messages.length === 3);
    expect(contents(messages)).toEqual(['before', 'without ben', 'with ben']);
    expect(reloads).toEqual([{ room_id: roomId, code: undefined }]);
    stop();
  });

  test('never shows a message twice when the plug is pulled again and again while sending', async () => {
    const { anns, bens, roomId, wire } = await pair();
    const timeline = createTimeline(bens, roomId);
    const stop = timeline.subscribe(() => {});
    await until(timeline, ({ status }) => status === 'ready');
    const written = Array.from({ length: 20 }, (_, index) => `m${index}`);
    const sent = written.map((content) => bens.room(roomId).send(content));
    for (const index of [2, 7, 11, 15]) {
      await sent[index];
      wire.cut();
      await inState(bens, 'reconnecting');
      wire.mend();
    }
    await Promise.all(sent);
    await until(timeline, ({ messages, pending }) => messages.length === 20 && pending.length === 0);
    expect(contents(timeline.get().messages)).toEqual(written);
    expect(contents((await anns.room(roomId).history()).data.messages.reverse())).toEqual(written);
    stop();
  });

  test('says that the user was removed, and is there again when they are back', async () => {
    const { anns, ben, bens, roomId } = await pair();
    await anns.room(roomId).send('one');
    const timeline = createTimeline(bens, roomId);
    const stop = timeline.subscribe(() => {});
    await until(timeline, ({ messages }) => messages.length === 1);
    await anns.room(roomId).removeMembers(ben.user.id);
    expect((await until(timeline, ({ status }) => status === 'failed')).error).toMatchObject({ code: 4002 });
    expect(timeline.get().messages).toEqual([]);
    await anns.room(roomId).addMembers(ben.user.id);
    await until(timeline, ({ messages }) => messages.length === 1);
    stop();
  });

  test('marks as read what is read, once', async () => {
    const { ann, anns, ben, bens, roomId } = await pair();
    await anns.room(roomId).send('one');
    await anns.room(roomId).send('two');
    const [anns_, bens_] = [createTimeline(anns, roomId), createTimeline(bens, roomId)];
    const stops = [anns_.subscribe(() => {}), bens_.subscribe(() => {})];
    await until(bens_, ({ messages }) => messages.length === 2);
    await bens_.markRead();
    const { messages } = await until(anns_, (state) => state.messages.every(({ read_count }) => read_count === 1));
    expect(messages[0]!.read_receipts[0]!.reader.username).toBe(ben.user.username);
    await until(bens_, (state) => state.messages.every(({ read_count }) => read_count === 1));
    let events = 0;
    bens.on('readreceipt.dispatch', () => events++);
    await Promise.all([bens_.markRead(), anns_.markRead()]);
    await anns.room(roomId).send('three');
    await until(bens_, (state) => state.messages.length === 3);
    expect(events).toBe(0);
    expect(anns.userId).toBe(String(ann.user.id));
    for (const stop of stops) stop();
  });
});

test('messages that come while others are being marked as read are marked too, and none twice', async () => {
  const { anns, bens, roomId } = await pair();
  const timeline = createTimeline(bens, roomId);
  const stop = timeline.subscribe(() => {});
  await anns.room(roomId).send('one');
  await until(timeline, ({ messages }) => messages.length === 1);
  const asked: string[][] = [];
  const request = bens.request.bind(bens);
  bens.request = ((event: 'message.read', data: { message_id: string[] }, options?: object) => {
    if (event === 'message.read') asked.push(data.message_id);
    return request(event, data, options);
  }) as typeof bens.request;
  const first = timeline.markRead();
  await anns.room(roomId).send('two');
  const { messages } = await until(timeline, (state) => state.messages.length === 2);
  await Promise.all([first, timeline.markRead(), timeline.markRead()]);
  expect(asked).toEqual(messages.map(({ id }) => [id]));
  stop();
});

describe('a room list', () => {
  test('is in step with what happens: last messages, unread counts, order, rooms that come and go', async () => {
    const { anns, ben, bens, roomId, wire } = await pair();
    const list = createRoomList(bens);
    const stop = list.subscribe(() => {});
    await until(list, ({ rooms }) => rooms.length === 1);
    const other = await anns.rooms.create({ type: 'Channel', name: 'News', subscribers: [ben.user.id] });
    await until(list, ({ rooms }) => rooms[0]?.id === other.room_id);
    const { seq, message_id } = await anns.room(roomId).send('one');
    let state = await until(list, ({ unread }) => unread === 1);
    expect(state.rooms.map(({ id, unread_count }) => [id, unread_count])).toEqual([
      [roomId, 1],
      [other.room_id, 0],
    ]);
    expect(state.rooms[0]).toMatchObject({ last_seq: seq, last_message: { content: 'one' } });
    const news = state.rooms[1];
    await bens.room(roomId).read(message_id);
    state = await until(list, ({ unread }) => unread === 0);
    expect(state.rooms[1]).toBe(news);
    await anns.room(roomId).update({ name: 'Dinner' });
    await until(list, ({ rooms }) => (rooms[0] as { name?: string }).name === 'Dinner');
    wire.cut();
    await inState(bens, 'reconnecting');
    await anns.room(other.room_id).send('while away');
    const third = await anns.rooms.create({ type: 'OneToOneChat', participants: [ben.user.id] });
    wire.mend();
    state = await until(list, ({ rooms, unread }) => rooms.length === 3 && unread === 1);
    expect(state.rooms.map(({ id }) => id)).toEqual([third.room_id, other.room_id, roomId]);
    await anns.room(roomId).delete(message_id);
    await until(list, ({ rooms }) => rooms.some(({ id, last_message }) => id === roomId && last_message === null));
    await anns.room(roomId).removeMembers(ben.user.id);
    await anns.room(other.room_id).destroy();
    await until(list, ({ rooms }) => rooms.length === 1);
    stop();
  });

  test('loads more when asked to', async () => {
    const { anns } = await pair();
    for (let number = 0; number < 4; number++) await anns.rooms.create({ type: 'GroupChat', name: `Room ${number}` });
    const list = createRoomList(anns, { pageSize: 2 });
    const stop = list.subscribe(() => {});
    await until(list, ({ rooms }) => rooms.length === 2);
    await list.loadMore();
    await list.loadMore();
    expect(list.get()).toMatchObject({ hasMore: false });
    expect(list.get().rooms).toHaveLength(5);
    stop();
  });
});

test('a server that restarts loses nobody and nothing', async () => {
  const stack = await startStack('embedded');
  wire = await startWire(stack.gateways[0]!);
  try {
    const [ann, ben] = await Promise.all([stack.newUser(), stack.newUser()]);
    const [anns, bens] = [makeClient(wire.url, ann), makeClient(wire.url, ben)];
    const { room_id: roomId } = await anns.rooms.create({
      type: 'GroupChat',
      name: 'Lunch',
      participants: [ben.user.id],
    });
    const timeline = createTimeline(bens, roomId);
    const stop = timeline.subscribe(() => {});
    await until(timeline, ({ status }) => status === 'ready');
    const written = Array.from({ length: 10 }, (_, index) => `m${index}`);
    const sent = written.map((content) => anns.room(roomId).send(content));
    await sent[3];
    await stack.apps[0]!.stop('SIGKILL');
    const late = bens.room(roomId).send('from ben');
    await stack.startApp();
    wire.lead(stack.gateways[1]!);
    await Promise.all([...sent, late]);
    const { messages } = await until(timeline, (state) => state.messages.length === 11 && state.pending.length === 0);
    expect(contents(messages).filter((content) => content !== 'from ben')).toEqual(written);
    expect(messages.map(({ seq }) => seq)).toEqual(messages.map((_, index) => index + 1));
    stop();
  } finally {
    await stack.close();
  }
}, 90_000);
