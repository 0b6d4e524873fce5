/** A host whose app and worker are processes of their own, on MariaDB and Redis, with all parts named by file. */
import { expect, test } from 'vitest';
import type { MessageShape } from '../../src/index.js';
import { errorOf } from '../../src/testing/index.js';
import { useHostProcesses } from '../helpers/host-processes.js';

const startHost = useHostProcesses();

const files = {
  'chat.config.js': `
import { DataTypes, Sequelize } from 'sequelize';

export const sequelize = new Sequelize(process.env.DATABASE_URL, { logging: false });
export const User = sequelize.define('User', { username: DataTypes.STRING, is_staff: DataTypes.BOOLEAN }, {
  tableName: 'users', timestamps: false,
});
export const Pin = sequelize.define('Pin', { room_id: DataTypes.STRING, message_id: DataTypes.STRING });

export default {
  userModel: User,
  redis: process.env.REDIS_URL,
  redisPrefix: process.env.REDIS_PREFIX,
  authenticate: (request) => User.findByPk(new URL(request.url, 'http://host').searchParams.get('user')),
  rateLimit: false,
  eventHandlerClass: './parts/handler.js#ShopEventHandler',
  permissionHandlerClass: process.env.PERMISSIONS ?? './parts/permissions.cjs#ShopPermissions',
  exceptionHandlerClass: './parts/errors.js#default',
  consumerClass: './parts/consumer.js#ShopConsumer',
  connectionClass: './parts/connection.js#ShopConnection',
  eventMapper: './parts/consumer.js#mapEvents',
};
`,
  'parts/handler.js': `
import { EventHandler, ValidationError } from 'express-realtime-chat';
import { QuotaExceeded } from './errors.js';

export class ShopEventHandler extends EventHandler {
  async createMessage(data, user) {
    if (data.content === 'too much') throw new QuotaExceeded('Enough for today.');
    const message = await super.createMessage(data, user);
    console.log('webhook', process.env.ROLE, message.content);
    return message;
  }

  async _createMessage(data, user, { transaction, ...rest }) {
    const message = await super._createMessage(data, user, { transaction, ...rest });
    if (data.content.includes('spam')) throw new ValidationError('Message contains prohibited content');
    return message;
  }
}
`,
  'parts/permissions.cjs': `
const { PermissionHandler } = require('express-realtime-chat');

exports.ShopPermissions = class extends PermissionHandler {
  async haveSendMessagePermission(user, roomId, options) {
    const { isPermitted, room } = await super.haveSendMessagePermission(user, roomId, options);
    return { isPermitted: isPermitted || Boolean(user.is_staff), room };
  }
};
`,
  'parts/errors.js': `
import { ExceptionHandler } from 'express-realtime-chat';

export class QuotaExceeded extends Error {}

export default class extends ExceptionHandler {
  handle(error, context) {
    if (error instanceof QuotaExceeded) return { code: 4007, detail: error.message };
    return super.handle(error, context);
  }
}
`,
  'parts/consumer.js': `
import Joi from 'joi';
import { ChatMessagingConsumer, isRoomAdmin, mapEventTypesToHandlers } from 'express-realtime-chat';
import { Pin } from '../chat.config.js';

export class ShopConsumer extends ChatMessagingConsumer {
  async receiveMessagePin({ room_id, message_id }) {
    await this.transaction([room_id], async ({ transaction }) => {
      await Pin.create({ room_id, message_id }, { transaction });
      this.sendGroup(\`group-\${room_id}\`, 'message.pinned', { message_id, pinned_by: this.user.username });
    });
  }
}

export function mapEvents(consumer) {
  const id = Joi.string().uuid().required();
  const events = mapEventTypesToHandlers(consumer);
  events['message.pin'] = {
    guard: isRoomAdmin,
    handler: consumer.receiveMessagePin,
    schema: Joi.object({ room_id: id, message_id: id }),
  };
  delete events['room.discover'];
  return events;
}
`,
  'parts/connection.js': `
import { ChatConnection, RateLimited } from 'express-realtime-chat';

export class ShopConnection extends ChatConnection {
  async receive(text) {
    const { event_type } = JSON.parse(text);
    if (event_type === 'message.react') throw new RateLimited(5);
    await super.receive(text);
  }

  async disconnect(code) {
    console.log('gone', process.env.ROLE, this.user.username);
    await super.disconnect(code);
  }
}
`,
  'app.js': `
import express from 'express';
import { createChat } from 'express-realtime-chat';
import settings, { sequelize, User } from './chat.config.js';

const chat = createChat(settings);
await sequelize.sync();
await chat.migrate();
await User.bulkCreate([{ username: 'ann' }, { username: 'ben' }, { username: 'dan', is_staff: true }]);
const app = express();
app.use(chat.middleware());
app.get('/import/:room/:user', async ({ params }, response) => {
  const joined_at = new Date();
  await chat.models.RoomMember.create({ room_id: params.room, user_id: params.user, role: 'member', joined_at });
  response.json(await chat.addGroupToUserGroups(params.user, 'group-' + params.room));
});
const server = app.listen(0, '127.0.0.1', () => console.log('port', server.address().port));
process.on('SIGTERM', async () => {
  await chat.close();
  server.close();
  await sequelize.close();
});
`,
};

test('every part works in the process that needs it', { timeout: 120_000 }, async () => {
  const host = await startHost(files);

  // One wrong part ends a worker at once, with one sentence.
  const wrong = host.worker({ PERMISSIONS: './parts/errors.js#default' });
  expect((await wrong.ended).code).toBe(1);
  expect(wrong.output().trim()).toMatch(
    /^Setting permissionHandlerClass must be a subclass of PermissionHandler, but is the class [^\n]*$/m,
  );

  const worker = host.worker();
  await worker.waitFor(/takes events/);

  const [ann, ben, dan] = await host.connect(1, 2, 3);
  const made = await ann.request<{ room_id: string }>('room.create', {
    type: 'GroupChat',
    name: 'Orders',
    participants: [2],
  });
  const { room_id } = made.data;
  const say = (client: typeof ann, content: string) => client.request('message.send', { room_id, content });
  const sent = await say(ann, 'Hello');
  expect(sent.data).toMatchObject({ seq: 1 });
  await worker.waitFor(/webhook worker Hello/);
  expect((await say(ben, 'spam')).error).toEqual({ code: 4003, detail: 'Message contains prohibited content' });
  expect((await say(ben, 'too much')).error).toEqual({ code: 4007, detail: 'Enough for today.' });
  expect((await say(dan, 'Staff here')).data).toMatchObject({ seq: 2 });
  const { message_id } = sent.data as { message_id: string };
  const pin = { room_id, message_id };
  expect((await ann.request('message.pin', pin)).data).toEqual({ status: 'successful' });
  expect((await ben.expect('message.pinned')).data).toEqual({ message_id, pinned_by: 'ann' });
  expect(errorOf(await ben.request('message.pin', pin)).code).toBe(4002);
  expect((await ben.request('room.discover', {})).error).toBe('invalid event type');
  const reaction = { type: 'add', message_id, reaction_content: '👍' };
  expect((await ben.request('message.react', reaction)).error).toMatchObject({ code: 4029, retry_after: 5 });
  for (const content of ['Hello', 'Staff here']) {
    expect((await ben.expect<MessageShape>('message.dispatch')).data.content).toBe(content);
  }
  // A membership that was written by hand is followed over Redis too.
  const imported = await fetch(`${host.address}/import/${room_id}/3`);
  expect(await imported.json()).toEqual([`group-${room_id}`]);
  await expect
    .poll(
      async () => {
        await say(ann, 'Is Dan here?');
        return dan.pending.map(({ eventType }) => eventType);
      },
      { timeout: 10_000 },
    )
    .toContain('message.dispatch');
  await ben.close();
  await host.app.waitFor(/gone app ben/);
  for (const client of [ann, dan]) await client.close();
  expect(host.app.output()).not.toContain('webhook');
  await host.stop(worker, host.app);
});
