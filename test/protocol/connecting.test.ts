import { createHmac } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { UpgradeRefused } from '../../src/testing/client.js';
import {
  acknowledged,
  createGroup,
  expectKeys,
  expectUser,
  historyOf,
  refused,
  sendMessage,
  useStack,
} from '../helpers/chat.js';
import { JWT_SECRET, type OwnStack, type Person, STACK_KINDS, startStack } from '../helpers/stack.js';

type Claims = Record<string, unknown>;

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

function sign(claims: Claims, secret = JWT_SECRET, header: Claims = { alg: 'HS256', typ: 'JWT' }): string {
  const body = `${encode(header)}.${encode(claims)}`;
  const hash = header.alg === 'HS512' ? 'sha512' : 'sha256';
  return `${body}.${createHmac(hash, secret).update(body).digest('base64url')}`;
}

function claimsOf(token: string): Claims {
  return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Claims;
}

const now = () => Math.floor(Date.now() / 1000);

/** A token of the same user that lives from `iat` to `exp`, in seconds from now. */
function aged(person: Person, iat: number, exp: number): string {
  return sign({ ...claimsOf(person.token), iat: now() + iat, exp: now() + exp });
}

describe.each(STACK_KINDS)('connecting on %s', (kind) => {
  const scene = useStack(kind);

  async function expectAccepted(options: Parameters<typeof scene.stack.open>[0]): Promise<void> {
    const client = await scene.stack.open(options);
    expect((await client.next()).eventType).toBe('chat.notifications');
    await client.silence();
  }

  async function expectUnauthenticated(options: Parameters<typeof scene.stack.open>[0]): Promise<void> {
    const client = await scene.stack.open(options);
    expect((await client.closed).code).toBe(4001);
    expect(client.pending).toEqual([]);
  }

  test('works with and without the last slash', async () => {
    const { token } = await scene.stack.newUser();
    await expectAccepted({ token, path: 'messaging/' });
    await expectAccepted({ token, path: 'messaging' });
  });

  test('a path that nobody serves gets 404', async () => {
    const { token } = await scene.stack.newUser();
    for (const path of ['', 'other', 'messaging/more', 'messagingx', 'api/users']) {
      const refusal = await scene.stack.open({ token, path }).catch((error) => error);
      expect(refusal, path).toBeInstanceOf(UpgradeRefused);
      expect(refusal.status, path).toBe(404);
    }
    expect((await fetch(`${scene.stack.gateways[0]}/livez`)).status).toBe(200);
  });

  test('a foreign origin gets 403, the own host and no origin do not', async () => {
    const { token } = await scene.stack.newUser();
    const host = new URL(scene.stack.gateways[0]!).host;
    for (const Origin of ['https://evil.example', `http://${host}.evil.example`, 'http://127.0.0.1:1', 'null']) {
      const refusal = await scene.stack.open({ token, gatewayIndex: 0, headers: { Origin } }).catch((error) => error);
      expect(refusal, Origin).toBeInstanceOf(UpgradeRefused);
      expect(refusal.status, Origin).toBe(403);
    }
    await expectAccepted({ token, gatewayIndex: 0, headers: { Origin: `http://${host}` } });
    await expectAccepted({ token });
  });

  test('takes the token from header, sub-protocol or query, in this order', async () => {
    const { token } = await scene.stack.newUser();
    await expectAccepted({ token });
    await expectAccepted({ protocols: ['bearer', token] });
    await expectAccepted({ path: `messaging/?token=${token}` });
    await expectAccepted({ path: `messaging?x=1&token=${encodeURIComponent(token)}` });
    await expectAccepted({ token, path: 'messaging/?token=wrong' });
  });

  test('answers a sub-protocol pair with bearer, never with the token', async () => {
    const { token } = await scene.stack.newUser();
    const client = await scene.stack.open({ protocols: ['bearer', token] });
    expect(client.socket.protocol).toBe('bearer');
  });

  test('without a good token the socket opens and is closed with 4001', async () => {
    const person = await scene.stack.newUser();
    const claims = claimsOf(person.token);
    await expectUnauthenticated({});
    await expectUnauthenticated({ token: 'nonsense' });
    await expectUnauthenticated({ token: '' });
    await expectUnauthenticated({ path: 'messaging/?token=' });
    await expectUnauthenticated({ path: `messaging/?token=${person.token}?x=y` });
    await expectUnauthenticated({ protocols: ['bearer', 'nonsense'] });
    await expectUnauthenticated({ token: sign(claims, 'another secret, which is long enough too') });
    await expectUnauthenticated({ token: aged(person, -100, -10) });
    await expectUnauthenticated({ token: `${encode({ alg: 'none' })}.${encode(claims)}.` });
    await expectUnauthenticated({ token: sign(claims, JWT_SECRET, { alg: 'HS512', typ: 'JWT' }) });
    await expectUnauthenticated({ token: sign({ ...claims, sub: '2000000111', id: 2000000111 }) });
    await expectAccepted({ token: sign(claims) });
  });

  test('is closed within five seconds of its expiry', async () => {
    const person = await scene.stack.newUser();
    const token = aged(person, 0, 3);
    const client = await scene.stack.open({ token });
    expect((await client.next()).eventType).toBe('chat.notifications');
    expect((await client.closed).code).toBe(4001);
    const late = Date.now() / 1000 - Number(claimsOf(token).exp);
    expect(late).toBeGreaterThan(-1);
    expect(late).toBeLessThanOrEqual(5);
  });

  test('session.refresh with a newer token of the same user keeps it open', async () => {
    const person = await scene.stack.newUser();
    const short = await scene.stack.open({ token: aged(person, 0, 3) });
    const kept = await scene.stack.open({ token: aged(person, 0, 3) });
    await Promise.all([short.next(), kept.next()]);
    const answer = await kept.request('session.refresh', { token: aged(person, 0, 600) });
    expectKeys(answer, ['status', 'id']);
    expect(answer.status).toBe('success');
    expect((await short.closed).code).toBe(4001);
    // The other one went at its expiry; this one must be there after the five seconds that the server may take.
    const later = await scene.stack.open({ token: aged(person, 0, 6) });
    expect((await later.closed).code).toBe(4001);
    await kept.silence();
  });

  test('session.refresh refuses invalid and older tokens and those of others', async () => {
    const [alice, bob] = await Promise.all([scene.stack.newUser(), scene.stack.newUser()]);
    const client = await scene.stack.open({ token: alice!.token });
    await client.next();
    for (const token of ['nonsense', bob!.token, aged(alice!, -100, -10), aged(alice!, -5000, 10)]) {
      await refused(client, 4002, 'session.refresh', { token });
    }
    await refused(client, 4003, 'session.refresh', {});
    await refused(client, 4003, 'session.refresh', { token: 7 });
    await client.silence();
  });

  test('gives one user many connections', async () => {
    const [alice] = await scene.people(1);
    const devices = await Promise.all(Array.from({ length: 8 }, (_, n) => scene.device(alice!, n)));
    const room = await createGroup(alice!, devices);
    await sendMessage(alice!, room, 'to all of me', devices);
  });

  test('one that goes leaves the others alone', async () => {
    const [alice, bob] = await scene.people(2);
    const phone = await scene.device(bob!);
    const room = await createGroup(alice!, [bob!, phone]);
    await phone.terminate();
    await sendMessage(alice!, room, 'still there?', [bob!]);
    await sendMessage(bob!, room, 'yes', [alice!]);
  });
});

describe.each(STACK_KINDS)('a client that never reads, on %s,', (kind) => {
  const scene = useStack(kind);

  test('is closed with 4008, and the others are unaffected', async () => {
    const [alice, bob] = await scene.people(2);
    const sleeper = await scene.device(bob!);
    const room = await createGroup(alice!, [bob!, sleeper]);
    // Its own network buffers fill first, some megabytes; what is over stays unsent in the server.
    const transport = (sleeper.socket as unknown as { _socket: import('node:net').Socket })._socket;
    transport.pause();
    const content = '€'.repeat(10_000);
    for (let round = 0; round < 25; round++) {
      const acks = Array.from({ length: 20 }, () =>
        acknowledged(alice!, 'message.send', { room_id: room.id, content }),
      );
      await Promise.all(acks);
    }
    for (let n = 0; n < 500; n++) await bob!.expect('message.dispatch');
    const later = setTimeout(() => transport.resume(), 7000);
    const { code } = await sleeper.closed;
    clearTimeout(later);
    // 4008 when that could still be sent, else the connection is cut.
    expect([4008, 1006]).toContain(code);
    await alice!.request('session.heartbeat', {});
  }, 60_000);
});

describe.each(STACK_KINDS)('with allowed origins and e-mail exposed, on %s,', (kind) => {
  let stack: OwnStack;

  beforeAll(async () => {
    stack = await startStack(kind, {
      env: {
        CHAT_ALLOWED_ORIGINS: 'https://friend.example',
        CHAT_EXPOSE_EMAIL: '1',
        CHAT_WEBSOCKET_PATH: 'chat/socket/',
        CHAT_INACTIVITY_THRESHOLD: '1',
      },
      apps: 1,
      workers: 1,
    });
  });

  afterEach(() => stack?.disconnectAll());

  afterAll(async () => {
    await stack?.close();
  });

  test('a listed origin is let in, another is not', async () => {
    const { token } = await stack.newUser();
    const client = await stack.open({ token, headers: { Origin: 'https://friend.example' } });
    expect((await client.next()).eventType).toBe('chat.notifications');
    for (const Origin of ['http://friend.example', 'https://friend.example.org', 'https://sub.friend.example']) {
      const refusal = await stack.open({ token, headers: { Origin } }).catch((error) => error);
      expect(refusal.status, Origin).toBe(403);
    }
  });

  test('the socket is at the path that was set, with and without the last slash, and nowhere else', async () => {
    const { token } = await stack.newUser();
    for (const path of ['chat/socket/', 'chat/socket']) {
      const client = await stack.open({ token, path });
      expect((await client.next()).eventType).toBe('chat.notifications');
    }
    const refusal = await stack.open({ token, path: 'messaging/' }).catch((error) => error);
    expect(refusal.status).toBe(404);
  });

  test('a User has the e-mail address', async () => {
    const person = await stack.newUser({ email: 'somebody@example.com' });
    const client = await stack.connect(person);
    const room = await createGroup(client);
    expectUser(room.creator);
    expect(room.creator.email).toBe('somebody@example.com');
  });

  test('a socket that sent no heartbeat for longer than the threshold still gets every broadcast', async () => {
    const [alice, bob] = await Promise.all([stack.newUser(), stack.newUser()]);
    const [sender, idle] = [await stack.connect(alice!), await stack.connect(bob!)];
    const room = await createGroup(sender, [idle]);
    // Ends at its expiry: four seconds, four times the threshold.
    const clock = await stack.open({ token: aged(bob!, 0, 4) });
    await clock.closed;
    await sendMessage(sender, room, 'are you still there?', [idle]);
    await sendMessage(idle, room, 'yes', [sender]);
  });

  test('neither tokens nor passwords nor content reach the log', async () => {
    const [alice, bob] = await Promise.all([stack.newUser(), stack.newUser()]);
    const sender = await stack.connect(alice!);
    const client = await stack.open({ path: `chat/socket/?token=${bob!.token}` });
    await client.next();
    await (await stack.open({ path: `chat/socket/?token=${bob!.token}x` })).closed;
    const room = await createGroup(sender, [bob!]);
    await sendMessage(sender, room, 'a secret between us');
    await refused(client, 4002, 'session.refresh', { token: alice!.token });
    client.sendRaw('{"event_type":"message.send","data":{"content":"a secret between us"');
    await client.expect('roomcreate.dispatch');
    await sender.silence();
    const log = [...stack.apps, ...stack.workers].map((process) => process.output()).join('\n');
    for (const secret of [alice!.token, bob!.token, 'a secret between us', 'password of a test user', JWT_SECRET]) {
      expect(log.includes(secret), secret).toBe(false);
    }
  });

  test('SIGTERM closes every connection with 1001, and nothing accepted is lost', async () => {
    const person = await stack.newUser();
    const client = await stack.connect(person);
    const room = await createGroup(client);
    const contents = Array.from({ length: 50 }, (_, n) => `m${n}`);
    const answers = contents.map((content) =>
      client.request('message.send', { room_id: room.id, content }).then(
        (frame) => frame.eventType === 'event.ack',
        () => false,
      ),
    );
    await client.expect('message.dispatch');
    await stack.apps[0]!.stop('SIGTERM');
    expect((await client.closed).code).toBe(1001);
    expect(await stack.apps[0]!.ended).toEqual({ code: 0, signal: null });
    const acknowledgedCount = (await Promise.all(answers)).filter(Boolean).length;
    const next = await stack.startApp();
    expect(next.child.exitCode).toBeNull();
    const again = await stack.connect(person, 1);
    const stored = (await historyOf(again, room)).map(({ content }) => content).reverse();
    expect(stored).toEqual(contents.slice(0, stored.length));
    expect(stored.length).toBeGreaterThanOrEqual(acknowledgedCount);
    await again.close();
  });
});

describe('connecting on distributed without a worker', () => {
  let stack: OwnStack;

  beforeAll(async () => {
    stack = await startStack('distributed', { apps: 1, workers: 0 });
  });

  afterAll(async () => {
    await stack?.close();
  });

  test('is closed with 1013 when it is not ready within ten seconds', async () => {
    const { token } = await stack.newUser();
    const client = await stack.open({ token });
    const started = Date.now();
    expect((await client.closed).code).toBe(1013);
    expect(Date.now() - started).toBeGreaterThan(8000);
    expect(client.pending).toEqual([]);
  });
});
