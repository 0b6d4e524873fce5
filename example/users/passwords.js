import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify(scrypt);
const COST = { N: 16_384, r: 8, p: 1 };
const LENGTH = 32;

/** @param {string} password @returns {Promise<string>} `scrypt$N$r$p$salt$key`, so that the cost can be raised later */
export async function hashPassword(password) {
  const salt = randomBytes(16);
  const key = await derive(password, salt, LENGTH, COST);
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64'), key.toString('base64')].join('$');
}

/**
 * Takes as long for an unknown user (no hash) as for a wrong password, so that the time does not tell who exists.
 *
 * @param {string} password
 * @param {string | undefined} hash
 */
export async function isPassword(password, hash) {
  const [, N, r, p, salt, key] = (hash ?? `scrypt$${COST.N}$${COST.r}$${COST.p}$AAAA$`).split('$');
  const expected = Buffer.from(key, 'base64');
  const actual = await derive(password, Buffer.from(salt, 'base64'), LENGTH, {
    N: Number(N),
    r: Number(r),
    p: Number(p),
  });
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}
