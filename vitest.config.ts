import { defineConfig } from 'vitest/config';

/** What both kinds of tests have in common. */
const common = {
  // Processes, not threads: tests start servers, send signals and end.
  pool: 'forks',
  testTimeout: 30_000,
  // The first file that asks waits for the build and the servers.
  hookTimeout: 180_000,
  teardownTimeout: 30_000,
} as const;

/** Faults under load, and figures in seconds. */
const loads = ['test/faults/gateways.test.ts', 'test/faults/clients.test.ts', 'test/soak/soak.test.ts'];

export default defineConfig({
  test: {
    globalSetup: ['./test/helpers/global-setup.ts'],
    reporters: ['default', './test/helpers/summary-reporter.ts'],
    projects: [
      {
        test: {
          ...common,
          name: 'suite',
          include: ['test/**/*.test.ts'],
          exclude: ['test/faults/**', ...loads],
          // Two, because systems under test need cores too.
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...common,
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          exclude: loads,
          // Two: they wait for locks to expire more than they work.
          maxWorkers: 2,
          testTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...common,
          name: 'loads',
          include: loads,
          // They need the whole machine: one file at a time, after all others.
          maxWorkers: 1,
          testTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
