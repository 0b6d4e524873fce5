/** The environment of the app and of its workers, checked once at start. */

import { randomBytes } from 'node:crypto';

/**
 * @typedef {object} Config
 * @property {string} host address to listen on
 * @property {number} port 0 takes any free port
 * @property {string} databaseUrl `sqlite:PATH` or `mysql://...`
 * @property {string | undefined} redisUrl absent: queue and broadcast run in this process
 * @property {string} jwtSecret signs the sign-in tokens
 * @property {boolean} isSecretRandom true when JWT_SECRET was not given: tokens end with this process
 * @property {number} jwtExpiresIn seconds a token is good for
 * @property {boolean} worker run a worker in the app's process
 * @property {boolean} migrate bring the tables up to date at start
 * @property {boolean} seed make the demo users, rooms and messages
 * @property {number | undefined} rateLimit events per second and connection; 0: no limits at all; absent: the package's default
 * @property {boolean | undefined} messageSoftDelete
 * @property {boolean | undefined} enableNotification
 * @property {number | undefined} inactivityThreshold seconds
 * @property {number | undefined} pingInterval seconds
 * @property {string | undefined} websocketPath
 * @property {string[] | undefined} allowedOrigins
 * @property {boolean | undefined} exposeEmail
 */

/** A wrong value in the environment; `message` is one sentence that names the variable. */
export class ConfigError extends Error {}

const WORDS = new Map([
  ['1', true],
  ['true', true],
  ['0', false],
  ['false', false],
]);

/** @param {string} name @param {string | undefined} value @param {boolean | undefined} fallback */
function toBoolean(name, value, fallback) {
  if (value === undefined) return fallback;
  const answer = WORDS.get(value.toLowerCase());
  if (answer === undefined) throw new ConfigError(`${name} must be 0 or 1, not "${value}".`);
  return answer;
}

/** @param {string} name @param {string | undefined} value @param {{ min: number, max: number, fallback?: number }} range */
function toInteger(name, value, { min, max, fallback }) {
  if (value === undefined) return fallback;
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < min || number > max) {
    throw new ConfigError(`${name} must be a whole number from ${min} to ${max}, not "${value}".`);
  }
  return number;
}

/** @param {string | undefined} value */
function toDatabaseUrl(value) {
  if (value === undefined) return 'sqlite:.data/example.sqlite';
  if (/^sqlite:.+/.test(value)) return value;
  // The value itself may hold a password: it is not repeated.
  if (!URL.canParse(value) || new URL(value).protocol !== 'mysql:') {
    throw new ConfigError('DATABASE_URL must look like sqlite:PATH or mysql://user:password@host:port/database.');
  }
  return value;
}

/** @param {string | undefined} value */
function toRedisUrl(value) {
  if (value === undefined) return undefined;
  if (!URL.canParse(value) || !['redis:', 'rediss:'].includes(new URL(value).protocol)) {
    throw new ConfigError('REDIS_URL must look like redis://host:port, or be empty to run without Redis.');
  }
  return value;
}

/** @param {string | undefined} value */
function toOrigins(value) {
  if (value === undefined) return undefined;
  const origins = value.split(',').map((origin) => origin.trim());
  for (const origin of origins) {
    if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
      throw new ConfigError(
        `CHAT_ALLOWED_ORIGINS must be origins like https://www.example.com, separated by commas, not "${origin}".`,
      );
    }
  }
  return origins;
}

/** @param {string | undefined} value */
function toWebsocketPath(value) {
  if (value !== undefined && !/^\/?[A-Za-z0-9._~-]+(\/[A-Za-z0-9._~-]+)*\/?$/.test(value)) {
    throw new ConfigError(`CHAT_WEBSOCKET_PATH must be a path like messaging/, not "${value}".`);
  }
  return value;
}

/** @param {string | undefined} value */
function toSecret(value) {
  if (value === '') throw new ConfigError('JWT_SECRET must not be empty; take 32 random characters.');
  return value;
}

/** @param {string | undefined} value */
function toHost(value) {
  if (value === undefined) return '127.0.0.1';
  if (!/^[A-Za-z0-9.:_-]+$/.test(value))
    throw new ConfigError(`HOST must be a host name or an address, not "${value}".`);
  return value;
}

/**
 * Reads the environment; an empty variable counts as absent.
 *
 * @param {Record<string, string | undefined>} env
 * @returns {Config}
 * @throws {ConfigError}
 */
export function readConfig(env) {
  /** @param {string} name */
  const text = (name) => env[name]?.trim() || undefined;
  const secret = text('JWT_SECRET');
  return {
    host: toHost(text('HOST')),
    port: toInteger('PORT', text('PORT'), { min: 0, max: 65535, fallback: 3000 }),
    databaseUrl: toDatabaseUrl(text('DATABASE_URL')),
    redisUrl: toRedisUrl(text('REDIS_URL')),
    jwtSecret: toSecret(secret) ?? randomBytes(32).toString('base64url'),
    isSecretRandom: secret === undefined,
    jwtExpiresIn: toInteger('JWT_EXPIRES_IN', text('JWT_EXPIRES_IN'), { min: 1, max: 315_360_000, fallback: 86_400 }),
    worker: toBoolean('CHAT_WORKER', text('CHAT_WORKER'), true),
    migrate: toBoolean('CHAT_MIGRATE', text('CHAT_MIGRATE'), true),
    seed: toBoolean('CHAT_SEED', text('CHAT_SEED'), true),
    rateLimit: toInteger('CHAT_RATE_LIMIT', text('CHAT_RATE_LIMIT'), { min: 0, max: 100_000 }),
    messageSoftDelete: toBoolean('CHAT_MESSAGE_SOFT_DELETE', text('CHAT_MESSAGE_SOFT_DELETE'), undefined),
    enableNotification: toBoolean('CHAT_ENABLE_NOTIFICATION', text('CHAT_ENABLE_NOTIFICATION'), undefined),
    inactivityThreshold: toInteger('CHAT_INACTIVITY_THRESHOLD', text('CHAT_INACTIVITY_THRESHOLD'), {
      min: 1,
      max: 86_400,
    }),
    pingInterval: toInteger('CHAT_PING_INTERVAL', text('CHAT_PING_INTERVAL'), { min: 1, max: 3600 }),
    websocketPath: toWebsocketPath(text('CHAT_WEBSOCKET_PATH')),
    allowedOrigins: toOrigins(text('CHAT_ALLOWED_ORIGINS')),
    exposeEmail: toBoolean('CHAT_EXPOSE_EMAIL', text('CHAT_EXPOSE_EMAIL'), undefined),
  };
}

/** `readConfig`, or one sentence on stderr and the end of the process. */
export function readConfigOrExit(env = process.env) {
  try {
    return readConfig(env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}
