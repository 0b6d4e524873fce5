import { assemble } from '../src/assembly.js';
import { checkRedis } from '../src/queue/check-redis.js';
import { type ChatSettings, resolveSettings } from '../src/settings/settings.js';
import { type ChatWorker, checkReady, startWorker } from './start.js';

export type { ChatWorker } from './start.js';

/**
 * A worker with its own connections: the same settings as the app's, as many workers as one likes. Rejects with one
 * sentence that says what to do when database, tables or Redis are missing.
 */
export async function createWorker(settings: ChatSettings): Promise<ChatWorker> {
  const { redis } = resolveSettings(settings);
  if (redis === undefined) {
    throw new Error(
      'A worker of its own needs Redis: give the setting redis, or work in the app by chat.startWorker().',
    );
  }
  // Before anything connects for good: then the sentence below is all that is said.
  try {
    await checkRedis(redis);
  } catch (error) {
    // A wrong part is told before a missing server: it is the settings that are at hand.
    await assemble({ ...settings, redis: undefined, logger: undefined, logLevel: 'error' }).close();
    throw error;
  }
  const assembly = assemble(settings);
  try {
    await checkReady(assembly);
    const worker = startWorker(assembly);
    await worker.ready();
    return {
      ready: worker.ready,
      async close() {
        await worker.close();
        await assembly.close();
      },
    };
  } catch (error) {
    await assembly.close();
    throw error;
  }
}
