// Long: every setting with its docstring, which the reference is made from.

import type { IncomingMessage } from 'node:http';
import path from 'node:path';
import type { RedisOptions } from 'ioredis';
import type { Model, ModelStatic, Sequelize, Options as SequelizeOptions } from 'sequelize';
import type { Logger } from 'winston';
import { copyFrozen, SettingsError, unknownKeys, wrongValue } from './complaints.js';
import { modelNames, rateLimitKeys, roomTypeKeys, serializerNames, settingsRules } from './rules.js';

/** A value, or a promise of it. */
export type Awaitable<T> = T | Promise<T>;

/** A class to use in place of a default one: the class, or `'./file.js#Export'`, resolved from the working directory. */
export type ClassSetting = string | (abstract new (...args: never[]) => object);

/** A function to use in place of a default one: the function, or `'./file.js#Export'`. */
export type FunctionSetting = string | ((...args: never[]) => unknown);

/** Keys of the setting `models`. */
export type ModelName = (typeof modelNames)[number];

/** Keys of the setting `serializers`. */
export type SerializerName = (typeof serializerNames)[number];

/** A user and until when the connection may stay open: a date, or milliseconds since the epoch; absent: no end. */
export interface AuthenticatedUser {
  /** An instance of the user model, or any object with its primary key. */
  readonly user: object;
  readonly expiresAt?: Date | number | undefined;
}

/** What `authenticate` and `refresh` say: null (nobody), the user, or the user with an expiry. */
export type AuthenticationResult = null | object | AuthenticatedUser;

/** Answers `session.refresh`: the token is as the client sent it. A throw counts as a failure of ours, not as a refusal. */
export type Refresh = (token: string) => Awaitable<AuthenticationResult>;

/** Tells who a connection belongs to. May carry `refresh`, as `jwtAuthentication` does. */
export interface Authenticate {
  (request: IncomingMessage): Awaitable<AuthenticationResult>;
  refresh?: Refresh | undefined;
}

/** Limits on how fast events may come. Each bucket refills evenly. */
export interface RateLimitSettings {
  /** Events per second that one connection may send in the long run. Default 50. */
  eventsPerSecond?: number | undefined;
  /** Events that one connection may send at once. Default: twice `eventsPerSecond`. */
  burst?: number | undefined;
  /**
   * Events per second of one user, all connections of one gateway together; not below `eventsPerSecond`.
   * Default: four times `eventsPerSecond`.
   */
  perUserPerSecond?: number | undefined;
  /** Events that one user may send at once, all connections of one gateway together. Default: twice `perUserPerSecond`, at least `burst`. */
  perUserBurst?: number | undefined;
  /** Events of one connection that may be refused with 4029 before it is closed with 1008; a tenth is forgiven each second. Default 100. */
  refusals?: number | undefined;
}

/** A room type of the host's own, beside OneToOneChat, GroupChat and Channel. */
export interface RoomTypeSettings {
  /** Subclass of `AbstractRoomType`: its table. */
  readonly model: ClassSetting;
  /** Subclass of `RoomSerializer`: the room as its members see it alone. Its `fields` may be set by clients. */
  readonly serializer: ClassSetting;
  /** Subclass of `RoomSerializer`: the room in `room.list`. */
  readonly listSerializer: ClassSetting;
  /** The property of a loaded Room that holds the type's row. Default: the type's name in snake_case. */
  readonly alias?: string | undefined;
  /** The field of `room.create` that names the first members besides the creator. Default `participants`. */
  readonly membersField?: string | undefined;
  /** What members can be permitted one by one by `add_permission`; admins may all of it. Default none. */
  readonly permissions?: readonly string[] | undefined;
  /** Members at most: a number, or the column of the model that holds it. Default: no limit. */
  readonly cap?: number | string | undefined;
  /** The column of the model that gets the creator's id. Default: none, the creator is only in `rooms.created_by_id`. */
  readonly creatorColumn?: string | undefined;
}

/** What the host gives to `createChat` and `createWorker`. All optional; an unknown or wrong key throws a sentence. */
export interface ChatSettings {
  /**
   * Where rooms and messages are kept: a Sequelize instance, a URL (`mysql://user:password@host/name`, `sqlite:PATH`) or
   * Sequelize's options. Default: the database of `userModel`, else the SQLite file `.data/chat.sqlite` under the
   * working directory, which is meant for one process.
   */
  database?: Sequelize | SequelizeOptions | string | undefined;
  /**
   * Redis for queue and broadcast: a URL (`redis://` or `rediss://`) or ioredis options. Default: none; both then live
   * in this process, which is meant for one process.
   */
  redis?: RedisOptions | string | undefined;
  /**
   * The host's user model, an initialised Sequelize class of the same Sequelize instance as `database`. Default: a
   * read-only model of a table `users` with id, username, email, first_name and last_name.
   */
  userModel?: ModelStatic<Model> | undefined;
  /**
   * Tells who connects: gets the upgrade request, gives null (closed with 4001), the user, or `{ user, expiresAt }`. A
   * throw closes the connection with 1013 and is logged. Needed by the app's side, not by a worker. Default: none.
   */
  authenticate?: Authenticate | undefined;
  /** Answers `session.refresh`: gets the token, gives the same as `authenticate`. Default: `authenticate.refresh`. */
  refresh?: Refresh | undefined;

  /** Path of the WebSocket endpoint; with and without the last slash. Default `messaging/`. */
  websocketPath?: string | undefined;
  /** Origins (`https://app.example.com`) besides the own host whose pages may connect. Default: none. */
  allowedOrigins?: readonly string[] | undefined;
  /** Whether deleted messages are kept as marked rows, instead of being removed. Default false. */
  messageSoftDelete?: boolean | undefined;
  /** Whether a connection begins with `chat.notifications`. Default true. */
  enableNotification?: boolean | undefined;
  /** Seconds without a sign of life after which a session counts as expired. Default 60. */
  inactivityThreshold?: number | undefined;
  /** Whether users' email addresses are shown to other users. Default false. */
  exposeEmail?: boolean | undefined;

  /** Subclass of `ChatMessagingConsumer`: one event in a worker. */
  consumerClass?: ClassSetting | undefined;
  /** Subclass of `ChatConnection`: one socket in a gateway. */
  connectionClass?: ClassSetting | undefined;
  /** Function in place of `mapEventTypesToHandlers`: gets the consumer, gives the map of event types to handlers. */
  eventMapper?: FunctionSetting | undefined;
  /** Subclass of `EventHandler`: what events do. */
  eventHandlerClass?: ClassSetting | undefined;
  /** Subclass of `PermissionHandler`: who may do what. */
  permissionHandlerClass?: ClassSetting | undefined;
  /** Subclass of `ExceptionHandler`: which error is which answer. */
  exceptionHandlerClass?: ClassSetting | undefined;
  /** Models in place of default ones, by name; each extends the abstract model of that name. Default `{}`. */
  models?: Partial<Record<ModelName, ClassSetting>> | undefined;
  /** Serializers in place of default ones, by name. Default `{}`. */
  serializers?: Partial<Record<SerializerName, ClassSetting>> | undefined;
  /** Room types of the host's own, by the name that `type` has in `room.create`. Default `{}`. */
  roomTypes?: Readonly<Record<string, RoomTypeSettings>> | undefined;

  /** What the names of all tables begin with; letters, digits and underscores. Default `chat_`. */
  tablePrefix?: string | undefined;
  /** What all keys and channels in Redis begin with. Default `chat`. */
  redisPrefix?: string | undefined;
  /** Name of the BullMQ queue; that of typing has `-lossy` behind it. Default `chat-events`. */
  queueName?: string | undefined;
  /** Events that one worker runs at once, typing apart. Default 100. */
  concurrency?: number | undefined;
  /** Seconds that one event may take before it is answered with 4006; a third of it under the lock of a room. Default 30. */
  handlerTimeout?: number | undefined;
  /** Messages written in one transaction at most. Default 100. */
  groupCommitSize?: number | undefined;

  /** Seconds between pings of the server; a dead socket is closed within two of them. Default 25. */
  pingInterval?: number | undefined;
  /** Seconds until a connection that is not ready (no worker, no database) is closed with 1013. Default 10. */
  readyTimeout?: number | undefined;
  /** Bytes of one frame from a client; a larger one closes with 1009. Default 65536. */
  maxPayload?: number | undefined;
  /**
   * Bytes that may wait for a slow client before it is closed with 4008; also bounds one answer. Not below `maxPayload`.
   * Default 1048576.
   */
  maxBufferedBytes?: number | undefined;
  /** Objects and lists in each other in one frame, the frame itself included; deeper is 4003. Default 32. */
  maxDepth?: number | undefined;
  /** Events of one connection that may be unanswered; beyond, its socket is not read. Default 32. */
  maxPendingEvents?: number | undefined;
  /** How fast events may come, or false for any speed. */
  rateLimit?: RateLimitSettings | false | undefined;
  /** Connections of one user at one gateway; 0: any number. Default 20. */
  maxConnectionsPerUser?: number | undefined;
  /**
   * Connections of one network address (of IPv6: one network of 64 bits) at one gateway; 0: any number. Default 1000.
   */
  maxConnectionsPerAddress?: number | undefined;

  /** Code points of a message's content, trimmed and before escaping. Default 10000. */
  maxContentLength?: number | undefined;
  /** The highest cap that a room may be given, in members. Default 10000. */
  maxRoomMembers?: number | undefined;
  /** Rooms that one user may be in. Default 10000. */
  maxRoomsPerUser?: number | undefined;
  /** Members listed in a room's shape; the others come by `room.members`. Default 500. */
  memberListSize?: number | undefined;
  /** Newest receipts, deliveries and reactions listed in a message's shape. Default 50. */
  receiptListSize?: number | undefined;
  /** User ids in one event. Default 1000. */
  maxMembersPerCall?: number | undefined;
  /** Message ids in one event. Default 100. */
  maxIdsPerEvent?: number | undefined;
  /** Attachments of one message. Default 100. */
  maxMediaPerMessage?: number | undefined;
  /** Messages in one answer of `room.messages`. Default 200. */
  maxPageSize?: number | undefined;
  /** Rooms in one page of `room.list` and `room.discover`. Default 100. */
  maxRoomPageSize?: number | undefined;
  /** Members in one answer of `room.members`. Default 500. */
  maxMemberPageSize?: number | undefined;

  /** Broadcasts of a room that `session.resume` can replay. Default 1000. */
  recoverableBroadcasts?: number | undefined;
  /** Seconds for which `session.resume` can replay a broadcast. Default 86400. */
  recoverableFor?: number | undefined;
  /** Broadcasts of a room kept in Redis, to mend short gaps without the database. Default 100. */
  redisHistorySize?: number | undefined;
  /** Seconds that a worker may keep a loaded user. Default 5. */
  userCacheFor?: number | undefined;

  /** A winston logger. Default: readable lines on stderr. */
  logger?: Logger | undefined;
  /** Level of the default logger: a level of winston. Not together with `logger`. Default `info`. */
  logLevel?: string | undefined;
}

/** Settings that stay absent when the host does not give them; whoever uses one knows the default. */
type WithoutDefault =
  | 'redis'
  | 'userModel'
  | 'authenticate'
  | 'refresh'
  | 'consumerClass'
  | 'connectionClass'
  | 'eventMapper'
  | 'eventHandlerClass'
  | 'permissionHandlerClass'
  | 'exceptionHandlerClass'
  | 'logger';

type WithDefault = Exclude<keyof ChatSettings, WithoutDefault | 'rateLimit' | 'models' | 'serializers' | 'roomTypes'>;

/** All settings, defaults applied; frozen. `websocketPath` has no first and one last slash; origins are lower-case. */
export type ResolvedSettings = {
  readonly [Key in WithDefault]: Exclude<ChatSettings[Key], undefined>;
} & {
  readonly [Key in WithoutDefault]: ChatSettings[Key];
} & {
  readonly rateLimit: Readonly<{ [Key in keyof RateLimitSettings]-?: number }> | false;
  readonly models: Readonly<Partial<Record<ModelName, ClassSetting>>>;
  readonly serializers: Readonly<Partial<Record<SerializerName, ClassSetting>>>;
  readonly roomTypes: Readonly<Record<string, RoomTypeSettings>>;
};

/**
 * Checks what the host gave, and applies the defaults. The result is frozen, down to plain objects and lists; instances
 * are left as they are, and so are the options in `database` and `redis`, since the libraries they are for write into
 * them (they are copies of the host's).
 *
 * @throws SettingsError, one sentence that names the key, its value (never a secret one) and, for an unknown key, the
 * nearest valid one.
 */
export function resolveSettings(input: ChatSettings = {}): ResolvedSettings {
  if (input === null || typeof input !== 'object' || Array.isArray(input)) {
    throw new SettingsError(
      `The chat's settings must be an object, but are ${input === null ? 'null' : typeof input}.`,
    );
  }
  const rules = settingsRules();
  unknownKeys(input, Object.keys(rules.keys), '');
  unknownKeys(input.rateLimit, rateLimitKeys, 'rateLimit.');
  unknownKeys(input.models, modelNames, 'models.');
  unknownKeys(input.serializers, serializerNames, 'serializers.');
  for (const [type, given] of Object.entries(input.roomTypes ?? {})) {
    unknownKeys(given, roomTypeKeys, `roomTypes.${type}.`);
  }
  const { value, error } = rules.schema.validate({ ...input }, { convert: false, abortEarly: true });
  if (error) throw wrongValue(error.details[0]!);
  return copyFrozen(withDerived(value as ResolvedSettings), ['database', 'redis']) as ResolvedSettings;
}

/** Defaults that depend on other settings, and contradictions between settings. */
function withDerived(settings: ResolvedSettings): ResolvedSettings {
  return {
    ...settings,
    database: database(settings),
    refresh: settings.refresh ?? settings.authenticate?.refresh,
    rateLimit: rateLimit(settings.rateLimit),
    ...contradictions(settings),
  };
}

function database({ database: given, userModel }: Partial<ResolvedSettings>): ResolvedSettings['database'] {
  const own = userModel?.sequelize as Sequelize | undefined;
  if (userModel && !own) {
    throw new SettingsError(
      'Setting userModel must be an initialised Sequelize model: call its init() before createChat.',
    );
  }
  if (own && given !== undefined && given !== own) {
    throw new SettingsError(
      'Setting userModel belongs to another Sequelize instance than setting database: leave database out, or give the instance that the model was initialised with.',
    );
  }
  return given ?? own ?? { dialect: 'sqlite', storage: path.resolve('.data', 'chat.sqlite'), logging: false };
}

function rateLimit(given: RateLimitSettings | false | undefined): ResolvedSettings['rateLimit'] {
  if (given === false) return false;
  const eventsPerSecond = given?.eventsPerSecond ?? 50;
  const burst = given?.burst ?? Math.ceil(eventsPerSecond * 2);
  const perUserPerSecond = given?.perUserPerSecond ?? eventsPerSecond * 4;
  const perUserBurst = given?.perUserBurst ?? Math.max(burst, Math.ceil(perUserPerSecond * 2));
  if (perUserPerSecond < eventsPerSecond) {
    throw new SettingsError(
      `Setting rateLimit.perUserPerSecond (${perUserPerSecond}) must not be below rateLimit.eventsPerSecond (${eventsPerSecond}), or no connection could ever use its own limit.`,
    );
  }
  if (perUserBurst < burst) {
    throw new SettingsError(
      `Setting rateLimit.perUserBurst (${perUserBurst}) must not be below rateLimit.burst (${burst}), or no connection could ever use its own limit.`,
    );
  }
  return { eventsPerSecond, burst, perUserPerSecond, perUserBurst, refusals: given?.refusals ?? 100 };
}

function contradictions(settings: ResolvedSettings): object {
  const { maxBufferedBytes, maxPayload, maxContentLength } = settings;
  if (maxBufferedBytes < maxPayload) {
    throw new SettingsError(
      `Setting maxBufferedBytes (${maxBufferedBytes}) must not be below maxPayload (${maxPayload}), or a message could be sent that nobody may receive.`,
    );
  }
  if (maxContentLength > maxPayload) {
    throw new SettingsError(
      `Setting maxContentLength (${maxContentLength} code points) cannot be reached with a maxPayload of ${maxPayload} bytes: raise maxPayload.`,
    );
  }
  if (settings.refresh && !settings.authenticate) {
    throw new SettingsError('Setting refresh has no effect without authenticate: give both.');
  }
  if (settings.logger && settings.logLevel !== undefined) {
    throw new SettingsError('Setting logLevel has no effect beside logger: set the level of your logger.');
  }
  return { logLevel: settings.logLevel ?? 'info' };
}
