/** A chat of the test's own inside its process, as a host embeds it, with a few users and their connections. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import { DataTypes, type Model, type ModelStatic, Sequelize } from 'sequelize';
import { createLogger } from 'winston';
import Transport from 'winston-transport';
import { type Chat, type ChatSettings, createChat } from '../../src/index.js';
import { connectTestClient, type TestClient, type TestFrame } from '../../src/testing/client.js';

/** A user of the tests. */
export interface Someone {
  readonly id: number;
  readonly username: string;
}

/** What was logged. */
export interface LogEntry {
  readonly level: string;
  readonly message: string;
  readonly [meta: string]: unknown;
}

/** The chat with what surrounds it. */
export interface EmbeddedChat {
  readonly chat: Chat;
  readonly sequelize: Sequelize;
  readonly User: ModelStatic<Model>;
  /** ann, ben, cleo and dan; dan is of the staff. */
  readonly people: Record<'ann' | 'ben' | 'cleo' | 'dan', Someone>;
  readonly log: LogEntry[];
  /** Connects and takes the first frame, unless that is switched off. */
  connect(who: Someone, options?: { takeFirst?: boolean }): Promise<TestClient>;
  /** A group of these, made by the first of them. */
  group(creator: Someone, ...others: Someone[]): Promise<string>;
  /** Texts of a room's messages, oldest first. */
  texts(roomId: string): Promise<string[]>;
  close(): Promise<void>;
}

/** Settings, or a function of the database for tests with tables of their own. */
export type Given = ChatSettings | ((sequelize: Sequelize, User: ModelStatic<Model>) => ChatSettings);

/** Opens one on a new SQLite file. */
export async function openChat(given: Given = {}): Promise<EmbeddedChat> {
  const folder = await mkdtemp(join(tmpdir(), 'chat-customising-'));
  const sequelize = new Sequelize({ dialect: 'sqlite', storage: join(folder, 'chat.sqlite'), logging: false });
  const User = sequelize.define(
    'User',
    { username: DataTypes.STRING, is_staff: { type: DataTypes.BOOLEAN, defaultValue: false } },
    { tableName: 'users', timestamps: false },
  );
  const log: LogEntry[] = [];
  class Kept extends Transport {
    override log(entry: LogEntry, next: () => void): void {
      log.push(entry);
      next();
    }
  }
  await User.sync();
  const settings = typeof given === 'function' ? given(sequelize, User) : given;
  const chat = createChat({
    userModel: User,
    authenticate: (request) => User.findByPk(new URL(request.url!, 'http://host').searchParams.get('user')!),
    rateLimit: false,
    logger: createLogger({ level: 'warn', transports: [new Kept()] }),
    ...settings,
  });
  await chat.migrate();
  await sequelize.sync();
  const rows = await User.bulkCreate([
    { username: 'ann' },
    { username: 'ben' },
    { username: 'cleo' },
    { username: 'dan', is_staff: true },
  ]);
  const people = Object.fromEntries(
    rows.map((row) => [row.get('username'), { id: row.get('id'), username: row.get('username') }]),
  ) as EmbeddedChat['people'];
  const app = express();
  app.use(chat.middleware());
  const server = createServer(app);
  chat.attach(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const clients: TestClient[] = [];
  return {
    chat,
    sequelize,
    User,
    people,
    log,
    async connect(who, { takeFirst = true } = {}) {
      const client = await connectTestClient(`ws://127.0.0.1:${port}/${chat.settings.websocketPath}?user=${who.id}`);
      clients.push(client);
      if (takeFirst) await client.next();
      return client;
    },
    async group(creator, ...others) {
      const made = await chat.as(creator).send('room.create', {
        type: 'GroupChat',
        name: 'A group',
        participants: others.map(({ id }) => id),
      });
      return made.room_id as string;
    },
    async texts(roomId) {
      const rows = await chat.models.Message.findAll({ where: { room_id: roomId }, order: ['seq'] });
      return rows.map(({ content }) => content);
    },
    async close() {
      for (const client of clients) await client.terminate();
      await chat.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await sequelize.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The code and detail of an answer that is an error. */
export function errorOf(frame: TestFrame): { code: number; detail: unknown; [extra: string]: unknown } {
  if (typeof frame.error !== 'object' || frame.error === null) {
    throw new Error(`An error was expected, not ${JSON.stringify(frame)}.`);
  }
  return frame.error as { code: number; detail: unknown };
}
