import { preloadStandings } from '../permissions/permission-handler.js';
import type { ChatJob, Delivery, LossyEvent, PartRun } from '../queue/queue.js';
import { loadUsers } from '../store/reads/index.js';
import type { UserId } from '../store/standing.js';
import type { WorkerRuntime } from './runtime.js';

/** Events of a batch that run at once: whatever a host's code does in them, other events get their turn. */
const atOnce = 10;
/** Milliseconds after which what has not begun is too late. */
const freshFor = 5000;
/** What a room's id looks like; of anything else the event itself says what is wrong. */
const roomIdShape = /^[0-9a-f-]{36}$/;

/**
 * Runs the events of one batch, each with its own consumer, guard and handler; users and memberships are read once for
 * all. Whatever becomes of one does not touch the others. Resolves with what became of those that were run.
 */
export async function runLossyBatch(runtime: WorkerRuntime, batch: ChatJob, delivery: Delivery): Promise<PartRun[]> {
  const runs: PartRun[] = [];
  if (!batch.isStale) {
    const begun = performance.now();
    const { gatewayId, addedAt } = batch;
    const events = (batch.data as LossyEvent[]).values();
    const known = await readTogether(runtime, batch.data as LossyEvent[]);
    const work = async () => {
      for (const event of events) {
        if (performance.now() - begun > freshFor) continue;
        const { id, type, userId, roomId } = event;
        const job: ChatJob = { ...event, gatewayId, addedAt, lossy: true };
        const reason = await runtime.runJob(job, delivery, runtime, known).then(
          () => undefined,
          (error: unknown) => (error instanceof Error ? error.message : String(error)),
        );
        runs.push({ id, type, userId, roomId, ...(reason !== undefined && { reason }) });
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
  }
  await runtime.publisher.reply(batch, []);
  return runs;
}

/** What the guards of all of them will ask: three statements, however many there are. */
async function readTogether(runtime: WorkerRuntime, events: readonly LossyEvent[]) {
  const pairs = events.flatMap(
    ({ roomId, userId }): Array<[string, UserId]> =>
      roomId !== undefined && roomIdShape.test(roomId) ? [[roomId, runtime.parseUserId(userId)]] : [],
  );
  try {
    await loadUsers(runtime, new Set(events.map(({ userId }) => runtime.parseUserId(userId))));
    return await preloadStandings(runtime, pairs);
  } catch {
    // Each of them meets the same error, and answers with it.
    return undefined;
  }
}
