import { SignJWT } from 'jose';
import { afterEach, describe, expect, test } from 'vitest';
import { ClientErrorCode, type ConnectionState } from '../../src/client/index.js';
import { useStack } from '../helpers/chat.js';
import { until } from '../helpers/processes.js';
import { JWT_SECRET } from '../helpers/stack.js';
import { type FakeServer, startFakeServer } from './fake-server.js';
import { inState, socketUrl, startWire, useClients } from './support.js';

const makeClient = useClients();
let fake: FakeServer | undefined;
afterEach(async () => {
  await fake?.close();
  fake = undefined;
});

/** The states that a client goes through from now on. */
function statesOf(client: ReturnType<typeof makeClient>): ConnectionState[] {
  const states: ConnectionState[] = [];
  client.on('state', (state) => states.push(state));
  return states;
}

const lease = (seconds: number) =>
  `x.${Buffer.from(JSON.stringify({ sub: '7', exp: Date.now() / 1000 + seconds })).toString('base64url')}.y`;

describe('states', () => {
  test('go from connecting to online, and by closing to closed', async () => {
    fake = await startFakeServer();
    const client = makeClient(fake.url, undefined, { autoConnect: false });
    const states = statesOf(client);
    expect(client.state).toBe('closed');
    client.connect();
    await inState(client, 'online');
    client.close();
    client.connect();
    await inState(client, 'online');
    expect(states).toEqual(['connecting', 'online', 'closed', 'connecting', 'online']);
  });

  test('say reconnecting until a lost server is back', async () => {
    fake = await startFakeServer();
    const wire = await startWire(fake.url.replace('ws', 'http'));
    const client = makeClient(wire.url, undefined);
    await inState(client, 'online');
    const states = statesOf(client);
    wire.cut();
    await inState(client, 'reconnecting');
    wire.mend();
    await inState(client, 'online');
    expect(states).toEqual(['reconnecting', 'online']);
    await wire.close();
  });

  test('say offline while the browser says so, and come back with it', async () => {
    fake = await startFakeServer();
    const page = globalThis as unknown as Record<string, unknown>;
    const target = new EventTarget();
    const navigator = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
    const network = { onLine: true };
    Object.defineProperty(globalThis, 'navigator', { value: network, configurable: true });
    page.addEventListener = target.addEventListener.bind(target);
    page.removeEventListener = target.removeEventListener.bind(target);
    try {
      const client = makeClient(fake.url, undefined, { maxReconnectDelay: 3_600_000 });
      await inState(client, 'online');
      network.onLine = false;
      target.dispatchEvent(new Event('offline'));
      expect(client.state).toBe('offline');
      network.onLine = true;
      target.dispatchEvent(new Event('online'));
      await inState(client, 'online');
      client.close();
    } finally {
      if (navigator) Object.defineProperty(globalThis, 'navigator', navigator);
      else delete page.navigator;
      delete page.addEventListener;
      delete page.removeEventListener;
    }
  });
});

describe('heartbeats', () => {
  test('find a server that is silent', async () => {
    let isSilent = false;
    fake = await startFakeServer(() => (isSilent ? undefined : { status: 'success' }));
    const client = makeClient(fake.url, undefined, { heartbeatInterval: 20, heartbeatTimeout: 50 });
    await inState(client, 'online');
    isSilent = true;
    await inState(client, 'reconnecting');
    isSilent = false;
    fake.sockets.forEach((socket) => {
      socket.terminate();
    });
    await inState(client, 'online');
  });
});

describe('tokens', () => {
  test('are asked for anew after 4001, once', async () => {
    fake = await startFakeServer(undefined, (token) => (token === 'new' ? undefined : 4001));
    const reasons: string[] = [];
    const client = makeClient(fake.url, undefined, {
      token: async (reason) => {
        reasons.push(reason);
        return reasons.length < 2 ? 'old' : 'new';
      },
    });
    await inState(client, 'online');
    expect(reasons).toEqual(['connect', 'refused']);
    for (const socket of fake.sockets) socket.close(4001);
    await inState(client, 'reconnecting');
    await inState(client, 'online');
    expect(reasons).toEqual(['connect', 'refused', 'refused']);
    expect(fake.tokens).toEqual(['old', 'new', 'new']);
  });

  test('that stay refused, or that nobody has, end in unauthenticated until connect() is called', async () => {
    let isKnown = false;
    fake = await startFakeServer(undefined, () => (isKnown ? undefined : 4001));
    const refused = makeClient(fake.url, undefined, { token: () => 'a token/with a space' });
    const nobody = makeClient(fake.url, undefined, { token: () => null });
    await Promise.all([inState(refused, 'unauthenticated'), inState(nobody, 'unauthenticated')]);
    expect(fake.tokens).toEqual(['a token/with a space', 'a token/with a space']);
    isKnown = true;
    refused.connect();
    await inState(refused, 'online');
  });

  test('that cannot be had for now are asked for again', async () => {
    fake = await startFakeServer();
    const errors: unknown[] = [];
    let tries = 0;
    const client = makeClient(fake.url, undefined, {
      token: () => {
        if (++tries < 3) throw new Error('no network');
        return 'token';
      },
    });
    client.on('error', (error) => errors.push(error));
    await inState(client, 'online');
    expect(errors).toHaveLength(2);
  });

  test('are renewed on the open connection before they end', async () => {
    fake = await startFakeServer();
    const reasons: string[] = [];
    const tokens = [lease(1), lease(3600)];
    const client = makeClient(fake.url, undefined, {
      token: (reason) => {
        reasons.push(reason);
        return tokens[reasons.length - 1];
      },
    });
    await expect.poll(() => fake!.events.length, { timeout: 5000 }).toBe(1);
    expect(reasons).toEqual(['connect', 'renew']);
    expect(fake.events).toMatchObject([{ event_type: 'session.refresh', data: { token: tokens[1] } }]);
    expect(client).toMatchObject({ state: 'online', userId: '7' });
  });
});

describe('requests', () => {
  test('that may be repeated survive a lost connection, others say that their outcome is not known', async () => {
    let isAway = true;
    fake = await startFakeServer(({ event_type }, socket) => {
      if (event_type === 'session.heartbeat' || !isAway) return { data: event_type };
      socket.terminate();
      return undefined;
    });
    const client = makeClient(fake.url, undefined);
    await inState(client, 'online');
    const repeated = client.rooms.list();
    await expect(client.room('r').leave()).rejects.toMatchObject({ code: ClientErrorCode.connectionLost });
    isAway = false;
    expect(await repeated).toBe('room.list');
  });

  test('are tried again when asked to, and not otherwise', async () => {
    let tries = 0;
    fake = await startFakeServer(({ event_type }) => {
      if (event_type !== 'room.info' || ++tries > 2) return { data: 'done' };
      return { error: { code: 4029, detail: 'Slow down.', retry_after: 0.01 } };
    });
    const client = makeClient(fake.url, undefined);
    await expect(client.request('room.info', { room_id: 'r' })).rejects.toMatchObject({ code: 4029, retryAfter: 0.01 });
    expect(await client.room('r').info()).toBe('done');
  });
});

describe('broadcasts', () => {
  test('are handled once and in order, and what is missing is asked for', async () => {
    const broadcast = (offset: number) => ({
      eventType: 'roomupdate.dispatch',
      data: { id: 'r', offset },
      room_id: 'r',
      offset,
    });
    fake = await startFakeServer(({ event_type }) => {
      if (event_type !== 'session.resume') return { status: 'success' };
      for (const offset of [3, 4]) fake!.send(broadcast(offset));
      return { eventType: 'session.resumed', data: { rooms: { r: { recovered: true, offset: 5 } } } };
    });
    const client = makeClient(fake.url, undefined);
    await inState(client, 'online');
    const events = client.events('roomupdate.dispatch');
    for (const offset of [2, 2, 1, 5, 3]) fake.send(broadcast(offset));
    const offsets: Array<number | undefined> = [];
    for await (const { offset } of events) {
      offsets.push(offset);
      if (offsets.length === 4) break;
    }
    expect(offsets).toEqual([2, 3, 4, 5]);
    expect(fake.events).toMatchObject([{ event_type: 'session.resume', data: { rooms: { r: 2 } } }]);
  });

  test('that are missing are asked for again when the server refuses for the moment, though nothing else comes', async () => {
    const broadcast = (offset: number) => ({
      eventType: 'roomupdate.dispatch',
      data: { id: 'r' },
      room_id: 'r',
      offset,
    });
    const refusals = [
      { code: 4503, detail: 'Try again.' },
      { code: 4029, detail: 'Slow down.', retry_after: 0.01 },
    ];
    fake = await startFakeServer(({ event_type }) => {
      if (event_type !== 'session.resume') return { status: 'success' };
      const error = refusals.shift();
      if (error) return { error };
      fake!.send(broadcast(2));
      return { eventType: 'session.resumed', data: { rooms: { r: { recovered: true, offset: 3 } } } };
    });
    const client = makeClient(fake.url, undefined);
    await inState(client, 'online');
    const events = client.events('roomupdate.dispatch');
    for (const offset of [1, 3]) fake.send(broadcast(offset));
    for (const offset of [1, 2, 3]) expect((await events.next()).value).toMatchObject({ offset });
    expect(fake.events.map(({ data }) => data)).toEqual(Array(3).fill({ rooms: { r: 1 } }));
    expect(client.state).toBe('online');
  });

  test('of messages are acknowledged one event at a time, so that a slow server gets few', async () => {
    fake = await startFakeServer(({ event_type }) =>
      event_type === 'message.acknowledged' ? undefined : { status: 'success' },
    );
    const client = makeClient(fake.url, undefined);
    await inState(client, 'online');
    const arrive = (id: string) => fake!.send({ eventType: 'message.dispatch', data: { id, sender: { id: 99 } } });
    arrive('first');
    await until('the first is acknowledged', async () => expect(fake!.events).toHaveLength(1));
    // Well beyond the time for which they are gathered.
    const began = Date.now();
    for (let number = 0; Date.now() - began < 600; number++) {
      arrive(`later ${number}`);
      await client.request('session.heartbeat', {});
    }
    expect(fake.events).toHaveLength(1);
    fake.send({ eventType: 'event.ack', data: { status: 'successful' }, id: fake.events[0]!.id });
    await until('the others are acknowledged together', async () => expect(fake!.events).toHaveLength(2));
    const [first, second] = fake.events.map(({ data }) => data.message_id as string[]);
    expect(first).toEqual(['first']);
    expect(second![0]).toBe('later 0');
    expect(second!.length).toBeGreaterThan(1);
  });

  test('that are lost are announced by room, with what became of it', async () => {
    fake = await startFakeServer(({ event_type }) => {
      if (event_type !== 'session.resume') return { status: 'success' };
      const rooms = { a: { recovered: false, offset: 90 }, b: { recovered: false, code: 4002 } };
      fake!.send({ eventType: 'roomupdate.dispatch', data: { id: 'a' }, room_id: 'a', offset: 91 });
      return { eventType: 'session.resumed', data: { rooms } };
    });
    const client = makeClient(fake.url, undefined);
    await inState(client, 'online');
    const told: unknown[] = [];
    client.on('reload', (reload) => told.push(reload));
    client.on('*', ({ offset }) => told.push(offset));
    for (const room of ['a', 'b']) {
      fake.send({ eventType: 'roomupdate.dispatch', data: { id: room }, room_id: room, offset: 1 });
    }
    await client.request('session.heartbeat', {});
    for (const socket of fake.sockets) socket.terminate();
    await inState(client, 'reconnecting');
    await inState(client, 'online');
    expect(told).toEqual([1, 1, { room_id: 'a', code: undefined }, 91, { room_id: 'b', code: 4002 }].sort(byTime));
    expect(fake.events.at(-1)).toMatchObject({ data: { rooms: { a: 1, b: 1 } } });
  });
});

/** Announcements of one answer come before what was held back for them. */
function byTime(a: unknown, b: unknown): number {
  const rank = (value: unknown) => (value === 1 ? 0 : typeof value === 'object' ? 1 : 2);
  return rank(a) - rank(b);
}

describe('with a real server', () => {
  const scene = useStack('embedded');

  test('a connection outlives its token', async () => {
    const person = await scene.stack.newUser();
    const sign = (seconds: number) =>
      new SignJWT({ sub: String(person.user.id) })
        .setProtectedHeader({ alg: 'HS256' })
        .setExpirationTime(Math.floor(Date.now() / 1000) + seconds)
        .sign(new TextEncoder().encode(JWT_SECRET));
    const reasons: string[] = [];
    const first = await sign(3);
    const client = makeClient(socketUrl(scene.stack.gateways[0]!), undefined, {
      token: (reason) => {
        reasons.push(reason);
        return reason === 'connect' ? first : sign(3600);
      },
    });
    await inState(client, 'online');
    const unrenewed = await scene.stack.open({ token: first });
    const states = statesOf(client);
    const events = client.events('message.dispatch');
    const { room_id } = await client.rooms.create({ type: 'GroupChat', name: 'Notes' });
    await expect.poll(() => reasons, { timeout: 10_000 }).toEqual(['connect', 'renew']);
    // The first token is over for whoever has no other.
    expect((await unrenewed.closed).code).toBe(4001);
    await client.room(room_id).send('still here');
    expect((await events.next()).value).toMatchObject({ data: { content: 'still here' } });
    expect(states).toEqual([]);
  });
});
