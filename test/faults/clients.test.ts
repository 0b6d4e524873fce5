/** Clients that vanish, do not read, come back all at once, send rubbish, or have another idea of the time. */
import type { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { TestClient } from '../../src/testing/client.js';
import { acknowledged } from '../helpers/chat.js';
import { until } from '../helpers/processes.js';
import type { Chatter } from '../helpers/stack.js';
import { startLoad } from '../system/crowd.js';
import { FaultScene } from './scene.js';

/** Seconds between two pings of a gateway; by default 25. */
const PING_INTERVAL = 8;
/** Ten minutes, in milliseconds. */
const TEN_MINUTES = 600_000;

let scene: FaultScene;
let ann: Chatter;
let room: string;

beforeAll(async () => {
  // One worker is ten minutes ahead, one gateway ten minutes behind, from the start.
  const env = { CHAT_PING_INTERVAL: String(PING_INTERVAL) };
  scene = await FaultScene.start({ proxied: true, workers: 1, apps: 1, env }, ['clock.mjs']);
  await scene.stack.startWorker({ CHAT_FAULT_CLOCK: String(TEN_MINUTES) });
  await scene.stack.startApp({ CHAT_FAULT_CLOCK: String(-TEN_MINUTES) });
});
afterAll(() => scene?.close());
beforeEach(async () => {
  await scene.gather(3, 1);
  [ann] = scene.senders as [Chatter];
  [room] = scene.rooms as [string];
});
afterEach(() => scene.mend());

/** The TCP socket below a client. */
const tcpOf = ({ socket }: TestClient) => (socket as unknown as { _socket: Socket })._socket;

/** Everybody else goes on as if nothing were. */
async function othersGoOn(work: () => Promise<void>, slowest = 5000): Promise<void> {
  const load = startLoad(scene.senders, scene.rooms);
  try {
    await load.more(3);
    await work();
    await load.more(3);
  } finally {
    await load.stop();
  }
  for (const { took } of load.sent) expect(took).toBeLessThan(slowest);
  await scene.check(load.sent);
}

it('with one worker ten minutes ahead and one gateway ten minutes behind, order is intact and typing is shown', async () => {
  await othersGoOn(async () => {
    for (const { client } of scene.devices) {
      client.send('message.typing', { room_id: room });
    }
    // Whichever gateway takes it, and whichever worker shows it.
    for (const { client } of scene.devices) {
      for (let typing = 0; typing < scene.devices.length; typing++) await client.expect('messagetyping.dispatch');
    }
  });
  const devices = scene.devices.map(({ client }) => client.socket.readyState);
  expect(devices).toEqual(scene.devices.map(() => 1));
});

it('a client that is half open costs others nothing, and its session ends', async () => {
  const [stranger] = await scene.crowd.people(1);
  const { gateway } = scene.stack.appLinks[0]!;
  // Its last word is lost: neither an end nor a reset reaches the gateway.
  const gone = await scene.stack.connect(stranger!, 0);
  await acknowledged(gone, 'room.create', { type: 'GroupChat', name: 'with nobody', participants: [ann.user.id] });
  await Promise.all(
    scene.devices
      .slice(0, 2)
      .map(({ client }) => client.expect('roomcreate.dispatch', ({ room_id }) => room_id !== room)),
  );
  const sessions = () => scene.crowd.query('SELECT id FROM chat_sessions WHERE user_id = ?', [stranger!.user.id]);
  expect(await sessions()).toHaveLength(1);
  gateway.abandon(tcpOf(gone).localPort!);
  await othersGoOn(async () => {
    await acknowledged(ann, 'message.send', { room_id: room, content: 'meanwhile' });
  });
  // The second ping finds that the first was not answered.
  await until('its session is gone', async () => expect(await sessions()).toEqual([]), PING_INTERVAL * 3000);
});

it('a client that never reads is closed, and costs others nothing', async () => {
  const [idler] = await scene.crowd.people(1);
  const client = await scene.stack.connect(idler!, 0);
  await acknowledged(ann, 'room.add_members', { room_id: room, members: [idler!.user.id] });
  tcpOf(client).pause();
  const long = 'x'.repeat(9000);
  await othersGoOn(async () => {
    let sent = 0;
    await until(
      'it is closed',
      async () => {
        await Promise.all(
          Array.from({ length: 20 }, () =>
            acknowledged(ann, 'message.send', { room_id: room, content: `${sent++} ${long}` }),
          ),
        );
        const sessions = await scene.crowd.query('SELECT id FROM chat_sessions WHERE user_id = ?', [idler!.user.id]);
        expect(sessions).toEqual([]);
      },
      90_000,
    );
  }, 10_000);
  tcpOf(client).resume();
  // 4008, if that could still be sent.
  expect([4008, 1006]).toContain((await client.closed).code);
}, 150_000);

it('1,000 reconnects at once are all let in, and others are served meanwhile', async () => {
  const people = await scene.crowd.people(200);
  const connectAll = () =>
    Promise.all(
      people.flatMap((person) =>
        [0, 1, 2, 3, 4].map(async (gatewayIndex): Promise<TestClient> => {
          for (;;) {
            const client = await scene.stack.open({ token: person.token, gatewayIndex, timeout: 50_000 });
            const first = await client.next().catch(() => undefined);
            if (first?.eventType === 'chat.notifications') return client;
            // Told 1013, a client comes again.
            expect((await client.closed).code).toBe(1013);
          }
        }),
      ),
    );
  const before = await connectAll();
  await othersGoOn(async () => {
    await Promise.all(before.map((client) => client.terminate()));
    const after = await connectAll();
    expect(after).toHaveLength(1000);
    for (const client of after) expect(client.socket.readyState).toBe(1);
  }, 20_000);
}, 180_000);

it('rubbish, oversized frames, floods and deep JSON are refused or closed, and others are served meanwhile', async () => {
  await scene.stack.startApp({ CHAT_RATE_LIMIT: '50' });
  try {
    const [vandal] = await scene.crowd.people(1);
    const connect = () => scene.stack.connect(vandal!, 2);
    await othersGoOn(async () => {
      const client = await connect();
      for (const frame of [
        '',
        '{',
        '[]',
        'null',
        '"text"',
        '{"event_type":1}',
        '\u0000',
        '{"__proto__":{}}',
        Buffer.from([0, 255]),
      ]) {
        client.sendRaw(frame);
        expect((await client.next()).error, String(frame)).toMatchObject({ code: 4003 });
      }
      client.sendRaw(`{"event_type":"message.send","data":${'['.repeat(5000)}${']'.repeat(5000)}}`);
      expect((await client.next()).error).toMatchObject({ code: 4003 });
      client.sendRaw('x'.repeat(70_000));
      expect(await client.closed).toMatchObject({ code: 1009 });
      const flood = await connect();
      for (let sent = 0; sent < 5000; sent++) flood.send('session.heartbeat', {});
      expect(await flood.closed).toMatchObject({ code: 1008 });
    });
  } finally {
    await scene.end(scene.apps[2]!, 'SIGTERM');
  }
});
