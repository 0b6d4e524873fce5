import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'winston';
import type { ChatJob } from '../queue/queue.js';
import type { StoreContext } from '../store/context.js';
import { findOutcome } from '../store/outcomes.js';
import { isUnavailable } from '../store/retry.js';
import type { Publisher } from './publisher.js';

/** Milliseconds between two looks at whether the database is back. */
const lookEvery = 1000;

/**
 * Waits for the database that went away at an event's COMMIT, and tells what it committed after all. Its sender has
 * been told 4503 and learns more by sending it again; everybody else would not hear of it before the room's next
 * broadcast. Ends with the process, or when its connections are closed.
 */
export async function settle(
  context: StoreContext & { readonly publisher: Publisher },
  job: ChatJob,
  logger: Logger,
): Promise<void> {
  for (;;) {
    await sleep(lookEvery, undefined, { ref: false });
    try {
      const stored = await findOutcome(context, job.id, true);
      if (stored) await context.publisher.publish(job, stored);
      return;
    } catch (error) {
      if (isUnavailable(error)) continue;
      logger.warn('What an event committed as the database went away waits for the next broadcast of its room.', {
        error,
      });
      return;
    }
  }
}
