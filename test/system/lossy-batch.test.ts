/** Typing of many connections in one job: each is its own event, and what all of them ask is read once. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ChatMessagingConsumer } from '../../src/consumer/consumer.js';
import { runLossyBatch } from '../../src/consumer/lossy-batch.js';
import type { ActingUser, Permission, PermissionOptions } from '../../src/permissions/permission-handler.js';
import { PermissionHandler } from '../../src/permissions/permission-handler.js';
import type { ChatJob } from '../../src/queue/queue.js';
import { chatJob, DATABASES, keepingBroadcast, openDatabase, type TestDatabase, type TestRuntime } from './runtimes.js';

const ROOMS = 10;
const MEMBERS = 4;
const NOBODYS_ROOM = '0190a000-0000-7000-8000-000000000000';

/** Whose typing an override was asked about, and whose it refuses or breaks at. */
const asked: string[] = [];
const handled: string[] = [];
const muted = new Set<string>();
const broken = new Set<string>();

class AskedPermissionHandler extends PermissionHandler {
  override async haveSendMessagePermission(
    user: ActingUser,
    roomId: string,
    options: PermissionOptions,
  ): Promise<Permission> {
    asked.push(String(user.id));
    const permission = await super.haveSendMessagePermission(user, roomId, options);
    return muted.has(String(user.id)) ? { room: permission.room, isPermitted: false } : permission;
  }
}

class TypingConsumer extends ChatMessagingConsumer {
  override async receiveMessageTyping(data: { room_id: string }): Promise<void> {
    handled.push(String(this.user.id));
    if (broken.has(String(this.user.id))) throw new TypeError('A handler of the host is broken.');
    await super.receiveMessageTyping(data);
  }
}

describe.each(DATABASES)('a batch of typing, on %s', (kind) => {
  let database: TestDatabase;
  let worker: TestRuntime;
  let rooms: Array<{ id: string; members: number[] }>;

  beforeAll(async () => {
    database = await openDatabase(kind, ROOMS * MEMBERS + 1);
    worker = database.open({
      broadcast: keepingBroadcast(),
      settings: { permissionHandlerClass: AskedPermissionHandler, consumerClass: TypingConsumer },
    });
    rooms = [];
    for (let index = 0; index < ROOMS; index++) {
      const members = database.userIds.slice(index * MEMBERS, (index + 1) * MEMBERS);
      const data = { type: 'GroupChat', name: 'group', participants: members.slice(1) };
      rooms.push({ id: String((await worker.run(members[0]!, 'room.create', data)).data.room_id), members });
    }
  });
  beforeEach(() => {
    for (const list of [asked, handled, worker.told.whispers, worker.told.replies, worker.statements]) list.length = 0;
    muted.clear();
    broken.clear();
  });
  afterAll(() => database?.close());

  const typing = (userId: number, room_id: string): ChatJob =>
    chatJob(userId, 'message.typing', { room_id }, { roomId: room_id, connectionId: `of ${userId}` });
  const run = (events: ChatJob[], more: Partial<ChatJob> = {}) => {
    const batch = chatJob(0, '$lossy', events, { userId: '', connectionId: '', lossy: true, ...more });
    return runLossyBatch(
      worker.runtime,
      {
        ...batch,
        data: events.map(({ id, type, userId, roomId, connectionId, data }) => ({
          id,
          type,
          userId,
          roomId,
          connectionId,
          data,
        })),
      },
      { earlierRuns: 0 },
    ).then((runs) => ({ batch, runs }));
  };
  const everybody = () => rooms.flatMap(({ id, members }) => members.map((userId) => typing(userId, id)));
  const shown = () =>
    worker.told.whispers.map(({ roomId, frame }) => {
      const { data, ...head } = JSON.parse(frame) as { data: { user_id: number; room_id: string } };
      expect(head).toEqual({ eventType: 'messagetyping.dispatch', room_id: roomId });
      expect(data.room_id).toBe(roomId);
      return `${data.user_id} in ${roomId}`;
    });
  const refusals = () =>
    worker.told.replies.flatMap(({ connectionId, frames }) =>
      frames.map((frame) => [connectionId, (JSON.parse(frame) as { error: { code: number } }).error.code]),
    );

  it('shows each of them, asks the host about each, and reads for all of them at once', async () => {
    const { batch, runs } = await run(everybody());
    const expected = rooms.flatMap(({ id, members }) => members.map((userId) => `${userId} in ${id}`));
    expect(shown().toSorted()).toEqual(expected.toSorted());
    const users = rooms.flatMap(({ members }) => members.map(String));
    expect([asked.toSorted(), handled.toSorted()]).toEqual([users.toSorted(), users.toSorted()]);
    expect(worker.statements.length).toBeLessThanOrEqual(3);
    // One answer, to the gateway; nobody is told that it went well.
    expect(worker.told.replies).toEqual([{ jobId: batch.id, connectionId: '', frames: [] }]);
    expect(runs).toHaveLength(ROOMS * MEMBERS);
    expect(runs.every(({ reason }) => reason === undefined)).toBe(true);
  });

  it('refuses and fails one by one: who may not, what is no room, what the host breaks at', async () => {
    const [home, away] = rooms as [(typeof rooms)[number], (typeof rooms)[number]];
    const [ann, ben, cleo, dan] = home.members as [number, number, number, number];
    const stranger = away.members[0]!;
    muted.add(String(ben));
    broken.add(String(cleo));
    const { runs } = await run([
      typing(ann, home.id),
      typing(ben, home.id),
      typing(cleo, home.id),
      typing(stranger, home.id),
      typing(stranger, NOBODYS_ROOM),
      typing(stranger, '👍'),
      typing(stranger, "' OR 1=1 --"),
      { ...typing(stranger, home.id), userId: '987654321', connectionId: 'of nobody' },
      typing(dan, home.id),
    ]);
    expect(shown().toSorted()).toEqual([`${ann} in ${home.id}`, `${dan} in ${home.id}`].toSorted());
    expect(refusals().toSorted()).toEqual(
      [
        [`of ${ben}`, 4002],
        [`of ${cleo}`, 4006],
        [`of ${stranger}`, 4002],
        [`of ${stranger}`, 4004],
        [`of ${stranger}`, 4003],
        [`of ${stranger}`, 4003],
        ['of nobody', 4002],
      ].toSorted(),
    );
    expect(runs.filter(({ reason }) => reason !== undefined)).toMatchObject([
      { userId: String(cleo), roomId: home.id },
    ]);
  });

  it('is asked anew each time: who was removed since is refused', async () => {
    const { id, members } = rooms[2]!;
    const [creator, gone] = members as [number, number];
    await run([typing(gone, id)]);
    expect(shown()).toEqual([`${gone} in ${id}`]);
    await worker.run(creator, 'room.remove_members', { room_id: id, members: [gone] });
    worker.told.replies.length = 0;
    await run([typing(gone, id)]);
    expect(shown()).toHaveLength(1);
    expect(refusals()).toEqual([[`of ${gone}`, 4002]]);
  });

  it('that waited too long is dropped as a whole, and its gateway is told so', async () => {
    const { batch, runs } = await run(everybody(), { isStale: true });
    expect([runs, shown(), asked]).toEqual([[], [], []]);
    expect(worker.told.replies).toEqual([{ jobId: batch.id, connectionId: '', frames: [] }]);
  });
});
