import type { TestFrame } from './client.js';

/** The code and detail of an answer that is an error; throws when it is none. */
export function errorOf(frame: TestFrame): { code: number; detail: unknown; [extra: string]: unknown } {
  if (typeof frame.error !== 'object' || frame.error === null) {
    throw new Error(`An error was expected, not ${JSON.stringify(frame)}.`);
  }
  return frame.error as { code: number; detail: unknown };
}
