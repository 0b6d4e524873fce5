import { hash } from 'node:crypto';
import { ValidationError } from '../protocol/errors.js';

/**
 * Thrown to end a write whose request was carried out before: the same user sent the same `client_id` again. `answer`
 * is what the first one was acknowledged with. Not an error to the client.
 */
export class Repeated extends Error {
  readonly answer: Record<string, unknown>;

  constructor(answer: Record<string, unknown>) {
    super('This request was carried out before.');
    this.name = 'Repeated';
    this.answer = answer;
  }
}

/** A hash of what a request asks for, its `client_id` aside. The order of keys does not matter. */
export function requestHash({ client_id: _, ...request }: { client_id?: unknown; [key: string]: unknown }): string {
  return hash('sha256', canonical(request));
}

function canonical(value: unknown): string {
  // A host's column may have become a date.
  if (value instanceof Date) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, of]) => of !== undefined);
  return `{${entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, of]) => `${JSON.stringify(key)}:${canonical(of)}`)
    .join(',')}}`;
}

/** Ends the write as a repeat, or as misuse when the same `client_id` stands for something else. */
export function refuseRepeat(storedHash: string | null, hash: string, answer: Record<string, unknown>): never {
  if (storedHash !== hash) {
    throw new ValidationError({ client_id: ['This client_id was used before, with other content.'] });
  }
  throw new Repeated(answer);
}
