import { describe, expect, test } from 'vitest';
import { ChatError, ClientErrorCode, createTimeline, createTyping } from '../../src/client/index.js';
import { NOBODYS_ID, useStack } from '../helpers/chat.js';
import { STACK_KINDS } from '../helpers/stack.js';
import { inState, socketUrl, until, useClients } from './support.js';

describe.each(STACK_KINDS)('the client on %s', (kind) => {
  const scene = useStack(kind);
  const makeClient = useClients();
  const url = (index = 0) => socketUrl(scene.stack.gateways[index % scene.stack.gateways.length]!);

  async function pair() {
    const [ann, ben] = await Promise.all([scene.stack.newUser(), scene.stack.newUser()]);
    const [anns, bens] = [makeClient(url(0), ann), makeClient(url(1), ben)];
    const { room_id } = await anns.rooms.create({ type: 'GroupChat', name: 'Lunch', participants: [ben!.user.id] });
    return { ann, ben, anns, bens, roomId: room_id };
  }

  test('answers requests with their data, and rejects with the server’s error', async () => {
    const { ann, anns, ben, bens, roomId } = await pair();
    expect(anns.state).toBe('online');
    expect(anns.userId).toBe(String(ann.user.id));
    await inState(bens, 'online');
    const room = await bens.request('room.info', { room_id: roomId });
    expect(room).toMatchObject({ type: 'GroupChat', name: 'Lunch', member_count: 2 });
    expect((await bens.rooms.list()).rooms.map(({ id }) => id)).toEqual([roomId]);
    expect(await bens.request('room.list', {})).toHaveLength(1);
    for await (const listed of bens.rooms.all()) expect(listed.id).toBe(roomId);
    const refused = await bens
      .room(roomId)
      .addMembers(ann.user.id)
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ChatError);
    expect(refused).toMatchObject({ code: 4002 });
    await expect(bens.room(NOBODYS_ID).info()).rejects.toMatchObject({ code: 4004, detail: 'Resource not found.' });
    await expect(bens.request('nonsense' as never, {} as never)).rejects.toMatchObject({
      code: ClientErrorCode.invalidEventType,
    });
    const first = await anns.rooms.create({ type: 'OneToOneChat', participants: [ben.user.id] });
    await expect(bens.rooms.create({ type: 'OneToOneChat', participants: [ann.user.id] })).rejects.toMatchObject({
      code: 4005,
      extra: { room_id: first.room_id },
    });
  });

  test('tells listeners and loops of what is broadcast', async () => {
    const { anns, bens, roomId } = await pair();
    await inState(bens, 'online');
    const heard: string[] = [];
    const stop = bens.on('message.dispatch', (message, event) => {
      expect(event.room_id).toBe(roomId);
      heard.push(message.content);
    });
    const events = bens.events('message.dispatch', 'reaction.dispatch');
    const { message_id } = await anns.room(roomId).send('one');
    await anns.room(roomId).react(message_id, '👍');
    const types: string[] = [];
    for await (const event of events) {
      types.push(event.eventType);
      if (event.eventType === 'reaction.dispatch') expect(event.data.message.reaction_counts).toEqual({ '👍': 1 });
      if (types.length === 2) break;
    }
    expect(types).toEqual(['message.dispatch', 'reaction.dispatch']);
    expect(heard).toEqual(['one']);
    stop();
    const all = bens[Symbol.asyncIterator]();
    const next = all.next();
    await anns.room(roomId).send('two');
    expect((await next).value).toMatchObject({ eventType: 'message.dispatch', data: { content: 'two' } });
    expect(heard).toEqual(['one']);
    const end = all.next();
    bens.close();
    // What came before the end is still given.
    expect(await end).toBeDefined();
  });

  test('does what one does in a room', async () => {
    const { anns, ben, bens, roomId } = await pair();
    await inState(bens, 'online');
    const [annsRoom, bensRoom] = [anns.room(roomId), bens.room(roomId)];
    const timeline = createTimeline(anns, roomId);
    const { message_id, seq } = await annsRoom.send('Hello', { media: [] });
    await until(timeline, ({ messages }) => messages[0]?.delivered_count === 1);
    await bensRoom.read(message_id);
    await until(timeline, ({ messages }) => messages[0]?.read_count === 1);
    await bensRoom.react(message_id, '🎉');
    await bensRoom.unreact(message_id, '🎉');
    const reply = await bensRoom.send('Hi', { parent_message_id: message_id });
    await annsRoom.edit(message_id, 'Hello all');
    await until(timeline, ({ messages }) => messages[1]?.parent_message?.content === 'Hello all');
    expect((await bensRoom.history({ before: reply.seq })).data.messages.map((one) => one.seq)).toEqual([seq]);
    expect((await bensRoom.history()).data.messages).toHaveLength(2);
    await annsRoom.delete(message_id);
    const { messages } = await until(timeline, (state) => state.messages.length === 1);
    expect(messages[0]!.parent_message).toEqual({ id: message_id, is_deleted: true, content: '' });
    await annsRoom.update({ name: 'Dinner' });
    expect(await annsRoom.info()).toMatchObject({ name: 'Dinner' });
    await annsRoom.modify('add_admin', { users: [ben.user.id] });
    expect((await annsRoom.members()).members.map(({ role }) => role).sort()).toEqual(['admin', 'creator']);
    const typing = createTyping(anns, roomId);
    const typed = until(typing, ({ typists }) => typists.length === 1);
    bensRoom.typing();
    bensRoom.typing();
    expect((await typed).typists).toEqual([{ user_id: ben.user.id, username: ben.user.username }]);
    await annsRoom.removeMembers(ben.user.id);
    await annsRoom.addMembers(ben.user.id);
    await bensRoom.leave();
    await annsRoom.destroy();
    await until(timeline, ({ status, error }) => status === 'failed' && error?.code === 4004);
  });

  test('gives up a request by time and by signal', async () => {
    const { bens, roomId } = await pair();
    await inState(bens, 'online');
    const controller = new AbortController();
    const aborted = bens.request('room.info', { room_id: roomId }, { signal: controller.signal });
    controller.abort(new Error('not needed'));
    await expect(aborted).rejects.toThrow('not needed');
    const away = makeClient('ws://127.0.0.1:1/messaging/', undefined, { requestTimeout: 50 });
    await expect(away.rooms.list()).rejects.toMatchObject({ code: ClientErrorCode.timeout });
    const waiting = away.request('room.list', {}, { timeout: 0 });
    away.close();
    await expect(waiting).rejects.toMatchObject({ code: ClientErrorCode.closed });
  });
});
