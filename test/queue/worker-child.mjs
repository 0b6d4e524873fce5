/** A worker that does not end well: run by the queue's tests in a process of its own, on the sources as they are. */
import { join } from 'node:path';
import { createViteServer } from 'vitest/node';
import { createLogger, transports } from 'winston';

const vite = await createViteServer({
  configFile: false,
  appType: 'custom',
  optimizeDeps: { noDiscovery: true },
  server: { middlewareMode: true, ws: false, watch: null },
});
const { createBullQueue } = await vite.ssrLoadModule(join(import.meta.dirname, '../../src/queue/bullmq.ts'));
const { QUEUE_REDIS: redis, QUEUE_PREFIX: prefix, QUEUE_NAME: name, QUEUE_BEHAVIOUR: behaviour } = process.env;
const logger = createLogger({ transports: [new transports.Console()] });

createBullQueue({ redis, prefix, name, logger }).consume({
  concurrency: 1,
  run: ({ type }, { earlierRuns }) =>
    new Promise((resolve) => {
      process.stdout.write(`begun ${earlierRuns}\n`, () => {
        if (behaviour === 'die' || (behaviour === 'die of poison' && type === 'poison'))
          process.kill(process.pid, 'SIGKILL');
        else if (behaviour === 'die of poison') resolve();
      });
      // Never called: this run ends with its process.
      process.once('a way out', resolve);
    }),
  onLost: async () => {},
});
