import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['./test/helpers/global-setup.ts'],
    reporters: ['default', './test/helpers/summary-reporter.ts'],
    // Processes, not threads: tests start servers, send signals and end. Two, because systems under test need cores too.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    // The first file that asks waits for the build and the servers.
    hookTimeout: 180_000,
    teardownTimeout: 30_000,
  },
});
