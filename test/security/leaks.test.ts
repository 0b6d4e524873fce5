/** One scene with a word in every text that a client can send: where the words and the tokens are found afterwards. */
import { inspect } from 'node:util';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger, format, type Logform, transports } from 'winston';
import { jwtAuthentication } from '../../src/gateway/authentication.js';
import { EventHandler } from '../../src/index.js';
import { acknowledged, refused } from '../helpers/chat.js';
import { redisContents } from '../helpers/redis-contents.js';
import { startRedis, type TestRedis } from '../helpers/services.js';
import { openDatabase, type TestDatabase } from '../system/runtimes.js';
import { type ServedChat, serveChat } from '../system/served.js';

const SIGNING = 'CANARY-SIGNING-SECRET-of-thirty-two-bytes';
/** Stands in every text that a client gives. */
const word = (place: string) => `CANARY-${place}`;

const sign = (secret = SIGNING) =>
  new SignJWT({ note: 'CANARY-CLAIM' })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject('1')
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(secret));

/** A handler of the host that fails, so that there is something to log and a job that failed. */
class FailingHandler extends EventHandler {
  override async createMessage(...[data, user]: Parameters<EventHandler['createMessage']>) {
    if (data.content.includes('FAIL')) throw new TypeError('A handler of the host is broken.');
    return super.createMessage(data, user);
  }
}

describe('a scene at the chattiest level, on Redis and MariaDB', () => {
  let database: TestDatabase;
  let redis: TestRedis;
  let served: ServedChat;
  const logged: string[] = [];
  const tokens: string[] = [];

  beforeAll(async () => {
    database = await openDatabase('MariaDB', 2);
    redis = await startRedis();
    const keep = format((info: Logform.TransformableInfo) => {
      logged.push(inspect(info, { depth: 20, showHidden: true }));
      return info;
    });
    const silent = new transports.Console({ silent: true });
    served = await serveChat({
      database: database.connect(),
      redis: redis.url,
      eventHandlerClass: FailingHandler,
      logger: createLogger({ level: 'silly', format: keep(), transports: [silent] }),
      authenticate: jwtAuthentication({ secret: SIGNING, loadUser: ({ sub }) => ({ id: Number(sub) }) }),
    });
    await play();
  });
  afterAll(async () => {
    await served?.close();
    await redis?.stop();
    await database?.close();
  });

  async function newToken(secret?: string): Promise<string> {
    const token = await sign(secret);
    tokens.push(token);
    return token;
  }

  /** Every event that takes a text, carried out and refused, by connections that brought their token in every way. */
  async function play(): Promise<void> {
    const inHeader = await newToken();
    const ann = await served.open({ token: inHeader });
    await ann.expect('chat.notifications');
    for (const way of [{ query: `?token=${await newToken()}` }, { protocols: ['bearer', await newToken()] }]) {
      const device = await served.open(way);
      await device.expect('chat.notifications');
      await device.close();
    }
    const wrong = await newToken('another secret of thirty-two bytes');
    expect(await (await served.open({ token: wrong })).closed).toMatchObject({ code: 4001 });
    expect(await ann.request('session.refresh', { token: await newToken() })).toMatchObject({ status: 'success' });
    await refused(ann, 4002, 'session.refresh', { token: wrong });
    await refused(ann, 4003, 'session.refresh', { token: wrong, [word('KEY')]: 1 });

    const property = { preferences: { [word('KEY')]: word('PREFERENCE') } };
    const group = { name: word('NAME'), description: word('DESCRIPTION') };
    const { room_id } = await acknowledged(ann, 'room.create', {
      ...{ type: 'GroupChat', ...group, client_id: word('CLIENT'), participants: [2] },
      extra_fields: { avatar: `https://x.example/${word('AVATAR')}`, property },
    });
    const media = {
      ...{ media_url: `https://x.example/${word('URL')}`, media_type: 'image', mime_type: 'image/png' },
      ...{ caption: word('CAPTION'), metadata: { [word('KEY')]: word('METADATA') } },
    };
    const message = { room_id, content: word('CONTENT'), client_id: word('CLIENT'), extra_fields: { media: [media] } };
    const { message_id } = await acknowledged(ann, 'message.send', message);
    await acknowledged(ann, 'message.react', { type: 'add', message_id, reaction_content: word('REACTION') });
    const edit = { action: 'update', message_id, extra_fields: { content: word('EDIT') } };
    await acknowledged(ann, 'message.modify', edit);
    await acknowledged(ann, 'room.modify', { room_id, action: 'update', data: { ...group, property } });
    await refused(ann, 4003, 'room.modify', { room_id, action: word('ACTION'), data: { [word('KEY')]: word('DATA') } });
    const permission = { users: [2], permission: [word('PERMISSION')] };
    await refused(ann, 4003, 'room.modify', { room_id, action: 'add_permission', data: permission });
    await refused(ann, 4003, 'message.send', { ...message, content: word('OTHER') });
    await refused(ann, 4006, 'message.send', { ...message, content: word('FAIL') });
    await refused(ann, 4003, 'message.send', { ...message, [word('KEY')]: word('VALUE') });
    await refused(ann, 4003, 'room.list', { cursor: word('CURSOR') });
    await ann.request('room.discover', { query: word('QUERY') });
    await ann.request('session.heartbeat', {}, word('EVENT'));
    await ann.request(word('TYPE'), {});
    for (const raw of [word('RAW'), `{"${word('RAW')}":1}`, `{"event_type":"room.list","data":"${word('RAW')}"}`]) {
      ann.sendRaw(raw);
    }
    await ann.request('session.heartbeat', {});
    await ann.close();
    await served.chat.disconnectUser(1);
  }

  it('leaves no word of a client, no token and no secret in the log', () => {
    expect(logged.length).toBeGreaterThan(0);
    for (const entry of logged) {
      expect(entry).not.toContain('CANARY');
      for (const token of tokens) for (const part of token.split('.')) expect(entry).not.toContain(part);
    }
  });

  it('leaves no token and no secret in Redis or in the database', async () => {
    const held = (await redisContents(redis.url)).flat();
    // The scan sees what is there: broadcasts of late, and the job that failed, without its content.
    expect(held.some((text) => text.includes(word('EDIT')))).toBe(true);
    expect(held.some((text) => text.includes('failedReason'))).toBe(true);
    const rows = Object.values(await database.rows()).flat();
    // The scan sees what is there: a message stands in the database.
    expect(rows.some((row) => row.includes(word('EDIT')))).toBe(true);
    for (const text of [...held, ...rows]) {
      for (const secret of [
        SIGNING,
        word('FAIL'),
        'CANARY-CLAIM',
        ...tokens.flatMap((token) => token.split('.').slice(1)),
      ]) {
        expect(text.includes(secret), secret).toBe(false);
      }
    }
  });

  it('leaves nothing of an edited text in the row of its message', async () => {
    const rows = await database.query<{ content: string }>('SELECT content FROM chat_messages');
    expect(rows.map(({ content }) => content)).toEqual([word('EDIT')]);
  });
});
