/** What reaches a host's own logger, at its chattiest level: no token, no password, no content, and each error once. */
import { inspect } from 'node:util';
import { SignJWT } from 'jose';
import { QueryTypes } from 'sequelize';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger, format, type Logform, transports } from 'winston';
import { jwtAuthentication } from '../../src/gateway/authentication.js';
import type { WriteOptions } from '../../src/handlers/base.js';
import { EventHandler } from '../../src/handlers/event-handler.js';
import type { MessageSendPayload } from '../../src/protocol/payload-types.js';
import type { MessageShape } from '../../src/protocol/shapes.js';
import type { TestClient } from '../../src/testing/client.js';
import { acknowledged, createGroup, refused } from '../helpers/chat.js';
import { redisContents } from '../helpers/redis-contents.js';
import { startRedis, type TestRedis } from '../helpers/services.js';
import type { Chatter } from '../helpers/stack.js';
import { openDatabase, type TestDatabase } from './runtimes.js';
import { type ServedChat, serveChat } from './served.js';

const CONTENT = 'SECRET-CONTENT';
const SIGNING_SECRET = 'SECRET-SIGNING-KEY-of-this-test';

/** Breaks in every way that a host's handler may. */
class BrokenHandler extends EventHandler {
  override async createMessage(data: MessageSendPayload, user: { id: number }): Promise<MessageShape> {
    const message = await super.createMessage(data, user);
    if (data.content.includes('broken effect')) {
      this.afterCommit(() => {
        throw new Error('A side effect of the host is broken.');
      });
    }
    if (data.content.includes('broken afterwards')) throw new Error('The host is broken after the commit.');
    return message;
  }

  override async _createMessage(
    data: MessageSendPayload,
    user: { id: number },
    options: WriteOptions,
  ): Promise<MessageShape> {
    if (data.content.includes('broken handler')) throw new TypeError('A handler of the host is broken.');
    if (data.content.includes('broken statement')) {
      // Sequelize hangs the statement, and with it the content, on its error.
      await this.context.sequelize.query('SELECT missing FROM nowhere WHERE content = ?', {
        replacements: [data.content],
        type: QueryTypes.SELECT,
        transaction: options.transaction,
      });
    }
    if (data.content.includes('broken row')) {
      await this.models.Message.create({ content: data.content } as never, { transaction: options.transaction });
    }
    return super._createMessage(data, user, options);
  }
}

const token = (claims: { sub: string; exp?: number }, secret = SIGNING_SECRET) =>
  new SignJWT()
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(claims.sub)
    .setExpirationTime(claims.exp ?? '1h')
    .sign(new TextEncoder().encode(secret));

describe.each(['embedded', 'Redis'])('what a host’s logger is given, %s', (kind) => {
  let database: TestDatabase;
  let redis: TestRedis | undefined;
  let served: ServedChat;
  const entries: Logform.TransformableInfo[] = [];
  const texts: string[] = [];
  const tokens: string[] = [];

  beforeAll(async () => {
    database = await openDatabase('SQLite', 3);
    redis = kind === 'Redis' ? await startRedis() : undefined;
    // As hosts have it, with no format of ours; printed in the two ways that show the most.
    const keep = format((info) => {
      entries.push(info);
      texts.push(inspect(info, { depth: 20, showHidden: true }));
      return info;
    });
    const print = format.printf((info) => {
      texts.push(JSON.stringify(info));
      return '';
    });
    served = await serveChat({
      database: database.connect(),
      redis: redis?.url,
      eventHandlerClass: BrokenHandler,
      logger: createLogger({
        level: 'silly',
        format: format.combine(keep(), format.json(), print),
        transports: [new transports.Stream({ stream: new (await import('node:stream')).PassThrough().resume() })],
      }),
      authenticate: jwtAuthentication({ secret: SIGNING_SECRET, loadUser: ({ sub }) => ({ id: Number(sub) }) }),
    });
  });
  afterAll(async () => {
    await served?.close();
    await redis?.stop();
    await database?.close();
  });

  async function sign(...args: Parameters<typeof token>): Promise<string> {
    const made = await token(...args);
    tokens.push(made);
    return made;
  }

  async function connect(userId: number, how: 'header' | 'protocols' | 'query' = 'header'): Promise<Chatter> {
    const signed = await sign({ sub: String(userId) });
    const client = await served.open(
      how === 'header'
        ? { token: signed }
        : how === 'query'
          ? { query: `?token=${signed}` }
          : { protocols: ['bearer', signed] },
    );
    await client.expect('chat.notifications');
    return Object.assign(client, { user: { id: userId } }) as unknown as Chatter;
  }

  /** Entries about errors since then. */
  const errorsSince = (start: number) => entries.slice(start).filter(({ level }) => level === 'error');
  /** The entry as a host prints it. */
  const printed = (entry: Logform.TransformableInfo) => JSON.stringify(entry);

  it('holds no token, however it was brought', async () => {
    const [id] = database.userIds as [number];
    const clients: TestClient[] = [];
    for (const how of ['header', 'protocols', 'query'] as const) clients.push(await connect(id, how));
    for (const bad of [
      await sign({ sub: String(id) }, 'another secret than that of the server'),
      await sign({ sub: String(id), exp: 1000 }),
      'SECRET-no-token',
    ]) {
      expect(await (await served.open({ token: bad })).closed).toMatchObject({ code: 4001 });
      expect(await (await served.open({ query: `?token=${bad}` })).closed).toMatchObject({ code: 4001 });
    }
    const [client] = clients as [TestClient];
    expect(await client.request('session.refresh', { token: await sign({ sub: String(id) }) })).toMatchObject({
      status: 'success',
    });
    await refused(client, 4002, 'session.refresh', { token: await sign({ sub: '2' }) });
    await refused(client, 4002, 'session.refresh', { token: 'SECRET-no-token' });
    await refused(client, 4003, 'session.refresh', { token: await sign({ sub: '1' }), more: 'SECRET-field' });
    for (const one of clients) await one.close();
    expectNoSecrets();
  });

  it('holds no content, whatever became of the message', async () => {
    const [ann, ben] = [await connect(database.userIds[0]!), await connect(database.userIds[1]!)];
    const room = await createGroup(ann, [ben], { description: CONTENT });
    const { message_id } = await acknowledged(ann, 'message.send', { room_id: room.id, content: CONTENT });
    await acknowledged(ben, 'message.read', { message_id });
    await acknowledged(ann, 'message.modify', {
      action: 'update',
      message_id,
      extra_fields: { content: `${CONTENT} 2` },
    });
    await refused(ann, 4003, 'message.send', { room_id: room.id, content: CONTENT, more: CONTENT });
    await refused(ann, 4003, 'message.send', { room_id: room.id, content: { [CONTENT]: CONTENT } });
    await refused(ann, 4004, 'message.send', { room_id: '0190a000-0000-7000-8000-000000000000', content: CONTENT });
    for (const way of ['handler', 'statement', 'row']) {
      const content = `${CONTENT} broken ${way}`;
      const { error } = await ann.request('message.send', { room_id: room.id, content, client_id: `c-${way}` });
      expect(error).toBeDefined();
    }
    for (const way of ['effect', 'afterwards']) {
      await acknowledged(ann, 'message.send', { room_id: room.id, content: `${CONTENT} broken ${way}` });
    }
    ann.sendRaw(`{"event_type":"message.send","data":{"content":"${CONTENT}"`);
    ann.sendRaw(`{"event_type":"message.${CONTENT}","data":{}}`);
    ann.sendRaw(Buffer.from(CONTENT));
    await ann.request('session.heartbeat', {});
    await ann.close();
    await ben.close();
    expectNoSecrets();
  });

  it.each([
    ['handler', 'TypeError: A handler of the host is broken.'],
    ['statement', 'no such table'],
    ['effect', 'A side effect of the host is broken.'],
    ['afterwards', 'The host is broken after the commit.'],
  ])('has an error (%s) once, with its stack, the user, the event and the job', async (way, message) => {
    const ann = await connect(database.userIds[0]!);
    const room = await createGroup(ann);
    const start = entries.length;
    const content = `${CONTENT} broken ${way}`;
    await ann.request('message.send', { room_id: room.id, content });
    await expect.poll(() => errorsSince(start).length).toBeGreaterThan(0);
    // What is logged late would be logged before the connection is gone.
    await ann.request('session.heartbeat', {});
    await ann.close();
    const logged = errorsSince(start);
    expect(logged.map(printed)).toHaveLength(1);
    expect(logged[0]).toMatchObject({
      jobId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      eventType: 'message.send',
      userId: String(database.userIds[0]),
    });
    expect(printed(logged[0]!)).toContain(message);
    expect(printed(logged[0]!)).toMatch(/\\n +at .*logging\.test\.ts|\\n +at .*sequelize/);
    expectNoSecrets();
  });

  it('has nothing at error or warning about what clients do wrong', async () => {
    const ann = await connect(database.userIds[0]!);
    const start = entries.length;
    await refused(ann, 4003, 'room.create', { type: 'Nonsense' });
    await refused(ann, 4004, 'room.info', { room_id: '0190a000-0000-7000-8000-000000000000' });
    ann.sendRaw('not JSON');
    ann.sendRaw('{"event_type":"nonsense"}');
    await ann.request('session.heartbeat', {});
    await ann.terminate();
    expect(
      entries
        .slice(start)
        .filter(({ level }) => level === 'error' || level === 'warn')
        .map(printed),
    ).toEqual([]);
  });

  it('leaves no content of a failed event in Redis', async () => {
    if (!redis) return;
    const ann = await connect(database.userIds[0]!);
    const room = await createGroup(ann);
    const content = 'SECRET-FAILED broken handler';
    await refused(ann, 4006, 'message.send', { room_id: room.id, content });
    await ann.close();
    const { url } = redis;
    const held = async () => new Map(await redisContents(url));
    await expect.poll(async () => [...(await held()).keys()]).toContain('chat:chat-events:failed');
    for (const [key, text] of await held()) expect(text, key).not.toContain('SECRET-FAILED');
  });

  function expectNoSecrets(): void {
    for (const text of texts) {
      for (const secret of [CONTENT, 'SECRET', SIGNING_SECRET, ...tokens]) {
        if (text.includes(secret)) throw new Error(`The log holds ${secret.slice(0, 40)}:\n${text.slice(0, 3000)}`);
      }
    }
  }
});
