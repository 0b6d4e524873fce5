/** Rooms: actions, joining, permissions, a type of the host's own, what a connection begins with, the server side. */
import assert from 'node:assert/strict';
import type { DispatchPayloads, HistoryShape, MessageShape, RoomListShape, RoomShape } from 'express-realtime-chat';
import { Block, JoinRequest } from './database.js';
import { codeOf, type Scene } from './scene.js';

export async function playRooms({ chat, hooks, users, connect }: Scene): Promise<void> {
  const { ann, ben, cleo, dan, bot } = users;
  const [admin, member, newcomer, staff] = [
    await connect(ann),
    await connect(ben),
    await connect(cleo),
    await connect(dan),
  ];
  const create = { type: 'GroupChat', name: 'Dinner', participants: [ben.id] };
  const { room_id } = (await admin.request<{ room_id: string }>('room.create', create)).data;
  const modify = (client: typeof admin, action: string, data: object) =>
    client.request('room.modify', { room_id, action, data });

  const welcome = { welcome_message: 'Welcome!' };
  assert.equal(codeOf(await modify(member, 'set_welcome_message', welcome)), 4002);
  await modify(admin, 'set_welcome_message', welcome);
  const updated = (await member.expect<RoomShape>('roomupdate.dispatch')).data;
  assert(updated.type === 'GroupChat');
  assert.deepEqual([updated.welcome_message, updated.participants.length], ['Welcome!', 2]);
  for (const isLocked of [false, true]) {
    await hooks.next('asked', (body) => body.action === 'set_welcome_message' && body.isLocked === isLocked);
  }
  await modify(admin, 'update', { caretaker_id: ben.id });
  await modify(member, 'update', { name: 'Supper' });
  const renamed = await admin.expect<RoomShape>(
    'roomupdate.dispatch',
    ({ data }) => data.type === 'GroupChat' && data.name === 'Supper',
  );
  assert.equal(renamed.data.member_count, 2);
  console.log('ok an action of the own, under permissions asked again under the lock; a role of the own');

  assert.deepEqual((await newcomer.request('room.join', { room_id })).data, { status: 'successful' });
  const joined = await member.expect<DispatchPayloads['roomaddmembers.dispatch']>('roomaddmembers.dispatch');
  assert.deepEqual(joined.data.new_members, ['cleo']);
  assert.equal((await hooks.next('analytics', ({ event }) => event === 'room_joined')).user, cleo.id);
  await modify(admin, 'update', { join_approval_required: true });
  const waiting = await staff.request('room.join', { room_id });
  assert.deepEqual(waiting.error, {
    code: 4003,
    detail: 'Join request submitted. Awaiting approval.',
    event: 'room.join',
  });
  assert.equal(await JoinRequest.count({ where: { room_id, user_id: dan.id } }), 1);
  assert.equal(await chat.models.RoomMember.count({ where: { room_id } }), 3);
  console.log('ok joining, and a request to join that stays');

  const say = (client: typeof admin, content: string) => client.request('message.send', { room_id, content });
  assert.deepEqual((await say(staff, 'Staff here')).eventType, 'event.ack');
  await Block.create({ blocker_id: ben.id, blocked_id: cleo.id });
  const direct = { type: 'OneToOneChat', participants: [ben.id] };
  assert.equal(codeOf(await newcomer.request('room.create', direct)), 4002);
  await modify(admin, 'update', { description: 'archived' });
  assert.equal(codeOf(await say(admin, 'Anybody?')), 4002);
  const history = (await staff.request<HistoryShape>('room.messages', { room_id })).data;
  assert.deepEqual(
    history.data.messages.map(({ content }) => content),
    ['Staff here'],
  );
  console.log('ok staff may post anywhere, archived rooms are read only, blocked users are kept away');

  const ticket = { type: 'SupportTicket', name: 'Printer', agents: [dan.id] };
  const { room_id: ticket_id } = (await newcomer.request<{ room_id: string }>('room.create', ticket)).data;
  const opened = (await staff.expect<RoomShape>('roomcreate.dispatch')).data;
  assert(opened.type === 'SupportTicket');
  assert.deepEqual(
    [opened.status, opened.requester?.username, opened.agents.map(({ username }) => username)],
    ['open', 'cleo', ['dan']],
  );
  const close = { room_id: ticket_id, action: 'update', data: { status: 'closed' } };
  await newcomer.request('room.modify', close);
  const listed = (await newcomer.request<RoomListShape[]>('room.list', {})).data;
  assert.deepEqual(
    listed.map((room) => (room.type === 'SupportTicket' ? room.status : room.type)),
    ['closed', 'GroupChat'],
  );
  const { Room } = chat.models;
  const mine = await Room.findAll({
    include: [...Room.withDetails(), { association: 'members', where: { user_id: cleo.id }, attributes: [] }],
    order: ['created_at'],
  });
  assert.deepEqual(
    mine.map(({ details }) => details?.constructor.name),
    ['CustomGroupChat', 'SupportTicket'],
  );
  console.log('ok a room type of the own, listed beside the others and loaded with them');

  await newcomer.close();
  await staff.request('message.send', { room_id: ticket_id, content: 'Unplug it' });
  const again = await connect(cleo, false);
  assert.equal((await again.expect<Record<string, number>>('chat.notifications')).data[ticket_id], 1);
  const quiet = await connect(bot, false);
  await quiet.silence();
  console.log('ok chat.notifications in another shape, and left out');

  const { id: message_id } = (await staff.expect<MessageShape>('message.dispatch')).data;
  const pin = { room_id: ticket_id, message_id };
  await assert.rejects(chat.as(dan).send('message.pin', pin), { code: 4002, detail: 'Only admins can pin messages' });
  await chat.as(cleo).send('message.pin', pin);
  assert.equal((await staff.expect<DispatchPayloads['message.pinned']>('message.pinned')).data.pinned_by, 'cleo');
  // The types know what the answer has.
  const { message_id: sent_id }: { message_id: string } = await chat.system.send(bot, 'message.send', {
    room_id: ticket_id,
    content: 'Closing soon',
  });
  const said = (await again.expect<MessageShape>('message.dispatch')).data;
  assert.deepEqual([said.id, said.sender.username], [sent_id, 'bot']);
  await quiet.silence();
  console.log("ok the server side, with a user's permissions and without");
}
