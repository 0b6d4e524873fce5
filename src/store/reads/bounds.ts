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

/** Makes shapes one by one until their JSON passes the bytes given; always at least one if there is any. */
export function makeWithin<Item, Shape>(items: readonly Item[], bytes: number, make: (item: Item) => Shape): Shape[] {
  const made: Shape[] = [];
  let used = 0;
  for (const item of items) {
    const shape = make(item);
    used += Buffer.byteLength(JSON.stringify(shape)) + 1;
    if (made.length > 0 && used > bytes) break;
    made.push(shape);
  }
  return made;
}
