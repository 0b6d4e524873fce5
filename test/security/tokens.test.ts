/** Tokens that were not given to whoever shows them, and pages of other origins. */
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger, transports } from 'winston';
import { jwtAuthentication } from '../../src/gateway/authentication.js';
import { isAllowedOrigin } from '../../src/gateway/middleware.js';
import { acknowledged, refused } from '../helpers/chat.js';
import { openDatabase, type TestDatabase } from '../system/runtimes.js';
import { type ServedChat, serveChat } from '../system/served.js';

const SECRET = 'a secret of thirty-two bytes or more, of this test';
const logger = createLogger({ silent: true, transports: [new transports.Console()] });
const base64url = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const inAnHour = Math.floor(Date.now() / 1000) + 3600;

/** A token signed by HMAC, whatever its header says. */
function hmac(header: object, claims: unknown, secret: string | Buffer = SECRET, hash = 'sha256'): string {
  const signed = `${base64url(header)}.${base64url(claims)}`;
  return `${signed}.${createHmac(hash, secret).update(signed).digest('base64url')}`;
}

function rsa(header: object, claims: object, key: KeyObject): string {
  const signed = `${base64url(header)}.${base64url(claims)}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}

const HS = { alg: 'HS256', typ: 'JWT' };
const own = generateKeyPairSync('rsa', { modulusLength: 2048 });
const attacker = generateKeyPairSync('rsa', { modulusLength: 2048 });
const publicPem = own.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const claims = { sub: '1', iss: 'us', aud: 'chat', exp: inAnHour };

/** Of a server with a shared secret. `good` is a token of the same user. */
const forgedSecretTokens = (good: string): Record<string, string> => {
  const [header, payload, signature] = good.split('.') as [string, string, string];
  const { exp: _, ...endless } = claims;
  return {
    ...Object.fromEntries(
      ['none', 'None', 'NONE', 'nOnE', '', 'HS256 ', 'hs256', 'HS384', 'HS512', 'RS256', 'dir'].flatMap((alg) => [
        [`alg ${alg} without a signature`, `${base64url({ ...HS, alg })}.${base64url(claims)}.`],
        [`alg ${alg} with one`, hmac({ ...HS, alg }, claims)],
      ]),
    ),
    'another hash of the same secret': hmac({ alg: 'HS512' }, claims, SECRET, 'sha512'),
    'an alg that is a list': hmac({ alg: ['HS256'] }, claims),
    'an alg that is null': hmac({ alg: null }, claims),
    'no alg': hmac({ typ: 'JWT' }, claims),
    'an empty secret': hmac(HS, claims, ''),
    'a secret of spaces': hmac(HS, claims, ' '),
    'another secret': hmac(HS, claims, `${SECRET}!`),
    'the secret without its end': hmac(HS, claims, SECRET.slice(0, -1)),
    'a kid that leads to an empty file': hmac({ ...HS, kid: '../../../../dev/null' }, claims, ''),
    'a kid with SQL': hmac({ ...HS, kid: "x' UNION SELECT 'y" }, claims, 'y'),
    'a key of its own': rsa(
      { alg: 'RS256', jwk: attacker.publicKey.export({ format: 'jwk' }) },
      claims,
      attacker.privateKey,
    ),
    'an address of its key': rsa({ alg: 'RS256', jku: 'https://evil.example/jwks' }, claims, attacker.privateKey),
    'an extension that must be understood': hmac({ ...HS, crit: ['exp'], exp: inAnHour }, claims),
    'an unknown extension': hmac({ ...HS, crit: ['x'], x: 1 }, claims),
    'a payload that is not encoded': hmac({ ...HS, crit: ['b64'], b64: false }, claims),
    'claims that are no object': hmac(HS, 'sub=1'),
    'claims that are a list': hmac(HS, [claims]),
    'an end in the past': hmac(HS, { ...claims, exp: 1 }),
    'an end that is a text': hmac(HS, { ...claims, exp: String(inAnHour) }),
    'a beginning in the future': hmac(HS, { ...claims, nbf: inAnHour }),
    'another audience': hmac(HS, { ...claims, aud: 'shop' }),
    'no audience': hmac(HS, { ...claims, aud: undefined }),
    'another issuer': hmac(HS, { ...claims, iss: 'them' }),
    'no issuer': hmac(HS, { ...claims, iss: undefined }),
    'a user who does not exist': hmac(HS, { ...claims, sub: '999' }),
    'no user': hmac(HS, { ...claims, sub: undefined }),
    'no signature': `${header}.${payload}.`,
    'two parts': `${header}.${payload}`,
    'four parts': `${good}.${signature}`,
    'five parts': `${header}..${payload}.${signature}.${signature}`,
    'other claims under the signature': `${header}.${base64url(endless)}.${signature}`,
    'half a signature': good.slice(0, -20),
    'a header that is no JSON': `${base64url('{')}.${payload}.${signature}`,
    'something else': 'null',
  };
};

/** Of a server that checks by a public key. */
const forgedKeyTokens = (): Record<string, string> => ({
  'alg none': `${base64url({ alg: 'none' })}.${base64url(claims)}.`,
  'HMAC by the public key': hmac(HS, claims, publicPem),
  'HMAC by the trimmed public key': hmac(HS, claims, publicPem.trim()),
  'HMAC by the bytes of the public key': hmac(HS, claims, own.publicKey.export({ type: 'spki', format: 'der' })),
  'the public key as a secret, called RS256': hmac({ alg: 'RS256' }, claims, publicPem),
  'another key': rsa({ alg: 'RS256' }, claims, attacker.privateKey),
  'another key, sent along': rsa(
    { alg: 'RS256', jwk: attacker.publicKey.export({ format: 'jwk' }) },
    claims,
    attacker.privateKey,
  ),
  'an algorithm that is not listed': rsa({ alg: 'RS384' }, claims, own.privateKey),
});

describe.each([
  ['a shared secret', { secret: SECRET }, () => hmac(HS, claims), forgedSecretTokens],
  [
    'a public key',
    { key: publicPem, algorithms: ['RS256'] },
    () => rsa({ alg: 'RS256' }, claims, own.privateKey),
    forgedKeyTokens,
  ],
] as const)('a server with %s', (_name, options, makeGood, makeForged) => {
  let database: TestDatabase;
  let served: ServedChat;
  let other: string;

  beforeAll(async () => {
    database = await openDatabase('SQLite', 2);
    const users = new Set(database.userIds);
    served = await serveChat({
      database: database.connect(),
      logger,
      authenticate: jwtAuthentication({
        ...options,
        issuer: 'us',
        audience: 'chat',
        loadUser: ({ sub }) => (users.has(Number(sub)) ? { id: Number(sub) } : null),
      }),
    });
    const anothers = { ...claims, sub: '2' };
    other = 'secret' in options ? hmac(HS, anothers) : rsa({ alg: 'RS256' }, anothers, own.privateKey);
  });
  afterAll(async () => {
    await served?.close();
    await database?.close();
  });

  it('lets in who has a good token, and refreshes by one', async () => {
    const client = await served.open({ token: makeGood() });
    expect((await client.next()).eventType).toBe('chat.notifications');
    expect(await client.request('session.refresh', { token: makeGood() })).toMatchObject({ status: 'success' });
    await client.close();
  });

  it.each(Object.entries(makeForged(makeGood())))('refuses %s, however it is brought', async (_trick, token) => {
    const query = `?token=${encodeURIComponent(token)}`;
    for (const way of [{ token }, { query }]) {
      const client = await served.open(way);
      expect(await client.closed).toMatchObject({ code: 4001 });
      expect(client.pending).toEqual([]);
    }
    const signedIn = await served.open({ token: makeGood() });
    await signedIn.expect('chat.notifications');
    await refused(signedIn, 4002, 'session.refresh', { token });
    await signedIn.close();
  });

  it('refuses to refresh by another user’s token, and stays who it was', async () => {
    const client = await served.open({ token: makeGood() });
    await client.expect('chat.notifications');
    await refused(client, 4002, 'session.refresh', { token: other });
    await acknowledged(client, 'room.create', { type: 'GroupChat', name: 'mine', participants: [] });
    const { data } = await client.expect<{ creator: { id: number } }>('roomcreate.dispatch');
    expect(data.creator.id).toBe(1);
    await client.close();
  });
});

describe('an origin', () => {
  const asks = (origin: string, host = 'chat.example:8080', allowed: string[] = []) =>
    isAllowedOrigin({ headers: { origin, host } } as never, allowed);

  it.each(['http://chat.example:8080', 'https://chat.example:8080', 'HTTP://Chat.Example:8080'])(
    '%s is the own host',
    (origin) => expect(asks(origin)).toBe(true),
  );

  it.each([
    ...['', 'null', 'NULL', 'undefined', 'chat.example:8080', '//chat.example:8080', 'file://', 'about:blank', '*'],
    ...['http://chat.example', 'http://chat.example:80', 'http://chat.example:80800', 'http://chat.example:8081'],
    ...['http://evil.example', 'http://chat.example.evil.example:8080', 'http://evilchat.example:8080'],
    ...['http://evil.example/chat.example:8080', 'http://evil.example?chat.example:8080', 'http://evil.example#x'],
    ...[
      'http://chat.example:8080@evil.example',
      'http://evil.example@chat.example:8080',
      'http://u:p@chat.example:8080',
    ],
    ...['http://chat.example:8080\\@evil.example', 'http://evil.example\\chat.example:8080'],
    ...['http://chat.example:8080, http://evil.example', 'http://evil.example, http://chat.example:8080'],
    ...[
      'http://chat.example:8080/',
      'http://chat.example:8080/x',
      'http://chat.example.:8080',
      'http://sub.chat.example:8080',
    ],
    ...[
      'ftp://chat.example:8080',
      'ws://chat.example:8080',
      'chrome-extension://chat.example:8080',
      'javascript://chat.example:8080',
    ],
    ...['http:chat.example:8080', 'http:/chat.example:8080', 'http:\\\\chat.example:8080', ' http://chat.example:8080'],
    ...['http://chat.example:8080 ', 'http://chat.example:8080\t', 'http://chаt.example:8080', 'http://[::1]:8080'],
  ])('%s is foreign', (origin) => expect(asks(origin)).toBe(false));

  it('with a character that parsers pass over is foreign', () => {
    for (const character of ['\u0000', '\u0001', '\u007f', '\u00ad', '\u200b', '\ufeff']) {
      expect(asks(`http://chat.example:8080${character}`), JSON.stringify(character)).toBe(false);
      expect(asks(`http://chat${character}.example:8080`), JSON.stringify(character)).toBe(false);
    }
  });

  it('on the list is let in as it stands there, and nothing like it', () => {
    const allowed = ['https://friend.example'];
    expect(asks('https://friend.example', 'chat.example', allowed)).toBe(true);
    expect(asks('HTTPS://FRIEND.example', 'chat.example', allowed)).toBe(true);
    for (const origin of [
      ...[
        'http://friend.example',
        'https://friend.example:444',
        'https://friend.example.evil.example',
        'https://xfriend.example',
      ],
      ...[
        'https://sub.friend.example',
        'https://friend.example@evil.example',
        'https://friend.example/',
        'https://friend',
      ],
    ]) {
      expect(asks(origin, 'chat.example', allowed), origin).toBe(false);
    }
  });

  it.each([undefined, '', 'chat.example:8080@evil.example', 'evil.example/', ' '])(
    'is foreign to the host %s',
    (host) => {
      expect(isAllowedOrigin({ headers: { origin: 'http://chat.example:8080', host } } as never, [])).toBe(false);
    },
  );
});

describe('an upgrade', () => {
  let database: TestDatabase;
  let served: ServedChat;
  beforeAll(async () => {
    database = await openDatabase('SQLite', 1);
    served = await serveChat({ database: database.connect(), logger });
  });
  afterAll(async () => {
    await served?.close();
    await database?.close();
  });

  it('of a foreign page ends with 403, before anything is asked of the token', async () => {
    for (const lines of [
      ['Origin: http://evil.example'],
      [`Origin: http://${served.address}`, 'Origin: http://evil.example'],
      ['Origin: null'],
      ['Origin: '],
      [`Origin: http://evil.example@${served.address}`],
    ]) {
      expect(await upgrade(served.address, ['Authorization: Bearer 1', ...lines]), lines.join()).toMatch(
        /^HTTP\/1\.1 403 /,
      );
    }
    expect(await upgrade(served.address, ['Authorization: Bearer 1'])).toMatch(/^HTTP\/1\.1 101 /);
  });
});

/** The first line that answers an upgrade with these headers. */
function upgrade(address: string, lines: string[]): Promise<string> {
  const [host = '', port] = address.split(':');
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host, () => {
      const own = ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13'];
      const head = [
        'GET /messaging/ HTTP/1.1',
        `Host: ${address}`,
        ...own,
        'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      ];
      socket.write([...head, ...lines, '', ''].join('\r\n'));
    });
    socket.once('data', (data) => {
      resolve(String(data).split('\r\n')[0]!);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}
