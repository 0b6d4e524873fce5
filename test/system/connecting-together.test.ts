/** Connections that a gateway registers by one job: what it costs, and that one does not fail the others. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EventHandler } from '../../src/index.js';
import type { ChatJob } from '../../src/queue/queue.js';
import { chatJob, DATABASES, keepingBroadcast, openDatabase, type TestDatabase } from './runtimes.js';

describe.each(DATABASES)('connections registered together, on %s', (kind) => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await openDatabase(kind, 60);
  });
  afterAll(() => database?.close());

  /** As a gateway makes it: parts with ids of their own in one job. */
  function together(parts: readonly ChatJob[]): ChatJob {
    const asked = parts.map(({ id, type, userId, connectionId, sessionId, data }) => {
      return { id, type, userId, connectionId, sessionId, data };
    });
    return chatJob(0, '$together', { asked }, { userId: '', eventId: undefined });
  }
  let names = 0;
  const connecting = (userId: number) => chatJob(userId, '$connect', { channel_name: `gateway.${kind}.${names++}` });
  const sessions = async () =>
    (await database.query<{ total: number }>('SELECT COUNT(*) AS total FROM chat_sessions'))[0]!.total;

  /** Runs them in one job; their results by id, and the jobs that were answered, in order. */
  async function run(parts: readonly ChatJob[], settings = {}) {
    const worker = database.open({ broadcast: keepingBroadcast(), settings });
    const job = together(parts);
    await worker.runtime.runJob(job, { earlierRuns: 0 });
    const { replies } = worker.told;
    const result = (part: ChatJob) => {
      const reply = replies.find(({ jobId }) => jobId === part.id);
      return reply?.result as { sessionId: string; rooms: unknown[] } | undefined;
    };
    return { worker, job, replies, result };
  }

  it('take as many statements as a few do, and each gets its own session, rooms and notifications', async () => {
    const worker = database.open();
    const [ann, ben] = database.userIds as [number, number];
    const made = await worker.run(ann, 'room.create', { type: 'GroupChat', name: 'group', participants: [ben] });
    const { room_id } = made.data as { room_id: string };
    await worker.run(ann, 'message.send', { room_id, content: 'missed' });
    const count = async (users: readonly number[]) => {
      const parts = users.map(connecting);
      const { worker, job, replies, result } = await run(parts);
      expect(replies.at(-1)!.jobId).toBe(job.id);
      expect(replies.map(({ jobId }) => jobId).sort()).toEqual([...parts, job].map(({ id }) => id).sort());
      expect(new Set(parts.map((part) => result(part)!.sessionId)).size).toBe(users.length);
      for (const part of parts) {
        const { frames } = replies.find(({ jobId }) => jobId === part.id)!;
        const missed = part.userId === String(ben) ? [room_id] : [];
        expect(frames.map((frame) => Object.keys(JSON.parse(frame).data))).toEqual([missed]);
        const isMember = [ann, ben].map(String).includes(part.userId);
        expect(result(part)!.rooms).toEqual(isMember ? [[room_id, 2, 1]] : []);
      }
      return worker.statements.length;
    };
    const before = await sessions();
    const few = await count(database.userIds.slice(0, 4));
    expect(await count(database.userIds.slice(0, 40))).toBe(few);
    expect(few).toBeLessThan(16);
    expect(await sessions()).toBe(before + 44);
  });

  it('one of an unknown user is refused, and those with it are let in', async () => {
    const parts = [connecting(database.userIds[3]!), connecting(987_654), connecting(database.userIds[4]!)];
    const { result, replies } = await run(parts);
    expect(parts.map((part) => result(part) !== undefined)).toEqual([true, false, true]);
    expect(replies).toHaveLength(4);
  });

  it('those that a worker registered before it died keep their session, and the others get one', async () => {
    const parts = database.userIds.slice(5, 9).map(connecting);
    const first = await run(parts.slice(0, 2));
    const before = await sessions();
    const second = await run(parts);
    expect(await sessions()).toBe(before + 2);
    for (const part of parts.slice(0, 2)) expect(second.result(part)!.sessionId).toBe(first.result(part)!.sessionId);
    for (const part of parts) expect(second.result(part)).toBeDefined();
  });

  it('a host that overrides registering is asked for each, and one that throws fails alone', async () => {
    const asked: string[] = [];
    class Own extends EventHandler {
      override async registerSession(...args: Parameters<EventHandler['registerSession']>) {
        asked.push(String(args[0].id));
        if (args[0].id === database.userIds[11]) throw new Error('not this one');
        return super.registerSession(...args);
      }
    }
    const users = database.userIds.slice(10, 14);
    const parts = users.map(connecting);
    const { result } = await run(parts, { eventHandlerClass: Own });
    expect(asked.sort()).toEqual(users.map(String).sort());
    expect(parts.map((part) => result(part) !== undefined)).toEqual([true, false, true, true]);
  });

  it('are ended together, with the expired sessions of their users and nobody else', async () => {
    const [one, two, other] = database.userIds.slice(20) as [number, number, number];
    const parts = [one, two, other].map(connecting);
    const { worker, result } = await run(parts);
    const old = new Date(Date.now() - 3_600_000);
    const add = (user_id: number, last_seen: Date) =>
      worker.models.Session.create({
        id: crypto.randomUUID(),
        user_id,
        channel_name: `old.${kind}.${names++}`,
        last_seen,
        created_at: old,
      });
    await add(one, old);
    await add(other, old);
    await add(two, new Date());
    const before = await sessions();
    const ended = parts.slice(0, 2).map((part) => {
      return chatJob(Number(part.userId), '$disconnect', {}, { sessionId: result(part)!.sessionId });
    });
    const { replies } = await run(ended);
    expect(replies).toHaveLength(3);
    expect(await sessions()).toBe(before - 3);
    const left = await database.query<{ id: string }>('SELECT id FROM chat_sessions WHERE id = ?', [
      result(parts[2]!)!.sessionId,
    ]);
    expect(left).toHaveLength(1);
  });
});
