import { HttpError } from '../http-errors.js';

const MINUTE = 60_000;

/**
 * Middleware that lets each address through so many times a minute, then answers 429.
 * It counts in this process only: enough for an example; sites with several gateways limit at their proxy.
 *
 * @param {number} perMinute
 */
export function limitPerAddress(perMinute) {
  /** @type {Map<string, number>} */
  let counts = new Map();
  let since = Date.now();
  return (request, response, next) => {
    const now = Date.now();
    if (now - since >= MINUTE) {
      counts = new Map();
      since = now;
    }
    const count = (counts.get(request.ip) ?? 0) + 1;
    counts.set(request.ip, count);
    if (count <= perMinute) return next();
    response.set('Retry-After', String(Math.ceil((since + MINUTE - now) / 1000)));
    next(new HttpError(429, 'Too many tries from your address. Please wait a minute.'));
  };
}
