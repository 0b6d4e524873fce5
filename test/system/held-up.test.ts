/** A database that takes no writes for a while, or keeps a table to itself, and answers all else. */
import { type Connection, createConnection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EventHandler } from '../../src/index.js';
import { until } from '../helpers/processes.js';
import { openDatabase, type TestDatabase, type TestRuntime } from './runtimes.js';

/** Seconds that an event may take, where it is to be too long and where it is not. */
const brief = 3;
const patient = 60;

/** Writes one by one what ours writes with others, and never settles where the content says so. */
class Own extends EventHandler {
  override async _createMessage(
    ...[data, ...rest]: Parameters<EventHandler['_createMessage']>
  ): ReturnType<EventHandler['_createMessage']> {
    if (data.content === 'hang') await new Promise(() => {});
    return super._createMessage(data, ...rest);
  }
}

let database: TestDatabase;
let runtimes: Record<'brief' | 'patient', readonly [ours: TestRuntime, own: TestRuntime]>;
let ours: TestRuntime;
let own: TestRuntime;
let locker: Connection;
let ann: number;
let ben: number;
let cat: number;

beforeAll(async () => {
  database = await openDatabase('MariaDB', 3, { own: true });
  const open = (handlerTimeout: number) =>
    [
      database.open({ settings: { handlerTimeout } }),
      database.open({ settings: { handlerTimeout, eventHandlerClass: Own } }),
    ] as const;
  runtimes = { brief: open(brief), patient: open(patient) };
  [ann, ben, cat] = database.userIds as [number, number, number];
});
afterAll(() => database?.close());
beforeEach(async () => {
  locker = await createConnection(database.url!);
});
afterEach(async () => {
  locker.destroy();
  await allEnded();
});

/** What was given up goes on as well, until it hears that it may not commit. */
const allEnded = () =>
  until('no transaction is under way', async () => {
    // The server looks anew only when it was not asked for a tenth of a second.
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(await database.query('SELECT trx_query FROM information_schema.INNODB_TRX')).toEqual([]);
  });

/** A room of its own for each, or they would wait for each other. Made by a worker that may take long: many at once do. */
async function inRoom() {
  const [maker] = runtimes.patient;
  const made = await maker.run(ann, 'room.create', { type: 'GroupChat', name: 'group', participants: [ben] });
  expect(made.error).toBeUndefined();
  const room_id = String(made.data.room_id);
  const sent = await maker.run(ann, 'message.send', { room_id, content: 'hello' });
  expect(sent.error).toBeUndefined();
  return { room_id, message_id: String(sent.data.message_id) };
}

type Room = Awaited<ReturnType<typeof inRoom>>;
type Send = (room: Room) => ReturnType<TestRuntime['run']>;

const WRITES: Record<string, Send> = {
  'message.send': ({ room_id }) => ours.run(ben, 'message.send', { room_id, content: 'written' }),
  'message.send of an own handler': ({ room_id }) => own.run(ben, 'message.send', { room_id, content: 'written' }),
  'message.acknowledged': ({ message_id }) => ours.run(ben, 'message.acknowledged', { message_id }),
  'message.read': ({ message_id }) => ours.run(ben, 'message.read', { message_id }),
  'message.react': ({ message_id }) =>
    ours.run(ben, 'message.react', { type: 'add', message_id, reaction_content: '👍' }),
  'message.modify': ({ message_id }) =>
    ours.run(ann, 'message.modify', { action: 'update', message_id, extra_fields: { content: 'written' } }),
};
const MORE_WRITES: Record<string, Send> = {
  'room.modify': ({ room_id }) =>
    ours.run(ann, 'room.modify', { room_id, action: 'update', data: { name: 'written' } }),
  'room.add_members': ({ room_id }) => ours.run(ann, 'room.add_members', { room_id, members: [cat] }),
  'room.remove_members': ({ room_id }) => ours.run(ann, 'room.remove_members', { room_id, members: [ben] }),
  'room.create': () => ours.run(ann, 'room.create', { type: 'GroupChat', name: 'written' }),
};
const READS: Record<string, Send> = {
  'room.messages': ({ room_id }) => ours.run(ben, 'room.messages', { room_id }),
};
/** It waits for nothing but itself, whatever the database does. */
const HANGING: Record<string, Send> = {
  'a handler that hangs': ({ room_id }) => own.run(ben, 'message.send', { room_id, content: 'hang' }),
};

describe.each([
  ['takes no writes', 'FLUSH TABLES WITH READ LOCK', { ...WRITES, ...MORE_WRITES }, READS],
  ['keeps the messages to itself', 'LOCK TABLES chat_messages WRITE', { ...WRITES, ...READS }, HANGING],
])('a database that %s', (_, lock, stuck, others) => {
  const events = (of: Record<string, Send>) =>
    Promise.all(Object.entries(of).map(async ([name, send]) => ({ name, send, room: await inRoom() })));
  const codes = async (of: Awaited<ReturnType<typeof events>>) =>
    Object.fromEntries(
      await Promise.all(of.map(async ({ name, send, room }) => [name, (await send(room)).error?.code ?? 'done'])),
    );
  const all = (of: Record<string, Send>, code: unknown) =>
    Object.fromEntries(Object.keys(of).map((name) => [name, code]));

  it('longer than an event may take is told by 4503 to whoever needs it, and nothing of that is done later', async () => {
    [ours, own] = runtimes.brief;
    const waiting = await events(stuck);
    const besides = await events(others);
    const before = await database.rows();
    await locker.query(lock);
    const begun = performance.now();
    const answers = await Promise.all([codes(waiting), codes(besides)]);
    expect(performance.now() - begun).toBeGreaterThan(brief * 1000 - 10);
    expect(answers).toEqual([all(stuck, 4503), all(others, others === HANGING ? 4006 : 'done')]);
    await locker.query('UNLOCK TABLES');
    await allEnded();
    expect(await database.rows()).toEqual(before);
    // One by one: under its lock each may take a third of its brief time, which many at once may need on a busy machine.
    for (const one of waiting) expect(await codes([one])).toEqual({ [one.name]: 'done' });
  });

  it('for a moment costs nobody more than the wait', async () => {
    [ours, own] = runtimes.patient;
    const waiting = await events(stuck);
    await locker.query(lock);
    const answers = codes(waiting);
    await until('one waits', async () => {
      const threads = await database.query<{ State: string }>('SHOW FULL PROCESSLIST');
      expect(threads.map(({ State }) => State)).toContainEqual(expect.stringMatching(/^Waiting for /));
    });
    await locker.query('UNLOCK TABLES');
    expect(await answers).toEqual(all(stuck, 'done'));
  });
});

it('a database that was long in giving an event its user leaves it all of its time', async () => {
  const { room_id } = await inRoom();
  // It has not met anybody yet.
  const worker = database.open({ settings: { handlerTimeout: brief } });
  await locker.query('LOCK TABLES users WRITE');
  const begun = performance.now();
  const sending = worker.run(ben, 'message.send', { room_id, content: 'written' });
  await until('it has waited longer than an event may take', async () => {
    expect(performance.now() - begun).toBeGreaterThan(brief * 1000 + 100);
  });
  await locker.query('UNLOCK TABLES');
  expect((await sending).error).toBeUndefined();
  const [row] = await database.query('SELECT content FROM chat_messages WHERE room_id = ? ORDER BY seq DESC', [
    room_id,
  ]);
  expect(row).toEqual({ content: 'written' });
});
