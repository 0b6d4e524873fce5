import type { Server } from 'node:http';
import type { Express } from 'express';
import type { Sequelize } from 'sequelize';
import { v7 as newId } from 'uuid';
import { type ChatWorker, checkReady, startWorker } from '../worker/start.js';
import { assemble } from './assembly.js';
import type { Broadcast } from './broadcast/broadcast.js';
import { ChatConnection } from './gateway/connection.js';
import { Gateway } from './gateway/gateway.js';
import { createMiddleware } from './gateway/middleware.js';
import { type ChatModels, modelNamed } from './models/index.js';
import type { EventPayloads } from './protocol/payload-types.js';
import type { QueueEvents } from './queue/queue.js';
import type { Serializers } from './serializers/index.js';
import { importAndVerifyClass } from './settings/loader.js';
import type { ChatSettings, ResolvedSettings } from './settings/settings.js';
import { readUserGroups } from './store/user-groups.js';

/** Whether the parts a chat depends on answer right now. */
export interface ChatHealth {
  readonly database: boolean;
  /** True when embedded: then there is nothing to reach. */
  readonly redis: boolean;
  /** Whether some server's upgrades reach the chat. */
  readonly socket: boolean;
}

/** Sends events as one user, from the host's own code. */
export interface ActingChat {
  /**
   * Runs an event with its permission checks; its result is broadcast as usual. Resolves with the `data` of the answer
   * (of the private dispatch, or of the acknowledgement). Rejects with a ChatError.
   */
  send<T extends string>(eventType: T, data: EventData<T>): Promise<SentAnswer<T>>;
}

/** The data of an event; of one that is not declared in `EventPayloads`, any object. */
export type EventData<T extends string> = T extends keyof EventPayloads ? SentData<EventPayloads[T]> : object;

/** What the answers of some events always have. A host adds those of its own events by declaration merging. */
export interface SentAnswers {
  'message.send': { readonly message_id: string; readonly seq: number };
  'room.create': { readonly room_id: string };
}

/** The `data` of the answer to an event that the host's own code sends. */
export type SentAnswer<T extends string> = Record<string, unknown> &
  (T extends keyof SentAnswers ? SentAnswers[T] : unknown);

/** Whoever an event is sent by: a row of the user model, or anything with its id. */
export interface SendingUser {
  readonly id: string | number;
}

/** Sends events in a user's name, from the host's own code, without permission checks. */
export interface SystemChat {
  /** As `ActingChat.send`, but whatever the permission handler would say is taken for a yes. */
  send<T extends string>(user: SendingUser, eventType: T, data: EventData<T>): Promise<SentAnswer<T>>;
}

/** Payloads as a sender writes them: what the schema defaults may be absent. */
export type SentData<Payload> = Payload extends object
  ? { [Key in keyof Payload]?: Payload[Key] extends object | undefined ? unknown : Payload[Key] }
  : Payload;

/** One chat: everything hangs on it, nothing is global. Two chats in one process do not meet. */
export interface Chat {
  /** All settings with their defaults, frozen. */
  readonly settings: ResolvedSettings;
  readonly sequelize: Sequelize;
  readonly models: ChatModels;
  /** Where events are told to gateways. */
  readonly broadcast: Broadcast;
  /** waiting, active, completed, failed and stalled events of the queue, for analytics. */
  readonly queueEvents: QueueEvents;
  /** The model in use under that name, a host's room types by theirs. Throws for a name that no model has. */
  getModel<N extends keyof ChatModels>(name: N): ChatModels[N];
  /** The serializer in use under that name. Throws for a name that no serializer has. */
  getSerializer: Serializers['getSerializer'];
  /** For `app.use`: serves the WebSocket path of this app, and takes part in its `listen()`. */
  middleware(): Express;
  /** For a server made by hand: serves the WebSocket path of this server. */
  attach(server: Server): void;
  /** Works in this process too. Done by itself when there is no redis. Resolves when events are taken. */
  startWorker(): Promise<void>;
  /** Runs the package's migrations that did not run yet; resolves to their names. */
  migrate(): Promise<string[]>;
  /** Sends events as this user (an object with its `id`), without a socket. */
  as(user: SendingUser): ActingChat;
  /** Sends events in a user's name without asking what the user may do; data and the rules of rooms are still checked. */
  readonly system: SystemChat;
  /** The groups of a user as the database has them: `group-<room id>` of every room they are a member of. */
  fetchUserGroups(userId: string | number): Promise<string[]>;
  /**
   * Makes a user's open connections follow memberships that were changed in the database by hand. The events that change
   * memberships do this by themselves. Resolves to the groups.
   */
  updateUserGroups(userId: string | number): Promise<string[]>;
  /** The same after a membership was added by hand; rejects when the database has none for that group. */
  addGroupToUserGroups(userId: string | number, group: string): Promise<string[]>;
  /** The same after a membership was removed by hand; rejects when the database still has it. */
  removeGroupFromUserGroups(userId: string | number, group: string): Promise<string[]>;
  /** Closes all connections of a user, on all gateways. */
  disconnectUser(userId: string | number): Promise<void>;
  /** Rejects with a sentence that says what to do when database, tables or Redis are missing. */
  ready(): Promise<void>;
  /** Whether events can be run now; for a health check. Never rejects. */
  health(): Promise<ChatHealth>;
  /** Drains: no new events, those in hand are answered, sockets closed with 1001, then everything opened is closed. */
  close(): Promise<void>;
}

/** Makes a chat from its settings. A wrong or unknown setting throws a sentence that names it. */
export function createChat(input: ChatSettings): Chat {
  const assembly = assemble(input);
  const { settings, logger, sequelize, models, queue, broadcast, runtime, isEmbedded } = assembly;
  let connectionClass: typeof ChatConnection;
  try {
    connectionClass = importAndVerifyClass(
      settings.connectionClass ?? ChatConnection,
      'connectionClass',
      ChatConnection,
    );
  } catch (error) {
    assembly
      .close()
      .catch((failure: unknown) => logger.warn('Closing after a wrong setting failed.', { error: failure }));
    throw error;
  }
  const gateway = new Gateway({
    settings,
    queue,
    broadcast,
    logger,
    eventTypes: runtime.eventTypes,
    connectionClass,
    describeError: (error) => runtime.describeError(error, 'A frame', logger),
  });
  const middleware = createMiddleware({
    settings,
    logger,
    accept: (socket, request) => gateway.accept(socket, request),
    listening: attach,
  });
  let worker: ChatWorker | undefined;
  let isServing = false;
  let closing: Promise<void> | undefined;

  async function start(): Promise<void> {
    worker ??= startWorker(assembly);
    await worker.ready();
  }

  function attach(server: Server): void {
    if (settings.authenticate === undefined) {
      throw new Error(
        'The setting authenticate is missing: it tells whose a connection is, jwtAuthentication(...) for example.',
      );
    }
    middleware.attach(server);
    isServing = true;
    gateway.open().catch((error: unknown) => logger.error('The gateway could not be opened.', { error }));
    if (isEmbedded) start().catch((error: unknown) => logger.error('The embedded worker did not start.', { error }));
  }

  const act = <T extends string>(user: SendingUser, type: T, data: object, isSystem: boolean) =>
    assembly.act(user.id, type, data, isSystem) as Promise<SentAnswer<T>>;
  const follow = (userId: string | number) =>
    broadcast.control({ id: newId(), kind: 'follow', userIds: [String(userId)] });
  const fetchUserGroups = (userId: string | number) => readUserGroups(runtime, userId);

  return {
    settings,
    sequelize,
    models,
    broadcast,
    queueEvents: queue.events,
    getModel: (name) => modelNamed(models, name),
    getSerializer: runtime.serializers.getSerializer,
    middleware: () => middleware.handler,
    attach: (server) => attach(server),
    startWorker: start,
    migrate: assembly.migrate,
    as: (user) => ({ send: (type, data) => act(user, type, data, false) }),
    system: { send: (user, type, data) => act(user, type, data, true) },
    fetchUserGroups,
    async updateUserGroups(userId) {
      await follow(userId);
      return fetchUserGroups(userId);
    },
    async addGroupToUserGroups(userId, group) {
      const groups = await fetchUserGroups(userId);
      if (!groups.includes(group)) {
        throw new Error(`User ${userId} is not a member of the room of ${group}: add them by room.add_members.`);
      }
      await follow(userId);
      return groups;
    },
    async removeGroupFromUserGroups(userId, group) {
      const groups = await fetchUserGroups(userId);
      if (groups.includes(group)) {
        throw new Error(`User ${userId} is a member of the room of ${group}: remove them by room.remove_members.`);
      }
      await follow(userId);
      return groups;
    },
    async disconnectUser(userId) {
      await broadcast.control({ id: newId(), kind: 'disconnect', userIds: [String(userId)] });
    },
    ready: () => checkReady(assembly),
    async health() {
      const answers = (asked: Promise<unknown>) =>
        Promise.race([
          asked.then(
            () => true,
            () => false,
          ),
          new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 3000).unref()),
        ]);
      const [database, redis] = await Promise.all([
        answers(sequelize.authenticate()),
        isEmbedded ? true : answers(queue.ping()),
      ]);
      return { database, redis, socket: isServing && !gateway.isClosing };
    },
    close() {
      closing ??= (async () => {
        await gateway.close();
        middleware.close();
        await worker?.close();
        await assembly.close();
      })();
      return closing;
    },
  };
}

/** `chat.fetchUserGroups`, by the name and place that ported code knows. */
export const fetchUserGroups = (chat: Chat, userId: string | number): Promise<string[]> => chat.fetchUserGroups(userId);

/** `chat.updateUserGroups`, by the name that ported code knows. */
export const updateUserGroups = (chat: Chat, userId: string | number): Promise<string[]> =>
  chat.updateUserGroups(userId);

/** `chat.addGroupToUserGroups`, by the name that ported code knows. */
export const addGroupToUserGroups = (chat: Chat, userId: string | number, group: string): Promise<string[]> =>
  chat.addGroupToUserGroups(userId, group);

/** `chat.removeGroupFromUserGroups`, by the name that ported code knows. */
export const removeGroupFromUserGroups = (chat: Chat, userId: string | number, group: string): Promise<string[]> =>
  chat.removeGroupFromUserGroups(userId, group);
