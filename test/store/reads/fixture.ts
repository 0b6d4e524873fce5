/** A migrated database with users and rooms, on SQLite and on MariaDB, and a count of the statements it runs. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Model, type ModelStatic, Sequelize } from 'sequelize';
import { v7 } from 'uuid';
import { type ChatModels, createUserModel, initModels } from '../../../src/models/index.js';
import { migrate } from '../../../src/models/migrate.js';
import { createSerializers, type SerializerClass } from '../../../src/serializers/index.js';
import type { ReadContext } from '../../../src/store/reads/context.js';
import { startMariaDb } from '../../helpers/services.js';

/** The databases that every suite of reads runs on. */
export const databases = ['SQLite', 'MariaDB'] as const;

export type Fixture = Awaited<ReturnType<typeof openFixture>>;

export async function openFixture(kind: (typeof databases)[number], serializers: Record<string, SerializerClass> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'chat-reads-'));
  const server = kind === 'MariaDB' ? await startMariaDb() : null;
  const statements: string[] = [];
  const options = { logging: (sql: string) => void statements.push(sql) };
  const sequelize = server
    ? new Sequelize(server.url, options)
    : new Sequelize({ ...options, dialect: 'sqlite', storage: join(folder, 'chat.sqlite') });
  await migrate(sequelize, { createUsersTable: true });
  const userModel = createUserModel(sequelize);
  const models: ChatModels = initModels(sequelize, { userModel });
  const settings = {
    exposeEmail: false,
    memberListSize: 4,
    receiptListSize: 3,
    maxPageSize: 200,
    maxRoomPageSize: 100,
    maxMemberPageSize: 500,
    maxBufferedBytes: 1_048_576,
  } as ReadContext['settings'];
  const context: ReadContext = { sequelize, models, settings, serializers: createSerializers(settings, serializers) };
  return {
    context,
    models,
    sequelize,
    ...makers(models),
    /** The same context under other settings. */
    with: (other: Partial<ReadContext['settings']>): ReadContext => ({
      ...context,
      settings: { ...settings, ...other },
    }),
    /** Runs something; gives its result and how many statements it took. */
    async counted<T>(run: () => Promise<T>): Promise<{ result: T; queries: number }> {
      const before = statements.length;
      const result = await run();
      return { result, queries: statements.length - before };
    },
    async close() {
      await sequelize.close();
      await server?.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A fixed time, so many milliseconds after a start. */
export const at = (milliseconds: number) => new Date(Date.UTC(2026, 0, 1) + milliseconds);

function makers(models: ChatModels) {
  let made = 0;
  const create = async <Row>(model: ModelStatic<Model>, values: object) => (await model.create(values as never)) as Row;
  return {
    async user(username = `user_${++made}`): Promise<{ id: number; username: string }> {
      return create(models.User, {
        username,
        email: `${username}@example.org`,
        first_name: 'First',
        last_name: 'Last',
        created_at: at(0),
      });
    },
    /** A room of a type with its first members; the first of them made it. */
    async room(type: string, members: Array<{ id: number }>, values: Record<string, unknown> = {}, room: object = {}) {
      const id = v7();
      await create(models.Room, {
        id,
        type,
        member_count: members.length,
        created_at: at(0),
        updated_at: at(0),
        last_activity_at: at(made++),
        ...room,
      });
      const own =
        type === 'OneToOneChat'
          ? { first_user_id: members[0]!.id, second_user_id: members[1]!.id }
          : { name: 'Room', creator_id: members[0]?.id ?? null };
      await create(models.roomTypes.get(type)!.model, { room_id: id, ...own, ...values });
      await create(models.RoomProperty, { room_id: id, preferences: { theme: 'dark' } });
      for (const [index, { id: user_id }] of members.entries()) {
        const role = index === 0 && type !== 'OneToOneChat' ? 'admin' : 'member';
        await create(models.RoomMember, { room_id: id, user_id, role, joined_at: at(index) });
      }
      return id;
    },
    /** A message with the room's next seq, or the one given. */
    async message(room_id: string, sender: { id: number }, values: Record<string, unknown> = {}): Promise<string> {
      const id = v7();
      const room = await models.Room.findByPk(room_id);
      const seq = (values.seq as number | undefined) ?? Number(room!.last_seq) + 1;
      await create(models.Message, {
        id,
        room_id,
        sender_id: sender.id,
        client_id: id,
        content: `message ${seq}`,
        created_at: at(seq),
        updated_at: at(seq),
        ...values,
        seq,
      });
      await models.Room.update({ last_seq: seq }, { where: { id: room_id } });
      return id;
    },
    /** Many messages in one statement; their seqs go from `from` up. */
    async messages(room_id: string, sender: { id: number }, count: number, from = 1): Promise<string[]> {
      const rows = Array.from({ length: count }, (_, index) => {
        const id = v7();
        const time = at(from + index);
        const content = `message ${from + index}`;
        const common = { id, room_id, sender_id: sender.id, client_id: id, content };
        return { ...common, seq: from + index, created_at: time, updated_at: time };
      });
      await models.Message.bulkCreate(rows as never[]);
      await models.Room.update({ last_seq: from + count - 1 }, { where: { id: room_id } });
      return rows.map(({ id }) => id);
    },
    async delivered(message_id: string, user: { id: number }, time = at(0)) {
      await create(models.MessageDelivery, { message_id, user_id: user.id, created_at: time });
      await models.Message.increment('delivered_count', { where: { id: message_id } });
    },
    async read(message_id: string, user: { id: number }, time = at(0)) {
      await create(models.ReadReceipt, { message_id, user_id: user.id, read_at: time });
      await models.Message.increment('read_count', { where: { id: message_id } });
    },
    async reacted(message_id: string, user: { id: number }, reaction_content: string, time = at(0)): Promise<string> {
      const id = v7();
      await create(models.Reaction, { id, message_id, user_id: user.id, reaction_content, created_at: time });
      return id;
    },
    async media(message_id: string, position: number, values: object = {}): Promise<string> {
      const id = v7();
      const file = {
        media_url: 'https://example.org/a.png',
        media_type: 'image',
        mime_type: 'image/png',
        file_size: 5,
      };
      await create(models.MessageMediaAsset, { id, message_id, position, metadata: { width: 1 }, ...file, ...values });
      return id;
    },
    async member(room_id: string, user: { id: number }, values: object = {}) {
      await create(models.RoomMember, { room_id, user_id: user.id, role: 'member', joined_at: at(100), ...values });
      await models.Room.increment('member_count', { where: { id: room_id } });
    },
  };
}
