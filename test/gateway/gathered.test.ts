/** What comes alone leaves alone; what comes meanwhile leaves together. */
import { expect, test } from 'vitest';
import { gathered } from '../../src/gateway/gathered.js';
import { until } from '../helpers/processes.js';

/** Sendings as they leave, each ended by hand. */
function recorder(options: { most?: number; underWay?: number; patience?: number } = {}) {
  const sent: number[][] = [];
  const ends: Array<() => void> = [];
  const add = gathered<number>(
    (items) => {
      sent.push(items);
      return new Promise((resolve) => ends.push(resolve));
    },
    { most: 4, underWay: 2, patience: 60_000, ...options },
  );
  const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  return { sent, ends, add, turn };
}

test('one goes alone, and those that come while it is under way go together after it', async () => {
  const { sent, ends, add, turn } = recorder();
  add(1);
  await turn();
  for (const item of [2, 3]) add(item);
  await turn();
  expect(sent).toEqual([[1]]);
  ends[0]!();
  await turn();
  expect(sent).toEqual([[1], [2, 3]]);
});

test('a full one does not wait, up to as many as may be under way; none has more than the most', async () => {
  const { sent, ends, add, turn } = recorder();
  add(0);
  await turn();
  for (let item = 1; item <= 10; item++) add(item);
  await turn();
  expect(sent).toEqual([[0], [1, 2, 3, 4]]);
  ends[0]!();
  await turn();
  expect(sent).toEqual([[0], [1, 2, 3, 4], [5, 6, 7, 8]]);
  ends[1]!();
  ends[2]!();
  await turn();
  expect(sent.at(-1)).toEqual([9, 10]);
});

test('one that is not answered holds up the next for its patience only', async () => {
  const { sent, ends, add, turn } = recorder({ patience: 30 });
  add(1);
  await turn();
  add(2);
  await until('the second has left', async () => expect(sent).toEqual([[1], [2]]));
  // Its late end counts for nothing: the second still has its place.
  ends[0]!();
  add(3);
  await turn();
  expect(sent).toEqual([[1], [2]]);
  ends[1]!();
  await turn();
  expect(sent).toEqual([[1], [2], [3]]);
});
