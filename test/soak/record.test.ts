/** The result of a soak in docs/guarantees.md. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { figures } from './figures.js';
import { LogScan } from './log-scan.js';
import { readOptions } from './options.js';
import { withResult } from './record.js';
import { QuietReport } from './sound-world.js';

const page = readFileSync(join(import.meta.dirname, '../../docs/guarantees.md'), 'utf8');

function result() {
  const report = new QuietReport();
  report.count('messages acknowledged', 12_345);
  report.count('frames fuzzed', 200_000);
  report.took('10000 came back', 23_456);
  report.took('others meanwhile', 1234);
  report.faults.push({ name: 'worker killed', at: 5, lasted: 10, recovery: 2500 });
  report.breach('loss', 'a message');
  report.breach('recovery', 'somebody is not let in');
  const memory = { start: { 'worker 1': 150 }, end: { 'worker 1': 160 }, highest: { 'worker 1': 210 } };
  return figures({ options: readOptions(['30', '7'], {}), report, scan: new LogScan(), memory });
}

it('is put into the page in place of the one before, and nothing else is changed', () => {
  const once = withResult(page, result());
  for (const row of [
    '| time, seed | 30 minutes, 7 |',
    '| faults | 1, of 1 kinds |',
    '| messages acknowledged | 12,345 |',
    '| frames fuzzed | 200,000 |',
    '| the slowest time until 10,000 clients that came back at once were in | 23.5 s |',
    '| the slowest answer to somebody else meanwhile | 1.2 s |',
    '| losses | 1 |',
    '| other breaches | 1 |',
    '| memory after warm-up and at the end | worker 1 150 to 160 MB |',
    '| the most that a process held | 210 MB |',
  ]) {
    expect(once.split('\n')).toContain(row);
  }
  expect(withResult(once, result())).toBe(once);
  const around = (text: string) => text.split(/<!--.*-->/).filter((_, index) => index !== 1);
  expect(around(once)).toEqual(around(page));
});

it('is refused by a page that has no place for it', () => {
  expect(() => withResult('# A page\n', result())).toThrow('no place');
});
