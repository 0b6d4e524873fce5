import { v7 as newId } from 'uuid';
import { ChatError, type ErrorBody, PermissionDenied, Unavailable } from '../protocol/errors.js';
import type { WorkerRuntime } from './runtime.js';

/**
 * Runs an event in a user's name in this process, without a socket and without the queue. `isSystem`: no permission is
 * asked for. Resolves with the `data` of its answer.
 *
 * @throws ChatError with the code and detail of the answer; what was thrown, when that is nothing a client may see.
 */
export async function act(
  runtime: WorkerRuntime,
  userId: string | number,
  type: string,
  data: object,
  isSystem: boolean,
): Promise<Record<string, unknown>> {
  if (!runtime.eventTypes.has(type)) throw new Error(`There is no event ${type}: the event map does not have it.`);
  if (!(await runtime.loadUser(String(userId)))) throw new PermissionDenied('This user does not exist.');
  const job = {
    id: newId(),
    type,
    userId: String(userId),
    gatewayId: '',
    connectionId: '',
    eventId: 'server',
    // As it would come over a socket.
    data: JSON.parse(JSON.stringify(data)),
    addedAt: Date.now(),
  };
  const context = isSystem ? runtime.system : runtime;
  const outcome = await runtime.runJob(job, { earlierRuns: 0 }, context).catch((error: unknown) => {
    throw (error as { cause?: unknown }).cause ?? error;
  });
  const last = outcome?.answer.at(-1);
  if (last === undefined) throw new Unavailable();
  const { error, data: answer } = JSON.parse(last) as { error?: ErrorBody; data?: Record<string, unknown> };
  if (!error) return answer ?? {};
  const { code, detail, ...extra } = error;
  throw new ChatError(code, detail, extra);
}
