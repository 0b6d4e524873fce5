/** Two chats in one process, on one database and one Redis, that do not meet; and users who are disconnected. */
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLogger, transports } from 'winston';
import type { ChatSettings } from '../../src/settings/settings.js';
import { acknowledged, answered, refused } from '../helpers/chat.js';
import { startRedis, type TestRedis } from '../helpers/services.js';
import { DATABASES, openDatabase, type TestDatabase } from './runtimes.js';
import { type ServedChat, serveChat } from './served.js';

const logger = createLogger({ silent: true, transports: [new transports.Console()] });

describe.each(['embedded', 'Redis'])('two chats in one process and one database, %s', (kind) => {
  let database: TestDatabase;
  let redis: TestRedis | undefined;
  let first: ServedChat;
  let second: ServedChat;
  let ann: number;
  let ben: number;

  beforeAll(async () => {
    database = await openDatabase(kind === 'Redis' ? 'MariaDB' : 'SQLite', 2);
    [ann, ben] = database.userIds as [number, number];
    redis = kind === 'Redis' ? await startRedis() : undefined;
    const sequelize = database.connect();
    const serve = async (tablePrefix: string, redisPrefix: string) => {
      const settings: ChatSettings = { database: sequelize, redis: redis?.url, tablePrefix, redisPrefix, logger };
      const served = await serveChat(settings, { worker: false });
      await served.chat.migrate();
      await served.chat.startWorker();
      return served;
    };
    first = await serve('chat_', 'first');
    second = await serve('support_', 'second');
  });
  afterAll(async () => {
    await first?.close();
    await second?.close();
    await redis?.stop();
    await database?.close();
  });

  it('tell each other nothing', async () => {
    const here = [await first.connect(ann), await first.connect(ben)] as const;
    const there = [await second.connect(ann), await second.connect(ben)] as const;
    const waiting: string[] = [];
    first.chat.queueEvents.on('waiting', ({ eventType }) => waiting.push(`first ${eventType}`));
    second.chat.queueEvents.on('waiting', ({ eventType }) => waiting.push(`second ${eventType}`));
    const group = { type: 'GroupChat', name: 'group', participants: [ben], client_id: 'the same' };
    const one = await acknowledged(here[0], 'room.create', group);
    await here[1].expect('roomcreate.dispatch');
    const message = { room_id: one.room_id, content: 'hello', client_id: 'the same' };
    await acknowledged(here[0], 'message.send', message);
    await here[1].expect('message.dispatch');
    // The room of one is nothing in the other, and a client_id used in one is new in the other.
    await refused(there[0], 4004, 'room.info', { room_id: one.room_id });
    await refused(there[0], 4004, 'message.send', message);
    expect(await answered(there[0], 'room.list', {}, 'roomlist.dispatch')).toEqual([]);
    const other = await acknowledged(there[0], 'room.create', group);
    expect(other.room_id).not.toBe(one.room_id);
    await there[1].expect('roomcreate.dispatch');
    await here[0].expect('roomcreate.dispatch');
    await here[0].expect('message.dispatch');
    await there[0].expect('roomcreate.dispatch');
    await Promise.all([...here, ...there].map((client) => client.silence()));
    await expect
      .poll(() => waiting.filter((event) => event.endsWith('room.create')).sort())
      .toEqual(['first room.create', 'second room.create']);
    await Promise.all([...here, ...there].map((client) => client.close()));
  });

  it('disconnect a user from one and not from the other', async () => {
    const here = await first.connect(ann);
    const there = await second.connect(ann);
    await first.chat.disconnectUser(ann);
    expect(await here.closed).toMatchObject({ code: 4001 });
    await there.silence();
    await there.close();
  });

  it('stay apart when one is closed', async () => {
    const there = await second.connect(ann);
    await first.close();
    await acknowledged(there, 'room.create', { type: 'GroupChat', name: 'still', participants: [] });
    await there.close();
  });

  it('keep their keys in Redis apart', async () => {
    if (!redis) return;
    const client = new Redis(redis.url);
    const keys = await client.keys('*');
    client.disconnect();
    expect(keys.filter((key) => !/^(first|second):/.test(key))).toEqual([]);
    expect(keys.filter((key) => key.startsWith('second:'))).not.toEqual([]);
  });
});

describe.each(DATABASES)('a user who is disconnected, on %s', (kind) => {
  let database: TestDatabase;
  let redis: TestRedis | undefined;
  let gateways: ServedChat[];

  beforeAll(async () => {
    database = await openDatabase(kind, 3);
    redis = kind === 'MariaDB' ? await startRedis() : undefined;
  });
  beforeEach(async () => {
    const settings = { database: database.connect(), redis: redis?.url, logger };
    // Embedded there is one; on Redis two gateways, of which the second only serves.
    gateways = [await serveChat(settings)];
    if (redis) gateways.push(await serveChat(settings, { worker: false }));
  });
  afterEach(async () => {
    for (const gateway of gateways) await gateway.close();
  });
  afterAll(async () => {
    await redis?.stop();
    await database?.close();
  });

  it('loses all connections on all gateways within a second, and others lose none', async () => {
    const [ann, ben] = database.userIds as [number, number];
    const theirs = await Promise.all([0, 1, 2, 3].map((index) => gateways[index % gateways.length]!.connect(ann)));
    const others = await Promise.all(gateways.map((gateway) => gateway.connect(ben)));
    const at = performance.now();
    await gateways[0]!.chat.disconnectUser(ann);
    for (const client of theirs) expect(await client.closed).toMatchObject({ code: 4001 });
    expect(performance.now() - at).toBeLessThan(1000);
    for (const other of others) await other.silence();
    // It is not a ban: whoever still may, comes back.
    const again = await gateways[0]!.connect(ann);
    await again.silence();
    await Promise.all([again, ...others].map((client) => client.close()));
  });

  it('does not slip in by a connection that was being authenticated', async () => {
    const [ann, ben, cat] = database.userIds as [number, number, number];
    let asked = () => {};
    const looksUp = new Promise<void>((resolve) => {
      asked = resolve;
    });
    let goOn = () => {};
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const slow = await serveChat(
      {
        database: database.connect(),
        redis: redis?.url,
        logger,
        authenticate: async ({ headers }) => {
          const [, id, isHeld] = /^Bearer (\d+)(x?)$/.exec(headers.authorization ?? '') ?? [];
          if (isHeld) {
            asked();
            await held;
          }
          return { id: Number(id) };
        },
      },
      { worker: redis === undefined },
    );
    try {
      const fence = await slow.connect(cat);
      const [late, other] = [await slow.open({ token: `${ann}x` }), await slow.open({ token: `${ben}x` })];
      await looksUp;
      const { chat } = redis ? gateways[0]! : slow;
      for (const id of [ann, cat]) await chat.disconnectUser(id);
      // When it has heard of the second, this gateway has heard of the first, of whom it held no connection.
      expect(await fence.closed).toMatchObject({ code: 4001 });
      goOn();
      expect(await late.closed).toMatchObject({ code: 4001 });
      expect(late.pending).toEqual([]);
      await other.expect('chat.notifications');
      const again = await slow.connect(ann);
      await Promise.all([again.close(), other.close()]);
    } finally {
      await slow.close();
    }
  });

  it('has no session left of the connections that ended', async () => {
    const [, , cat] = database.userIds as [number, number, number];
    const client = await gateways.at(-1)!.connect(cat);
    const sessions = () => database.query('SELECT id FROM chat_sessions WHERE user_id = ?', [cat]);
    expect(await sessions()).toHaveLength(1);
    await gateways[0]!.chat.disconnectUser(cat);
    await client.closed;
    await expect.poll(sessions).toEqual([]);
  });

  it('is nobody: nothing happens', async () => {
    await gateways[0]!.chat.disconnectUser(987_654);
  });
});
