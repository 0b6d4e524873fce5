import type { EventHandler } from '../handlers/event-handler.js';
import type { ActingUser } from '../permissions/permission-handler.js';
import { encodeEnvelope } from '../protocol/envelope.js';
import { dispatchFrame } from '../protocol/frames.js';
import type { ChatJob } from '../queue/queue.js';
import { lastOffsets, loadEnvelopes } from '../store/outcomes.js';
import type { WorkerContext } from './worker-context.js';

/** Envelopes in one answer to a gateway, and their bytes, roughly. */
const replayPage = 200;
const replayBytes = 1_000_000;

/** What a gateway asks for itself, in no client's name: it has no database. */
export async function answerQuestion(runtime: WorkerContext, job: ChatJob): Promise<void> {
  const { publisher } = runtime;
  switch (job.type) {
    case '$connect': {
      const { frames, ...result } = await connect(runtime, job);
      return publisher.reply(job, frames, { result });
    }
    case '$disconnect': {
      const user = await runtime.loadUser(job.userId);
      if (user && job.sessionId) await handlerOf(runtime, job, user).removeSession(user, job.sessionId);
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

/** Registers a session, reads its rooms, and what its user has not seen. */
async function connect(runtime: WorkerContext, job: ChatJob) {
  const user = await runtime.loadUser(job.userId);
  if (!user) throw new Error('The authenticated user is not in the users table.');
  const handler = handlerOf(runtime, job, user);
  const session = await handler.registerSession(user, (job.data as { channel_name: string }).channel_name);
  const rooms = (await handler.memberRooms([user.id])).get(String(user.id)) ?? [];
  const unseen = runtime.settings.enableNotification ? await handler.getAndGroupChatNotifications(user) : null;
  const frames = unseen === null || unseen === undefined ? [] : [dispatchFrame('chat.notifications', unseen)];
  return { sessionId: session.id, rooms, frames };
}

function handlerOf(runtime: WorkerContext, job: ChatJob, user: ActingUser): EventHandler {
  return new runtime.eventHandlerClass(runtime, {
    jobId: job.id,
    user,
    write: () => Promise.reject(new Error('Nothing is written while a connection is set up.')),
    afterCommit: (effect) => runtime.runEffect(effect, runtime.logger),
  });
}
