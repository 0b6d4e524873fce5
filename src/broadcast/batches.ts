/** At most this many in one batch: a Redis script or entry of that many does not hold others up. */
const maxBatch = 64;

/**
 * Runs one call for all items that are given in the same step of the event loop, as those of what was committed together.
 * Each caller gets its own item's result; if the call fails, all of them get its error.
 */
export function inBatches<Item, Result>(
  run: (items: readonly Item[]) => Promise<readonly Result[]>,
): (item: Item) => Promise<Result> {
  let waiting: Array<{ item: Item; resolve(result: Result): void; reject(error: unknown): void }> = [];

  function flush(): void {
    const all = waiting;
    waiting = [];
    for (let start = 0; start < all.length; start += maxBatch) {
      const batch = all.slice(start, start + maxBatch);
      run(batch.map(({ item }) => item)).then(
        (results) => {
          for (const [index, { resolve }] of batch.entries()) resolve(results[index]!);
        },
        (error: unknown) => {
          for (const { reject } of batch) reject(error);
        },
      );
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) process.nextTick(flush);
      waiting.push({ item, resolve, reject });
    });
}
