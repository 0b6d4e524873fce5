/** The code on the pages of docs/customising/ about handlers, permissions, events, errors and the server side, run as it stands. */
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { EventHandler } from '../../src/index.js';
import { askControl } from '../helpers/control.js';
import { createSandbox, type Sandbox } from '../helpers/sandbox.js';
import { codeBlocks, fileOf, tableRows } from './pages.js';

let sandbox: Sandbox | undefined;

beforeAll(async () => {
  await askControl('build');
});

afterEach(async () => {
  await sandbox?.close();
  sandbox = undefined;
});

/** What a reader has around the pages' files: a database, users, and here a chat per test with a group of two. */
const host = {
  'database.js': `
import { Sequelize } from 'sequelize';
export const sequelize = new Sequelize({ dialect: 'sqlite', storage: 'host.sqlite', logging: false });
`,
  'host.js': `
import { once } from 'node:events';
import express from 'express';
import { DataTypes } from 'sequelize';
import { createChat } from 'express-realtime-chat';
import { connectTestClient } from 'express-realtime-chat/testing';
import { sequelize } from './database.js';

export const User = sequelize.define(
  'User',
  { username: DataTypes.STRING, is_staff: DataTypes.BOOLEAN, is_bot: DataTypes.BOOLEAN },
  { tableName: 'users', timestamps: false },
);

export async function open(settings = {}) {
  const chat = createChat({
    userModel: User,
    authenticate: (request) => User.findByPk(new URL(request.url, 'http://host').searchParams.get('user')),
    logLevel: 'error',
    ...settings,
  });
  await sequelize.sync();
  await chat.migrate();
  const people = await User.bulkCreate([
    { username: 'ann' }, { username: 'ben' }, { username: 'cleo', is_bot: true }, { username: 'dan', is_staff: true },
  ]);
  const [ann, ben, cleo, dan] = people;
  const act = (user, type, data) => chat.as(user).send(type, data).catch(({ code, detail, extra }) => ({ code, detail, ...extra }));
  const { room_id: room } = await act(ann, 'room.create', { type: 'GroupChat', name: 'Group', participants: [ben.id] });
  let server;
  const connect = async (user) => {
    if (!server) {
      const app = express();
      app.use(chat.middleware());
      server = app.listen(0, '127.0.0.1');
      await once(server, 'listening');
    }
    return connectTestClient('ws://127.0.0.1:' + server.address().port + '/messaging/?user=' + user.id);
  };
  const close = async () => {
    await chat.close();
    server?.close();
  };
  return { chat, ann, ben, cleo, dan, act, room, connect, close };
}
`,
};

/** Runs a program of a reader with these files of a page; it must end by itself, with 0. Resolves with what it printed. */
async function run(page: string, names: string[], main: string, env: Record<string, string> = {}): Promise<string> {
  sandbox ??= await createSandbox('module');
  const files = Object.fromEntries(names.map((name) => [name, fileOf(page, name)]));
  const source = `import assert from 'node:assert/strict';\nimport { open, User } from './host.js';\n${main}`;
  await sandbox.write({ ...host, ...files, 'main.js': source });
  const started = sandbox.node(['main.js'], env);
  expect((await started.ended).code, started.output()).toBe(0);
  return started.output();
}

describe('docs/customising/handlers.md', { timeout: 60_000 }, () => {
  const page = 'docs/customising/handlers.md';

  test('calls a webhook after the commit', async () => {
    await run(
      page,
      ['webhooks.js'],
      `
import { createServer } from 'node:http';
const calls = [];
const hook = createServer(async (request, response) => {
  let body = '';
  for await (const part of request) body += part;
  calls.push(JSON.parse(body));
  response.end();
}).listen(0);
process.env.WEBHOOK_URL = 'http://127.0.0.1:' + hook.address().port;
const { act, ann, room, close } = await open({ eventHandlerClass: './webhooks.js#WebhookEventHandler' });
await act(ann, 'message.send', { room_id: room, content: 'Hello' });
await close();
assert.deepEqual(calls, [{ room, sender: 'ann' }]);
hook.close();
`,
    );
  });

  test('tracks joins and says hello', async () => {
    const output = await run(
      page,
      ['analytics.js'],
      `
const { act, ann, dan, chat, close } = await open({ eventHandlerClass: './analytics.js#AnalyticsEventHandler' });
const { room_id } = await act(ann, 'room.create', { type: 'Channel', name: 'News', extra_fields: { is_public: true } });
for (let again = 0; again < 2; again++) await act(dan, 'room.join', { room_id });
assert.equal(await chat.models.Message.count({ where: { room_id } }), 1);
await close();
`,
    );
    expect(output.match(/room_joined/g)).toHaveLength(1);
  });

  test('moderates', async () => {
    await run(
      page,
      ['moderation.js'],
      `
const { act, ann, room, chat, close } = await open({ eventHandlerClass: './moderation.js#ModeratedEventHandler' });
const refused = await act(ann, 'message.send', { room_id: room, content: 'Click HERE!' });
assert.deepEqual(refused, { code: 4003, detail: 'Message contains prohibited content' });
assert.equal((await act(ann, 'message.send', { room_id: room, content: 'Hello' })).seq, 1);
assert.equal(await chat.models.Message.count(), 1);
await close();
`,
    );
  });

  test('lets people ask to join, and keeps the request', async () => {
    await run(
      page,
      ['approval.js', 'join-request.js'],
      `
import { JoinRequest } from './join-request.js';
const { act, ann, dan, room, close } = await open({ eventHandlerClass: './approval.js#ApprovalEventHandler' });
await act(ann, 'room.modify', { room_id: room, action: 'update', data: { join_approval_required: true } });
const refused = await act(dan, 'room.join', { room_id: room });
assert.deepEqual(refused, { code: 4003, detail: 'Join request submitted. Awaiting approval.' });
assert.equal(await JoinRequest.count({ where: { room_id: room, user_id: dan.id } }), 1);
assert.equal((await act(dan, 'room.info', { room_id: room })).code, 4002);
await act(ann, 'room.modify', { room_id: room, action: 'update', data: { join_approval_required: false } });
assert.deepEqual(await act(dan, 'room.join', { room_id: room }), { status: 'successful' });
assert.equal((await act(dan, 'room.info', { room_id: room })).id, room);
await close();
`,
    );
  });

  test('serves an action of its own', async () => {
    await run(
      page,
      ['welcome.js'],
      `
const { act, ann, ben, room, connect, close } = await open({ eventHandlerClass: './welcome.js#WelcomeEventHandler' });
const client = await connect(ben);
const event = (data) => ({ room_id: room, action: 'set_welcome_message', data });
assert.equal((await act(ben, 'room.modify', event({ welcome_message: 'Hi' }))).code, 4002);
assert.equal((await act(ann, 'room.modify', event({}))).code, 4003);
await act(ann, 'room.modify', event({ welcome_message: 'Hi' }));
const { data } = await client.expect('roomupdate.dispatch');
assert.deepEqual(data.property.preferences, { welcome_message: 'Hi' });
await client.close();
await close();
`,
    );
  });

  test('pushes, and counts what is unread', async () => {
    const output = await run(
      page,
      ['push.js', 'unread-counts.js'],
      `
const first = await open({ eventHandlerClass: './push.js#PushEventHandler' });
await first.act(first.ann, 'message.send', { room_id: first.room, content: 'Hello' });
console.log('ben is', first.ben.id);
await first.close();
const { act, ann, ben, cleo, room, connect, close } = await open({ eventHandlerClass: './unread-counts.js#CountingEventHandler' });
await act(ann, 'message.send', { room_id: room, content: 'One' });
await act(ann, 'message.send', { room_id: room, content: 'Two' });
const client = await connect(ben);
assert.deepEqual(await client.next(), { eventType: 'chat.notifications', data: { [room]: 2 } });
const robot = await connect(cleo);
await robot.silence();
await client.close();
await robot.close();
await close();
`,
    );
    const [, id] = /ben is (\d+)/.exec(output)!;
    expect(output).toContain(`push [ ${id} ] ann: Hello`);
  });

  test('has a row for every pair, and no other', () => {
    const pairs: string[] = [];
    for (let of = EventHandler.prototype; of !== Object.prototype; of = Object.getPrototypeOf(of)) {
      const names = Object.getOwnPropertyNames(of);
      pairs.push(...names.filter((name) => names.includes(`_${name}`)));
    }
    const rows = tableRows(page).filter(([name]) => name!.startsWith('`'));
    const names = rows.map(([extension, replacement]) => {
      const [, name, args] = /^`(\w+)\((.*)\)`$/.exec(extension!)!;
      expect(replacement).toBe(`\`_${name}(${args}, options)\``);
      return name;
    });
    expect(names.sort()).toEqual(pairs.sort());
  });
});

describe('docs/customising/permissions.md', { timeout: 60_000 }, () => {
  const page = 'docs/customising/permissions.md';

  test('lets staff post anywhere, and archives rooms', async () => {
    await run(
      page,
      ['staff.js', 'archive.js'],
      `
const first = await open({ permissionHandlerClass: './staff.js#StaffPermissionHandler' });
const event = { room_id: first.room, content: 'Hello' };
assert.equal((await first.act(first.dan, 'message.send', event)).status, 'successful');
assert.equal((await first.act(first.cleo, 'message.send', event)).code, 4002);
await first.close();
const { act, ann, dan, room, close } = await open({ permissionHandlerClass: './archive.js#ArchivePermissionHandler' });
await act(ann, 'message.send', { room_id: room, content: 'Long ago' });
assert.equal((await act(dan, 'room.messages', { room_id: room })).code, 4002);
await act(ann, 'room.modify', { room_id: room, action: 'update', data: { description: 'archived' } });
assert.equal((await act(dan, 'room.messages', { room_id: room })).data.messages.length, 1);
assert.equal((await act(ann, 'message.send', { room_id: room, content: 'More' })).code, 4002);
await close();
`,
    );
  });

  test('asks who may contact whom, and who has a role', async () => {
    await run(
      page,
      ['blocks.js', 'block.js', 'roles.js', 'role.js'],
      `
import { Block } from './block.js';
import { Role } from './role.js';
const first = await open({ permissionHandlerClass: './blocks.js#BlockPermissionHandler' });
await Block.create({ blocker_id: first.dan.id, blocked_id: first.ann.id });
const pair = (user) => first.act(first.ann, 'room.create', { type: 'OneToOneChat', participants: [user.id] });
assert.equal((await pair(first.dan)).code, 4002);
assert.equal((await pair(first.ben)).status, 'successful');
await first.close();
const { act, ann, ben, room, close } = await open({ permissionHandlerClass: './roles.js#RolePermissionHandler' });
await Role.create({ room_id: room, user_id: ben.id, name: 'caretaker' });
const update = { room_id: room, action: 'update', data: { name: 'Renamed' } };
assert.equal((await act(ann, 'room.modify', update)).code, 4002);
assert.equal((await act(ben, 'room.modify', update)).status, 'successful');
assert.equal((await act(ben, 'room.modify', { ...update, action: 'delete', data: {} })).code, 4002);
await close();
`,
    );
  });
});

describe('docs/customising/errors.md', { timeout: 60_000 }, () => {
  test('gives codes of its own, and another format', async () => {
    await run(
      'docs/customising/errors.md',
      ['quota.js', 'format.js'],
      `
const first = await open({
  eventHandlerClass: './quota.js#QuotaEventHandler',
  exceptionHandlerClass: './quota.js#QuotaExceptionHandler',
});
const say = () => first.act(first.ann, 'message.send', { room_id: first.room, content: 'Hello' });
for (const seq of [1, 2, 3]) assert.equal((await say()).seq, seq);
assert.deepEqual(await say(), { code: 4007, detail: 'You have sent enough for today.', limit: 3 });
await first.close();
const { act, ann, room, close } = await open({ exceptionHandlerClass: './format.js#ExplainingExceptionHandler' });
const { detail, ...more } = await act(ann, 'message.send', { room_id: room, content: '' });
assert.deepEqual(more, { code: 4003, event: 'message.send', help: 'https://help.example.com/errors/4003' });
await close();
`,
    );
  });
});

describe('docs/customising/events.md', { timeout: 60_000 }, () => {
  const page = 'docs/customising/events.md';

  test('pins and flags messages', async () => {
    await run(
      page,
      ['pins.js', 'pin.js', 'event-map.js'],
      `
import { Pin } from './pin.js';
const { act, ann, ben, room, connect, close } = await open({
  consumerClass: './pins.js#PinConsumer',
  eventMapper: './event-map.js#mapEvents',
});
const [admin, member] = [await connect(ann), await connect(ben)];
for (const client of [admin, member]) await client.expect('chat.notifications');
const { data: { message_id } } = await admin.request('chat.say', { room_id: room, content: 'Remember' });
for (let again = 0; again < 2; again++) {
  const { data } = await admin.request('message.pin', { room_id: room, message_id });
  assert.deepEqual(data, { status: 'successful' });
  assert.deepEqual((await member.expect('message.pinned')).data, { message_id, pinned_by: 'ann' });
}
assert.equal(await Pin.count(), 1);
assert.equal((await member.request('message.pin', { room_id: room, message_id })).error.code, 4002);
assert.equal((await admin.request('message.pin', { room_id: room })).error.code, 4003);
const flagged = await member.request('message.flag', { message_id, reason: 'rude' });
assert.equal(flagged.eventType, 'message.flag_taken');
await member.expect('message.flagged');
assert.equal((await member.request('room.join', { room_id: room })).error, 'invalid event type');
await admin.close();
await member.close();
await close();
`,
    );
  });

  test('guards events by functions of its own', async () => {
    await run(
      page,
      ['guards.js'],
      `
import Joi from 'joi';
import { ChatMessagingConsumer, mapEventTypesToHandlers } from 'express-realtime-chat';
import { isStaff, isStaffInRoom } from './guards.js';
class Consumer extends ChatMessagingConsumer {
  async receiveAudit() {
    this.send('audit', { name: this.room?.details.name ?? null });
  }
}
const { act, ann, dan, room, close } = await open({
  consumerClass: Consumer,
  eventMapper: (consumer) => ({
    ...mapEventTypesToHandlers(consumer),
    audit: { guard: isStaff, handler: consumer.receiveAudit, schema: Joi.object({}) },
    'audit.room': { guard: isStaffInRoom, handler: consumer.receiveAudit, schema: Joi.object({ room_id: Joi.string() }) },
  }),
});
assert.equal((await act(ann, 'audit', {})).code, 4002);
assert.deepEqual(await act(dan, 'audit', {}), { name: null });
assert.equal((await act(dan, 'audit.room', { room_id: room })).code, 4002);
await act(ann, 'room.add_members', { room_id: room, members: [dan.id] });
assert.deepEqual(await act(dan, 'audit.room', { room_id: room }), { name: 'Group' });
assert.equal((await act(ann, 'audit.room', { room_id: room })).code, 4002);
await close();
`,
    );
  });

  test('times connections and limits messages', async () => {
    const output = await run(
      page,
      ['durations.js', 'rate-limit.js'],
      `
const first = await open({ connectionClass: './durations.js#TimedConnection', logLevel: 'info' });
await (await first.connect(first.ann)).close();
await first.close();
const { ann, room, connect, close } = await open({ connectionClass: './rate-limit.js#LimitedConnection' });
const client = await connect(ann);
for (let count = 0; count < 30; count++) await client.request('message.send', { room_id: room, content: 'Hello' });
const { error } = await client.request('message.send', { room_id: room, content: 'Hello' });
assert.equal(error.code, 4029);
assert.equal(error.detail, 'Rate limit: max 30 messages per 60s');
assert.ok(error.retry_after > 0 && error.retry_after <= 60);
assert.equal((await client.request('session.heartbeat', {})).status, 'success');
await client.close();
await close();
`,
    );
    expect(output).toMatch(/ann connected/);
    expect(output).toMatch(/ann disconnected after \d+ s/);
  });

  test('has types that hold what is declared', async () => {
    const compilerOptions = {
      strict: true,
      skipLibCheck: true,
      target: 'es2022',
      module: 'nodenext',
      types: ['node'],
      noEmit: true,
    };
    sandbox = await createSandbox('module');
    const source = fileOf(page, 'typed-pins.ts');
    await sandbox.write({
      'tsconfig.json': JSON.stringify({ compilerOptions, files: ['typed-pins.ts'] }),
      'typed-pins.ts': source,
    });
    await sandbox.shell('npx tsc -p .');
    const wrong: ReadonlyArray<[string, string]> = [
      ['message_id, pinned_by', 'message: message_id, pinned_by'],
      ["send('message.pin', { room_id: roomId,", "send('message.pin', { room_id: 7,"],
      ["EventPayloads['message.pin']): Promise", '{ room: number }): Promise'],
    ];
    for (const [right, changed] of wrong) {
      expect(source).toContain(right);
      await sandbox.write({ 'typed-pins.ts': source.replace(right, changed) });
      await expect(sandbox.shell('npx tsc -p .'), changed).rejects.toThrow('error TS');
    }
  });
});

describe('docs/customising/server-side.md', { timeout: 60_000 }, () => {
  test('sends, reads and imports', async () => {
    sandbox = await createSandbox('module');
    await sandbox.write({
      'chat.js': `
import { open } from './host.js';
export const opened = await open({});
export const { chat } = opened;
`,
    });
    await run(
      'docs/customising/server-side.md',
      ['orders.js', 'rooms.js', 'memberships.js'],
      `
import { opened } from './chat.js';
import { orderPlaced, orderShipped, supportFor } from './orders.js';
import { messagesOf, roomNames, roomsOf } from './rooms.js';
import { groupsOf, importMembers } from './memberships.js';
const { ann, ben, cleo, dan, act, connect, close } = opened;
const member = await connect(ben);
await member.expect('chat.notifications');
const room = await supportFor(ann, [ben]);
await member.expect('roomcreate.dispatch');
const order = { id: 7, title: 'a lamp' };
const first = await orderPlaced(ann, room, order);
assert.equal(await orderPlaced(ann, room, order), first);
await assert.rejects(orderPlaced(dan, room, { ...order, id: 8 }), { code: 4002 });
await orderShipped(cleo, room, order);
assert.equal((await member.expect('message.dispatch')).data.content, 'I have ordered a lamp.');
assert.equal((await member.expect('message.dispatch')).data.content, 'Order 7 is on its way.');
assert.equal(await messagesOf(ann), 1);
assert.deepEqual(await roomNames(), [['GroupChat', 'Group'], ['GroupChat', 'Support for ann']]);
assert.deepEqual((await roomsOf(ben)).map(({ details }) => details.name), ['Group', 'Support for ann']);
assert.deepEqual(await roomsOf(dan), []);
const other = await connect(dan);
await other.expect('chat.notifications');
await importMembers(room, [dan]);
assert.deepEqual(await groupsOf(dan), ['group-' + room]);
assert.equal((await act(dan, 'room.info', { room_id: room })).member_count, 3);
let heard;
while (!heard) {
  await act(ann, 'message.send', { room_id: room, content: 'Are you here?' });
  await other.request('session.heartbeat', {});
  heard = other.pending.find(({ eventType }) => eventType === 'message.dispatch');
}
await other.close();
await member.close();
await close();
`,
    );
  });
});

describe('docs/customising/porting.md', { timeout: 60_000 }, () => {
  const page = 'docs/customising/porting.md';

  test('its consumer pins for admins, tells members, and limits', async () => {
    sandbox = await createSandbox('module');
    const names = ['models.js', 'serializers.js'];
    await sandbox.write(Object.fromEntries(names.map((name) => [name, fileOf('docs/customising/models.md', name)])));
    await run(
      page,
      ['custom-consumer.js'],
      `
import { sequelize } from './database.js';
const { act, ann, ben, dan, chat, room, connect, close } = await open({
  consumerClass: './custom-consumer.js#CustomChatConsumer',
  connectionClass: './custom-consumer.js#CustomConnection',
  eventMapper: './custom-consumer.js#customEventMapper',
  models: { Message: './models.js#CustomMessage' },
  serializers: { MessageSerializer: './serializers.js#CustomMessageSerializer' },
});
for (const column of ["priority VARCHAR(10) NOT NULL DEFAULT 'normal'", 'is_pinned TINYINT(1) NOT NULL DEFAULT 0', 'expiry_date DATETIME']) {
  await sequelize.query('ALTER TABLE chat_messages ADD COLUMN ' + column);
}
const [member, other] = [await connect(ben), await connect(dan)];
for (const client of [member, other]) await client.expect('chat.notifications');
const { message_id } = await act(ann, 'message.send', { room_id: room, content: 'Hello' });
const pin = { room_id: room, message_id };
assert.deepEqual(await act(ben, 'message.pin', pin), { code: 4002, detail: 'Only admins can pin messages' });
assert.equal((await act(dan, 'message.pin', pin)).code, 4002);
assert.deepEqual(await act(ann, 'message.pin', pin), { status: 'successful' });
assert.deepEqual((await member.expect('message.pinned')).data, { message_id, pinned_by: 'ann' });
assert.equal((await chat.models.Message.findByPk(message_id)).is_pinned, true);
const say = () => member.request('message.send', { room_id: room, content: 'Hello' });
for (let count = 0; count < 30; count++) assert.equal((await say()).eventType, 'event.ack');
assert.deepEqual((await say()).error, { code: 4029, detail: 'Rate limit exceeded' });
assert.equal((await member.request('room.info', { room_id: room })).data.id, room);
assert.equal(await chat.models.Message.count(), 31);
await other.silence();
for (const client of [member, other]) await client.close();
await close();
`,
    );
  });

  test('its plugins are loaded and refused as the parts of the package are', async () => {
    sandbox = await createSandbox('module');
    await sandbox.write({
      'parts.js': `
import { EventHandler } from 'express-realtime-chat';
export class Handler extends EventHandler {}
export const filter = (text) => text;
`,
    });
    await run(
      page,
      ['plugins.js'],
      `
import { forgetPlugins, loadPlugins } from './plugins.js';
import { Handler } from './parts.js';
const settings = { handler: './parts.js#Handler', filter: './parts.js#filter' };
for (let again = 0; again < 2; again++) {
  const { handler, filter } = loadPlugins(settings);
  assert.deepEqual([handler, filter('one')], [Handler, 'one']);
  forgetPlugins();
}
assert.throws(() => loadPlugins({ ...settings, handler: './parts.js#filter' }), /plugins\\.handler must be a subclass of EventHandler/);
assert.throws(() => loadPlugins({ ...settings, filter: './parts.js#Handler' }), /plugins\\.filter must be a function/);
const { close } = await open();
await close();
`,
    );
  });
});

test('every file of these pages is run here', () => {
  const pages = ['handlers', 'permissions', 'errors', 'events', 'server-side', 'porting'];
  const files = pages.flatMap((name) => codeBlocks(`docs/customising/${name}.md`).map(({ file }) => file));
  expect(files.length).toBeGreaterThan(20);
  expect(files).not.toContain(undefined);
});
