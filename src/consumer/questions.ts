import { encodeEnvelope } from '../protocol/envelope.js';
import type { ChatJob } from '../queue/queue.js';
import { lastOffsets, loadEnvelopes } from '../store/outcomes.js';
import { type Connected, connect, connectTogether, disconnect, disconnectTogether, handlerOf } from './connecting.js';
import type { WorkerContext } from './worker-context.js';

/** Envelopes in one answer to a gateway, and their bytes, roughly. */
const replayPage = 200;
const replayBytes = 1_000_000;

/**
 * What a gateway asks for itself, in no client's name: it has no database.
 *
 * @param runAlone runs one of several questions that came as one job as if it had come alone
 */
export async function answerQuestion(
  runtime: WorkerContext,
  job: ChatJob,
  runAlone: (job: ChatJob) => Promise<unknown>,
): Promise<void> {
  const { publisher } = runtime;
  switch (job.type) {
    case '$connect':
      return answerConnected(runtime, job, await connect(runtime, job));
    case '$disconnect':
      await disconnect(runtime, job);
      return publisher.reply(job, []);
    case '$together': {
      const { asked } = job.data as { asked: Array<Partial<ChatJob>> };
      const jobs = asked.map((one): ChatJob => ({ ...job, ...one }));
      await Promise.all([
        answerTogether(
          runtime,
          jobs.filter(({ type }) => type === '$connect'),
          connectAll,
          runAlone,
        ),
        answerTogether(
          runtime,
          jobs.filter(({ type }) => type === '$disconnect'),
          disconnectAll,
          runAlone,
        ),
      ]);
      // Last: whoever was not answered by now will not be.
      return publisher.reply(job, []);
    }
    case '$replay': {
      const { room_id, after } = job.data as { room_id: string; after: number };
      const texts = (await loadEnvelopes(runtime, room_id, after, Number.MAX_SAFE_INTEGER, replayPage)).map(
        encodeEnvelope,
      );
      let bytes = 0;
      const result = texts.filter((text, index) => {
        bytes += text.length;
        return index === 0 || bytes <= replayBytes;
      });
      return publisher.reply(job, [], { result });
    }
    case '$offsets': {
      const offsets = await lastOffsets(runtime, (job.data as { room_ids: string[] }).room_ids);
      return publisher.reply(job, [], { result: [...offsets] });
    }
    case '$memberships': {
      const { user_ids } = job.data as { user_ids: string[] };
      const ids = user_ids.map((id) => runtime.parseUserId(id));
      const rooms = await handlerOf(runtime, job, { id: ids[0]! }).memberRooms(ids);
      return publisher.reply(job, [], { result: Object.fromEntries(rooms) });
    }
    default:
      throw new Error(`No answer is known to the question ${job.type}.`);
  }
}

/** Answers those jobs that it can at once; gives the others back. */
type AnswerAll = (runtime: WorkerContext, jobs: readonly ChatJob[]) => Promise<readonly ChatJob[]>;

/** Answers questions of one kind together; those that could not be, one by one, so that one does not fail the others. */
async function answerTogether(
  runtime: WorkerContext,
  jobs: readonly ChatJob[],
  answerAll: AnswerAll,
  runAlone: (job: ChatJob) => Promise<unknown>,
): Promise<void> {
  if (jobs.length === 0) return;
  const left = await answerAll(runtime, jobs).catch((error: unknown) => {
    // A session registered by a worker that died is in the way of all: alone it is found.
    runtime.logger.debug('Questions are answered one by one.', { error });
    return jobs;
  });
  await Promise.allSettled(left.map(runAlone));
}

const connectAll: AnswerAll = async (runtime, jobs) => {
  const connected = await connectTogether(runtime, jobs);
  if (!connected) return jobs;
  const isDone = (job: ChatJob) => connected.has(job.id);
  await Promise.all(jobs.filter(isDone).map((job) => answerConnected(runtime, job, connected.get(job.id)!)));
  return jobs.filter((job) => !isDone(job));
};

const disconnectAll: AnswerAll = async (runtime, jobs) => {
  if (!(await disconnectTogether(runtime, jobs))) return jobs;
  await Promise.all(jobs.map((job) => runtime.publisher.reply(job, [])));
  return [];
};

function answerConnected({ publisher }: WorkerContext, job: ChatJob, { frames, ...result }: Connected): Promise<void> {
  return publisher.reply(job, frames, { result });
}
