/** A worker that is killed or frozen at a known point of a send; the other worker goes on. */
import { type Connection, createConnection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TestFrame } from '../../src/testing/client.js';
import { acknowledged } from '../helpers/chat.js';
import { until } from '../helpers/processes.js';
import type { WireAck } from '../helpers/shapes.js';
import type { Chatter } from '../helpers/stack.js';
import { upTo } from '../system/crowd.js';
import { FaultScene } from './scene.js';

/** Milliseconds within which the events of a killed worker are answered. */
const LATE = 10_000;

/** Points at which the commit is done, and the broadcast is not. */
const UNTOLD = ['after commit', 'answered'] as const;

let scene: FaultScene;
let locker: Connection;
let ann: Chatter;
let ben: Chatter;
let room: string;
let other: string;

beforeAll(async () => {
  scene = await FaultScene.start();
  locker = await createConnection(scene.stack.mariaDb!.url);
});
afterAll(async () => {
  await locker?.end();
  await scene?.close();
});
beforeEach(async () => {
  await scene.gather(2, 2);
  [ann, ben] = scene.senders as [Chatter, Chatter];
  [room, other] = scene.rooms as [string, string];
});
afterEach(() => scene.mend());

const send = (sender: Chatter, room_id: string, content: string) =>
  sender.request<WireAck>('message.send', { room_id, content });

async function timed<T>(work: Promise<T>): Promise<{ result: T; took: number }> {
  const at = performance.now();
  const result = await work;
  return { result, took: performance.now() - at };
}

/** Waits until some statement of a worker that looks like this waits for a lock. */
const isWaiting = (pattern: RegExp) =>
  until('a worker waits for the lock', async () => {
    const running = await scene.crowd.running();
    expect(running.filter(({ Info }) => Info !== null && pattern.test(Info))).not.toEqual([]);
  });

/** The one answer, the one row, and a room that goes on after it. */
async function checkSent(content: string, answer: TestFrame<WireAck>): Promise<void> {
  expect(answer).toMatchObject({ eventType: 'event.ack', data: { status: 'successful', seq: 1 } });
  expect((await send(ann, room, `${content}, next`)).data).toMatchObject({ status: 'successful', seq: 2 });
  const rows = await scene.crowd.checkRoom(room);
  expect(rows.map((row) => row.content)).toEqual([content, `${content}, next`]);
  await scene.check();
}

describe('a worker that is killed', () => {
  it.each(['begun', 'before commit', 'after commit', 'answered', 'after publish', 'after answer'] as const)(
    'at the point "%s" costs its sender at most ten seconds and others nothing',
    async (point) => {
      const workers = scene.workers;
      scene.arm({ point, type: 'message.send' });
      const sending = timed(send(ann, room, 'one'));
      const dead = await scene.hit(workers);
      expect(await dead.ended).toEqual({ code: null, signal: 'SIGKILL' });
      // Sent while nobody has taken the dead worker's event over yet, by one worker alone, also in that very room.
      const others = await Promise.all([
        timed(send(ben, other, 'two')),
        timed(send(scene.devices[3]!.client, room, 'three')),
      ]);
      for (const { result, took } of others) {
        expect(result.error).toBeUndefined();
        expect(took).toBeLessThan(2000);
      }
      const { result, took } = await sending;
      expect(result.error).toBeUndefined();
      expect(took).toBeLessThan(LATE);
      const contents = (await scene.crowd.checkRoom(room)).map(({ content }) => content);
      expect(contents.toSorted()).toEqual(['one', 'three']);
      await scene.check();
    },
  );

  it.each(UNTOLD)(
    'at the point "%s" is published within ten seconds to a room where nothing else happens',
    async (point) => {
      const workers = scene.workers;
      scene.arm({ point, type: 'message.send' });
      const at = performance.now();
      // Without an id nobody waits for an answer either.
      ann.send('message.send', { room_id: room, content: 'silent' });
      await scene.hit(workers);
      const frames = await Promise.all(scene.devices.map(({ client }) => client.expect('message.dispatch')));
      expect(performance.now() - at).toBeLessThan(LATE);
      expect(frames.map(({ data }) => data)).toMatchObject(frames.map(() => ({ content: 'silent', seq: 1 })));
      await scene.check();
    },
  );

  it('while it waits for the room is finished by another', async () => {
    await locker.beginTransaction();
    await locker.query('SELECT id FROM chat_rooms WHERE id = ? FOR UPDATE', [room]);
    const workers = scene.workers;
    const answer = send(ann, room, 'waits');
    await isWaiting(/chat_rooms\b.*FOR UPDATE/s);
    // Whoever has the send: both are killed, two new ones come.
    await Promise.all(workers.map((worker) => scene.end(worker, 'SIGKILL')));
    await locker.rollback();
    await Promise.all([scene.stack.startWorker(), scene.stack.startWorker()]);
    await checkSent('waits', await answer);
  });
});

describe('a worker that is frozen past the lock of its job', () => {
  it.each(['begun', 'after commit', 'after publish', 'after answer'] as const)(
    'at the point "%s" is replaced, and changes nothing when it wakes',
    async (point) => {
      const before = scene.workers;
      scene.arm({ point, type: 'message.send', signal: 'SIGSTOP' });
      const sending = timed(send(ann, room, 'frozen'));
      const { result, took } = await sending;
      expect(took).toBeLessThan(LATE);
      const frozen = await scene.frozen(before);
      await acknowledged(ben, 'message.send', { room_id: room, content: 'meanwhile' });
      // The other worker has noted the job as done: what wakes has lost it.
      await scene.checkQueue();
      const offsets = await lastOffset();
      frozen.child.kill('SIGCONT');
      // It ends after the work in hand: then it has done whatever it would.
      await scene.end(frozen, 'SIGTERM');
      expect(await lastOffset()).toBe(offsets);
      expect(result.data).toMatchObject({ status: 'successful', seq: 1 });
      const rows = await scene.crowd.checkRoom(room);
      expect(rows.map(({ content }) => content)).toEqual(['frozen', 'meanwhile']);
      await scene.check();
    },
  );

  it('inside its transaction keeps the room until it wakes, and then there is one message', async () => {
    const before = scene.workers;
    scene.arm({ point: 'before commit', signal: 'SIGSTOP' });
    const answer = send(ann, room, 'one');
    const frozen = await scene.frozen(before);
    // Other rooms go on, and the second run waits for the first one's lock.
    const { took } = await timed(acknowledged(ben, 'message.send', { room_id: other, content: 'elsewhere' }));
    expect(took).toBeLessThan(2000);
    await isWaiting(/chat_rooms\b.*FOR UPDATE/s);
    frozen.child.kill('SIGCONT');
    await checkSent('one', await answer);
  });
});

const lastOffset = async () => {
  const rows = await scene.crowd.query<{ last_offset: number }>('SELECT last_offset FROM chat_rooms WHERE id = ?', [
    room,
  ]);
  return Number(rows[0]?.last_offset);
};

it('lets frames of one room that several workers publish at once come out in offset order, once each', async () => {
  const devices = scene.devices.map(({ client }) => client);
  await Promise.all(
    devices.map(async (client, index) => {
      for (const number of upTo(40)) {
        await acknowledged(client, 'message.send', { room_id: room, content: `${index} ${number}` });
      }
    }),
  );
  const { length } = await scene.crowd.checkRoom(room);
  expect(length).toBe(devices.length * 40);
  for (const device of scene.devices) {
    await until('all of them', async () => expect(device.live(room)).toHaveLength(length + 1));
    expect(device.live(room)).toEqual(upTo(length + 1));
  }
  await scene.check();
});
