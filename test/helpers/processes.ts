/**
 * Child processes of the tests: started with their output kept, stopped and awaited, and never left behind, also when
 * the process that started them ends early.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** A child process under the test's control. */
export interface TestProcess {
  readonly pid: number;
  readonly child: ChildProcess;
  /** All that it printed so far, stdout and stderr mixed. */
  output(): string;
  /** Resolves when it ended. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Resolves with the first match in what it prints, past or to come; rejects when it ends first. */
  waitFor(pattern: RegExp, timeoutMs?: number): Promise<RegExpMatchArray>;
  /** Sends a signal (default SIGTERM) and waits for the end; after `graceMs` it is killed and this rejects. */
  stop(signal?: NodeJS.Signals, graceMs?: number): Promise<void>;
}

const KILL_AT_EXIT = Symbol.for('express-realtime-chat.test-processes');

/** The running children of this process, killed when it ends; on globalThis because vitest may load a module twice. */
function running(): Set<ChildProcess> {
  const holder = globalThis as { [KILL_AT_EXIT]?: Set<ChildProcess> };
  let children = holder[KILL_AT_EXIT];
  if (!children) {
    const made = new Set<ChildProcess>();
    children = holder[KILL_AT_EXIT] = made;
    process.once('exit', () => {
      for (const child of made) child.kill('SIGKILL');
    });
  }
  return children;
}

/**
 * Starts a program. Its environment is this process' own plus `env`; an undefined value removes a name. With
 * `takesInput` the test writes to `child.stdin`.
 */
export function startProcess(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string | undefined>; takesInput?: boolean } = {},
): TestProcess {
  const env: Record<string, string | undefined> = { ...process.env, ...options.env };
  const child = spawn(command, args, {
    cwd: options.cwd,
    env,
    stdio: [options.takesInput ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  });
  const children = running();
  children.add(child);
  let output = '';
  const listeners = new Set<() => void>();
  const keep = (chunk: Buffer) => {
    // Bounded, so that a chatty process under load does not grow the test's memory.
    output = (output + chunk.toString()).slice(-400_000);
    for (const listener of listeners) listener();
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  let over = false;
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('error', (error) => {
      output += String(error);
      resolve({ code: -1, signal: null });
    });
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  void ended.then(() => {
    over = true;
    children.delete(child);
    for (const listener of listeners) listener();
  });
  return {
    pid: child.pid ?? -1,
    child,
    output: () => output,
    ended,
    waitFor(pattern, timeoutMs = 30_000) {
      return new Promise((resolve, reject) => {
        const finish = (act: () => void) => {
          clearTimeout(timer);
          listeners.delete(check);
          act();
        };
        const fail = (why: string) =>
          finish(() => reject(new Error(`${command} ${args.join(' ')}: ${why}. It printed:\n${output.slice(-4000)}`)));
        const check = () => {
          const match = output.match(pattern);
          if (match) finish(() => resolve(match));
          else if (over) fail(`ended before it printed ${pattern}`);
        };
        const timer = setTimeout(() => fail(`did not print ${pattern} within ${timeoutMs} ms`), timeoutMs);
        listeners.add(check);
        check();
      });
    },
    async stop(signal = 'SIGTERM', graceMs = 20_000) {
      if (over || child.pid === undefined) return;
      child.kill(signal);
      // A frozen process takes no SIGTERM until it goes on.
      if (signal !== 'SIGKILL') child.kill('SIGCONT');
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        child.kill('SIGKILL');
      }, graceMs);
      await ended;
      clearTimeout(timer);
      if (late) throw new Error(`${command} ${args.join(' ')} did not end within ${graceMs} ms of ${signal}.`);
    },
  };
}

/** A TCP port of 127.0.0.1 that is free at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('No port was given.');
  return address.port;
}

/** Repeats `attempt` every 25 ms until it succeeds; after `timeoutMs` throws its last error with `what`. */
export async function until<T>(what: string, attempt: () => Promise<T>, timeoutMs = 30_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`${what} within ${timeoutMs} ms: ${String(error)}`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}
