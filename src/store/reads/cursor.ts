import { ValidationError } from '../../protocol/errors.js';

/** What a cursor is made of: the sort key of the last row given. */
export type CursorPart = 'time' | 'uuid' | 'text' | 'user';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Longer than any cursor made here. */
const MAX_LENGTH = 2048;

/** Makes the opaque text a client sends back for the next rows. */
export function encodeCursor(parts: ReadonlyArray<string | number>): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** Reads a cursor back. Whatever was not made by `encodeCursor` for the same list is a ValidationError. */
export function decodeCursor(cursor: string, parts: readonly CursorPart[]): Array<string | number> {
  const values = parse(cursor);
  if (!Array.isArray(values) || values.length !== parts.length) throw invalid();
  for (const [index, part] of parts.entries()) if (!isPart(values[index], part)) throw invalid();
  return values as Array<string | number>;
}

function parse(cursor: string): unknown {
  if (cursor.length > MAX_LENGTH) throw invalid();
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    throw invalid();
  }
}

function isPart(value: unknown, part: CursorPart): boolean {
  if (part === 'user' && typeof value === 'number') return Number.isSafeInteger(value);
  if (typeof value !== 'string') return false;
  if (part === 'uuid') return UUID.test(value);
  if (part === 'time') return /^\d{4}-/.test(value) && !Number.isNaN(Date.parse(value));
  return value.length <= 255;
}

function invalid(): ValidationError {
  return new ValidationError({ cursor: ['"cursor" is not one that this list gave out.'] });
}
