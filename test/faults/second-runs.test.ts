/** Events whose worker was killed or frozen, every kind of them; and one that ends every worker that runs it. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createLogger, transports } from 'winston';
import type { ChatMessagingConsumer } from '../../src/consumer/consumer.js';
import { mapEventTypesToHandlers } from '../../src/consumer/event-map.js';
import { createBullQueue } from '../../src/queue/bullmq.js';
import type { FailedQueueEvent } from '../../src/queue/queue.js';
import { acknowledged, createChannel, createGroup, refused, sendMessage } from '../helpers/chat.js';
import type { WireAck } from '../helpers/shapes.js';
import type { Chatter } from '../helpers/stack.js';
import { FaultScene } from './scene.js';

let scene: FaultScene;

beforeAll(async () => {
  scene = await FaultScene.start();
});
afterAll(() => scene?.close());
afterEach(() => scene.mend());

/** Three people of one row: ann and ben share a room, cat is not in it. */
interface Cast {
  readonly ann: Chatter;
  readonly ben: Chatter;
  readonly cat: Chatter;
}

/** One event to be cut short, and the dispatches that follow from it: exactly these. */
interface Row {
  readonly by: keyof Cast;
  readonly type: string;
  readonly data: object;
  readonly tells: Partial<Record<keyof Cast, readonly string[]>>;
}

type Prepare = (cast: Cast) => Promise<Row>;

const both = (type: string) => ({ ann: [type], ben: [type] });
const all = (type: string) => ({ ann: [type], ben: [type], cat: [type] });
const group = ({ ann, ben }: Cast) => createGroup(ann, [ben]);

async function message(cast: Cast) {
  const room = await group(cast);
  return { room_id: room.id, message_id: (await sendMessage(cast.ann, room, 'earlier', [cast.ben])).id };
}

/** Every event that writes, at least once. */
const WRITES: Record<string, Prepare[]> = {
  'message.send': [
    async (cast) => ({
      by: 'ann',
      type: 'message.send',
      data: { room_id: (await group(cast)).id, content: 'hello' },
      tells: both('message.dispatch'),
    }),
  ],
  'message.acknowledged': [
    async (cast) => ({
      by: 'ben',
      type: 'message.acknowledged',
      data: { message_id: (await message(cast)).message_id },
      tells: { ann: ['messagedelivered.dispatch'] },
    }),
  ],
  'message.read': [
    async (cast) => ({
      by: 'ben',
      type: 'message.read',
      data: { message_id: (await message(cast)).message_id },
      tells: both('readreceipt.dispatch'),
    }),
  ],
  'message.react': [
    async (cast) => ({
      by: 'ben',
      type: 'message.react',
      data: { type: 'add', message_id: (await message(cast)).message_id, reaction_content: '👍' },
      tells: both('reaction.dispatch'),
    }),
  ],
  'message.modify': [
    async (cast) => ({
      by: 'ann',
      type: 'message.modify',
      data: { action: 'update', message_id: (await message(cast)).message_id, extra_fields: { content: 'better' } },
      tells: both('messagemodification.dispatch'),
    }),
    async (cast) => ({
      by: 'ann',
      type: 'message.modify',
      data: { action: 'delete', message_id: (await message(cast)).message_id },
      tells: both('messagemodification.dispatch'),
    }),
  ],
  'room.create': [
    async ({ ben }) => ({
      by: 'ann',
      type: 'room.create',
      data: { type: 'GroupChat', name: 'new', participants: [ben.user.id] },
      tells: both('roomcreate.dispatch'),
    }),
  ],
  'room.join': [
    async ({ ann, ben }) => ({
      by: 'cat',
      type: 'room.join',
      data: { room_id: (await createChannel(ann, [ben], { extra_fields: { is_public: true } })).id },
      tells: all('roomaddmembers.dispatch'),
    }),
  ],
  'room.leave': [
    async (cast) => ({
      by: 'ben',
      type: 'room.leave',
      data: { room_id: (await group(cast)).id },
      tells: { ann: ['roomremovemembers.dispatch'], ben: ['roomexit.dispatch'] },
    }),
  ],
  'room.add_members': [
    async (cast) => ({
      by: 'ann',
      type: 'room.add_members',
      data: { room_id: (await group(cast)).id, members: [cast.cat.user.id] },
      tells: all('roomaddmembers.dispatch'),
    }),
  ],
  'room.remove_members': [
    async (cast) => ({
      by: 'ann',
      type: 'room.remove_members',
      data: { room_id: (await group(cast)).id, members: [cast.ben.user.id] },
      tells: { ann: ['roomremovemembers.dispatch'], ben: ['roomexit.dispatch'] },
    }),
  ],
  'room.modify': [
    async (cast) => ({
      by: 'ann',
      type: 'room.modify',
      data: { room_id: (await group(cast)).id, action: 'update', data: { name: 'another' } },
      tells: both('roomupdate.dispatch'),
    }),
    async (cast) => ({
      by: 'ann',
      type: 'room.modify',
      data: { room_id: (await group(cast)).id, action: 'delete', data: {} },
      tells: both('roomdelete.dispatch'),
    }),
  ],
};

/** Events that leave nothing behind which others are told of. */
const OTHERS = [
  'message.typing',
  'room.list',
  'room.discover',
  'room.info',
  'room.members',
  'room.messages',
  'session.heartbeat',
  'session.refresh',
  'session.resume',
];

it('knows every event of the event table', () => {
  const table = Object.keys(mapEventTypesToHandlers({} as ChatMessagingConsumer));
  expect([...Object.keys(WRITES), ...OTHERS].toSorted()).toEqual(table.toSorted());
});

/** All of them at once: under way in one worker, which is hit at that point when it has all in hand. */
async function hitAt(point: 'begun' | 'after commit', signal: NodeJS.Signals) {
  const casts: { cast: Cast; row: Row }[] = [];
  for (const prepare of Object.values(WRITES).flat()) {
    const [ann, ben, cat] = (await scene.crowd.chatters(3)) as [Chatter, Chatter, Chatter];
    casts.push({ cast: { ann, ben, cat }, row: await prepare({ ann, ben, cat }) });
  }
  const [one, two] = scene.workers;
  await scene.end(two!, 'SIGTERM');
  scene.arm({ point, signal, hold: casts.length });
  const answers = casts.map(({ cast, row }) => cast[row.by].request<WireAck>(row.type, row.data));
  await (signal === 'SIGKILL' ? scene.hit([one!]) : scene.frozen([one!]));
  for (const { cast } of casts) {
    for (const person of Object.values(cast)) expect(person.pending).toEqual([]);
  }
  await Promise.all([scene.stack.startWorker(), scene.stack.startWorker()]);
  // Whoever is let in was let in by a worker.
  await scene.crowd.chatters(1);
  const working = performance.now();
  for (const [index, { cast, row }] of casts.entries()) {
    const answer = await answers[index]!;
    expect(answer, row.type).toMatchObject({ eventType: 'event.ack', data: { status: 'successful' } });
    for (const [name, types] of Object.entries(row.tells)) {
      for (const type of types) await cast[name as keyof Cast].expect(type);
    }
  }
  expect(performance.now() - working).toBeLessThan(10_000);
  return { worker: one!, casts: casts.map(({ cast }) => cast) };
}

/** Exactly these were told: nobody got one twice, nobody else got one. */
async function checkTold(casts: readonly Cast[]): Promise<void> {
  for (const cast of casts) await Promise.all(Object.values(cast).map((person) => person.silence()));
  const holes = await scene.crowd.query(
    'SELECT id FROM chat_rooms WHERE last_offset <> (SELECT COUNT(*) FROM chat_outcomes WHERE room_id = chat_rooms.id)',
  );
  expect(holes).toEqual([]);
  scene.rooms = [];
  await scene.check();
}

describe('a worker that is killed after its commits, of every event that writes', () => {
  it('leaves all of them to be published once and answered within ten seconds', async () => {
    const { casts } = await hitAt('after commit', 'SIGKILL');
    await checkTold(casts);
  });
});

describe('a worker that is frozen past the locks of its jobs, of every event that writes', () => {
  it.each(['begun', 'after commit'] as const)(
    'at the point "%s" is replaced, and changes nothing when it wakes',
    async (point) => {
      const { worker, casts } = await hitAt(point, 'SIGSTOP');
      // The others have noted the jobs as done: what wakes has lost them.
      await scene.checkQueue();
      const rows = await everyRow();
      worker.child.kill('SIGCONT');
      // It ends after the work in hand: then it has done whatever it would.
      await scene.end(worker, 'SIGTERM');
      expect(await everyRow()).toEqual(rows);
      await checkTold(casts);
    },
  );

  /** All that the chat stores, but who is connected. */
  async function everyRow(): Promise<Record<string, unknown[]>> {
    const tables = await scene.crowd.query<{ name: string }>(
      "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name LIKE 'chat\\_%'",
    );
    expect(tables.length).toBeGreaterThan(10);
    const rows: Record<string, unknown[]> = {};
    for (const { name } of tables) {
      if (name !== 'chat_sessions') rows[name] = await scene.crowd.query(`SELECT * FROM ${name} ORDER BY 1, 2`);
    }
    return rows;
  }
});

describe('an event that ends every worker that runs it', () => {
  it('fails after three tries: its sender hears 4006, the others go on, and a failed event fires', async () => {
    await scene.gather(3, 2);
    const [ann, ben] = scene.senders as [Chatter, Chatter];
    const [room, other] = scene.rooms as [string, string];
    const logger = createLogger({ silent: true, transports: [new transports.Console()] });
    const queue = createBullQueue({ redis: scene.stack.redis!.url, prefix: 'chat', name: 'chat-events', logger });
    try {
      const failed = new Promise<FailedQueueEvent>((resolve) => queue.events.once('failed', resolve));
      scene.arm({ point: 'begun', content: 'poison', always: true });
      const slow = await scene.stack.open({ token: ann.token, timeout: 60_000 });
      await slow.expect('chat.notifications');
      const answer = refused(slow, 4006, 'message.send', { room_id: room, content: 'poison' });
      for (let death = 1; death <= 3; death++) {
        const workers = scene.workers;
        await scene.hit(workers);
        await scene.stack.startWorker();
        // Nobody waits for it, neither in that room nor elsewhere.
        const at = performance.now();
        await acknowledged(ben, 'message.send', { room_id: room, content: `after death ${death}` });
        await acknowledged(ben, 'message.send', { room_id: other, content: `after death ${death}, elsewhere` });
        expect(performance.now() - at).toBeLessThan(3000);
      }
      expect((await answer).detail).toBe('Internal server error.');
      expect(await failed).toMatchObject({ eventType: 'message.send', userId: String(ann.user.id), roomId: room });
      expect(scene.workers).toHaveLength(2);
      const rows = await scene.crowd.checkRoom(room);
      expect(rows.map(({ content }) => content)).toEqual([1, 2, 3].map((death) => `after death ${death}`));
      await scene.check([], { failed: 1 });
    } finally {
      await queue.close();
    }
  });
});
