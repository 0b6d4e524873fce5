/** Writes of one line, as the messages of one connection are: done in order, though they are under way together. */
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EventHandler } from '../../src/handlers/event-handler.js';
import { PermissionDenied } from '../../src/protocol/errors.js';
import { runInOrder } from '../../src/queue/in-order.js';
import type { UnitOfWork } from '../../src/store/unit-of-work.js';
import { until } from '../helpers/processes.js';
import { deferred } from '../queue/support.js';
import {
  chatJob,
  DATABASES,
  openDatabase,
  type TestDatabase,
  type TestRuntime,
  type TestRuntimeOptions,
} from './runtimes.js';

/** So many that there are some of both lanes, whatever their ids. */
const ROOMS = 24;

describe.each(DATABASES)('writes of one line, on %s', (kind) => {
  let database: TestDatabase;
  let rooms: string[];
  let ann: number;

  beforeAll(async () => {
    database = await openDatabase(kind, 2);
    ann = database.userIds[0]!;
    const worker = database.open();
    rooms = [];
    for (let made = 0; made < ROOMS; made++) {
      const { data } = await worker.run(ann, 'room.create', { type: 'GroupChat', name: 'group' });
      rooms.push(String(data.room_id));
    }
  });
  afterAll(() => database?.close());

  interface Wish {
    readonly room?: string;
    readonly line?: symbol;
    readonly grouped?: boolean;
    check?(): Promise<void>;
    run?(unit: UnitOfWork): Promise<unknown>;
  }
  /** A write that takes a number of its room, and notes its name when it is committed. */
  const noting = ({ runtime }: TestRuntime) => {
    const order: string[] = [];
    const write = (name: string, { room = rooms[0]!, line, grouped = true, check, run }: Wish = {}) =>
      runtime.store
        .write({
          roomIds: [room],
          grouped,
          line,
          pairs: [],
          requests: [],
          check: async () => check?.(),
          run: async (unit) => {
            await run?.(unit);
            return unit.takeSeq(room);
          },
        })
        .then((seq) => {
          order.push(name);
          return seq;
        });
    return { order, write };
  };
  const [a, b] = [Symbol('a'), Symbol('b')];
  const names = (count: number) => Array.from({ length: count }, (_, index) => String(index));

  it('keep their order over many groups', async () => {
    const { write } = noting(database.open({ settings: { groupCommitSize: 3 } }));
    const seqs = await Promise.all(names(20).map((name) => write(name, { line: a })));
    expect(seqs).toEqual(seqs.map((_, index) => seqs[0]! + index));
  });

  it('keep it when their group fails and each is tried alone', async () => {
    const { write } = noting(database.open());
    let tries = 0;
    const [seqs] = await Promise.all([
      Promise.all(names(10).map((name) => write(name, { line: a }))),
      expect(
        write('broken', {
          run: async () => {
            tries += 1;
            throw new Error('broken');
          },
        }),
      ).rejects.toThrow('broken'),
    ]);
    expect(tries).toBe(2);
    expect(seqs).toEqual(seqs.map((_, index) => seqs[0]! + index));
  });

  it('wait for one of them that takes long; others, and other lines, do not', async () => {
    const { order, write } = noting(database.open());
    const gate = deferred();
    let runs = 0;
    const slow = write('slow', {
      line: a,
      run: async () => {
        runs += 1;
        if (runs === 1) await gate.promise;
      },
    });
    const behind = write('behind', { line: a });
    // The slow one holds its group's rooms until its time in it is up, and is then tried alone.
    const others = [write('other', { room: rooms[1]! }), write('other line', { line: b })];
    await Promise.all(others);
    expect(order).not.toContain('behind');
    gate.resolve();
    expect((await behind) - (await slow)).toBe(1);
    expect(order.indexOf('slow')).toBeLessThan(order.indexOf('behind'));
    expect(runs).toBe(2);
  });

  it('go on when one of them is refused', async () => {
    const { order, write } = noting(database.open());
    const refusal = async () => {
      throw new PermissionDenied('no');
    };
    const [first, refused, last] = await Promise.allSettled([
      write('first', { line: a }),
      write('refused', { line: a, check: refusal }),
      write('last', { line: a }),
    ]);
    expect(refused).toMatchObject({ status: 'rejected', reason: expect.any(PermissionDenied) });
    expect(order).toEqual(['first', 'last']);
    expect((last as PromiseFulfilledResult<number>).value - (first as PromiseFulfilledResult<number>).value).toBe(1);
  });

  it('keep it with one that shares its transaction with nobody', async () => {
    const { write } = noting(database.open());
    const seqs = await Promise.all([
      write('0', { line: a }),
      write('1', { line: a, grouped: false }),
      write('2', { line: a }),
    ]);
    expect(seqs).toEqual([seqs[0]!, seqs[0]! + 1, seqs[0]! + 2]);
  });

  if (kind === 'MariaDB') {
    it('keep it over rooms, of which somebody holds the first', async () => {
      const { order, write } = noting(database.open());
      const locker = await createConnection(database.url!);
      try {
        await locker.beginTransaction();
        await locker.query('SELECT id FROM chat_rooms WHERE id = ? FOR UPDATE', [rooms[0]!]);
        const line = rooms.map((room, index) => write(String(index), { room, line: a }));
        await until('the first waits for its room', async () => {
          const threads = await database.query<{ Info: string | null }>('SHOW FULL PROCESSLIST');
          expect(threads.some(({ Info }) => Info?.includes('FOR UPDATE'))).toBe(true);
        });
        // Other lanes are free, and would have committed theirs.
        await write('not in line', { room: rooms[1]! });
        expect(order).toEqual(['not in line']);
        await locker.rollback();
        await Promise.all(line);
        expect(order).toEqual(['not in line', ...names(ROOMS)]);
      } finally {
        locker.destroy();
      }
    });
  }

  describe('messages of one connection', () => {
    const send = async (options: TestRuntimeOptions, contents: readonly string[]) => {
      const worker = database.open(options);
      const room_id = rooms[2]!;
      const jobs = contents.map((content) => chatJob(ann, 'message.send', { room_id, content }));
      await runInOrder(jobs, (job, line) => worker.runtime.runJob(job, { earlierRuns: 0, line }));
      const replies = new Map(worker.told.replies.map(({ jobId, frames }) => [jobId, JSON.parse(frames.at(-1)!)]));
      return { worker, answers: jobs.map(({ id }) => replies.get(id)) };
    };

    it('share a transaction, and come in the order sent', async () => {
      const { worker, answers } = await send({}, names(8));
      const seqs = answers.map(({ data }) => data.seq as number);
      expect(seqs).toEqual(seqs.map((_, index) => seqs[0]! + index));
      // The first may be on its way before the second has begun.
      expect(worker.statements.filter((sql) => sql.includes(': COMMIT')).length).toBeLessThanOrEqual(2);
    });

    it('are refused each by itself', async () => {
      const { answers } = await send({}, ['one', '', 'two']);
      expect(answers[1].error.code).toBe(4003);
      expect(answers[2].data.seq - answers[0].data.seq).toBe(1);
    });

    it('begin one after another where a host has a part of its own in them', async () => {
      const steps: string[] = [];
      class Slow extends EventHandler {
        override async createMessage(...args: Parameters<EventHandler['createMessage']>) {
          steps.push(`begins ${args[0].content}`);
          const message = await super.createMessage(...args);
          await new Promise((resolve) => setImmediate(resolve));
          steps.push(`ends ${args[0].content}`);
          return message;
        }
      }
      await send({ settings: { eventHandlerClass: Slow } }, names(4));
      expect(steps).toEqual(names(4).flatMap((name) => [`begins ${name}`, `ends ${name}`]));
    });
  });
});
