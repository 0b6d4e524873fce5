/** Gateways that are frozen and cut off: they notice and repair by themselves. */
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { acknowledged } from '../helpers/chat.js';
import { until } from '../helpers/processes.js';
import { upTo } from '../system/crowd.js';
import { Device } from './devices.js';
import { FaultScene } from './scene.js';

let scene: FaultScene;

beforeAll(async () => {
  scene = await FaultScene.start({ proxied: true });
});
afterEach(() => scene.mend());
afterAll(() => scene?.close());

describe('a gateway that misses dispatches', () => {
  const app = () => scene.apps[0]!;
  const link = () => scene.stack.appLinks[0]!.redis;
  const cutSubscribers = async () => {
    const redis = new Redis(scene.stack.redis!.url);
    await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    redis.disconnect();
  };

  it.each([
    ['frozen', async () => void app().child.kill('SIGSTOP'), async () => void app().child.kill('SIGCONT')],
    [
      'frozen and cut off from Redis',
      async () => void app().child.kill('SIGSTOP'),
      async () => {
        await cutSubscribers();
        app().child.kill('SIGCONT');
      },
    ],
    ['cut off from Redis', () => link().down(), () => link().heal()],
    ['without a word from Redis', async () => link().blackHole(), () => link().heal()],
  ])('because it was %s repairs by itself, and gives nothing to who was removed meanwhile', async (_, begin, end) => {
    await scene.gather(3, 1);
    const [room] = scene.rooms as [string];
    // Person n has a device on gateway n and one on the other: these are on the one that lives.
    const [ann, ben, cat] = [scene.devices[1]!, scene.devices[2]!, scene.devices[5]!];
    const send = (content: string) => acknowledged(ann.client, 'message.send', { room_id: room, content });
    await send('before');
    await until('everybody has it', async () => {
      for (const device of scene.devices) expect(device.live(room)).toHaveLength(2);
    });
    await begin();
    const begun = performance.now();
    await send('to all');
    await acknowledged(ann.client, 'room.remove_members', { room_id: room, members: [ben.person.user.id] });
    let sent = 0;
    // Long enough for the gateway to know that it was away.
    while (performance.now() - begun < 8000) await send(`without him ${sent++}`);
    const last = 4 + sent;
    const theirs = scene.devices.filter((device) => ![ann, ben, cat].includes(device));
    for (const device of theirs) expect(device.live(room)).toEqual([1, 2]);
    await end();
    const ended = performance.now();
    await until('what was missed has come', async () => {
      for (const { person, live } of theirs.map((device) => ({
        ...device,
        person: device.person,
        live: device.live(room),
      }))) {
        if (person === ben.person) expect(live).toEqual([1, 2, 3]);
        else expect(live).toEqual(upTo(last));
      }
    });
    expect(performance.now() - ended).toBeLessThan(10_000);
    for (const device of scene.devices) expect(device.isOpen).toBe(true);
    await send('after');
    await scene.check();
  });

  it.each([
    ['frozen', async () => void app().child.kill('SIGSTOP'), async () => void app().child.kill('SIGCONT')],
    ['cut off from Redis', () => link().down(), () => link().heal()],
  ])(
    'because it was %s for long reads memberships before it delivers: no broadcast tells of these',
    async (_, begin, end) => {
      await scene.gather(3, 1);
      const [room] = scene.rooms as [string];
      const [ann, ben, cat] = [scene.devices[1]!, scene.devices[3]!, scene.devices[4]!];
      const [person] = await scene.crowd.people(1);
      const dan = new Device(scene.stack, person!, 0, await scene.stack.connect(person!, 0));
      const send = (content: string) => acknowledged(ann.client, 'message.send', { room_id: room, content });
      await send('before');
      await until('everybody has it', async () => {
        for (const device of scene.devices) expect(device.live(room)).toEqual([1, 2]);
      });
      await begin();
      const begun = performance.now();
      // As a host's own code would, which has no way to tell a gateway that is away.
      await scene.crowd.query('DELETE FROM chat_room_members WHERE room_id = ? AND user_id = ?', [room, ben.userId]);
      await scene.crowd.query(
        `INSERT INTO chat_room_members (room_id, user_id, joined_offset, joined_at)
       SELECT id, ?, last_offset + 1, NOW(3) FROM chat_rooms WHERE id = ?`,
        [dan.userId, room],
      );
      let sent = 0;
      while (performance.now() - begun < 8000) await send(`without him ${sent++}`);
      await end();
      const last = 2 + sent;
      await until('what was missed has come', async () => {
        expect(scene.devices[0]!.live(room)).toEqual(upTo(last));
        expect(cat.live(room)).toEqual(upTo(last));
        expect(dan.live(room)).toEqual(upTo(last).slice(2));
      });
      await send('after');
      await until('what is new comes', async () => {
        expect(cat.live(room)).toEqual(upTo(last + 1));
        expect(dan.live(room)).toEqual(upTo(last + 1).slice(2));
      });
      expect(ben.live(room)).toEqual([1, 2]);
      for (const device of [...scene.devices, dan]) expect(device.isOpen).toBe(true);
    },
  );
});
