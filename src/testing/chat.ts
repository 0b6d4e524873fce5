/** A chat of a test's own inside its process, as a host embeds it, with a few users and their connections. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { type Model, type ModelStatic, type Sequelize, ValidationError } from 'sequelize';
import { type Chat, createChat } from '../chat.js';
import type { ChatSettings } from '../settings/settings.js';
import { connectTestClient, type TestClient, type TestClientOptions } from './client.js';
import { createTestDatabase } from './database.js';
import { createKeepingLogger, type LogEntry } from './log.js';

/** A user of the tests. */
export interface TestUser {
  readonly id: number;
  readonly username: string;
}

/** How `connect` connects. */
export interface TestConnectOptions extends TestClientOptions {
  /** Whether to take the first frame, `chat.notifications`, off the queue; default true. */
  takeFirst?: boolean;
}

/** The chat with what surrounds it. */
export interface TestChat {
  readonly chat: Chat;
  readonly sequelize: Sequelize;
  /** The user model in use: the given one, or a simple one. */
  readonly User: ModelStatic<Model>;
  /** ann, ben, cleo and dan; dan has `is_staff`. */
  readonly people: Record<'ann' | 'ben' | 'cleo' | 'dan', TestUser>;
  /** Warnings and errors that were logged, unless a logger was given. */
  readonly log: LogEntry[];
  /** One more user, with these columns. */
  createUser(columns: { username: string; [column: string]: unknown }): Promise<TestUser>;
  /** The URL of this user's connections, as the client of `express-realtime-chat/client` takes it too. */
  urlOf(who: Pick<TestUser, 'id'>): string;
  /** Connects; `close()` ends it. */
  connect(who: Pick<TestUser, 'id'>, options?: TestConnectOptions): Promise<TestClient>;
  /** A group of these, made by the first of them; its id. */
  group(creator: TestUser, ...others: TestUser[]): Promise<string>;
  /** The one-to-one chat of these two; its id. */
  direct(creator: TestUser, other: TestUser): Promise<string>;
  /** A public channel; its id. */
  channel(creator: TestUser): Promise<string>;
  /** Texts of a room's messages, oldest first. */
  texts(roomId: string): Promise<string[]>;
  /** Ends connections, chat and server, and removes the database. */
  close(): Promise<void>;
}

/** What else `openTestChat` is told. */
export interface TestChatOptions {
  /** The further columns of a user of that name: for a user model that must have more than a `username`. */
  user?(username: string): Record<string, unknown>;
}

/** Settings, or a function of the database for tests with models of their own. */
export type TestChatSettings = ChatSettings | ((sequelize: Sequelize, User: ModelStatic<Model>) => ChatSettings);

/**
 * Opens a chat on a free port, with a new SQLite file and without Redis. The given settings go over the test's own:
 * connections are whoever their URL names, no rate limit, a logger that keeps what it is given.
 */
export async function openTestChat(given: TestChatSettings = {}, options: TestChatOptions = {}): Promise<TestChat> {
  const database = await createTestDatabase();
  const { sequelize } = database;
  const log: LogEntry[] = [];
  const clients: TestClient[] = [];
  let chat: Chat | undefined;
  let server: Server | undefined;
  async function close(): Promise<void> {
    for (const client of clients) await client.terminate();
    await chat?.close();
    await stop(server);
    await database.remove();
  }
  try {
    const settings = typeof given === 'function' ? given(sequelize, database.User) : given;
    const User = settings.userModel ?? database.User;
    refuseOtherDatabase(settings, User, sequelize);
    await User.sync();
    const made = createChat({
      userModel: User,
      authenticate: (request) => User.findByPk(new URL(request.url!, 'http://host').searchParams.get('user')!),
      rateLimit: false,
      logger: createKeepingLogger(log),
      ...settings,
    });
    chat = made;
    await made.migrate();
    await sequelize.sync();
    const createUser: TestChat['createUser'] = async (columns) => {
      const row = await User.create({ ...options.user?.(columns.username), ...columns }).catch((error: unknown) => {
        throw isLacking(error) ? lacking(error) : error;
      });
      return { id: row.get(User.primaryKeyAttribute) as number, username: columns.username };
    };
    const people: TestChat['people'] = {
      ann: await createUser({ username: 'ann' }),
      ben: await createUser({ username: 'ben' }),
      cleo: await createUser({ username: 'cleo' }),
      dan: await createUser({ username: 'dan', is_staff: true }),
    };
    const app = express();
    app.use(made.middleware());
    server = createServer(app);
    made.attach(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const urlOf: TestChat['urlOf'] = ({ id }) =>
      `ws://127.0.0.1:${port}/${made.settings.websocketPath}?user=${encodeURIComponent(id)}`;
    const createRoom = async (creator: TestUser, data: { type: string; [field: string]: unknown }) =>
      (await made.as(creator).send('room.create', data as object)).room_id as string;
    return {
      chat: made,
      sequelize,
      User,
      people,
      log,
      createUser,
      urlOf,
      async connect(who, { takeFirst = true, ...options } = {}) {
        const client = await connectTestClient(urlOf(who), options);
        clients.push(client);
        if (takeFirst) await client.next();
        return client;
      },
      group: (creator, ...others) =>
        createRoom(creator, { type: 'GroupChat', name: 'A group', participants: others.map(({ id }) => id) }),
      direct: (creator, other) => createRoom(creator, { type: 'OneToOneChat', participants: [other.id] }),
      channel: (creator) =>
        createRoom(creator, { type: 'Channel', name: 'A channel', extra_fields: { is_public: true } }),
      async texts(roomId) {
        const rows = await made.models.Message.findAll({ where: { room_id: roomId }, order: ['seq'] });
        return rows.map(({ content }) => content);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const isLacking = (error: unknown): error is ValidationError =>
  error instanceof ValidationError && error.errors.some(({ type }) => String(type) === 'notNull Violation');

/** Says how to give what the user model asks for. */
function lacking(error: ValidationError): Error {
  return new Error(
    `openTestChat could not make a user (${error.message}): give the further columns of your user model, openTestChat(settings, { user: (username) => ({ email: \`\${username}@example.org\` }) }).`,
    { cause: error },
  );
}

/** Tests write users, and `sync` makes tables: neither may reach a database that is not thrown away. */
function refuseOtherDatabase(settings: ChatSettings, User: ModelStatic<Model>, sequelize: Sequelize): void {
  if (User.sequelize === sequelize && (settings.database ?? sequelize) === sequelize) return;
  throw new Error(
    'openTestChat has a database of its own: give a function, and make your models with the Sequelize that it gets: openTestChat((sequelize) => ({ userModel: defineUser(sequelize) })).',
  );
}

async function stop(server: Server | undefined): Promise<void> {
  if (!server) return;
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
