/** Workers that are killed, stopped and absent while people write: two gateways, two workers, MariaDB, Redis. */
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TestClient } from '../../src/testing/client.js';
import { createGroup } from '../helpers/chat.js';
import { until } from '../helpers/processes.js';
import type { WireAck } from '../helpers/shapes.js';
import { type Chatter, startStack } from '../helpers/stack.js';
import { type Crowd, FrameLog, gather, type Sent, startLoad } from './crowd.js';

let crowd: Crowd;
let people: Chatter[];
let devices: Chatter[];
let logs: FrameLog[];
let rooms: string[];

beforeAll(async () => {
  crowd = await gather(await startStack('distributed'));
});
afterAll(() => crowd?.close());

beforeEach(async () => {
  people = await crowd.chatters(6);
  // Everybody has a second device, on the other gateway.
  devices = await Promise.all(people.map((person, index) => crowd.stack.connect(person, index + 1)));
  const [creator, ...others] = people as [Chatter, ...Chatter[]];
  rooms = [(await createGroup(creator, others)).id, (await createGroup(creator, others)).id];
  await Promise.all(
    devices.flatMap((device) =>
      rooms.map((id) => device.expect('roomcreate.dispatch', ({ room_id }) => room_id === id)),
    ),
  );
  logs = [...people, ...devices].map((client) => new FrameLog(client));
});
afterEach(() => crowd.stack.disconnectAll());

/** All that must hold after a fault, whatever it was. */
async function checkAll(sent: Sent[]): Promise<void> {
  expect(sent.filter(({ error }) => error)).toEqual([]);
  for (const roomId of rooms) {
    const rows = await crowd.checkRoom(roomId);
    expect(new Set(rows.map(({ content }) => content)).size).toBe(rows.length);
    for (const log of logs) {
      await log.reach(roomId, rows.length + 1);
      log.expectUnbroken(roomId);
      expect(log.of(roomId).map(({ data }) => ({ id: data.id, seq: data.seq, content: data.content }))).toEqual(rows);
    }
  }
  const rows = (await Promise.all(rooms.map((id) => crowd.checkRoom(id)))).flat();
  const byContent = new Map(rows.map((row) => [row.content, row]));
  for (const { content, ack } of sent)
    expect(byContent.get(content)).toMatchObject({ id: ack?.message_id, seq: ack?.seq });
  expect(rows).toHaveLength(sent.length);
  for (const client of [...people, ...devices]) expect(client.breaches).toEqual([]);
  await expectEmptyQueue();
}

async function expectEmptyQueue(): Promise<void> {
  const redis = new Redis(crowd.stack.redis!.url);
  try {
    await until('the queue is empty', async () => {
      const lists = await Promise.all(
        ['wait', 'active', 'paused'].map((name) => redis.llen(`chat:chat-events:${name}`)),
      );
      const sets = await Promise.all(
        ['failed', 'completed', 'delayed', 'prioritized'].map((name) => redis.zcard(`chat:chat-events:${name}`)),
      );
      expect([...lists, ...sets]).toEqual([0, 0, 0, 0, 0, 0, 0]);
    });
  } finally {
    redis.disconnect();
  }
}

const slowest = (sent: Sent[]) => Math.max(...sent.map(({ took }) => took));

describe('a worker that is killed under load', () => {
  it('loses no message and doubles none, and every send is answered once', async () => {
    const load = startLoad(people, rooms);
    await load.more(10);
    await crowd.stack.workers[0]!.stop('SIGKILL');
    await load.more(10);
    await crowd.stack.startWorker();
    await load.more(5);
    const sent = await load.stop();
    expect(slowest(sent)).toBeLessThan(15_000);
    await checkAll(sent);
  });
});

describe('a worker that is stopped under load', () => {
  it('costs nobody time, and ends with code 0', async () => {
    const stopped = crowd.stack.workers.filter(({ child }) => child.exitCode === null && child.signalCode === null);
    expect(stopped).toHaveLength(2);
    const load = startLoad(people, rooms);
    await load.more(10);
    for (const worker of stopped) {
      await crowd.stack.startWorker();
      await load.more(20);
      worker.child.kill('SIGTERM');
      expect(await worker.ended).toEqual({ code: 0, signal: null });
      await load.more(10);
    }
    const sent = await load.stop();
    // A job that its worker left behind would wait for 5 s and more.
    expect(slowest(sent)).toBeLessThan(3000);
    await checkAll(sent);
  });
});

describe('no worker at all', () => {
  it('lets sends wait and answers all of them, in order, when there is one again', async () => {
    const running = crowd.stack.workers.filter(({ child }) => child.exitCode === null && child.signalCode === null);
    const slow = await Promise.all(
      people.map((person, index) =>
        crowd.stack.open({ token: person.token, gatewayIndex: index, timeout: 40_000 }).then(async (client) => {
          await client.expect('chat.notifications');
          return client;
        }),
      ),
    );
    const [first, second] = running as [(typeof running)[0], (typeof running)[0]];
    await Promise.all([first.stop('SIGTERM'), second.stop('SIGKILL')]);
    const at = performance.now();
    const answers = slow.flatMap((client, index) =>
      [1, 2, 3, 4].map((number) => request(client, rooms[number % 2]!, `sender ${index} message ${number}`)),
    );
    people[0]!.send('message.typing', { room_id: rooms[0] });
    let answered = 0;
    for (const answer of answers) void answer.then(() => answered++);
    // Nobody can be let in without a worker either.
    const refused = await crowd.stack.open({ token: people[0]!.token });
    expect(await refused.closed).toMatchObject({ code: 1013 });
    expect(performance.now() - at).toBeGreaterThan(9000);
    expect(answered).toBe(0);
    await crowd.stack.startWorker();
    await crowd.stack.startWorker();
    const sent = await Promise.all(answers);
    for (const [index] of slow.entries()) {
      for (const parity of [0, 1]) {
        const seqs = sent
          .slice(index * 4, index * 4 + 4)
          .filter((_, at) => at % 2 === parity)
          .map(({ ack }) => ack!.seq);
        expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
      }
    }
    await checkAll(sent);
    const typing = logs.flatMap(({ frames }) =>
      frames.filter(({ eventType }) => eventType === 'messagetyping.dispatch'),
    );
    expect(typing).toEqual([]);
    // Ten seconds of it pass before the new connection is turned away, and two processes start.
  }, 90_000);

  async function request(client: TestClient, room_id: string, content: string): Promise<Sent> {
    const at = performance.now();
    const { data, error } = await client.request<WireAck>('message.send', { room_id, content });
    return { content, at, ack: data, error: error as Sent['error'], took: performance.now() - at };
  }
});
