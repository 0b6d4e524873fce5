import path from 'node:path';
import { DataTypes, Sequelize } from 'sequelize';
import { afterAll, describe, expect, it } from 'vitest';
import winston from 'winston';
import { type ChatSettings, resolveSettings } from '../../src/settings/settings.js';

const refused = (settings: unknown): string => {
  try {
    resolveSettings(settings as ChatSettings);
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
    const { message } = error as Error;
    expect(message).toMatch(/^[A-Z].*[.?]$/);
    return message;
  }
  throw new Error('was accepted');
};

const memory = new Sequelize({ dialect: 'sqlite', storage: ':memory:', logging: false });
const other = new Sequelize({ dialect: 'sqlite', storage: ':memory:', logging: false });
const User = memory.define('User', { id: { type: DataTypes.INTEGER, primaryKey: true } });
afterAll(async () => {
  await memory.close();
  await other.close();
});

describe('defaults', () => {
  it('are those that are documented', () => {
    const settings = resolveSettings();
    expect(settings).toMatchObject({
      database: { dialect: 'sqlite', storage: path.resolve('.data/chat.sqlite') },
      websocketPath: 'messaging/',
      allowedOrigins: [],
      messageSoftDelete: false,
      enableNotification: true,
      inactivityThreshold: 60,
      exposeEmail: false,
      models: {},
      serializers: {},
      tablePrefix: 'chat_',
      redisPrefix: 'chat',
      queueName: 'chat-events',
      concurrency: 100,
      handlerTimeout: 30,
      groupCommitSize: 100,
      pingInterval: 25,
      readyTimeout: 10,
      maxPayload: 65536,
      maxBufferedBytes: 1048576,
      maxDepth: 32,
      maxPendingEvents: 32,
      rateLimit: { eventsPerSecond: 50, burst: 100, perUserPerSecond: 200, perUserBurst: 400, refusals: 100 },
      maxConnectionsPerUser: 20,
      maxConnectionsPerAddress: 1000,
      maxContentLength: 10000,
      maxRoomMembers: 10000,
      maxRoomsPerUser: 10000,
      memberListSize: 500,
      receiptListSize: 50,
      maxMembersPerCall: 1000,
      maxIdsPerEvent: 100,
      maxMediaPerMessage: 100,
      maxPageSize: 200,
      maxRoomPageSize: 100,
      maxMemberPageSize: 500,
      recoverableBroadcasts: 1000,
      recoverableFor: 86400,
      redisHistorySize: 100,
      userCacheFor: 5,
      logLevel: 'info',
    });
    for (const key of ['redis', 'userModel', 'authenticate', 'refresh', 'logger', 'consumerClass'] as const) {
      expect(settings[key]).toBeUndefined();
    }
  });

  it('stand in for keys that are undefined', () => {
    expect(resolveSettings({ redis: undefined, pingInterval: undefined }).pingInterval).toBe(25);
  });

  it('of the rate limit follow its first number', () => {
    expect(resolveSettings({ rateLimit: { eventsPerSecond: 5 } }).rateLimit).toEqual({
      eventsPerSecond: 5,
      burst: 10,
      perUserPerSecond: 20,
      perUserBurst: 40,
      refusals: 100,
    });
    // Of so slow a user a burst must still be possible.
    expect(resolveSettings({ rateLimit: { eventsPerSecond: 0.01 } }).rateLimit).toMatchObject({
      burst: 1,
      perUserBurst: 1,
    });
    expect(resolveSettings({ rateLimit: false }).rateLimit).toBe(false);
    expect(resolveSettings({ rateLimit: {} }).rateLimit).toMatchObject({ eventsPerSecond: 50 });
  });
});

describe('the result', () => {
  it('is frozen down to lists and objects, without touching what the host gave', () => {
    const given = { allowedOrigins: ['https://a.example'], rateLimit: { eventsPerSecond: 1 } };
    const settings = resolveSettings(given);
    expect(Object.isFrozen(settings)).toBe(true);
    expect(Object.isFrozen(settings.allowedOrigins)).toBe(true);
    expect(Object.isFrozen(settings.rateLimit)).toBe(true);
    expect(Object.isFrozen(given.allowedOrigins)).toBe(false);
    expect(Object.isFrozen(given.rateLimit)).toBe(false);
  });

  it('keeps instances as they are', () => {
    const logger = winston.createLogger({ silent: true });
    const settings = resolveSettings({ database: memory, logger });
    expect(settings.database).toBe(memory);
    expect(Object.isFrozen(memory)).toBe(false);
    expect(settings.logger).toBe(logger);
    logger.close();
  });

  it('leaves options for Sequelize and ioredis writable, as copies', () => {
    const pool = { max: 3 };
    const settings = resolveSettings({ database: { dialect: 'sqlite', pool }, redis: { host: 'a', tls: {} } });
    const copy = settings.database as { pool: object };
    expect(copy.pool).toEqual(pool);
    expect(copy.pool).not.toBe(pool);
    expect(Object.isFrozen(copy.pool)).toBe(false);
  });

  it("takes the user model's database when none is given", () => {
    expect(resolveSettings({ userModel: User }).database).toBe(memory);
    expect(resolveSettings({ userModel: User, database: memory }).database).toBe(memory);
  });

  it('brings paths and origins into one form', () => {
    for (const text of ['ws/chat', '/ws/chat', '/ws/chat/', 'ws/chat/']) {
      expect(resolveSettings({ websocketPath: text }).websocketPath).toBe('ws/chat/');
    }
    expect(
      resolveSettings({ allowedOrigins: ['HTTPS://App.Example:443', 'http://x:8080', 'capacitor://LocalHost'] })
        .allowedOrigins,
    ).toEqual(['https://app.example', 'http://x:8080', 'capacitor://localhost']);
  });

  it('takes refresh from authenticate', () => {
    const refresh = () => null;
    const authenticate = Object.assign(() => null, { refresh });
    expect(resolveSettings({ authenticate }).refresh).toBe(refresh);
    const own = () => null;
    expect(resolveSettings({ authenticate, refresh: own }).refresh).toBe(own);
  });
});

describe('an unknown key', () => {
  it('is named with its value and the nearest valid key', () => {
    expect(refused({ pingIntervall: 5 })).toBe('Unknown setting pingIntervall, 5: did you mean pingInterval?');
    expect(refused({ MESSAGE_SOFT_DELETE: true })).toContain('did you mean messageSoftDelete?');
    expect(refused({ models: { Mesage: class {} } })).toContain('models.Mesage');
    expect(refused({ models: { Mesage: class {} } })).toContain('did you mean models.Message?');
    expect(refused({ serializers: { MesageSerializer: class {} } })).toContain('serializers.MessageSerializer?');
    expect(refused({ rateLimit: { brust: 1 } })).toContain('did you mean rateLimit.burst?');
  });

  it('without a near one gets the list', () => {
    expect(refused({ colour: 'red' })).toMatch(/^Unknown setting colour, "red": valid ones are database, redis/);
  });

  it('that may hold a secret is named without its value', () => {
    for (const key of ['databse', 'databaseUrl', 'redisUrl', 'jwtSecret', 'rediss', 'password']) {
      expect(refused({ [key]: 'hunter2' })).toContain(key);
      expect(refused({ [key]: 'hunter2' })).not.toContain('hunter2');
    }
    expect(refused({ anything: 'mysql://me:hunter2@host/x' })).not.toContain('hunter2');
  });

  it('is found among names every object has', () => {
    expect(refused(JSON.parse('{"__proto__": 1}'))).toContain('__proto__');
    expect(refused({ constructor: 1 })).toContain('constructor');
  });
});

describe('a wrong value', () => {
  const wrong: [string, unknown][] = [
    ['pingInterval', '25'],
    ['pingInterval', 0],
    ['pingInterval', -1],
    ['pingInterval', Number.NaN],
    ['pingInterval', Number.POSITIVE_INFINITY],
    ['pingInterval', 3_000_000],
    ['concurrency', 1.5],
    ['concurrency', 0],
    ['maxPayload', 10],
    ['maxConnectionsPerUser', -1],
    ['messageSoftDelete', 'yes'],
    ['enableNotification', null],
    ['allowedOrigins', 'https://a.example'],
    ['websocketPath', ''],
    ['websocketPath', '/'],
    ['websocketPath', 'a?b'],
    ['websocketPath', 'a b'],
    ['websocketPath', '*'],
    ['tablePrefix', 'chat-'],
    ['tablePrefix', ''],
    ['queueName', 'a:b'],
    ['consumerClass', 5],
    ['consumerClass', './file.js'],
    ['eventMapper', {}],
    ['models', []],
    ['rateLimit', true],
    ['rateLimit', 50],
    ['logger', {}],
    ['logger', console],
    ['logLevel', 'loud'],
    ['userModel', class {}],
    ['authenticate', 'me'],
    ['database', 5],
    ['database', ''],
    ['database', {}],
    ['redis', 6379],
    ['redis', ''],
  ];
  for (const [key, value] of wrong) {
    it(`is refused with the setting's name: ${key} ${String(value)}`, () => {
      expect(refused({ [key]: value })).toContain(`Setting ${key} `);
    });
  }

  it('is shown, shortened', () => {
    expect(refused({ pingInterval: 'soon' })).toBe('Setting pingInterval must be a number, but is "soon".');
    expect(refused({ pingInterval: 'x'.repeat(5000) }).length).toBeLessThan(150);
    expect(refused({ allowedOrigins: ['https://a.example', 'b/c'] })).toContain('allowedOrigins[1]');
    expect(refused({ allowedOrigins: ['*'] })).toContain('"*"');
    expect(refused({ rateLimit: { burst: 0 } })).toContain('rateLimit.burst');
    expect(refused({ models: { Message: 1 } })).toContain('models.Message');
  });

  it('is not shown where it may be secret', () => {
    for (const settings of [
      { database: 'postgres://me:hunter2@host/x' },
      { redis: 'http://:hunter2@host' },
      { database: { password: 'hunter2' } },
      { websocketPath: 'ws://me:hunter2@host' },
    ]) {
      expect(refused(settings)).not.toContain('hunter2');
    }
  });

  it('is anything but an object of settings', () => {
    for (const settings of [null, [], 'x', 5]) refused(settings);
  });
});

describe('a contradiction is refused:', () => {
  it('a user model of another database', () => {
    for (const database of [other, 'sqlite::memory:', { dialect: 'sqlite' }] as const) {
      expect(refused({ userModel: User, database })).toContain('another Sequelize instance');
    }
  });

  it('limits that undo one another', () => {
    expect(refused({ maxBufferedBytes: 2000, maxPayload: 4000 })).toContain('maxPayload');
    expect(refused({ maxContentLength: 70_000 })).toContain('maxPayload');
    expect(refused({ rateLimit: { eventsPerSecond: 50, perUserPerSecond: 10 } })).toContain('perUserPerSecond');
    expect(refused({ rateLimit: { burst: 50, perUserBurst: 10 } })).toContain('perUserBurst');
  });

  it('refresh without authenticate, logLevel beside logger', () => {
    expect(refused({ refresh: () => null })).toContain('authenticate');
    const logger = winston.createLogger({ silent: true });
    expect(refused({ logger, logLevel: 'info' })).toContain('logLevel');
    logger.close();
  });
});
