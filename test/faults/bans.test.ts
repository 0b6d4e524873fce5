/** Users who are disconnected while a gateway cannot hear of it. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLogger, transports } from 'winston';
import { type Chat, createChat } from '../../src/chat.js';
import { connectTestClient } from '../../src/testing/client.js';
import { acknowledged } from '../helpers/chat.js';
import { until } from '../helpers/processes.js';
import type { Person } from '../helpers/stack.js';
import { type FaultProxy, startProxy } from './proxy.js';
import { FaultScene } from './scene.js';

let scene: FaultScene;
/** The host's own code elsewhere, whose ways to Redis and the database are whole. */
let office: Chat;
const proxies: FaultProxy[] = [];

beforeAll(async () => {
  scene = await FaultScene.start({ proxied: true });
});
beforeEach(() => {
  const { mariaDb, redis } = scene.stack;
  const logger = createLogger({ silent: true, transports: [new transports.Console()] });
  office = createChat({ database: mariaDb!.url, redis: redis!.url, logger });
});
afterEach(async () => {
  await office?.close();
  await scene.mend();
  for (const proxy of proxies.splice(0)) await proxy.close();
});
afterAll(() => scene?.close());

const ban = ({ user }: Person) => office.disconnectUser(user.id);

describe('a gateway that starts while Redis is out of its reach', () => {
  it('lets nobody in who was disconnected meanwhile, and all others', async () => {
    const [ann, ben] = (await scene.crowd.people(2)) as [Person, Person];
    const { redis, mariaDb, apps } = scene.stack;
    const proxy = await startProxy(redis!.url);
    proxies.push(proxy);
    await proxy.down();
    const before = apps.length;
    const starting = scene.stack.startApp({ REDIS_URL: proxy.through(redis!.url), DATABASE_URL: mariaDb!.url });
    await until('the process is there', async () => expect(apps.length).toBe(before + 1));
    const [address] = await apps[before]!.waitFor(/http:\/\/127\.0\.0\.1:\d+/);
    const open = ({ token }: Person) => connectTestClient(`${address.replace('http', 'ws')}/messaging/`, { token });
    const [theirs, other] = [await open(ann), await open(ben)];
    await ban(ann);
    expect([theirs, other].map(({ socket }) => socket.readyState)).toEqual([1, 1]);
    await proxy.heal();
    expect(await theirs.closed).toMatchObject({ code: 4001 });
    expect(theirs.pending).toEqual([]);
    await other.expect('chat.notifications');
    await starting;
    await scene.end(apps[before]!, 'SIGTERM');
  });
});

describe('a gateway that is cut off from Redis at the moment of a ban', () => {
  it.each([
    ['with a reset', (link: FaultProxy) => link.down()],
    ['silently', (link: FaultProxy) => link.blackHole()],
  ])('%s ends all connections of the user on its return, and gives them nothing from after it', async (_, cut) => {
    await scene.gather(3, 1);
    const [room] = scene.rooms as [string];
    const [ann, ben] = [scene.devices[1]!, scene.devices[2]!];
    const theirs = scene.devices.slice(2, 4);
    const send = (content: string) => acknowledged(ann.client, 'message.send', { room_id: room, content });
    await send('before');
    await until('everybody has it', async () => {
      for (const device of scene.devices) expect(device.live(room)).toEqual([1, 2]);
    });
    // Person n has a device on gateway n and one on the other: one of ben's is on the gateway that is cut off.
    const link = scene.stack.appLinks[0]!.redis;
    await cut(link);
    // Comes while the gateway cannot reach Redis.
    const late = await scene.stack.open({ token: ben.person.token, gatewayIndex: 0 });
    await ban(ben.person);
    const far = theirs.find(({ gatewayIndex }) => gatewayIndex % 2 === 1)!;
    expect(await far.client.closed).toMatchObject({ code: 4001 });
    await send('after');
    const begun = performance.now();
    await link.heal();
    for (const client of [...theirs.map(({ client }) => client), late]) {
      expect(await client.closed).toMatchObject({ code: 4001 });
    }
    expect(performance.now() - begun).toBeLessThan(5000);
    expect(late.pending).toEqual([]);
    await send('all others go on');
    const others = scene.devices.filter((device) => !theirs.includes(device));
    await until('everybody has it', async () => {
      for (const device of others) expect(device.live(room)).toEqual([1, 2, 3, 4]);
    });
    for (const device of theirs) expect(device.live(room)).toEqual([1, 2]);
    for (const device of others) expect(device.isOpen).toBe(true);
  });
});
