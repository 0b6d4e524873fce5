import Joi from 'joi';

/** Names of the models a host may replace. */
export const modelNames = [
  'Session',
  'Room',
  'RoomProperty',
  'OneToOneChat',
  'GroupChat',
  'Channel',
  'Message',
  'MessageMediaAsset',
  'ReadReceipt',
  'ChatNotification',
  'Reaction',
] as const;

/** Names of the serializers a host may replace. */
export const serializerNames = [
  'UserSerializer',
  'MessageSerializer',
  'RoomPropertySerializer',
  'ReadReceiptSerializer',
  'ReactionSerializer',
  'MessageMediaAssetSerializer',
  'ChatNotificationSerializer',
  'OneToOneChatSerializer',
  'GroupChatSerializer',
  'ChannelSerializer',
  'OneToOneChatListSerializer',
  'GroupChatListSerializer',
  'ChannelListSerializer',
  'RoomPolymorphicSerializer',
  'RoomListPolymorphicSerializer',
] as const;

const logLevels = ['error', 'warn', 'info', 'http', 'verbose', 'debug', 'silly'];

/** Timers of Node hold at most 2^31 - 1 milliseconds. */
const longestTimer = 2_147_483;

/** A value that passes `check`; the text says what it must be. */
function that(expected: string, check: (value: unknown) => boolean): Joi.Schema {
  // The text goes in as a variable: Joi would read braces in it as a template.
  return Joi.any().custom((value, helpers) =>
    check(value) ? value : helpers.message({ custom: '{{#label}} must be {{#expected}}' }, { expected }),
  );
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isFunction = (value: unknown) => typeof value === 'function';

/** By what it can do, since the host may have another copy of Sequelize than ours. */
const isSequelize = (value: unknown): value is { getDialect(): string } =>
  isObject(value) && isFunction(value.getDialect) && isFunction(value.define) && isFunction(value.query);

function isDatabase(value: unknown): boolean {
  if (typeof value === 'string') return /^(sqlite:.|mysql:\/\/.)/.test(value);
  if (isSequelize(value)) return ['mysql', 'mariadb', 'sqlite'].includes(value.getDialect());
  return isObject(value) && ['mysql', 'mariadb', 'sqlite'].includes(value.dialect as string);
}

function isRedis(value: unknown): boolean {
  if (typeof value === 'string') return /^rediss?:\/\/./.test(value);
  return isObject(value) && !isFunction(value.duplicate);
}

/** `https://host[:port]`, as a browser sends it; undefined when it is none. */
function origin(text: string): string | undefined {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^/?#\s@]+$/i.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.origin === 'null' ? text.toLowerCase() : url.origin;
}

const originRule = () =>
  Joi.string().custom(
    (value: string, helpers) =>
      origin(value) ??
      helpers.message({ custom: '{{#label}} must be an origin such as https://app.example.com, without a path' }),
  );

const pathRule = () =>
  Joi.string().custom((value: string, helpers) => {
    const trimmed = value.replace(/^\/+|\/+$/g, '');
    return /^[\w.~-]+(\/[\w.~-]+)*$/.test(trimmed)
      ? `${trimmed}/`
      : helpers.message({ custom: '{{#label}} must be a path such as messaging/, without a query' });
  });

const seconds = (longest = longestTimer) => Joi.number().positive().max(longest);
const count = (lowest: number, highest = Number.MAX_SAFE_INTEGER) => Joi.number().integer().min(lowest).max(highest);

const classRule = () =>
  that("a class, or a text such as './file.js#Export'", (value) =>
    typeof value === 'string' ? /.#./.test(value) : isFunction(value),
  );

const functionRule = () =>
  that("a function, or a text such as './file.js#export'", (value) =>
    typeof value === 'string' ? /.#./.test(value) : isFunction(value),
  );

/** A word that can be a key of an event's data and a column's name. */
const word = () => Joi.string().pattern(/^[a-z][a-z0-9_]{0,62}$/, 'a name such as requester_id');

/** Names of the settings in `rateLimit`. */
export const rateLimitKeys = ['eventsPerSecond', 'burst', 'perUserPerSecond', 'perUserBurst', 'refusals'] as const;

/** Names of the settings of one room type. */
export const roomTypeKeys = [
  'model',
  'serializer',
  'listSerializer',
  'alias',
  'membersField',
  'permissions',
  'cap',
  'creatorColumn',
] as const;

const roomTypes = () =>
  Joi.object()
    .pattern(
      /^[A-Z][A-Za-z0-9]{0,63}$/,
      Joi.object({
        model: classRule().required(),
        serializer: classRule().required(),
        listSerializer: classRule().required(),
        alias: word(),
        membersField: word(),
        permissions: Joi.array().items(Joi.string().max(64)).unique(),
        cap: that(
          'a whole number, or the name of the column that holds it',
          (value) =>
            (Number.isSafeInteger(value) && (value as number) > 0) || (typeof value === 'string' && value !== ''),
        ),
        creatorColumn: word(),
      }),
    )
    .default({});

const classes = (names: readonly string[]) =>
  Joi.object(Object.fromEntries(names.map((name) => [name, classRule()]))).default({});

/** The rule and the default of every setting, as `ChatSettings` documents them. */
export function settingsRules(): { keys: Record<string, Joi.Schema>; schema: Joi.ObjectSchema } {
  const keys: Record<string, Joi.Schema> = {
    database: that(
      'a sqlite: or mysql:// URL, a Sequelize instance or options with the dialect mysql or sqlite',
      isDatabase,
    ),
    redis: that('a redis:// or rediss:// URL or an object of ioredis options (absent: no Redis)', isRedis),
    userModel: that('a Sequelize model class', (value) => isFunction(value) && 'getTableName' in (value as object)),
    authenticate: that('a function of the request', isFunction),
    refresh: that('a function of the token', isFunction),

    websocketPath: pathRule().default('messaging/'),
    allowedOrigins: Joi.array().items(originRule()).default([]),
    messageSoftDelete: Joi.boolean().default(false),
    enableNotification: Joi.boolean().default(true),
    inactivityThreshold: seconds().default(60),
    exposeEmail: Joi.boolean().default(false),

    consumerClass: classRule(),
    connectionClass: classRule(),
    eventMapper: functionRule(),
    eventHandlerClass: classRule(),
    permissionHandlerClass: classRule(),
    exceptionHandlerClass: classRule(),
    models: classes(modelNames),
    serializers: classes(serializerNames),
    roomTypes: roomTypes(),

    // 20 characters leave room for the longest table and index name within MySQL's 64.
    tablePrefix: Joi.string()
      .pattern(/^[A-Za-z_][A-Za-z0-9_]*$/, 'a table prefix')
      .max(20)
      .default('chat_'),
    redisPrefix: Joi.string()
      .pattern(/^[\w.:{}-]+$/, 'a key prefix')
      .max(64)
      .default('chat'),
    // BullMQ refuses a colon in the name.
    queueName: Joi.string()
      .pattern(/^[\w.-]+$/, 'a queue name')
      .max(64)
      .default('chat-events'),
    concurrency: count(1, 10_000).default(100),
    handlerTimeout: seconds().default(30),
    groupCommitSize: count(1, 1000).default(100),

    pingInterval: seconds().default(25),
    readyTimeout: seconds().default(10),
    maxPayload: count(1024, 2 ** 30).default(65_536),
    maxBufferedBytes: count(1024, 2 ** 30).default(1_048_576),
    maxDepth: count(3, 1000).default(32),
    maxPendingEvents: count(1).default(32),
    rateLimit: Joi.alternatives().conditional(Joi.object(), {
      // biome-ignore lint/suspicious/noThenProperty: Joi's word.
      then: Joi.object({
        eventsPerSecond: Joi.number().positive().max(1e9),
        burst: count(1),
        perUserPerSecond: Joi.number().positive().max(1e10),
        perUserBurst: count(1),
        refusals: count(0),
      }),
      otherwise: that('an object of limits, or false', (value) => value === false),
    }),
    maxConnectionsPerUser: count(0).default(20),
    maxConnectionsPerAddress: count(0).default(1000),

    maxContentLength: count(1).default(10_000),
    maxRoomMembers: count(2).default(10_000),
    maxRoomsPerUser: count(1).default(10_000),
    memberListSize: count(1).default(500),
    receiptListSize: count(0, 1000).default(50),
    maxMembersPerCall: count(1).default(1000),
    maxIdsPerEvent: count(1).default(100),
    maxMediaPerMessage: count(1).default(100),
    maxPageSize: count(1).default(200),
    maxRoomPageSize: count(1).default(100),
    maxMemberPageSize: count(1, 5000).default(500),

    recoverableBroadcasts: count(0).default(1000),
    recoverableFor: seconds(366 * 86_400).default(86_400),
    redisHistorySize: count(0, 100_000).default(100),
    userCacheFor: Joi.number().min(0).max(longestTimer).default(5),

    logger: that('a winston logger', (value) => isObject(value) && isFunction(value.child) && isFunction(value.info)),
    logLevel: Joi.string().valid(...logLevels),
  };
  return { keys, schema: Joi.object(keys) };
}
