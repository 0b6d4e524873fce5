import type { Server } from 'node:http';
import type { Express } from 'express';
import type { Sequelize } from 'sequelize';
import { v7 as newId } from 'uuid';
import { type ChatWorker, checkReady, startWorker } from '../worker/worker.js';
import { assemble } from './assembly.js';
import type { Broadcast } from './broadcast/broadcast.js';
import { ChatConnection } from './gateway/connection.js';
import { Gateway } from './gateway/gateway.js';
import { createMiddleware } from './gateway/middleware.js';
import type { ChatModels } from './models/index.js';
import { ChatError, type ErrorBody } from './protocol/errors.js';
import type { EventPayloads } from './protocol/payload-types.js';
import type { QueueEvents } from './queue/queue.js';
import type { Serializers } from './serializers/index.js';
import { importAndVerifyClass } from './settings/loader.js';
import type { ChatSettings, ResolvedSettings } from './settings/settings.js';

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
  send<T extends keyof EventPayloads>(eventType: T, data: SentData<EventPayloads[T]>): Promise<Record<string, unknown>>;
  send(eventType: string, data: object): Promise<Record<string, unknown>>;
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
  getModel<N extends keyof ChatModels>(name: N): ChatModels[N];
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
  as(user: { readonly id: string | number }): ActingChat;
  /** Closes all connections of a user, on all gateways. */
  disconnectUser(userId: string | number): Promise<void>;
  /** Rejects with a sentence that says what to do when database, tables or Redis are missing. */
  ready(): Promise<void>;
  health(): Promise<ChatHealth>;
  /** Drains: no new events, those in hand are answered, sockets closed with 1001, then everything opened is closed. */
  close(): Promise<void>;
}

/** Makes a chat from its settings. A wrong or unknown setting throws a sentence that names it. */
export function createChat(input: ChatSettings): Chat {
  const assembly = assemble(input);
  const { settings, logger, sequelize, models, queue, broadcast, runtime, isEmbedded } = assembly;
  const gateway = new Gateway({
    settings,
    queue,
    broadcast,
    logger,
    eventTypes: runtime.eventTypes,
    connectionClass: importAndVerifyClass(
      settings.connectionClass ?? ChatConnection,
      'connectionClass',
      ChatConnection,
    ),
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

  async function run(userId: string | number, type: string, data: object): Promise<Record<string, unknown>> {
    const outcome = await runtime
      .runJob(
        {
          id: newId(),
          type,
          userId: String(userId),
          gatewayId: '',
          connectionId: '',
          eventId: 'server',
          data: JSON.parse(JSON.stringify(data)),
          addedAt: Date.now(),
        },
        { earlierRuns: 0 },
      )
      .catch((error: unknown) => {
        throw (error as { cause?: unknown }).cause ?? error;
      });
    const last = outcome?.answer.at(-1);
    if (last === undefined) throw new ChatError(4002, 'This user does not exist.');
    const { error, data: answer } = JSON.parse(last) as { error?: ErrorBody; data?: Record<string, unknown> };
    if (!error) return answer ?? {};
    const { code, detail, ...extra } = error;
    throw new ChatError(code, detail, extra);
  }

  return {
    settings,
    sequelize,
    models,
    broadcast,
    queueEvents: queue.events,
    getModel: (name) => models[name],
    getSerializer: runtime.serializers.getSerializer,
    middleware: () => middleware.handler,
    attach: (server) => attach(server),
    startWorker: start,
    migrate: assembly.migrate,
    as: (user) => ({ send: (type: string, data: object) => run(user.id, type, data) }),
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
