import { DataTypes, type Sequelize } from 'sequelize';
import type { Logger } from 'winston';
import type { Broadcast } from '../broadcast/broadcast.js';
import type { EventScope, HandlerContext } from '../handlers/base.js';
import { EventHandler } from '../handlers/event-handler.js';
import type { ChatModels } from '../models/index.js';
import { withoutDefaultScopes } from '../models/scopes.js';
import { type ActingUser, PermissionHandler } from '../permissions/permission-handler.js';
import { permitAll } from '../permissions/permit-all.js';
import { type ErrorBody, ErrorCode, Unavailable } from '../protocol/errors.js';
import { errorFrame } from '../protocol/frames.js';
import { payloadSchemas, plainReads, type UserIdKind, userIdSchema } from '../protocol/payloads.js';
import type { ChatJob, Delivery } from '../queue/queue.js';
import { serializersFromSettings } from '../serializers/from-settings.js';
import type { Serializers } from '../serializers/index.js';
import { SettingsError } from '../settings/complaints.js';
import { importAndVerifyClass, importAndVerifyFunction } from '../settings/loader.js';
import type { ResolvedSettings } from '../settings/settings.js';
import { isHeldUp } from '../store/held-up.js';
import { inTime, TimedOut } from '../store/in-time.js';
import { MessageRooms } from '../store/message-rooms.js';
import type { StoredOutcome } from '../store/outcomes.js';
import { findOutcome, purgeOutcomes } from '../store/outcomes.js';
import { loadUsers, UserCache } from '../store/reads/index.js';
import { isUnavailable } from '../store/retry.js';
import type { UserId } from '../store/standing.js';
import { Store } from '../store/store.js';
import { ChatMessagingConsumer, loggerOf } from './consumer.js';
import { builtInRegistration, checkEventMap, type EventMap, mapEventTypesToHandlers } from './event-map.js';
import type { CheckedRegistration, EventRegistration } from './event-registration.js';
import { AnsweredError } from './event-run.js';
import { EventTime } from './event-time.js';
import { ExceptionHandler } from './exception-handler.js';
import { Outcome } from './outcome.js';
import { ownFields } from './own-fields.js';
import { Publisher } from './publisher.js';
import { answerQuestion } from './questions.js';
import { settle } from './unsettled.js';
import type { WorkerContext } from './worker-context.js';

/** What the parts of a chat that touch the database are made from. */
export interface RuntimeOptions {
  readonly settings: ResolvedSettings;
  readonly sequelize: Sequelize;
  readonly models: ChatModels;
  readonly broadcast: Broadcast;
  readonly logger: Logger;
}

/** Everything that runs events, whatever process it is in: models, handlers, permissions, the event map. */
export class WorkerRuntime implements WorkerContext {
  readonly settings: ResolvedSettings;
  readonly sequelize: Sequelize;
  readonly models: ChatModels;
  readonly logger: Logger;
  readonly serializers: Serializers;
  readonly users: UserCache;
  readonly permissionHandler: PermissionHandler;
  readonly exceptionHandler: ExceptionHandler;
  readonly eventHandlerClass: new (
    context: HandlerContext,
    scope: EventScope,
  ) => EventHandler;
  readonly store: Store;
  readonly publisher: Publisher;
  readonly messageRooms = new MessageRooms();
  /** The events as registered, checked at start. */
  readonly eventTypes: ReadonlyMap<string, CheckedRegistration>;
  readonly warned = new Set<string>();
  readonly #consumerClass: new (
    runtime: WorkerContext,
    job: ChatJob,
    user: ActingUser,
  ) => ChatMessagingConsumer;
  readonly #eventMapper: (consumer: ChatMessagingConsumer) => EventMap;
  readonly #userIdKind: UserIdKind;
  readonly #systemPermissionHandler: PermissionHandler;
  readonly #effects = new Set<Promise<unknown>>();

  constructor({ settings, sequelize, models, broadcast, logger }: RuntimeOptions) {
    this.settings = settings;
    this.sequelize = sequelize;
    this.models = withoutDefaultScopes(models);
    this.logger = logger;
    this.users = new UserCache(settings.userCacheFor);
    this.serializers = serializersFromSettings(settings, this.models);
    const classOf = <T extends abstract new (...args: never[]) => object>(
      name: 'consumerClass' | 'eventHandlerClass' | 'permissionHandlerClass' | 'exceptionHandlerClass',
      base: T,
    ): T => importAndVerifyClass(settings[name] ?? base, name, base);
    this.#consumerClass = classOf('consumerClass', ChatMessagingConsumer);
    refuseConnectionMethods(this.#consumerClass);
    this.eventHandlerClass = classOf('eventHandlerClass', EventHandler);
    const permissionHandlerClass = classOf('permissionHandlerClass', PermissionHandler);
    this.permissionHandler = new permissionHandlerClass(this);
    this.#systemPermissionHandler = new (permitAll(permissionHandlerClass))(this);
    this.exceptionHandler = new (classOf('exceptionHandlerClass', ExceptionHandler))();
    this.#eventMapper = importAndVerifyFunction<(consumer: ChatMessagingConsumer) => EventMap>(
      settings.eventMapper ?? mapEventTypesToHandlers,
      'eventMapper',
    );
    this.store = new Store(this);
    this.publisher = new Publisher(broadcast, this);
    this.#userIdKind = userIdKind(models);
    const payloads = {
      ...settings,
      userId: userIdSchema(this.#userIdKind),
      ...ownFields(this.models, this.serializers),
    };
    const anyConsumer = Object.create(this.#consumerClass.prototype) as ChatMessagingConsumer;
    const mapEvents = () => this.#eventMapper(anyConsumer);
    this.eventTypes = checkEventMap(mapEvents, payloadSchemas(payloads), plainReads(payloads));
  }

  /** How the consumer's own event is registered, its handler a method of this very consumer. */
  registration(consumer: ChatMessagingConsumer): CheckedRegistration {
    const type = consumer.eventType;
    const registered = this.eventTypes.get(type);
    const own = this.#registrationOf(type, consumer);
    if (!registered || !own) throw new Error(`No handler is registered for ${type}.`);
    // No method of its own has it, and a built-in registration has nothing else that could differ.
    if (this.#eventMapper === mapEventTypesToHandlers && own.handler === registered.handler) return registered;
    return { ...registered, ...own, schema: registered.schema };
  }

  #registrationOf(type: string, consumer: ChatMessagingConsumer): EventRegistration | undefined {
    if (this.#eventMapper === mapEventTypesToHandlers) return builtInRegistration(type, consumer);
    const map = this.#eventMapper(consumer);
    return Object.hasOwn(map, type) ? map[type] : undefined;
  }

  /** A user id from its canonical text. */
  parseUserId(id: string): UserId {
    return this.#userIdKind === 'integer' ? Number(id) : id;
  }

  /** The user of that canonical id, an instance of the host's model; undefined when there is none. */
  async loadUser(id: string): Promise<ActingUser | undefined> {
    const key = this.parseUserId(id);
    const kept = this.users.get(key);
    if (kept) return kept as ActingUser;
    const user = (await loadUsers(this, [key])).of(key) as ActingUser;
    return this.users.get(key) === undefined && !('sequelize' in user) ? undefined : user;
  }

  /** What a client is told about an error: what `exceptionHandlerClass` says, or 4006 when that one fails itself. */
  describeError(error: unknown, eventType: string, logger: Logger): ErrorBody {
    try {
      const body = this.exceptionHandler.handle(error, { eventType, logger });
      if (Number.isInteger(body?.code) && body.detail !== undefined) return body;
      logger.error('exceptionHandlerClass gave no code and detail for an error.', { error });
    } catch (failure) {
      logger.error('exceptionHandlerClass failed at an error.', { error, failure });
    }
    return { code: ErrorCode.internal, detail: 'Internal server error.' };
  }

  /** Runs a side effect outside any event's time; a throw is logged. Closing waits for it. */
  runEffect(effect: () => unknown, logger: Logger): void {
    const running = Promise.resolve()
      .then(effect)
      .catch((error: unknown) => logger.error('A side effect after the commit failed.', { error }))
      .finally(() => this.#effects.delete(running));
    this.#effects.add(running);
  }

  /** Resolves when the side effects under way are done, or have taken as long as an event may. */
  async settled(): Promise<void> {
    const all = Promise.all(this.#effects);
    await this.#inTime(all).catch(() => this.logger.warn('A side effect took too long to wait for.'));
  }

  /** The same for events that the host's own code sends: every permission is given. */
  get system(): WorkerContext {
    return {
      ...this,
      permissionHandler: this.#systemPermissionHandler,
      registration: (consumer) => this.registration(consumer as ChatMessagingConsumer),
      describeError: (error, eventType, logger) => this.describeError(error, eventType, logger),
      runEffect: (effect, logger) => this.runEffect(effect, logger),
      parseUserId: (id) => this.parseUserId(id),
      loadUser: (id) => this.loadUser(id),
    };
  }

  /**
   * Runs one job to its end: answers it, or rejects after answering when it failed for no known reason. `known`: what
   * was read for it already, with others.
   */
  async runJob(
    job: ChatJob,
    { earlierRuns, line }: Delivery,
    context: WorkerContext = this,
    known?: ReadonlyMap<string, Promise<unknown>>,
  ): Promise<StoredOutcome | undefined> {
    let consumer: ChatMessagingConsumer | undefined;
    let time: EventTime | undefined;
    try {
      if (job.type.startsWith('$')) {
        await this.#inTime(answerQuestion(this, job, (one) => this.runJob(one, { earlierRuns })));
        return undefined;
      }
      const user = await this.loadUser(job.userId);
      if (!user) {
        const body = { code: ErrorCode.permissionDenied, detail: 'This user does not exist any more.' };
        await this.publisher.reply(job, [errorFrame(body, job.eventId)]);
        return undefined;
      }
      consumer = new this.#consumerClass(context, job, user);
      time = new EventTime(this.settings.handlerTimeout * 1000);
      return await this.#inTime(consumer.run(earlierRuns > 0 || job.resent === true, time, known, line));
    } catch (thrown) {
      if (thrown instanceof AnsweredError) throw thrown;
      time?.end(thrown);
      const logger = consumer?.logger ?? loggerOf(this, job);
      const error = await this.#reasonOf(thrown, consumer);
      if (consumer?.committed) {
        // Out of time after its commit: that stands, and was told.
        logger.error('The event was committed, but something after it failed.', { error });
        await consumer.conclude();
        return consumer.committed;
      }
      const body = this.describeError(error, job.type, logger);
      await this.publisher.reply(job, job.type.startsWith('$') ? [] : [errorFrame(body, job.eventId)]);
      if (!(error instanceof Unavailable || isUnavailable(error))) throw new AnsweredError(error);
      // An earlier run may have committed and not told: the job stays until the database can be asked.
      if (earlierRuns > 0 || job.resent === true) await settle(this, job, logger);
      return undefined;
    }
  }

  /** The sender of a job that ended its workers too often hears of it. */
  async reportLost(job: ChatJob, reason: string): Promise<void> {
    this.logger.error(`${job.type} was given up.`, { jobId: job.id, reason });
    // It may have been committed before its worker died: then that is told, as by any second run.
    let stored: StoredOutcome | null = null;
    let body: ErrorBody = { code: ErrorCode.internal, detail: 'Internal server error.' };
    try {
      stored = await findOutcome(this, job.id);
    } catch (error) {
      body = this.describeError(error, job.type, this.logger);
      void settle(this, job, this.logger);
    }
    if (stored) {
      await this.publisher.publish(job, stored);
      const frames = stored.answer.length > 0 ? stored.answer : new Outcome(job.eventId).answer();
      return this.publisher.answer(job, frames, stored.envelopes, {});
    }
    await this.publisher.reply(job, job.type.startsWith('$') ? [] : [errorFrame(body, job.eventId)]);
  }

  /** Forgets what is past recovery: old outcomes and sessions long expired. Called now and then by workers. */
  async cleanUp(): Promise<void> {
    while ((await purgeOutcomes(this)) >= 1000);
    const { Op } = await import('sequelize');
    const before = new Date(Date.now() - Math.max(this.settings.inactivityThreshold * 10, 3600) * 1000);
    await this.models.Session.destroy({ where: { last_seen: { [Op.lt]: before } } });
  }

  #inTime<T>(work: Promise<T>): Promise<T> {
    return inTime('The event', this.settings.handlerTimeout * 1000, work);
  }

  /** An event whose time ran out waiting for the database failed because of that, not because of its handler. */
  async #reasonOf(error: unknown, consumer: ChatMessagingConsumer | undefined): Promise<unknown> {
    if (!(error instanceof TimedOut)) return error;
    return (await (consumer?.isHeldUp() ?? isHeldUp(this.sequelize))) ? new Unavailable() : error;
  }
}

function userIdKind({ User }: ChatModels): UserIdKind {
  const { type } = User.getAttributes()[User.primaryKeyAttribute]!;
  if (type instanceof DataTypes.BIGINT) return 'bigint';
  if (type instanceof DataTypes.UUID) return 'uuid';
  return type instanceof DataTypes.STRING || type instanceof DataTypes.CHAR ? 'string' : 'integer';
}

/** What one consumer did in the package that this one is modelled on, and what nothing calls on ours. */
function refuseConnectionMethods({ prototype }: { prototype: object }): void {
  for (const name of ['connect', 'disconnect', 'receive', 'channelSetup', 'channelCleanup']) {
    if (!(name in prototype)) continue;
    throw new SettingsError(
      `Setting consumerClass has a method ${name}, which nothing calls there: it belongs to a subclass of ChatConnection, in setting connectionClass.`,
    );
  }
}
