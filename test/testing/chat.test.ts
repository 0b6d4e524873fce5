/** The chat for tests and the spies: what they refuse, what they leave behind. */
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { DataTypes, Sequelize } from 'sequelize';
import { afterEach, describe, expect, test } from 'vitest';
import { openTestChat, Spy, type TestChat, waitForQueueEvent } from '../../src/testing/index.js';

let host: TestChat | undefined;

afterEach(async () => {
  await host?.close();
  host = undefined;
});

describe('a chat for tests', () => {
  test('makes rooms of every type, and more users', async () => {
    host = await openTestChat();
    const { ann, ben } = host.people;
    const eve = await host.createUser({ username: 'eve' });
    const rooms = [await host.group(ann, eve), await host.direct(eve, ben), await host.channel(eve)];
    const found = await host.chat.models.Room.findAll({ where: { id: rooms } });
    expect(found.map(({ type }) => type).sort()).toEqual(['Channel', 'GroupChat', 'OneToOneChat']);
    expect((await host.connect(eve, { takeFirst: false })).pending.length).toBeLessThanOrEqual(1);
  });

  test('refuses models of another database, and leaves nothing behind', async () => {
    const other = new Sequelize({ dialect: 'sqlite', storage: ':memory:', logging: false });
    const userModel = other.define('User', { username: DataTypes.STRING });
    await expect(openTestChat({ userModel })).rejects.toThrow(/database of its own/);
    await expect(openTestChat({ database: other })).rejects.toThrow(/database of its own/);
    await other.close();
  });

  test('fills the further columns of a user model, and says how when nobody does', async () => {
    const userModel = (sequelize: Sequelize) =>
      sequelize.define('User', {
        username: DataTypes.STRING,
        email: { type: DataTypes.STRING, allowNull: false },
        team: { type: DataTypes.STRING, allowNull: false },
      });
    const settings = (sequelize: Sequelize) => ({ userModel: userModel(sequelize), exposeEmail: true });
    await expect(openTestChat(settings)).rejects.toThrow(
      /email cannot be null.*give the further columns of your user model, openTestChat\(settings, \{ user:/s,
    );
    host = await openTestChat(settings, {
      user: (username) => ({ email: `${username}@example.org`, team: 'red' }),
    });
    const eve = await host.createUser({ username: 'eve', team: 'blue' });
    const room = await host.chat.as(eve).send('room.info', { room_id: await host.group(eve, host.people.ann) });
    expect(room.creator).toMatchObject({ email: 'eve@example.org' });
    const rows = await host.User.findAll({ order: ['id'] });
    expect(rows.map((row) => row.get('team'))).toEqual(['red', 'red', 'red', 'red', 'blue']);
  });

  test('removes its database at the end', async () => {
    const opened = await openTestChat();
    const { storage } = (opened.sequelize as unknown as { options: { storage: string } }).options;
    const folder = storage.split('/').at(-2)!;
    expect(await readdir(tmpdir())).toContain(folder);
    await opened.close();
    expect(await readdir(tmpdir())).not.toContain(folder);
  });
});

describe('a spy', () => {
  test('gives calls to whoever waits for them, earlier and later ones', async () => {
    const spy = new Spy<number>();
    const three = spy.next((value) => value === 3);
    for (const value of [1, 2, 3]) spy.call(value);
    expect(await three).toBe(3);
    expect([await spy.next((value) => value === 2), await spy.next()]).toEqual([2, 1]);
    expect(spy.calls).toEqual([1, 2, 3]);
  });

  test('throws when nothing comes, and does not wait any more', async () => {
    const spy = new Spy<number>();
    await expect(spy.next(undefined, { timeout: 1 })).rejects.toThrow(/not called within 1 ms/);
    spy.call(1);
    expect(await spy.next()).toBe(1);
  });
});

describe('waiting for an event of the queue', () => {
  test('takes the one that matches, and stops listening', async () => {
    host = await openTestChat();
    const { ann } = host.people;
    const room_id = await host.group(ann);
    const client = await host.connect(ann);
    const sent = waitForQueueEvent(host.chat, 'completed', ({ eventType }) => eventType === 'message.send');
    await client.request('room.info', { room_id });
    await client.request('message.send', { room_id, content: 'Hello' });
    expect(await sent).toMatchObject({ eventType: 'message.send', roomId: room_id, userId: String(ann.id) });
    await expect(waitForQueueEvent(host.chat, 'stalled', undefined, { timeout: 1 })).rejects.toThrow(/no stalled/);
    const broken = waitForQueueEvent(host.chat, 'waiting', () => {
      throw new Error('A wrong predicate.');
    });
    const refused = expect(broken).rejects.toThrow('A wrong predicate.');
    await client.request('room.info', { room_id });
    await refused;
    for (const name of ['completed', 'stalled', 'waiting'] as const)
      expect(host.chat.queueEvents.listenerCount(name)).toBe(0);
  });
});
