import { EventHandler } from '../handlers/event-handler.js';
import { isStandard } from '../models/index.js';
import type { ActingUser } from '../permissions/permission-handler.js';
import { dispatchFrame } from '../protocol/frames.js';
import type { ChatJob } from '../queue/queue.js';
import { insertRows } from '../store/insert.js';
import { loadUsers, readNotificationsOfMany } from '../store/reads/index.js';
import { withRetry } from '../store/retry.js';
import type { WorkerContext } from './worker-context.js';

/** What a connection is given when it is registered. */
export interface Connected {
  readonly sessionId: string;
  readonly rooms: Array<[roomId: string, offset: number, joinedOffset: number]>;
  readonly frames: string[];
}

/** Registers a session, reads its rooms, and what its user has not seen. */
export async function connect(runtime: WorkerContext, job: ChatJob): Promise<Connected> {
  const user = await runtime.loadUser(job.userId);
  if (!user) throw new Error('The authenticated user is not in the users table.');
  const handler = handlerOf(runtime, job, user);
  const session = await handler.registerSession(user, channelNameOf(job));
  const rooms = (await handler.memberRooms([user.id])).get(String(user.id)) ?? [];
  const unseen = runtime.settings.enableNotification ? await handler.getAndGroupChatNotifications(user) : null;
  return { sessionId: session.id, rooms, frames: framesOf(unseen) };
}

/**
 * The same for many connections in a fixed number of statements, by the id of each job. Those of unknown users are absent.
 * Undefined when a host overrides a part of it: then each goes its own way.
 */
export async function connectTogether(
  runtime: WorkerContext,
  jobs: readonly ChatJob[],
): Promise<Map<string, Connected> | undefined> {
  const handler = handlerOf(runtime, jobs[0]!, { id: runtime.parseUserId(jobs[0]!.userId) });
  const parts = ['memberRooms', 'getAndGroupChatNotifications', '_getAndGroupChatNotifications'] as const;
  const isOwn = isUnchanged(handler, 'newSession', 'registerSession', '_registerSession', ...parts);
  if (!isOwn || !isStandard(runtime.models.Session)) return undefined;
  const users = await loadUsers(
    runtime,
    jobs.map(({ userId }) => runtime.parseUserId(userId)),
  );
  const known = jobs.flatMap((job) => {
    const user = users.of(runtime.parseUserId(job.userId)) as ActingUser;
    return 'sequelize' in user ? [{ job, id: user.id, session: handler.newSession(user, channelNameOf(job)) }] : [];
  });
  if (known.length === 0) return new Map();
  const sessions = known.map(({ session }) => session);
  await withRetry(() => insertRows(runtime, runtime.models.Session, sessions));
  const ids = [...new Map(known.map(({ id }) => [String(id), id])).values()];
  const rooms = await handler.memberRooms(ids);
  const unseen = runtime.settings.enableNotification ? await readNotificationsOfMany(runtime, ids) : undefined;
  return new Map(
    known.map(({ job, id, session }) => {
      const frames = framesOf(unseen?.get(String(id)));
      return [job.id, { sessionId: session.id, rooms: rooms.get(String(id)) ?? [], frames }];
    }),
  );
}

/** Ends a session. */
export async function disconnect(runtime: WorkerContext, job: ChatJob): Promise<void> {
  const user = await runtime.loadUser(job.userId);
  if (user && job.sessionId) await handlerOf(runtime, job, user).removeSession(user, job.sessionId);
}

/** Ends many sessions at once; false when a host does it another way. */
export async function disconnectTogether(runtime: WorkerContext, jobs: readonly ChatJob[]): Promise<boolean> {
  const handler = handlerOf(runtime, jobs[0]!, { id: runtime.parseUserId(jobs[0]!.userId) });
  if (!isUnchanged(handler, 'removeSession', 'removeSessions')) return false;
  await handler.removeSessions(
    jobs.map(({ userId }) => runtime.parseUserId(userId)),
    jobs.flatMap(({ sessionId }) => sessionId ?? []),
  );
  return true;
}

/** An event handler for a question of a gateway: it writes no event. */
export function handlerOf(runtime: WorkerContext, job: ChatJob, user: ActingUser): EventHandler {
  return new runtime.eventHandlerClass(runtime, {
    jobId: job.id,
    user,
    write: () => Promise.reject(new Error('Nothing is written while a connection is set up.')),
    afterCommit: (effect) => runtime.runEffect(effect, runtime.logger),
  });
}

const isUnchanged = (handler: EventHandler, ...names: ReadonlyArray<keyof EventHandler>): boolean =>
  names.every((name) => handler[name] === EventHandler.prototype[name]);

const channelNameOf = ({ data }: ChatJob): string => (data as { channel_name: string }).channel_name;

const framesOf = (unseen: object | null | undefined): string[] =>
  unseen === null || unseen === undefined ? [] : [dispatchFrame('chat.notifications', unseen)];
