/** One minute of the soak, always with the same choices: it breaks no promise, and leaves nothing running. */
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { askControl } from '../helpers/control.js';
import { startProcess, type TestProcess } from '../helpers/processes.js';

let soak: TestProcess | undefined;

// Stopped by a signal it ends what it has started.
afterAll(() => soak?.stop('SIGTERM', 60_000));

it('a minute of load with a fault every five seconds breaks no promise', async () => {
  await askControl('build');
  soak = startProcess(process.execPath, ['test/soak/run.js', '1', '20261121'], {
    cwd: join(import.meta.dirname, '../..'),
    env: { SOAK_FAULT_EVERY: '5', SOAK_RUSH: '300', SOAK_OUTPUT: '', SOAK_RECORD: '', SOAK_FAULTS: '' },
  });
  const { code } = await soak.ended;
  const output = soak.output();
  expect(output).toContain('breaches      0 in all');
  expect(code, output).toBe(0);
  expect(Number(/messages +(\d+) acknowledged/.exec(output)?.[1]), output).toBeGreaterThan(50);
  expect(Number(/faults +(\d+) of/.exec(output)?.[1]), output).toBeGreaterThan(3);
  expect(output).toMatch(/frames fuzzed: 6667\n/);
}, 360_000);
