/**
 * The last reporter: after vitest's own report it stops what the test files shared, looks for processes left running,
 * and closes with one line, `N passed, N failed`. A file that does not load, an unhandled error and a process left
 * running each count as failed.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

/** The environment variable that all processes of one run inherit. */
export const RUN_VARIABLE = 'CHAT_TEST_RUN';

/** Where the global setup leaves the function that stops what is shared. */
export const STOP_SHARED = Symbol.for('express-realtime-chat.stop-shared');

/** Vitest reporter, see above. */
export default class SummaryReporter implements Reporter {
  async onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): Promise<void> {
    let passed = 0;
    let failed = unhandledErrors.length;
    let skipped = 0;
    for (const module of modules) {
      let failedHere = 0;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') passed++;
        else if (state === 'failed') failedHere++;
        else skipped++;
      }
      if (failedHere === 0 && !module.ok()) failedHere = 1;
      failed += failedHere;
    }
    await (globalThis as { [STOP_SHARED]?: () => Promise<void> })[STOP_SHARED]?.().catch((error) => {
      console.error(error);
      failed++;
    });
    const left = await leftRunning();
    for (const line of left) console.error(`Left running: ${line}`);
    failed += left.length;
    if (failed > 0) process.exitCode = 1;
    if (skipped > 0) console.log(`${skipped} tests did not run`);
    console.log(`${passed} passed, ${failed} failed`);
  }
}

/** Processes of this run that are neither vitest's own nor gone within two seconds, as `pid command`. */
async function leftRunning(): Promise<string[]> {
  let left = marked();
  for (const deadline = Date.now() + 2000; left.length > 0 && Date.now() < deadline; left = marked()) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return left;
}

/** By the environment and not by the parent: a process whose parent has ended belongs to init. Linux only. */
function marked(): string[] {
  const run = process.env[RUN_VARIABLE];
  if (!run) return [];
  let entries: string[];
  try {
    entries = readdirSync('/proc');
  } catch {
    return [];
  }
  const left: string[] = [];
  for (const pid of entries) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    try {
      if (!readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`${RUN_VARIABLE}=${run}`)) continue;
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      // A zombie has no command line; vitest's workers and its compiler end after the reporters.
      if (command && !/vitest|esbuild|tinypool/.test(command)) left.push(`${pid} ${command}`);
    } catch {
      // Ended meanwhile, or another user's.
    }
  }
  return left;
}
