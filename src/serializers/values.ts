import type { Moment } from './loaded.js';

/** A moment as it stands on the wire: ISO 8601 UTC with milliseconds. Text without a zone is UTC. */
export function isoTime(moment: Moment): string {
  if (typeof moment !== 'string') return new Date(moment).toISOString();
  const hasZone = /(?:z|[+-]\d\d:?\d\d)$/i.test(moment);
  return new Date(hasZone ? moment : `${moment.replace(' ', 'T')}Z`).toISOString();
}

/** A JSON column as an object. MariaDB and SQLite hold JSON as text, so it may come unparsed. */
export function jsonObject(value: unknown): Record<string, unknown> {
  const parsed = typeof value === 'string' ? parse(value) : value;
  return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
    ? (parsed as Record<string, unknown>)
    : {};
}

/** A text column that the database compares byte by byte, and therefore holds as bytes. */
export function textOf(value: string | Buffer): string {
  return typeof value === 'string' ? value : value.toString('utf8');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
