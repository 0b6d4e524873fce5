import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Answer, Command, Connected, Run } from './commands.js';

type ResultOf<C extends Command> = C extends { type: 'connect' }
  ? Connected
  : C extends { type: 'disconnect' }
    ? undefined
    : Run;

/** A load generator, which is a process of its own. */
export class LoadGenerator {
  readonly #child;

  /** @param program the compiled generator */
  constructor(program: string) {
    // Advanced, because a measure of nothing is NaN, which JSON does not have.
    this.#child = fork(program, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced' });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** Gives a command and waits for what came of it. @throws when anything went wrong that a run must not have */
  async tell<C extends Command>(command: C): Promise<ResultOf<C>> {
    const ended = new AbortController();
    const end = once(this.#child, 'exit', { signal: ended.signal }).then(() => {
      throw new Error('The load generator ended.');
    });
    end.catch(() => {});
    this.#child.send(command);
    try {
      const [{ result, fault }] = (await Promise.race([once(this.#child, 'message'), end])) as [Answer];
      if (fault) throw new Error(`The load generator reports: ${fault}`);
      return result as ResultOf<C>;
    } finally {
      ended.abort();
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.disconnect();
    await exit;
  }
}
