/** Redis restarted, emptied and cut off under open sockets. MariaDB, two gateways, two workers, Redis with AOF. */
import { Redis } from 'ioredis';
import { createConnection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { createLogger, transports } from 'winston';
import { createRedisBroadcast } from '../../src/broadcast/redis.js';
import { acknowledged, answered, createGroup } from '../helpers/chat.js';
import { until } from '../helpers/processes.js';
import type { WireAck, WireError, WireMessage } from '../helpers/shapes.js';
import type { Chatter, OwnStack } from '../helpers/stack.js';
import { type Crowd, FrameLog, startLoad, upTo } from '../system/crowd.js';
import { FaultScene } from './scene.js';

let scene: FaultScene;
let crowd: Crowd;
let stack: OwnStack;
let people: Chatter[];
let ann: Chatter;
let room: { id: string };
let logs: FrameLog[];

beforeAll(async () => {
  scene = await FaultScene.start();
  ({ crowd, stack } = scene);
});
afterAll(() => scene?.close());
beforeEach(async () => {
  await scene.gather(4, 1);
  people = scene.senders;
  ann = people[0]!;
  room = { id: scene.rooms[0]! };
  logs = people.map((client) => new FrameLog(client));
  await acknowledged(ann, 'message.send', { room_id: room.id, content: 'before' });
});
afterEach(() => scene.mend());

let made = 0;

/** Sends as clients do: told 4503, again with the same client_id. */
async function send(sender: Chatter, content: string): Promise<WireAck> {
  const data = { room_id: room.id, content, client_id: `client-${++made}` };
  return until('the send is taken', async () => {
    const answer = await sender.request<WireAck>('message.send', data);
    const error = answer.error as WireError | undefined;
    if (error) {
      expect(error.code).toBe(4503);
      throw new Error('4503');
    }
    return answer.data;
  });
}

/** Every message so far, once and in order, is with everybody; nobody's socket was closed. */
async function checkAll(contents: string[]): Promise<void> {
  expect((await crowd.checkRoom(room.id)).map(({ content }) => content)).toEqual(contents);
  for (const [index, log] of logs.entries()) {
    await log.reach(room.id, 1 + contents.length);
    log.expectUnbroken(room.id);
    expect(log.of(room.id).map(({ data }) => data.content)).toEqual(contents);
    expect(people[index]!.socket.readyState).toBe(1);
    expect(people[index]!.breaches).toEqual([]);
  }
  await scene.check();
}

/** What is addressed to users and not to a room: receipts to the sender, and rooms one is drawn into. */
async function checkUsers(): Promise<void> {
  const { message_id } = await send(ann, 'to be acknowledged');
  await acknowledged(people[1]!, 'message.acknowledged', { message_id });
  await ann.expect<WireMessage[]>('messagedelivered.dispatch', ({ data }) => data[0]?.id === message_id);
  const another = await createGroup(people[1]!, [ann, people[2]!]);
  await acknowledged(people[2]!, 'message.send', { room_id: another.id, content: 'in the new room' });
  await ann.expect('message.dispatch', ({ room_id }) => room_id === another.id);
  await acknowledged(ann, 'room.leave', { room_id: another.id });
  await people[2]!.expect('roomremovemembers.dispatch', ({ room_id }) => room_id === another.id);
}

it('keeps sockets and offsets through a restart of Redis', async () => {
  await stack.redis!.restart();
  for (const content of ['one', 'two', 'three']) await send(people[content.length % 4]!, content);
  await checkAll(['before', 'one', 'two', 'three']);
  await checkUsers();
});

it('answers 4503 within 3 s while Redis is away, and goes on when it is back', async () => {
  await stack.redis!.kill();
  const at = performance.now();
  const refused = await ann.request('message.send', { room_id: room.id, content: 'lost' });
  expect((refused.error as WireError).code).toBe(4503);
  expect(performance.now() - at).toBeLessThan(3000);
  const sent = send(ann, 'back');
  await stack.redis!.restart();
  await sent;
  await checkAll(['before', 'back']);
});

it('keeps sockets and offsets when Redis is emptied under idle sockets', async () => {
  await stack.redis!.flush();
  const at = performance.now();
  for (const content of ['one', 'two', 'three']) await send(people[content.length % 4]!, content);
  expect(performance.now() - at).toBeLessThan(3000);
  await checkAll(['before', 'one', 'two', 'three']);
  await checkUsers();
});

it('lets people into rooms that were made right after Redis was emptied', async () => {
  await stack.redis!.flush();
  const another = await createGroup(people[1]!, [ann, people[2]!]);
  await acknowledged(ann, 'message.send', { room_id: another.id, content: 'in the new room' });
  await people[2]!.expect('message.dispatch', ({ room_id }) => room_id === another.id);
  logs[2]!.expectUnbroken(another.id);
});

it('keeps sockets and offsets when Redis is emptied and comes back empty', async () => {
  await stack.redis!.flush();
  await stack.redis!.restart();
  for (const content of ['one', 'two']) await send(people[content.length % 4]!, content);
  await checkAll(['before', 'one', 'two']);
  await checkUsers();
  // No wrong replay: everything from the first offset on, out of the database.
  const device = await stack.connect(ann, 1);
  const log = new FrameLog(device);
  const resumed = await answered(device, 'session.resume', { rooms: { [room.id]: 0 } }, 'session.resumed');
  expect(resumed).toEqual({ rooms: { [room.id]: { recovered: true, offset: expect.any(Number) } } });
  const offsets = log.of(room.id).map(({ offset }) => offset);
  expect(offsets).toEqual(upTo(offsets.length));
});

it('refuses within 3 s while Redis is frozen for 5 s, and goes on when it wakes', async () => {
  process.kill(stack.redis!.pid, 'SIGSTOP');
  try {
    const at = performance.now();
    do {
      const asked = performance.now();
      const refused = await ann.request('message.send', { room_id: room.id, content: 'unknown', client_id: 'frozen' });
      expect((refused.error as WireError).code).toBe(4503);
      expect(performance.now() - asked).toBeLessThan(3000);
    } while (performance.now() - at < 5000);
  } finally {
    process.kill(stack.redis!.pid, 'SIGCONT');
  }
  const woken = performance.now();
  // Whether the first try was taken is unknown; the same client_id makes it one message.
  await until('the second try is answered', async () => {
    const data = { room_id: room.id, content: 'unknown', client_id: 'frozen' };
    expect((await ann.request('message.send', data)).error).toBeUndefined();
  });
  expect(performance.now() - woken).toBeLessThan(2000);
  await send(ann, 'after');
  await checkAll(['before', 'unknown', 'after']);
});

it('refuses within 3 s while Redis is away for 20 s, keeps sockets, and works within 2 s of its return', async () => {
  await stack.redis!.kill();
  const at = performance.now();
  while (performance.now() - at < 20_000) {
    const asked = performance.now();
    const answers = await Promise.all(
      people.map((person) => person.request('message.send', { room_id: room.id, content: 'lost' })),
    );
    for (const { error } of answers) expect((error as WireError).code).toBe(4503);
    expect(performance.now() - asked).toBeLessThan(3000);
    await until('a second has passed', async () => expect(performance.now() - asked).toBeGreaterThan(1000));
  }
  await stack.redis!.restart();
  const back = performance.now();
  const answers = await Promise.all(people.map((person, index) => send(person, `back ${index}`)));
  expect(performance.now() - back).toBeLessThan(2000);
  const order = answers.map(({ seq }, index) => ({ seq: Number(seq), content: `back ${index}` }));
  await checkAll(['before', ...order.toSorted((a, b) => a.seq - b.seq).map(({ content }) => content)]);
  await checkUsers();
});

it('refuses within 3 s while Redis is full, and works within 2 s of its having room', async () => {
  const redis = new Redis(stack.redis!.url);
  try {
    await redis.config('SET', 'maxmemory', '1');
    const at = performance.now();
    const refused = await ann.request('message.send', { room_id: room.id, content: 'too much' });
    expect((refused.error as WireError).code).toBe(4503);
    expect(performance.now() - at).toBeLessThan(3000);
    await redis.config('SET', 'maxmemory', '0');
    const again = performance.now();
    await send(ann, 'room again');
    expect(performance.now() - again).toBeLessThan(2000);
    await checkAll(['before', 'room again']);
    await checkUsers();
  } finally {
    await redis.config('SET', 'maxmemory', '0');
    redis.disconnect();
  }
});

it('takes nothing between a commit and its publishing: it is published and answered within 2 s of its having room', async () => {
  for (const log of logs) await log.reach(room.id, 2);
  const before = scene.workers;
  scene.arm({ point: 'after commit', type: 'message.send', signal: 'SIGSTOP' });
  const answer = ann.request<WireAck>('message.send', { room_id: room.id, content: 'committed' });
  const worker = await scene.frozen(before);
  const redis = new Redis(stack.redis!.url);
  try {
    await redis.config('SET', 'maxmemory', '1');
    worker.child.kill('SIGCONT');
    await worker.waitFor(/Publishing was refused/);
    for (const log of logs) expect(log.of(room.id).at(-1)?.offset).toBe(2);
    await redis.config('SET', 'maxmemory', '0');
    const again = performance.now();
    for (const log of logs) await log.reach(room.id, 3);
    expect((await answer).data).toMatchObject({ status: 'successful', seq: 2 });
    expect(performance.now() - again).toBeLessThan(2000);
    await checkAll(['before', 'committed']);
  } finally {
    await redis.config('SET', 'maxmemory', '0');
    redis.disconnect();
  }
});

it('keeps what the queue took when Redis is killed, and answers it', async () => {
  await Promise.all(scene.workers.map((worker) => scene.end(worker, 'SIGTERM')));
  const answers = people.map((person, index) =>
    person.request<WireAck>('message.send', { room_id: room.id, content: `taken ${index}` }),
  );
  const redis = new Redis(stack.redis!.url);
  await until('the queue has them', async () => expect(await redis.llen('chat:chat-events:wait')).toBe(4));
  redis.disconnect();
  await stack.redis!.kill();
  await stack.redis!.restart();
  await Promise.all([stack.startWorker(), stack.startWorker()]);
  const acks = (await Promise.all(answers)).map(({ data }) => data);
  expect(acks.map(({ status }) => status)).toEqual(acks.map(() => 'successful'));
  const order = acks.map(({ seq }, index) => ({ seq: Number(seq), content: `taken ${index}` }));
  await checkAll(['before', ...order.toSorted((a, b) => a.seq - b.seq).map(({ content }) => content)]);
});

it('finds users for targeted dispatches and disconnects them right after Redis was emptied', async () => {
  const { message_id } = await acknowledged(ann, 'message.send', { room_id: room.id, content: 'to be acknowledged' });
  const logger = createLogger({ silent: true, transports: [new transports.Console()] });
  const broadcast = createRedisBroadcast({ redis: stack.redis!.url, prefix: 'chat', historySize: 100, logger });
  try {
    await stack.redis!.flush();
    await acknowledged(people[1]!, 'message.acknowledged', { message_id });
    await Promise.all(
      [scene.devices[0]!, scene.devices[1]!].map(({ client }) =>
        client.expect<WireMessage[]>('messagedelivered.dispatch', ({ data }) => data[0]?.id === message_id),
      ),
    );
    await stack.redis!.flush();
    const at = performance.now();
    await broadcast.control({ id: 'ban', kind: 'disconnect', userIds: [String(people[3]!.user.id)] });
    for (const device of scene.devices.slice(6)) {
      expect(await device.client.closed).toMatchObject({ code: 4001 });
    }
    expect(performance.now() - at).toBeLessThan(1000);
    for (const device of scene.devices.slice(0, 6)) expect(device.isOpen).toBe(true);
    await scene.check();
  } finally {
    await broadcast.close();
  }
});

/** What the messages say that wait in the queue or are with workers. */
async function queued(): Promise<string[]> {
  const redis = new Redis(stack.redis!.url);
  try {
    const lists = ['wait', 'active'].map((name) => redis.lrange(`chat:chat-events:${name}`, 0, -1));
    const ids = (await Promise.all(lists)).flat();
    const jobs = await Promise.all(ids.map((id) => redis.hget(`chat:chat-events:${id}`, 'data')));
    return jobs.flatMap((data) => data?.match(/in hand \d/g) ?? []).toSorted();
  } finally {
    redis.disconnect();
  }
}

it.each([
  ['away', () => stack.redis!.kill(), () => stack.redis!.restart()],
  [
    'frozen',
    async () => void process.kill(stack.redis!.pid, 'SIGSTOP'),
    async () => void process.kill(stack.redis!.pid, 'SIGCONT'),
  ],
])(
  'lets a worker with events in hand and a gateway end within 30 s of SIGTERM while Redis is %s',
  async (_, go, back) => {
    const locker = await createConnection(stack.mariaDb!.url);
    const [worker] = scene.workers;
    const app = await stack.startApp();
    const contents = ['before', ...[0, 1, 2, 3].map((n) => `in hand ${n}`)];
    try {
      await locker.beginTransaction();
      await locker.query('SELECT id FROM chat_rooms WHERE id = ? FOR UPDATE', [room.id]);
      const sends = people.map((person, index) =>
        person
          .request('message.send', { room_id: room.id, content: `in hand ${index}` }, `hand-${index}`)
          .catch(() => null),
      );
      await until('workers wait for the lock', async () => {
        const running = await crowd.running();
        expect(running.filter(({ Info }) => /FOR UPDATE/.test(Info ?? '')).length).toBeGreaterThan(0);
      });
      await until('the queue has all', async () => expect(await queued()).toEqual(contents.slice(1)));
      await go();
      await locker.rollback();
      const at = performance.now();
      await Promise.all([scene.end(worker!, 'SIGTERM', 60_000), scene.end(app, 'SIGTERM', 60_000)]);
      expect(performance.now() - at).toBeLessThan(30_000);
      expect(await worker!.ended).toEqual({ code: 0, signal: null });
      expect(await app.ended).toEqual({ code: 0, signal: null });
      await back();
      await stack.startWorker();
      await Promise.all(sends);
      await until('all are stored', async () => {
        const rows = await crowd.checkRoom(room.id);
        expect(rows.map(({ content }) => content).toSorted()).toEqual(contents);
      });
      await scene.check();
    } finally {
      await back().catch(() => {});
      await locker.end();
    }
  },
);

it('delivers what was published while the subscriber links were cut', async () => {
  const redis = new Redis(stack.redis!.url);
  try {
    const load = startLoad(people, [room.id]);
    for (let round = 0; round < 5; round++) {
      await load.more(3);
      expect(Number(await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub'))).toBeGreaterThan(0);
    }
    await load.more(3);
    await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    const cut = performance.now();
    const sent = await load.stop();
    expect(sent.filter(({ error }) => error)).toEqual([]);
    const rows = await crowd.checkRoom(room.id);
    expect(rows).toHaveLength(sent.length + 1);
    // The very last ones too, though nothing follows them.
    for (const log of logs) await log.reach(room.id, 1 + rows.length);
    expect(performance.now() - cut).toBeLessThan(5000);
    await checkAll(rows.map(({ content }) => content));
  } finally {
    redis.disconnect();
  }
});

it('delivers by itself, with nothing after it, what was published while the links could not come back', async () => {
  const redis = new Redis(stack.redis!.url);
  try {
    const clients = Number(/connected_clients:(\d+)/.exec(await redis.info('clients'))?.[1]);
    const subscribers = await pubsubLinks(redis);
    expect(subscribers).toBeGreaterThanOrEqual(2);
    await redis.config('SET', 'maxclients', clients - subscribers);
    await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await acknowledged(ann, 'message.send', { room_id: room.id, content: 'unheard' });
    const another = await acknowledged(people[2]!, 'room.create', {
      type: 'GroupChat',
      name: 'unheard',
      participants: [people[1]!.user.id],
    });
    // Its answer made the one gateway look; the other one knows of nothing.
    const unheard = logs.filter((_, index) => index % 2 === 1).map((log) => log.of(room.id).length);
    expect(unheard).toEqual([1, 1]);
    await redis.config('SET', 'maxclients', 10_000);
    await checkAll(['before', 'unheard']);
    await people[1]!.expect('roomcreate.dispatch', ({ room_id }) => room_id === another.room_id);
  } finally {
    await redis.config('SET', 'maxclients', 10_000);
    redis.disconnect();
  }
});

/** Links that have subscribed to something. */
async function pubsubLinks(redis: Redis): Promise<number> {
  const list = String(await redis.call('CLIENT', 'LIST', 'TYPE', 'pubsub'));
  return list.split('\n').filter(Boolean).length;
}

it('loses no answer when every link of Redis is cut under load', async () => {
  const redis = new Redis(stack.redis!.url);
  try {
    const load = startLoad(people, [room.id]);
    for (let round = 0; round < 3; round++) {
      await load.more(3);
      await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    }
    await load.more(3);
    const sent = await load.stop();
    const rows = await crowd.checkRoom(room.id);
    await checkAll(rows.map(({ content }) => content));
    for (const { content, ack } of sent) {
      if (ack) expect(rows.find((row) => row.id === ack.message_id)).toMatchObject({ content, seq: ack.seq });
    }
    expect(new Set(rows.map(({ content }) => content)).size).toBe(rows.length);
  } finally {
    redis.disconnect();
  }
});
