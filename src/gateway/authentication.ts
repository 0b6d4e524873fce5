import { createPublicKey, createSecretKey, type JsonWebKey, KeyObject } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { SettingsError, unknownKeys } from '../settings/complaints.js';
import { weaknessOf, weakSecret } from '../settings/secret-strength.js';
import type { AuthenticatedUser, Awaitable } from '../settings/settings.js';

/** What `jwtAuthentication` is given. Either `secret` or `key`. */
export interface JwtAuthenticationOptions {
  /** The shared secret of HS256, HS384 and HS512: best 32 random bytes, not empty. */
  secret?: string | Uint8Array | undefined;
  /** A public key for all other algorithms: PEM text, KeyObject or JWK; or a function that finds it (jose's JWKS). */
  key?: string | KeyObject | JsonWebKey | JWTVerifyGetKey | undefined;
  /** Algorithms that a token may be signed with. Default `['HS256']` with `secret`; must be given with `key`. */
  algorithms?: readonly string[] | undefined;
  /** Finds the token's user, given its checked claims; null refuses. A throw is a failure of ours, not a refusal. */
  loadUser: (payload: JWTPayload) => Awaitable<object | null | undefined>;
  /** The `iss` that a token must have. Default: any or none. */
  issuer?: string | string[] | undefined;
  /** The `aud` that a token must have. Default: any or none. */
  audience?: string | string[] | undefined;
  /** Seconds that clocks may differ by. Default 0. */
  clockTolerance?: number | undefined;
}

/** A function for the setting `authenticate`, with what `session.refresh` needs. */
export interface JwtAuthentication {
  (request: IncomingMessage): Promise<AuthenticatedUser | null>;
  refresh(token: string): Promise<AuthenticatedUser | null>;
}

const optionNames = ['secret', 'key', 'algorithms', 'loadUser', 'issuer', 'audience', 'clockTolerance'];

/** Errors that say that the token is wrong. All others (a key server that is down, say) are failures of ours. */
const refusals = new Set([
  errors.JWTClaimValidationFailed.code,
  errors.JWTExpired.code,
  errors.JWTInvalid.code,
  errors.JWSInvalid.code,
  errors.JWSSignatureVerificationFailed.code,
  errors.JOSEAlgNotAllowed.code,
  errors.JOSENotSupported.code,
  errors.JWKSNoMatchingKey.code,
  errors.JWKSMultipleMatchingKeys.code,
]);

/**
 * Signs in by JSON web token. The token is taken from the header `Authorization: Bearer`, else from the sub-protocols
 * `bearer, <token>` (what a browser can send), else from `?token=`. A token without `exp` has no end.
 *
 * @throws SettingsError at once when the options are wrong.
 */
export function jwtAuthentication(options: JwtAuthenticationOptions): JwtAuthentication {
  const { key, algorithms } = readOptions(options);
  const { loadUser, issuer, audience, clockTolerance = 0 } = options;
  const limits = { algorithms, clockTolerance, ...(issuer && { issuer }), ...(audience && { audience }) };

  async function refresh(token: string): Promise<AuthenticatedUser | null> {
    let payload: JWTPayload;
    try {
      // One call for both: a key and a function that finds one.
      ({ payload } = await jwtVerify(token, key as KeyObject, limits));
    } catch (error) {
      if (error instanceof errors.JOSEError && refusals.has(error.code)) return null;
      throw error;
    }
    const user = await loadUser(payload);
    return user ? { user, expiresAt: expiry(payload.exp, clockTolerance) } : null;
  }

  async function authenticate(request: IncomingMessage): Promise<AuthenticatedUser | null> {
    const token = readToken(request);
    return token === undefined ? null : refresh(token);
  }

  // Only what is wrong with it, for `doctor`: the secret itself stays in here.
  const weakness = key instanceof KeyObject && key.type === 'secret' ? weaknessOf(key.export()) : undefined;
  return Object.assign(authenticate, { refresh, [weakSecret]: weakness });
}

/** As a date, unless it is further away than dates go. */
function expiry(exp: number | undefined, tolerance: number): Date | undefined {
  const date = new Date(((exp ?? Number.NaN) + tolerance) * 1000);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** The request's token, from the first place that has one. */
export function readToken(request: IncomingMessage & { originalUrl?: string }): string | undefined {
  const bearer = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  const protocols = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const at = protocols.findIndex((name) => name.toLowerCase() === 'bearer');
  if (at >= 0 && protocols[at + 1]) return protocols[at + 1];
  // By hand: express-ws cuts `url` at its second question mark, and URL parsers take a plus for a space.
  const url = request.originalUrl ?? request.url ?? '';
  const start = url.indexOf('?');
  const pairs = start < 0 ? [] : url.slice(start + 1).split('&');
  const token = pairs.find((pair) => pair.startsWith('token='))?.slice('token='.length);
  return token ? decoded(token) : undefined;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

type Key = KeyObject | JWTVerifyGetKey;

function readOptions(options: JwtAuthenticationOptions): { key: Key; algorithms: string[] } {
  if (typeof options !== 'object' || options === null)
    throw new SettingsError('jwtAuthentication needs an object of options.');
  unknownKeys(options, optionNames, 'jwtAuthentication.');
  const { secret, key, loadUser, clockTolerance = 0 } = options;
  const algorithms = readAlgorithms(options);
  if (typeof loadUser !== 'function') {
    throw new SettingsError('jwtAuthentication needs loadUser, a function from the claims to a user.');
  }
  if (!Number.isFinite(clockTolerance) || clockTolerance < 0) {
    throw new SettingsError('jwtAuthentication needs a clockTolerance of 0 seconds or more.');
  }
  if (secret !== undefined && key !== undefined) {
    throw new SettingsError('jwtAuthentication takes secret or key, not both.');
  }
  return { algorithms, key: key === undefined ? secretKey(secret) : publicKey(key, algorithms) };
}

/** A public key used as a shared secret would let everybody sign: the two kinds of algorithms never mix. */
function readAlgorithms({
  key,
  algorithms = key === undefined ? ['HS256'] : undefined,
}: JwtAuthenticationOptions): string[] {
  if (!Array.isArray(algorithms) || algorithms.length === 0) {
    throw new SettingsError("jwtAuthentication needs algorithms, a list such as ['RS256'], with key.");
  }
  const [kind, allowed] =
    key === undefined
      ? ['secret', /^HS(256|384|512)$/]
      : ['key', /^((RS|PS)(256|384|512)|ES(256|384|512)|EdDSA|Ed25519)$/];
  const wrong = algorithms.find((algorithm) => typeof algorithm !== 'string' || !(allowed as RegExp).test(algorithm));
  if (wrong !== undefined)
    throw new SettingsError(`jwtAuthentication cannot use the algorithm ${String(wrong)} with ${kind}.`);
  return [...algorithms];
}

function secretKey(secret: string | Uint8Array | undefined): KeyObject {
  if (typeof secret !== 'string' && !(secret instanceof Uint8Array)) {
    throw new SettingsError('jwtAuthentication needs secret, the text that tokens are signed with.');
  }
  const bytes = Buffer.from(secret as string);
  if (bytes.length === 0) {
    throw new SettingsError(
      'jwtAuthentication needs a secret, best 32 random bytes: a short one can be guessed from any token.',
    );
  }
  return createSecretKey(bytes);
}

function publicKey(key: NonNullable<JwtAuthenticationOptions['key']>, algorithms: string[]): Key {
  if (typeof key === 'function') return key;
  const found = toPublicKey(key);
  const unfit = algorithms.find((algorithm) => !fits(found, algorithm));
  if (unfit !== undefined) throw new SettingsError(`jwtAuthentication cannot check ${unfit} with the given key.`);
  return found;
}

function toPublicKey(key: string | KeyObject | JsonWebKey): KeyObject {
  try {
    if (key instanceof KeyObject) return key.type === 'private' ? createPublicKey(key) : key;
    return createPublicKey(typeof key === 'string' ? key : { key, format: 'jwk' });
  } catch {
    // The reason may repeat a part of the key.
    throw new SettingsError(
      'jwtAuthentication needs key as PEM text, KeyObject or JWK of a public key, or a function.',
    );
  }
}

const curves: Readonly<Record<string, string>> = { ES256: 'prime256v1', ES384: 'secp384r1', ES512: 'secp521r1' };

function fits({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject, algorithm: string): boolean {
  if (type === 'rsa') return /^[RP]S/.test(algorithm) && (details?.modulusLength ?? 0) >= 2048;
  if (type === 'ec') return details?.namedCurve === curves[algorithm];
  return type === 'ed25519' && algorithm.startsWith('Ed');
}
