import type { ReadContext } from './context.js';

/** The bytes an answer with a way to ask for the rest may take: half of what a socket may hold unsent. */
export function pageBytes(context: ReadContext): number {
  return context.settings.maxBufferedBytes / 2;
}

/**
 * The bytes an answer without a cursor may take. A socket that holds four times `maxBufferedBytes` unsent is closed, so
 * such an answer ends before that; what is left out is the oldest.
 */
export function wholeBytes(context: ReadContext): number {
  return context.settings.maxBufferedBytes * 3;
}

/** How many bytes of UTF-8 a shape takes as JSON; a text is JSON already. */
function jsonBytes(made: unknown): number {
  return Buffer.byteLength(typeof made === 'string' ? made : JSON.stringify(made));
}

/**
 * Makes shapes, or their JSON texts, one by one until their JSON passes the bytes given; always at least one if there is
 * any.
 */
export function makeWithin<Item, Made>(items: readonly Item[], bytes: number, make: (item: Item) => Made): Made[] {
  const all: Made[] = [];
  let used = 0;
  for (const item of items) {
    const made = make(item);
    used += jsonBytes(made) + 1;
    if (all.length > 0 && used > bytes) break;
    all.push(made);
  }
  return all;
}
