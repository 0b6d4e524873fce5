import { DataTypes, type Model, type ModelStatic } from 'sequelize';
import type { Moment, Row } from './loaded.js';

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

/**
 * The value of a host's column as it stands on the wire: the same for a row just made and for one read from any database,
 * which give yes or no as numbers, large numbers and JSON as text.
 */
export function columnValue(row: Row, name: string): unknown {
  const value = (row as Record<string, unknown>)[name] ?? null;
  if (value instanceof Date) return value.toISOString();
  const type = (row.constructor as Partial<ModelStatic<Model>>).rawAttributes?.[name]?.type;
  if (value === null || type === undefined) return value;
  if (type instanceof DataTypes.BOOLEAN) return Boolean(value);
  if (type instanceof DataTypes.DATE) return isoTime(value as Moment);
  if (typeof value !== 'string') return value;
  if (type instanceof DataTypes.JSON) return parse(value) ?? value;
  const isCount = type instanceof DataTypes.BIGINT && Number.isSafeInteger(Number(value));
  return isCount ? Number(value) : value;
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
