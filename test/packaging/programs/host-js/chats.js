/** Two chats of one app that do not meet, and every event sent by the host's own code. Prints what it has seen. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import express from 'express';
import { createChat } from 'express-realtime-chat';
import { connectTestClient, errorOf } from 'express-realtime-chat/testing';
import { DataTypes, Sequelize } from 'sequelize';

const statements = [];
const sequelize = new Sequelize({
  dialect: 'sqlite',
  storage: 'chats.sqlite',
  logging: (sql) => statements.push(sql),
});
const User = sequelize.define('User', { username: DataTypes.STRING, email: DataTypes.STRING }, { tableName: 'users' });
const shared = {
  userModel: User,
  authenticate: ({ url }) => User.findByPk(new URLSearchParams(url.split('?')[1]).get('user')),
  logLevel: 'error',
};

async function twoChats([ann, ben]) {
  const strict = createChat({
    ...shared,
    websocketPath: 'strict/',
    eventHandlerClass: './parts.js#ModeratedHandler',
    messageSoftDelete: true,
    exposeEmail: true,
  });
  const loose = createChat({
    ...shared,
    websocketPath: 'loose/',
    tablePrefix: 'loose_',
    enableNotification: false,
    serializers: { UserSerializer: './parts.js#ShortUserSerializer' },
  });
  const app = express();
  for (const chat of [strict, loose]) {
    await chat.migrate();
    app.use(chat.middleware());
  }
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connect = (path, { id }) => connectTestClient(`ws://127.0.0.1:${server.address().port}/${path}?user=${id}`);
  const [s, l] = [await connect('strict/', ben), await connect('loose/', ben)];
  await s.expect('chat.notifications');
  const senders = {};
  for (const [name, chat, client] of [
    ['strict', strict, s],
    ['loose', loose, l],
  ]) {
    const { room_id } = await chat.as(ann).send('room.create', { type: 'GroupChat', name, participants: [ben.id] });
    assert.equal((await client.expect('roomcreate.dispatch')).data.name, name);
    const spam = await client.request('message.send', { room_id, content: 'spam' });
    if (name === 'strict') assert.equal(errorOf(spam).detail, 'Message contains prohibited content');
    else assert.equal(spam.data.status, 'successful');
    const { message_id } = await chat.as(ann).send('message.send', { room_id, content: 'Hello' });
    senders[name] = (await client.expect('message.dispatch', ({ data }) => data.content === 'Hello')).data.sender;
    await chat.as(ann).send('message.modify', { action: 'delete', message_id });
    assert.equal(await chat.models.Message.count({ where: { id: message_id } }), name === 'strict' ? 1 : 0);
  }
  assert.deepEqual(senders.loose, { id: ann.id, username: 'ann' });
  assert.equal(senders.strict.email, 'ann@example.org');
  await s.expect('messagemodification.dispatch');
  await s.silence();
  await s.close();
  await l.close();
  await strict.close();
  await loose.close();
  server.close();
  console.log('ok two chats of one process do not meet');
}

async function everyEvent([ann, ben, cleo]) {
  const chat = createChat({ ...shared, tablePrefix: 'every_' });
  await chat.migrate();
  const as = chat.as(ann);
  const create = { type: 'GroupChat', name: 'Lunch', participants: [ben.id] };
  const { room_id } = await as.send('room.create', create);
  const extra_fields = { is_public: true };
  const { room_id: channel } = await as.send('room.create', { type: 'Channel', name: 'News', extra_fields });
  const { message_id } = await as.send('message.send', { room_id, content: 'Hello', client_id: 'one' });
  assert.equal((await as.send('message.send', { room_id, content: 'Hello', client_id: 'one' })).message_id, message_id);
  const bens = [
    ['message.acknowledged', { message_id }],
    ['message.read', { message_id: [message_id] }],
    ['message.react', { type: 'add', message_id, reaction_content: '👍' }],
    ['message.typing', { room_id }],
    ['room.list', {}],
    ['room.discover', {}],
    ['room.info', { room_id }],
    ['room.members', { room_id }],
    ['room.messages', { room_id }],
    ['room.join', { room_id: channel }],
    ['session.heartbeat', {}],
    ['session.resume', { rooms: { [room_id]: 0 } }],
    ['room.leave', { room_id: channel }],
  ];
  for (const [type, data] of bens) await chat.as(ben).send(type, data);
  const anns = [
    ['message.modify', { action: 'update', message_id, extra_fields: { content: 'Hello!' } }],
    ['room.add_members', { room_id, members: [cleo.id] }],
    ['room.remove_members', { room_id, members: [cleo.id] }],
    ['room.modify', { room_id, action: 'update', data: { name: 'Dinner' } }],
    ['message.modify', { action: 'delete', message_id: [message_id] }],
  ];
  for (const [type, data] of anns) {
    await assert.rejects(chat.as(cleo).send(type, data), { code: 4002 }, type);
    await as.send(type, data);
  }
  await assert.rejects(as.send('session.refresh', { token: 'none' }), { code: 4003 });
  await assert.rejects(as.send('room.nonsense', {}), /no event room\.nonsense/);
  await chat.system.send(cleo, 'message.send', { room_id, content: 'Without a membership' });
  await assert.rejects(chat.system.send(cleo, 'message.send', { room_id, content: '' }), { code: 4003 });
  const { data } = await as.send('room.messages', { room_id });
  assert.deepEqual(
    data.messages.map(({ content }) => content),
    ['Without a membership'],
  );
  statements.length = 0;
  const { Room } = chat.models;
  const rooms = await Room.findAll({ include: Room.withDetails(), order: ['created_at', 'id'] });
  assert.equal(statements.length, 1);
  assert.deepEqual(
    rooms.map(({ type, details }) => [type, details.name]),
    [
      ['GroupChat', 'Dinner'],
      ['Channel', 'News'],
    ],
  );
  assert.equal(chat.getModel('Room'), Room);
  assert.throws(() => chat.getModel('Rom'), /no model named Rom/);
  await chat.close();
  console.log('ok every event from the own code, and rooms of all types by one query');
}

async function main() {
  await User.sync();
  const names = ['ann', 'ben', 'cleo'];
  const users = await User.bulkCreate(names.map((username) => ({ username, email: `${username}@example.org` })));
  await twoChats(users);
  await everyEvent(users);
  await sequelize.close();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
