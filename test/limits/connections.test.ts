/** How many connections a user and an address may have, and how long one may take to say whose it is. */
import { createRequire } from 'node:module';
import type express5 from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import { addressKey } from '../../src/gateway/address.js';
import type { ChatSettings } from '../../src/settings/settings.js';
import type { TestClient } from '../../src/testing/client.js';
import { createTestDatabase } from '../../src/testing/database.js';
import { until } from '../helpers/processes.js';
import { type ServedChat, serveChat } from '../system/served.js';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A chat with fifty users, whose ids are their tokens. */
async function serve(settings: ChatSettings, options: Parameters<typeof serveChat>[1] = {}): Promise<ServedChat> {
  const database = await createTestDatabase();
  closers.push(database.remove);
  await database.User.sync();
  await database.User.bulkCreate(Array.from({ length: 50 }, (_, index) => ({ id: index + 1, username: `u${index}` })));
  const served = await serveChat({ userModel: database.User, logLevel: 'error', ...settings }, options);
  closers.push(served.close);
  await served.chat.migrate();
  return served;
}

interface Verdict {
  readonly client: TestClient;
  /** 0: it was let in. */
  readonly code: number;
}

/** Whether a connection is let in, or with what it is closed. */
async function verdictOf(client: TestClient): Promise<Verdict> {
  const code = await client.expect('chat.notifications').then(
    () => 0,
    async () => (await client.closed).code,
  );
  return { client, code };
}

/** Connects with these tokens at once. */
async function connectAll(
  served: ServedChat,
  tokens: number[],
  headers: (index: number) => Record<string, string> = () => ({}),
) {
  const clients = await Promise.all(
    tokens.map((token, index) => served.open({ token: String(token), headers: headers(index) })),
  );
  return Promise.all(clients.map(verdictOf));
}

const codes = (verdicts: Verdict[]) => verdicts.map(({ code }) => code).sort((a, b) => a - b);
const times = <T>(count: number, value: T) => Array.from({ length: count }, () => value);

describe('connections of one user', () => {
  it('are let in up to the limit, of forty at once; the others are closed with 1008, other users are not', async () => {
    const served = await serve({ maxConnectionsPerUser: 5 });
    const verdicts = await connectAll(served, [...times(40, 1), 2, 3]);
    expect(codes(verdicts.slice(0, 40))).toEqual([...times(5, 0), ...times(35, 1008)]);
    expect(codes(verdicts.slice(40))).toEqual([0, 0]);
    for (const { client, code } of verdicts) {
      if (code === 0) expect((await client.request('session.heartbeat', {})).status).toBe('success');
      else expect(client.pending).toEqual([]);
    }
  });

  it('make room for another one when one of them ends', async () => {
    const served = await serve({ maxConnectionsPerUser: 2 });
    const [first, second] = await connectAll(served, [1, 1]);
    expect(codes([first!, second!])).toEqual([0, 0]);
    expect(codes(await connectAll(served, [1]))).toEqual([1008]);
    await first!.client.close();
    await until('there is room again', async () => expect(codes(await connectAll(served, [1]))).toEqual([0]));
    expect(codes(await connectAll(served, [1]))).toEqual([1008]);
  });

  it('are any number at 0', async () => {
    const served = await serve({ maxConnectionsPerUser: 0 });
    expect(codes(await connectAll(served, times(40, 1)))).toEqual(times(40, 0));
  });
});

describe('connections of one address', () => {
  it('are let in up to the limit, whoever they are of; the others are closed with 1008', async () => {
    const served = await serve({ maxConnectionsPerAddress: 5 });
    const verdicts = await connectAll(
      served,
      Array.from({ length: 40 }, (_, index) => index + 1),
    );
    expect(codes(verdicts)).toEqual([...times(5, 0), ...times(35, 1008)]);
    await verdicts.find(({ code }) => code === 0)!.client.close();
    await until('there is room again', async () => expect(codes(await connectAll(served, [50]))).toEqual([0]));
  });

  it('are any number at 0', async () => {
    const served = await serve({ maxConnectionsPerAddress: 0, maxConnectionsPerUser: 0 });
    // More than the default of 1000 in several goes, for a listening socket has a backlog.
    for (let round = 0; round < 11; round++) {
      expect(codes(await connectAll(served, times(100, (round % 50) + 1)))).toEqual(times(100, 0));
    }
  });

  it('are counted from the first moment: one that is refused later gives its place back', async () => {
    const served = await serve({ maxConnectionsPerAddress: 1 });
    for (let round = 0; round < 3; round++) {
      const stranger = await served.open({ token: 'nobody' });
      expect((await stranger.closed).code).toBe(4001);
    }
    await until('the place is free', async () => expect(codes(await connectAll(served, [1]))).toEqual([0]));
  });

  describe.each([
    ['Express 5', undefined],
    ['Express 4', createRequire(import.meta.url)('express4') as typeof express5],
  ])('on %s', (_, express) => {
    const from = (address: string) => () => ({ 'X-Forwarded-For': address });

    it('are those of the address that a trusted proxy names', async () => {
      const served = await serve({ maxConnectionsPerAddress: 2 }, { express });
      served.app.set('trust proxy', 1);
      expect(codes(await connectAll(served, [1, 2, 3], from('203.0.113.7')))).toEqual([0, 0, 1008]);
      // Another address behind the same proxy; what a client wrote into the header itself does not count.
      expect(codes(await connectAll(served, [4, 5, 6], from('203.0.113.7, 203.0.113.8')))).toEqual([0, 0, 1008]);
      // Of IPv6 a network.
      const network = (index: number) => ({ 'X-Forwarded-For': `2001:db8:1:2::${index + 1}` });
      expect(codes(await connectAll(served, [7, 8, 9], network))).toEqual([0, 0, 1008]);
      expect(codes(await connectAll(served, [10], from('2001:db8:1:3::1')))).toEqual([0]);
    });

    it('are those of the proxy itself, whatever the header says, when it is not trusted', async () => {
      const served = await serve({ maxConnectionsPerAddress: 2 }, { express });
      const other = (index: number) => ({ 'X-Forwarded-For': `203.0.113.${index}` });
      expect(codes(await connectAll(served, [1, 2, 3], other))).toEqual([0, 0, 1008]);
    });
  });

  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['', ''],
    ['a socket file', 'a socket file'],
  ])('%j is counted as %j', (address, key) => {
    expect(addressKey(address)).toBe(key);
  });
});

describe('a connection that has not said whose it is', () => {
  it('is closed with 1013 after readyTimeout, nothing of it was heard, its place is free, and others stay', async () => {
    const served = await serve({
      readyTimeout: 1,
      maxConnectionsPerAddress: 2,
      authenticate: (request) => {
        const id = Number(/\d+$/.exec(request.headers.authorization ?? '')?.[0]);
        return id === 1 ? new Promise(() => {}) : { id };
      },
    });
    const [ready] = await connectAll(served, [2]);
    expect(ready!.code).toBe(0);
    const began = performance.now();
    const silent = await served.open({ token: '1' });
    silent.send('room.create', { type: 'GroupChat', name: 'x' }, 'early');
    expect((await silent.closed).code).toBe(1013);
    expect(performance.now() - began).toBeGreaterThan(990);
    expect(silent.pending).toEqual([]);
    await until('its place is free', async () => expect(codes(await connectAll(served, [3]))).toEqual([0]));
    expect(codes(await connectAll(served, [4]))).toEqual([1008]);
    // Whoever was ready in time is not timed any more.
    expect((await ready!.client.request('session.heartbeat', {})).status).toBe('success');
    expect(ready!.client.pending).toEqual([]);
    expect(await served.chat.models.Room.count()).toBe(0);
  });
});
