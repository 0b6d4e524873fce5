import { loadConfigFile } from './config-file.js';
import { createWorker } from './worker.js';

/**
 * Makes this process a worker, with the settings in a config file, until SIGTERM or SIGINT: then it finishes what it has
 * in hand and ends with 0. A second signal ends it at once, with 1. What keeps it from starting is said in one sentence
 * on stderr, and ends it with 1.
 */
export function runWorker(configFile: string): void {
  const starting = loadConfigFile(configFile).then(createWorker);
  let isStopping = false;

  async function stop(): Promise<void> {
    if (isStopping) process.exit(1);
    isStopping = true;
    const worker = await starting;
    await worker.close();
    // The config file may have opened what nobody else closes, its own database for one.
    process.exit(0);
  }

  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop().catch(fail));
  starting.then(() => process.stdout.write('The worker takes events.\n')).catch(fail);
}

function fail(error: unknown): never {
  const text = error instanceof Error && error.message ? error.message : String(error);
  process.stderr.write(`${text.replace(/\s*\n\s*/g, ' ')}\n`);
  process.exit(1);
}
