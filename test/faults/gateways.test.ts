/** Gateways that are killed and stopped. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { type ChatClient, createChatClient } from '../../src/client/index.js';
import { acknowledged, createGroup } from '../helpers/chat.js';
import { until } from '../helpers/processes.js';
import type { Person } from '../helpers/stack.js';
import { upTo } from '../system/crowd.js';
import { type FaultProxy, startProxy } from './proxy.js';
import { FaultScene } from './scene.js';

let scene: FaultScene;
/** What stands before the gateways, as a load balancer does. */
let balancer: FaultProxy;
const clients: ChatClient[] = [];

beforeAll(async () => {
  scene = await FaultScene.start();
  balancer = await startProxy(scene.stack.gateways[0]!);
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await scene.mend();
  while (scene.apps.length < 2) await scene.stack.startApp();
});
afterAll(async () => {
  await balancer?.close();
  await scene?.close();
});

/** A client of ours, and the messages it was told of, room by room. */
interface Listener {
  readonly client: ChatClient;
  readonly seqs: Map<string, number[]>;
}

function listen(person: Person): Listener {
  const client = createChatClient({
    url: `${balancer.through('ws://127.0.0.1')}/messaging/`,
    WebSocket,
    token: () => person.token,
    acknowledge: false,
    requestTimeout: 60_000,
  });
  clients.push(client);
  const seqs = new Map<string, number[]>();
  client.on('message.dispatch', ({ room, seq }) => {
    seqs.set(room.id, [...(seqs.get(room.id) ?? []), seq]);
  });
  return { client, seqs };
}

const online = (listeners: readonly Listener[], timeoutMs = 30_000) =>
  until(
    'all clients are back',
    async () => {
      const away = listeners.filter(({ client }) => client.state !== 'online').length;
      if (away > 0) throw new Error(`${away} are not`);
    },
    timeoutMs,
  );

/** Each was told of every message, in order, once. */
const heardAll = (listeners: readonly Listener[], roomId: string, last: number) =>
  until('everybody has all messages', async () => {
    for (const { seqs } of listeners) expect(seqs.get(roomId) ?? []).toEqual(upTo(last));
  });

describe('a gateway that is killed with 500 sockets', () => {
  it('has its clients back on another within five seconds, and they have missed nothing', async () => {
    await scene.gather(2, 1);
    const people = await scene.crowd.people(500);
    balancer.lead(scene.stack.gateways[0]!);
    const listeners = people.map(listen);
    await online(listeners, 60_000);
    // On the gateway that lives: who writes to them.
    const writer = scene.devices[1]!.client;
    const rooms: string[] = [];
    for (let at = 0; at < people.length; at += 50) {
      const members = people.slice(at, at + 50);
      rooms.push((await createGroup(writer, members)).id);
    }
    const write = (content: string) =>
      Promise.all(rooms.map((room_id) => acknowledged(writer, 'message.send', { room_id, content })));
    await write('before');
    await scene.end(scene.apps[0]!, 'SIGKILL');
    const killed = performance.now();
    balancer.lead(scene.stack.gateways[1]!);
    await write('meanwhile');
    await online(listeners);
    expect(performance.now() - killed).toBeLessThan(5000);
    await write('after');
    for (const [index, room] of rooms.entries()) {
      await heardAll(listeners.slice(index * 50, index * 50 + 50), room, 3);
    }
    scene.stack.forgetEnded();
    await scene.check();
  });
});

describe('pairs of a gateway and a worker that are stopped one after the other under 200 messages a second', () => {
  it('lose nothing that was accepted, double nothing, and end with code 0 within 30 s', async () => {
    await scene.gather(3, 1);
    const people = await scene.crowd.people(20);
    balancer.lead(...scene.stack.gateways);
    const listeners = people.map(listen);
    await online(listeners);
    const room = (await createGroup(scene.devices[1]!.client, people)).id;
    const sends: Promise<unknown>[] = [];
    let answered = 0;
    const load = setInterval(() => {
      // A machine that cannot do as many is not asked for more and more.
      for (let count = 0; count < 10 && sends.length - answered < 400; count++) {
        const number = sends.length;
        const { client } = listeners[number % listeners.length]!;
        const sent = client.request('message.send', { room_id: room, content: `${number}`, client_id: `c${number}` });
        sends.push(sent.then(() => answered++));
      }
    }, 50);
    const more = async (count: number) => {
      const goal = sends.length + count;
      await until('more is sent', async () => expect(sends.length).toBeGreaterThanOrEqual(goal));
    };
    try {
      await more(200);
      const workers = scene.workers;
      const apps = scene.apps;
      for (const [index, app] of apps.entries()) {
        const worker = workers[index]!;
        await Promise.all([scene.stack.startApp(), scene.stack.startWorker()]);
        await more(100);
        balancer.lead(...scene.stack.gateways.slice(index + 1));
        const theirs = scene.devices.filter(({ gatewayIndex }) => scene.stack.apps[gatewayIndex % 2] === app);
        await Promise.all([app, worker].map((one) => scene.end(one, 'SIGTERM', 30_000)));
        for (const one of [app, worker]) expect(await one.ended, one.output()).toEqual({ code: 0, signal: null });
        for (const { client } of theirs) expect(await client.closed).toMatchObject({ code: 1001 });
        expect(theirs.length).toBeGreaterThan(0);
        await more(100);
      }
    } finally {
      clearInterval(load);
    }
    await Promise.all(sends);
    const rows = await scene.crowd.checkRoom(room);
    expect(rows).toHaveLength(sends.length);
    expect(new Set(rows.map(({ content }) => content)).size).toBe(sends.length);
    await heardAll(listeners, room, sends.length);
    scene.stack.forgetEnded();
    await scene.check();
  }, 150_000);
});

describe('gateways and workers that all get SIGINT at once under load, as by Ctrl-C', () => {
  it('end with code 0 within 30 s, and started again lose nothing that was accepted and double nothing', async () => {
    await scene.gather(2, 1);
    const people = await scene.crowd.people(20);
    balancer.lead(...scene.stack.gateways);
    const listeners = people.map(listen);
    await online(listeners);
    const room = (await createGroup(scene.devices[1]!.client, people)).id;
    const acknowledged = new Map<string, string>();
    let number = 0;
    let isSending = true;
    let pause = 100;
    const lost: unknown[] = [];
    for (const { client } of listeners) client.on('reload', (what) => lost.push(what));
    const sending = listeners.map(async ({ client }) => {
      while (isSending) {
        const content = `${number++}`;
        const send = { room_id: room, content, client_id: content };
        const { message_id } = (await client.request('message.send', send)) as { message_id: string };
        acknowledged.set(content, message_id);
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    });
    const more = async (count: number) => {
      const goal = acknowledged.size + count;
      await until('more is answered', async () => expect(acknowledged.size).toBeGreaterThanOrEqual(goal), 60_000);
    };
    try {
      await more(100);
      const all = [...scene.apps, ...scene.workers];
      expect(all).toHaveLength(4);
      const devices = scene.devices.map(({ client }) => client);
      // Fewer than the 1,000 that can be replayed come while the last client is still on its way back.
      pause = 1000;
      // All signals go out before the first process can have ended.
      await Promise.all(all.map((process) => scene.end(process, 'SIGINT', 30_000)));
      for (const process of all) expect(await process.ended, process.output()).toEqual({ code: 0, signal: null });
      for (const client of devices) expect(await client.closed).toMatchObject({ code: 1001 });
      // What they were told is there, with nobody at work.
      const before = new Map(acknowledged);
      const stored = new Map((await scene.crowd.checkRoom(room)).map(({ content, id }) => [content, id]));
      for (const [content, id] of before) expect(stored.get(content), content).toBe(id);
      for (let started = 0; started < 2; started++) {
        await scene.stack.startApp();
        await scene.stack.startWorker();
      }
      balancer.lead(...scene.stack.gateways.slice(2));
      await online(listeners, 60_000);
      await more(100);
    } finally {
      isSending = false;
    }
    await Promise.all(sending);
    const rows = await scene.crowd.checkRoom(room);
    expect(rows).toHaveLength(number);
    expect(new Map(rows.map(({ content, id }) => [content, id]))).toEqual(acknowledged);
    expect(lost).toEqual([]);
    await heardAll(listeners, room, number);
    scene.stack.forgetEnded();
    await scene.check();
  }, 150_000);
});
