import type { Line } from './queue.js';

/** A place in a line of events. */
export interface Turn extends Line {
  /** Resolves when it may begin. */
  readonly begin: Promise<void>;
}

/** The places of a new line. */
export function lineOf(count: number): Turn[] {
  const id = Symbol('line');
  let begin = Promise.resolve();
  return Array.from({ length: count }, () => {
    let pass!: () => void;
    const turn = { id, begin, pass: () => pass() };
    begin = new Promise((resolve) => {
      pass = resolve;
    });
    return turn;
  });
}

/**
 * Runs events in order: each begins when the one before has let it pass, or has ended, however it did. One alone has no line.
 */
export async function runInOrder<Item, Result>(
  items: readonly Item[],
  run: (item: Item, line: Line | undefined) => Promise<Result>,
): Promise<Result[]> {
  if (items.length === 1) return [await run(items[0]!, undefined)];
  const turns = lineOf(items.length);
  return Promise.all(
    items.map(async (item, index) => {
      const turn = turns[index]!;
      await turn.begin;
      return run(item, turn).finally(turn.pass);
    }),
  );
}
