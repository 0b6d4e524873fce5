import type { MessageSendPayload } from './payload-types.js';
import { isWellFormed } from './unicode.js';

const lowerUuid = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/;
const longestClientId = 64;

/**
 * Reads a `message.send` of a room, a text and perhaps a `client_id`, as most are, and gives what its schema would; for that
 * Joi takes longer than for anything else that is done with a message. Undefined for every other, right or wrong: the
 * schema tells.
 */
export function readPlainSend(data: unknown, maxContentLength: number): MessageSendPayload | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  const { room_id, content, client_id } = data as Readonly<Record<string, unknown>>;
  const known = client_id === undefined ? 2 : 3;
  if (Object.keys(data).length !== known) return undefined;
  if (typeof room_id !== 'string' || !lowerUuid.test(room_id)) return undefined;
  if (!isPlainText(content, maxContentLength) || content.trim() === '') return undefined;
  if (client_id === undefined) return { room_id, content, extra_fields: { media: [] } };
  if (!isPlainText(client_id, longestClientId) || client_id === '') return undefined;
  return { room_id, content, client_id, extra_fields: { media: [] } };
}

/** By UTF-16 units, of which no text has fewer than code points. */
function isPlainText(text: unknown, most: number): text is string {
  return typeof text === 'string' && text.length <= most && isWellFormed(text);
}
