import { HttpError } from '../http-errors.js';

const USERNAME = /^[A-Za-z0-9_]{1,32}$/;

/** @param {unknown} value a request's body */
function requireObject(value) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new HttpError(400, 'Send a JSON object with the content type application/json.');
  }
  return /** @type {Record<string, unknown>} */ (value);
}

/** A text that a person's card may hold: no control characters and no broken Unicode. */
function optionalText(value, name, maxLength) {
  if (value === undefined || value === null) return null;
  const isText =
    typeof value === 'string' && value.isWellFormed() && !/\p{Cc}/u.test(value) && value.length <= maxLength;
  if (!isText) throw new HttpError(400, `${name} must be a text of at most ${maxLength} characters.`);
  return value.trim() || null;
}

function requirePassword(value) {
  if (typeof value !== 'string' || value.length < 1 || value.length > 200 || !value.isWellFormed()) {
    throw new HttpError(400, 'password must be a text of 1 to 200 characters.');
  }
  return value;
}

/** The fields of a sign-up, checked; other fields are left aside. @param {unknown} body @throws {HttpError} 400 */
export function readSignUp(body) {
  const data = requireObject(body);
  if (typeof data.username !== 'string' || !USERNAME.test(data.username)) {
    throw new HttpError(400, 'username must be 1 to 32 letters, digits or underscores.');
  }
  const email = optionalText(data.email, 'email', 254);
  if (email !== null && !/^[^\s@]+@[^\s@]+$/.test(email)) throw new HttpError(400, 'email must be an e-mail address.');
  return {
    username: data.username,
    password: requirePassword(data.password),
    email,
    first_name: optionalText(data.first_name, 'first_name', 150),
    last_name: optionalText(data.last_name, 'last_name', 150),
  };
}

/** @param {unknown} body @throws {HttpError} 400 */
export function readLogin(body) {
  const data = requireObject(body);
  if (typeof data.username !== 'string') throw new HttpError(400, 'username must be a text.');
  return { username: data.username.slice(0, 64), password: requirePassword(data.password) };
}
