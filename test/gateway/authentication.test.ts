import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { createLocalJWKSet, errors, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { type JwtAuthenticationOptions, jwtAuthentication, readToken } from '../../src/gateway/authentication.js';

const secret = 'a secret of thirty-two bytes or so';
const user = { id: 1 };
const loadUser = (payload: JWTPayload) => (payload.sub === '1' ? user : null);
const now = () => Math.floor(Date.now() / 1000);

const sign = (claims: JWTPayload = {}, key: KeyObject | string = secret, alg = 'HS256') =>
  new SignJWT({ sub: '1', exp: now() + 60, ...claims })
    .setProtectedHeader({ alg })
    .sign(typeof key === 'string' ? new TextEncoder().encode(key) : key);

const request = (url: string, headers: Record<string, string> = {}, originalUrl?: string) =>
  ({ url, headers, originalUrl }) as unknown as IncomingMessage;

const bearing = (token: string) => request('/messaging/', { authorization: `Bearer ${token}` });

describe('the token is read from', () => {
  it('the header, before the sub-protocol, before the address', () => {
    const headers = { authorization: 'bearer A', 'sec-websocket-protocol': 'bearer, B' };
    expect(readToken(request('/?token=C', headers))).toBe('A');
    expect(readToken(request('/?token=C', { ...headers, authorization: 'Basic eDp5' }))).toBe('B');
    expect(readToken(request('/?token=C', { 'sec-websocket-protocol': 'chat' }))).toBe('C');
    expect(readToken(request('/?x=1&token=C&y'))).toBe('C');
    expect(readToken(request('/messaging/'))).toBeUndefined();
  });

  it('sub-protocols only as a pair', () => {
    expect(readToken(request('/', { 'sec-websocket-protocol': 'chat,bearer,B' }))).toBe('B');
    expect(readToken(request('/', { 'sec-websocket-protocol': 'bearer' }))).toBeUndefined();
    expect(readToken(request('/', { 'sec-websocket-protocol': 'bearer, ' }))).toBeUndefined();
  });

  it('the whole address, where a token may hold a question mark or a plus', () => {
    expect(readToken(request('/.websocket?token=a', {}, '/messaging/?token=a?b=c'))).toBe('a?b=c');
    expect(readToken(request('/?token=a+b%20c'))).toBe('a+b c');
    expect(readToken(request('/?token=%'))).toBeUndefined();
    expect(readToken(request('/?token='))).toBeUndefined();
    expect(readToken(request('/?mytoken=x'))).toBeUndefined();
  });
});

describe('a token', () => {
  const authenticate = jwtAuthentication({ secret, loadUser });

  it('gives its user and its end', async () => {
    const exp = now() + 60;
    expect(await authenticate(bearing(await sign({ exp })))).toEqual({ user, expiresAt: new Date(exp * 1000) });
    expect(await authenticate.refresh(await sign({ exp }))).toEqual({ user, expiresAt: new Date(exp * 1000) });
  });

  it('without an end, or with one beyond all dates, has none', async () => {
    expect(await authenticate.refresh(await sign({ exp: undefined }))).toEqual({ user, expiresAt: undefined });
    expect(await authenticate.refresh(await sign({ exp: 1e300 }))).toEqual({ user, expiresAt: undefined });
  });

  it('that is absent, broken, expired, too early or signed by another is nobody', async () => {
    const good = await sign();
    const [header, , signature] = good.split('.');
    const forged = [header, Buffer.from('{"sub":"1"}').toString('base64url'), signature].join('.');
    const tokens = ['', 'x', 'a.b.c', '..', `${good}x`, good.slice(0, -2), forged, 'é', '\u0000', 'x'.repeat(10_000)];
    tokens.push(await sign({ exp: now() - 1 }), await sign({ nbf: now() + 60 }), await sign({}, `${secret}!`));
    tokens.push(await sign({ exp: 'soon' as unknown as number }));
    for (const token of tokens) expect(await authenticate.refresh(token)).toBeNull();
    expect(await authenticate(request('/messaging/'))).toBeNull();
  });

  it('of no algorithm, or of one outside the list, is nobody', async () => {
    expect(await authenticate.refresh(new UnsecuredJWT({ sub: '1' }).encode())).toBeNull();
    const long = secret.repeat(2);
    expect(await jwtAuthentication({ secret: long, loadUser }).refresh(await sign({}, long, 'HS512'))).toBeNull();
    const both = jwtAuthentication({ secret: long, loadUser, algorithms: ['HS256', 'HS512'] });
    expect(await both.refresh(await sign({}, long, 'HS512'))).toMatchObject({ user });
  });

  it('of a user that is gone is nobody', async () => {
    expect(await authenticate.refresh(await sign({ sub: '2' }))).toBeNull();
    expect(await jwtAuthentication({ secret, loadUser: () => undefined }).refresh(await sign())).toBeNull();
  });

  it('has the issuer and the audience that are asked for', async () => {
    const strict = jwtAuthentication({ secret, loadUser, issuer: 'me', audience: ['chat', 'web'] });
    expect(await strict.refresh(await sign({ iss: 'me', aud: 'web' }))).toMatchObject({ user });
    for (const claims of [{}, { iss: 'me' }, { iss: 'you', aud: 'chat' }, { iss: 'me', aud: 'mail' }]) {
      expect(await strict.refresh(await sign(claims))).toBeNull();
    }
  });

  it('lives as much longer as clocks may differ', async () => {
    const exp = now() - 5;
    const tolerant = jwtAuthentication({ secret, loadUser, clockTolerance: 30 });
    expect(await tolerant.refresh(await sign({ exp }))).toEqual({ user, expiresAt: new Date((exp + 30) * 1000) });
  });
});

describe('a failure of ours is not a refusal:', () => {
  it('a database that is down', async () => {
    const failing = jwtAuthentication({ secret, loadUser: () => Promise.reject(new Error('database is down')) });
    await expect(failing.refresh(await sign())).rejects.toThrow('database is down');
  });

  it('a key server that is down', async () => {
    const key = () => Promise.reject(new errors.JWKSTimeout());
    const failing = jwtAuthentication({ key, algorithms: ['RS256'], loadUser });
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    await expect(failing.refresh(await sign({}, privateKey, 'RS256'))).rejects.toThrow(errors.JWKSTimeout);
  });
});

describe('public keys', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ed = generateKeyPairSync('ed25519');
  const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string;

  it('are taken as PEM, object, JWK, private key or function', async () => {
    const jwk = rsa.publicKey.export({ format: 'jwk' });
    const keys = [
      pem,
      rsa.publicKey,
      jwk,
      rsa.privateKey,
      createLocalJWKSet({ keys: [{ ...jwk, alg: 'RS256' } as never] }),
    ];
    for (const key of keys) {
      const authenticate = jwtAuthentication({ key, algorithms: ['RS256'], loadUser });
      expect(await authenticate.refresh(await sign({}, rsa.privateKey, 'RS256'))).toMatchObject({ user });
      // Everybody has the public key: it must not do as a secret.
      expect(await authenticate.refresh(await sign({}, pem, 'HS256'))).toBeNull();
    }
    for (const [pair, alg] of [
      [ec, 'ES256'],
      [ed, 'EdDSA'],
    ] as const) {
      const authenticate = jwtAuthentication({ key: pair.publicKey, algorithms: [alg], loadUser });
      expect(await authenticate.refresh(await sign({}, pair.privateKey, alg))).toMatchObject({ user });
      expect(await authenticate.refresh(await sign({}, rsa.privateKey, 'RS256'))).toBeNull();
    }
  });

  it('must fit the algorithms', () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey;
    for (const [key, algorithm] of [
      [pem, 'ES256'],
      [ec.publicKey, 'RS256'],
      [ec.publicKey, 'ES384'],
      [ed.publicKey, 'ES256'],
      [weak, 'RS256'],
    ] as const) {
      expect(() => jwtAuthentication({ key, algorithms: [algorithm], loadUser })).toThrow('cannot check');
    }
  });
});

describe('wrong options', () => {
  const wrong: [string, unknown][] = [
    ['needs an object', undefined],
    ['needs secret', { loadUser }],
    ['needs secret', { loadUser, secret: 5 }],
    ['needs a secret', { loadUser, secret: '' }],
    ['needs loadUser', { secret }],
    ['not both', { secret, key: 'x', algorithms: ['RS256'], loadUser }],
    ['needs algorithms', { key: 'x', loadUser }],
    ['needs algorithms', { secret, algorithms: [], loadUser }],
    ['algorithm none', { secret, algorithms: ['none'], loadUser }],
    ['algorithm RS256', { secret, algorithms: ['RS256'], loadUser }],
    ['algorithm HS256', { key: 'x', algorithms: ['HS256'], loadUser }],
    ['needs key as PEM', { key: 'hunter2', algorithms: ['RS256'], loadUser }],
    ['clockTolerance', { secret, loadUser, clockTolerance: -1 }],
    ['jwtAuthentication.secret?', { secrt: 'hunter2', loadUser }],
    ['jwtAuthentication.algorithms?', { secret, algorithm: 'HS256', loadUser }],
  ];
  for (const [part, options] of wrong) {
    it(`are refused at once: ${part}`, () => {
      expect(() => jwtAuthentication(options as JwtAuthenticationOptions)).toThrow(part);
      try {
        jwtAuthentication(options as JwtAuthenticationOptions);
      } catch (error) {
        expect((error as Error).message).not.toContain('hunter2');
        expect((error as Error).message).toMatch(/[.?]$/);
      }
    });
  }
});
