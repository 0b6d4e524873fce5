/** Models, serializers and a room type by './file.js#Export', app and worker as processes, on MariaDB and Redis. */
import { expect, test } from 'vitest';
import type { MessageShape } from '../../src/index.js';
import { errorOf } from '../../src/testing/index.js';
import { useHostProcesses } from '../helpers/host-processes.js';

const startHost = useHostProcesses();

const files = {
  'chat.config.js': `
import { DataTypes, Sequelize } from 'sequelize';

export const sequelize = new Sequelize(process.env.DATABASE_URL, { logging: false });
export const User = sequelize.define('User', { username: DataTypes.STRING, profile_picture: DataTypes.STRING }, {
  tableName: 'users', timestamps: false,
});

export default {
  userModel: User,
  redis: process.env.REDIS_URL,
  redisPrefix: process.env.REDIS_PREFIX,
  authenticate: (request) => User.findByPk(new URL(request.url, 'http://host').searchParams.get('user')),
  models: { Message: './parts.js#CustomMessage' },
  serializers: {
    MessageSerializer: process.env.SERIALIZER ?? './parts.js#CustomMessageSerializer',
    UserSerializer: './parts.js#PictureSerializer',
  },
  roomTypes: {
    SupportTicket: {
      model: './parts.js#SupportTicket',
      serializer: './parts.js#TicketSerializer',
      listSerializer: './parts.js#TicketListSerializer',
      membersField: 'agents',
    },
  },
};
`,
  'parts.js': `
import { AbstractMessage, AbstractRoomType, Joi, MessageSerializer, RoomSerializer, UserSerializer } from 'express-realtime-chat';
import { DataTypes } from 'sequelize';

export class CustomMessage extends AbstractMessage {
  static columns(context) {
    return {
      ...super.columns(context),
      priority: { type: DataTypes.STRING(10), allowNull: false, defaultValue: 'normal' },
      is_pinned: { type: DataTypes.BOOLEAN, allowNull: false, defaultValue: false },
      expiry_date: { type: DataTypes.DATE(3) },
      day: { type: DataTypes.DATEONLY },
      labels: { type: DataTypes.JSON, defaultValue: () => ({ a: [1] }) },
      score: { type: DataTypes.BIGINT },
      weight: { type: DataTypes.DOUBLE },
    };
  }
  static modelOptions() {
    return { defaultScope: { order: [['priority', 'DESC']] } };
  }
}

export class CustomMessageSerializer extends MessageSerializer {
  static fields = {
    priority: { schema: Joi.string().valid('low', 'normal', 'urgent'), updatable: true },
    is_pinned: { schema: Joi.boolean() },
    expiry_date: { schema: Joi.date().iso() },
    day: { schema: Joi.string().isoDate() },
    labels: { schema: Joi.object() },
    score: { schema: Joi.number().integer() },
    weight: { schema: Joi.number() },
  };
}

export class PictureSerializer extends UserSerializer {
  static fields = { profile_picture: {} };
}

export class SupportTicket extends AbstractRoomType {
  static table = 'support_tickets';
  static columns(context) {
    return { ...super.columns(context), status: { type: DataTypes.STRING(10), defaultValue: 'open' } };
  }
}

export class TicketSerializer extends RoomSerializer {
  static fields = { status: { schema: Joi.valid('open', 'closed'), updatable: true } };
  serialize(room) {
    const shape = { type: room.type, ...this.common(room), ...this.alone(room), requester: this.creator(room) };
    return this.withFields({ ...shape, agents: this.users(room.member_users) }, this.details(room));
  }
}

export class TicketListSerializer extends RoomSerializer {
  serialize(room) {
    const shape = { type: room.type, ...this.common(room), ...this.inList(room), requester: this.creator(room) };
    return this.withFields(shape, this.details(room));
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
await sequelize.query(\`ALTER TABLE chat_messages
  ADD COLUMN priority VARCHAR(10) NOT NULL DEFAULT 'normal', ADD COLUMN is_pinned TINYINT(1) NOT NULL DEFAULT 0,
  ADD COLUMN expiry_date DATETIME(3), ADD COLUMN day DATE, ADD COLUMN labels JSON, ADD COLUMN score BIGINT,
  ADD COLUMN weight DOUBLE\`);
await sequelize.query(\`CREATE TABLE chat_support_tickets (
  room_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY, status VARCHAR(10),
  FOREIGN KEY (room_id) REFERENCES chat_rooms (id) ON DELETE CASCADE) CHARSET utf8mb4 COLLATE utf8mb4_bin\`);
await chat.ready();
await User.bulkCreate(['ann', 'ben'].map((username) => ({ username, profile_picture: '/' + username })));
const app = express();
app.use(chat.middleware());
const server = app.listen(0, '127.0.0.1', () => console.log('port', server.address().port));
process.on('SIGTERM', async () => {
  await chat.close();
  server.close();
  await sequelize.close();
});
`,
};

test('models, serializers and room types work in a worker, the same fresh and read again', {
  timeout: 120_000,
}, async () => {
  const host = await startHost(files);

  const wrong = host.worker({ SERIALIZER: './parts.js#PictureSerializer' });
  expect((await wrong.ended).code).toBe(1);
  expect(wrong.output()).toContain('Setting serializers.MessageSerializer must be a subclass of MessageSerializer');

  const worker = host.worker();
  await worker.waitFor(/takes events/);
  const [ann, ben] = await host.connect(1, 2);
  const made = await ann.request<{ room_id: string }>('room.create', { type: 'SupportTicket', agents: [2] });
  const { room_id } = made.data;
  const created = await ben.expect<Record<string, unknown>>('roomcreate.dispatch');
  expect(created.data).toMatchObject({
    status: 'open',
    requester: { username: 'ann', profile_picture: '/ann' },
    agents: [{ profile_picture: '/ann' }, { profile_picture: '/ben' }],
  });

  const own = {
    priority: 'urgent',
    is_pinned: true,
    expiry_date: '2031-05-06T07:08:09.123Z',
    day: '2031-05-06',
    labels: { b: { c: 'é👍' } },
    score: 9_007_199_254_740_991,
    weight: 1.25,
  };
  const send = async (extra_fields: object) => {
    // Several at once, so that some are written in one statement.
    const sent = [0, 1, 2].map((n) => ann.request('message.send', { room_id, content: `m${n}`, extra_fields }));
    await Promise.all(sent);
    const frames = [];
    for (const _ of sent) frames.push((await ben.expect<MessageShape>('message.dispatch')).data);
    return frames;
  };
  const full = await send(own);
  for (const message of full) expect(message).toMatchObject(own);
  const empty = await send({});
  const defaults = { priority: 'normal', is_pinned: false, labels: { a: [1] }, expiry_date: null, score: null };
  for (const message of empty) expect(message).toMatchObject(defaults);

  const history = await ben.request<{ data: { messages: MessageShape[] } }>('room.messages', { room_id });
  expect(history.data.data.messages).toEqual([...full, ...empty].reverse());

  const { id: message_id } = full[0]!;
  await ann.request('message.modify', { action: 'update', message_id, extra_fields: { priority: 'low' } });
  const changed = await ben.expect<{ message: MessageShape }>('messagemodification.dispatch');
  expect(changed.data.message).toMatchObject({ ...own, priority: 'low' });
  const fixed = await ann.request('message.modify', { action: 'update', message_id, extra_fields: { score: 1 } });
  expect(errorOf(fixed)).toMatchObject({ code: 4003 });
  const list = await ben.request<object[]>('room.list', {});
  expect(list.data).toMatchObject([{ type: 'SupportTicket', status: 'open', last_message: defaults, unread_count: 6 }]);

  for (const client of [ann, ben]) await client.close();
  await host.stop(worker, host.app);
});
