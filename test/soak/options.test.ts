/** How a soak is told what to do, and that a seed chooses the same things again. */
import { expect, it } from 'vitest';
import { LogScan } from './log-scan.js';
import { readOptions } from './options.js';
import { createBag, createRandom } from './random.js';

it('a soak is 30 minutes, 10,000 clients at once and 200,000 fuzzed frames; a shorter one is less', () => {
  expect(readOptions([], {})).toMatchObject({ minutes: 30, rush: 10_000, fuzz: 200_000, faultEvery: 20, faults: [] });
  expect(readOptions(['3', '42'], {})).toMatchObject({ minutes: 3, seed: 42, rush: 1000, fuzz: 20_000 });
  expect(readOptions(['1'], { SOAK_RUSH: '200', SOAK_FUZZ: '5', SOAK_FAULTS: 'a,b' })).toMatchObject({
    ...{ rush: 200, fuzz: 5 },
    faults: ['a', 'b'],
  });
});

it.each([[['0']], [['soon']], [['1', '-1']]])('refuses %s', (args) => {
  expect(() => readOptions(args, {})).toThrow('must be from');
});

it('a seed makes the same choices again, another one others, and a bag gives each thing once before any again', () => {
  const choices = (seed: number) => {
    const next = createBag(createRandom(seed), [...'abcdefgh']);
    return Array.from({ length: 24 }, next);
  };
  expect(choices(7)).toEqual(choices(7));
  expect(choices(7)).not.toEqual(choices(8));
  for (const from of [0, 8, 16])
    expect(
      choices(7)
        .slice(from, from + 8)
        .toSorted(),
    ).toEqual([...'abcdefgh']);
});

it('tells log lines that no outage explains from those that one does', () => {
  const scan = new LogScan();
  scan.take('worker 1', 'info All is well\nwarn The connection to Redis is lost\nerror Nobody expe');
  scan.take('worker 1', 'cted this\n');
  scan.take('worker 1', 'error Nobody expected this\n');
  expect(scan.unexpected()).toEqual([{ count: 2, sample: 'error Nobody expected this' }]);
  expect(scan.all()).toHaveLength(2);
});
