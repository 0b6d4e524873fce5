/** Messages: own columns, what handlers do before and after the commit, events of the host's own, the rate limit. */
import assert from 'node:assert/strict';
import type { DispatchPayloads, MessageShape, RoomShape } from 'express-realtime-chat';
import { createChatClient } from 'express-realtime-chat/client';
import type { TestClient } from 'express-realtime-chat/testing';
import WebSocket from 'ws';
import { codeOf, type Scene } from './scene.js';

export async function playMessages({ chat, url, hooks, users, connect }: Scene): Promise<void> {
  const { ann, ben, dan } = users;
  const [admin, member, stranger] = [await connect(ann), await connect(ben), await connect(dan)];
  const made = await admin.request<{ room_id: string }>('room.create', {
    type: 'GroupChat',
    name: 'Lunch',
    participants: [ben.id],
    extra_fields: { welcome_message: 'Hi', property: { theme: 'dark' } },
  });
  const { room_id } = made.data;
  const room = (await member.expect<RoomShape>('roomcreate.dispatch')).data;
  assert(room.type === 'GroupChat');
  assert.deepEqual(
    [room.welcome_message, room.property.theme, room.creator?.profile_picture],
    ['Hi', 'dark', '/ann.png'],
  );
  assert.deepEqual(
    room.participants.map(({ email }) => email),
    ['ann@example.org', 'ben@example.org'],
  );
  await admin.expect('roomcreate.dispatch');
  console.log('ok own columns of a group and of its property, and a user with picture and address');

  const say = (client: TestClient, content: string, extra_fields = {}) =>
    client.request<{ message_id: string; seq: number }>('message.send', { room_id, content, extra_fields });
  const expiry_date = '2031-01-01T00:00:00.000Z';
  const { message_id } = (await say(admin, 'Hello', { priority: 'urgent', expiry_date })).data;
  const message = (await member.expect<MessageShape>('message.dispatch')).data;
  assert.deepEqual([message.priority, message.is_pinned, message.expiry_date], ['urgent', false, expiry_date]);
  assert.equal(message.sender.profile_picture, '/ann.png');
  assert.deepEqual(await hooks.next('webhook'), { room: room_id, sender: 'ann' });
  assert.deepEqual(await hooks.next('analytics'), { event: 'message_sent', user: ann.id, name: 'Lunch' });
  assert.deepEqual(await hooks.next('push'), { type: 'NEW_MESSAGE', recipients: [ben.id], text: 'ann: Hello' });
  console.log('ok a webhook, analytics and a push message after it');

  assert.deepEqual((await say(member, 'Buy now!')).error, {
    code: 4003,
    detail: 'Message contains prohibited content',
    event: 'message.send',
  });
  assert.deepEqual((await say(member, 'over quota')).error, {
    code: 4007,
    detail: 'Enough for today',
    event: 'message.send',
  });
  for (const fields of [{ priority: 'high' }, { is_pinned: true }, { seq: 7 }, { sender_id: ann.id }]) {
    assert.equal(codeOf(await say(member, 'Hello', fields)), 4003);
  }
  assert.equal(await chat.models.Message.count({ where: { room_id } }), 1);
  assert.equal((await say(member, 'side effect fails')).data.seq, 2);
  assert.equal(
    (await admin.expect<MessageShape>('message.dispatch', ({ data }) => data.seq === 2)).data.sender.id,
    ben.id,
  );
  assert.equal((await say(member, 'after it')).data.seq, 3);
  console.log('ok moderation leaves nothing; a side effect that throws undoes and repeats nothing');

  const modify = (extra_fields: object) =>
    admin.request('message.modify', { action: 'update', message_id, extra_fields });
  await modify({ priority: 'low' });
  const modified =
    await member.expect<DispatchPayloads['messagemodification.dispatch']>('messagemodification.dispatch');
  assert(modified.data.action === 'update' && modified.data.message.priority === 'low');
  assert.equal(codeOf(await modify({ expiry_date: null })), 4003);
  assert.equal(codeOf(await modify({ created_at: expiry_date })), 4003);
  console.log('ok what is updatable is changed, nothing else');

  // The client of the package knows the host's own dispatch by its types.
  const browser = createChatClient({ url: `${url}?user=${ben.id}`, WebSocket, token: () => 'none' });
  const seen = new Promise<string>((resolve) => {
    browser.on('message.pinned', ({ message_id: id, pinned_by }) => resolve(`${id} by ${pinned_by}`));
  });
  await browser.request('room.list', {});
  assert.equal(codeOf(await member.request('message.pin', { room_id, message_id })), 4002);
  assert.deepEqual((await admin.request('message.pin', { room_id, message_id })).data, { status: 'successful' });
  const pinned = await member.expect<DispatchPayloads['message.pinned']>('message.pinned');
  assert.deepEqual([pinned.data, pinned.room_id], [{ message_id, pinned_by: 'ann' }, room_id]);
  assert.equal(await seen, `${message_id} by ann`);
  browser.close();
  const ordered = await chat.models.Message.findAll({ where: { room_id } });
  assert.deepEqual(ordered.map(({ content }) => content)[0], 'Hello');
  const flagged = await member.request('message.flag', { message_id, reason: 'rude' });
  assert.equal(flagged.eventType, 'message.flag_taken');
  assert.deepEqual((await member.expect('message.flagged')).data, { message_id });
  assert.equal(codeOf(await stranger.request('message.flag', { message_id, reason: 'rude' })), 4002);
  assert.equal(codeOf(await member.request('message.flag', { message_id })), 4003);
  assert.equal((await member.request('room.discover', {})).error, 'invalid event type');
  await stranger.silence();
  console.log('ok events of the own: guarded, checked, to a room, to a user, to the asker; a removed one');

  for (let count = 0; count < 5; count++) await admin.request('chat.say', { room_id, content: `${count}` });
  admin.send('chat.say', { room_id, content: 'too much' });
  const limited = await admin.next(({ error }) => error !== undefined);
  assert.deepEqual(limited.error, { code: 4029, detail: 'Rate limit exceeded' });
  assert.equal(await chat.models.Message.count({ where: { room_id } }), 8);
  console.log('ok an event under another name, limited by the connection');
}
