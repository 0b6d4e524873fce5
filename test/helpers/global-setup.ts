/** Vitest's global setup: the servers can be started, and what the test files share is there for whoever asks first. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type Shared, startControl } from './control.js';
import { ensureChromium, ensureServices, findPython } from './install-services.js';
import { startProcess } from './processes.js';
import { startMariaDb } from './services.js';
import { type StackKind, startStack } from './stack.js';
import { RUN_VARIABLE, STOP_SHARED } from './summary-reporter.js';

const root = join(import.meta.dirname, '..', '..');

/** Runs once before all test files; what it returns runs after them. */
export default async function setup(): Promise<() => Promise<void>> {
  // Every process of this run inherits this name, which is how the reporter finds what was left running.
  process.env[RUN_VARIABLE] ??= randomUUID();
  if (!process.env.TEST_MYSQL_URL) ensureServices(['mariadb']);
  if (!process.env.TEST_REDIS_URL) ensureServices(['redis']);
  const stack = (kind: StackKind) => async (): Promise<Shared> => {
    const started = await startStack(kind);
    return { answer: { gateways: started.gateways }, stop: started.close };
  };
  const control = await startControl({
    'stack-embedded': stack('embedded'),
    'stack-distributed': stack('distributed'),
    async build() {
      const build = startProcess('npm', ['run', 'build'], { cwd: root });
      if ((await build.ended).code !== 0) throw new Error(`npm run build failed:\n${build.output()}`);
      return { answer: {}, stop: async () => {} };
    },
    // Here, because two test files at once must not install it twice.
    async chromium() {
      return { answer: { path: ensureChromium() }, stop: async () => {} };
    },
    async python() {
      return { answer: { path: findPython() }, stop: async () => {} };
    },
    async mariadb() {
      const server = await startMariaDb({ own: true });
      return { answer: { url: server.url }, stop: server.stop };
    },
  });
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= control.stop();
    return stopped;
  };
  // The reporter stops them first, so that whatever runs after that was left behind.
  (globalThis as { [STOP_SHARED]?: () => Promise<void> })[STOP_SHARED] = stop;
  return stop;
}
