/**
 * The database takes a COMMIT and its answer is lost on the way: the worker cannot know what became of the event. Its
 * sender may be told 4503; what is in the database is told to everybody all the same, once, with nothing after it.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ChatJob } from '../../src/queue/queue.js';
import { type FaultProxy, startProxy } from '../faults/proxy.js';
import { statementsOf } from '../helpers/blocks.js';
import { until } from '../helpers/processes.js';
import { chatJob, keepingBroadcast, openDatabase, type TestDatabase, type TestRuntime } from './runtimes.js';

describe('a COMMIT whose answer is lost', () => {
  let database: TestDatabase;
  let proxy: FaultProxy;
  let worker: TestRuntime;
  let ann: number;
  let ben: number;
  let room_id: string;
  /** What happens between the COMMIT and its answer; the next one only. */
  let fault: (() => Promise<void>) | undefined;

  beforeAll(async () => {
    database = await openDatabase('MariaDB', 2);
    [ann, ben] = database.userIds as [number, number];
    const server = new URL(String(database.url));
    proxy = await startProxy({ host: server.hostname, port: Number(server.port) });
    worker = database.open({ through: (url) => proxy.through(url) });
    worker.sequelize.addHook('afterConnect', (connection) => losing(connection, () => fault));
    const { data } = await worker.run(ann, 'room.create', { type: 'GroupChat', name: 'group', participants: [ben] });
    room_id = String(data.room_id);
  });
  afterEach(() => proxy.heal());
  afterAll(async () => {
    await database?.close();
    await proxy?.close();
  });

  const arm = (what: () => Promise<void>) => {
    for (const list of Object.values(worker.told)) list.length = 0;
    fault = async () => {
      fault = undefined;
      await what();
    };
  };
  const contentsOf = async (content: string) =>
    database.query<{ seq: number }>('SELECT seq FROM chat_messages WHERE room_id = ? AND content = ?', [
      room_id,
      content,
    ]);
  const toldOf = (content: string) => worker.told.envelopes.filter(({ frame }) => frame?.includes(content));

  it.each([1, 5])('is a success when the database is there to be asked, for %i at once', async (count) => {
    const contents = Array.from({ length: count }, (_, index) => `asked ${count} ${index}`);
    arm(async () => proxy.reset());
    const answers = await Promise.all(
      contents.map((content) => worker.run(ann, 'message.send', { room_id, content, client_id: content })),
    );
    expect(fault).toBeUndefined();
    for (const [index, { data, error }] of answers.entries()) {
      expect(error).toBeUndefined();
      expect(await contentsOf(contents[index]!)).toEqual([{ seq: data.seq }]);
      expect(toldOf(contents[index]!)).toHaveLength(1);
    }
  });

  it.each([1, 5])('is told when the database is back, with nothing after it, for %i at once', async (count) => {
    const contents = Array.from({ length: count }, (_, index) => `away ${count} ${index}`);
    arm(() => proxy.down());
    const answers = await Promise.all(
      contents.map((content) => worker.run(ann, 'message.send', { room_id, content, client_id: content })),
    );
    expect(answers.map(({ error }) => error?.code)).toEqual(contents.map(() => 4503));
    expect(worker.told.envelopes).toEqual([]);
    await proxy.heal();
    for (const content of contents) {
      expect(await contentsOf(content)).toHaveLength(1);
      await until('it is told', async () => expect(toldOf(content)).toHaveLength(1), 10_000);
    }
    // Sent again as clients do: the first one's answer, and nothing new.
    for (const content of contents) {
      const { data } = await worker.run(ann, 'message.send', { room_id, content, client_id: content });
      expect(await contentsOf(content)).toEqual([{ seq: data.seq }]);
      expect(toldOf(content)).toHaveLength(1);
    }
  });

  it('is found by the second run of the job, which writes nothing', async () => {
    const job = chatJob(ann, 'room.modify', { room_id, action: 'update', data: { name: 'renamed' } });
    arm(() => proxy.down());
    await worker.runtime.runJob(job, { earlierRuns: 0 });
    await proxy.heal();
    const rows = await database.rows();
    const other = database.open();
    await other.runtime.runJob(job, { earlierRuns: 1 });
    expect(await database.rows()).toEqual(rows);
    expect(other.told.replies.map(({ frames }) => JSON.parse(frames.at(-1)!))).toMatchObject([
      { eventType: 'event.ack', data: { status: 'successful' } },
    ]);
    expect(other.told.envelopes.map(({ roomId }) => roomId)).toEqual([room_id]);
  });

  it.each([
    ['runs again', (job: ChatJob) => worker.runtime.runJob(job, { earlierRuns: 1 })],
    ['is given up', (job: ChatJob) => worker.runtime.reportLost(job, 'its worker died too often')],
  ])('is told when the database is back, though it was away when the job %s', async (how, again) => {
    const content = `the job ${how}`;
    const job = chatJob(ann, 'message.send', { room_id, content });
    arm(async () => {});
    // Its worker ends with the COMMIT, and tells nothing.
    const dead = database.open({ broadcast: keepingBroadcast(() => new Promise(() => {})) });
    void dead.runtime.runJob(job, { earlierRuns: 0 }).catch(() => {});
    await until('it is committed', async () => expect(await contentsOf(content)).toHaveLength(1));
    fault = undefined;
    await proxy.down();
    const done = again(job);
    await until('its sender is told', async () => expect(worker.told.replies).toHaveLength(1), 20_000);
    expect(JSON.parse(worker.told.replies[0]!.frames[0]!)).toMatchObject({ id: 'event', error: { code: 4503 } });
    expect(worker.told.envelopes).toEqual([]);
    await proxy.heal();
    await done;
    await until('the others are told', async () => expect(toldOf(content)).toHaveLength(1), 10_000);
    expect(worker.told.replies).toHaveLength(1);
  });
});

/** Lets a COMMIT through, does what `fault` gives, and says that the connection was lost. */
function losing(connection: unknown, fault: () => (() => Promise<void>) | undefined): void {
  type Done = (error: Error | null, ...rest: unknown[]) => void;
  const mysql = connection as { query(...args: unknown[]): unknown };
  const { query } = mysql;
  mysql.query = function (...args) {
    const sql = typeof args[0] === 'string' ? args[0] : (args[0] as { sql?: string })?.sql;
    const done = args.at(-1) as Done;
    const happens = statementsOf(sql ?? '').at(-1) === 'COMMIT' ? fault() : undefined;
    if (!happens || typeof done !== 'function') return query.apply(this, args);
    return query.call(this, ...args.slice(0, -1), () => {
      const lost = Object.assign(new Error('Connection lost'), { code: 'PROTOCOL_CONNECTION_LOST', fatal: true });
      void happens().then(() => done(lost));
    });
  };
}
