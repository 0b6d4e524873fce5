/** Two groups of writes are under way at once: each has rooms of its own, whose order is kept. */
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../helpers/processes.js';
import { upTo } from './crowd.js';
import { DATABASES, openDatabase, type TestDatabase, type TestRuntime } from './runtimes.js';

/** So many that there are some of both lanes, whatever their ids. */
const ROOMS = 24;

describe.each(DATABASES)('writes to many rooms in one process, on %s', (kind) => {
  let database: TestDatabase;
  let rooms: string[];

  beforeAll(async () => {
    database = await openDatabase(kind, 1);
    const worker = database.open();
    rooms = [];
    for (let made = 0; made < ROOMS; made++) {
      const { data } = await worker.run(database.userIds[0]!, 'room.create', { type: 'GroupChat', name: 'group' });
      rooms.push(String(data.room_id));
    }
  });
  afterAll(() => database?.close());

  /** A write that may share its transaction, as a send is; gives the number that it took. */
  const number = ({ runtime }: TestRuntime, roomId: string) =>
    runtime.store.write({
      roomIds: [roomId],
      grouped: true,
      pairs: [],
      requests: [],
      check: async () => {},
      run: async (unit) => unit.takeSeq(roomId),
    });
  const lastSeqs = async () => {
    const rows = await database.query<{ id: string; last_seq: number }>('SELECT id, last_seq FROM chat_rooms');
    return new Map(rows.map(({ id, last_seq }) => [id, Number(last_seq)]));
  };

  if (kind === 'MariaDB') {
    it('are two transactions at once, and no more', async () => {
      const worker = database.open();
      const before = await lastSeqs();
      const locker = await createConnection(database.url!);
      try {
        await locker.beginTransaction();
        await locker.query('SELECT id FROM chat_rooms FOR UPDATE');
        const taken = Promise.all(rooms.map((room) => number(worker, room)));
        await until('both groups wait for their rooms', async () => {
          const threads = await database.query<{ Info: string | null }>('SHOW FULL PROCESSLIST');
          expect(threads.filter(({ Info }) => Info?.includes('FOR UPDATE'))).toHaveLength(2);
        });
        await locker.rollback();
        expect(await taken).toEqual(rooms.map((room) => before.get(room)! + 1));
      } finally {
        locker.destroy();
      }
      expect(worker.statements.filter((sql) => sql.startsWith('COMMIT'))).toHaveLength(2);
    });
  }

  it('are done in each room in the order they came, however many groups that takes', async () => {
    const worker = database.open({ settings: { groupCommitSize: 5 } });
    const before = await lastSeqs();
    const turns = upTo(10);
    const taken = await Promise.all(
      turns.flatMap((turn) => rooms.map(async (room) => ({ room, turn, seq: await number(worker, room) }))),
    );
    for (const { room, turn, seq } of taken) expect(seq - before.get(room)!).toBe(turn);
    const after = await lastSeqs();
    for (const room of rooms) expect(after.get(room)! - before.get(room)!).toBe(turns.length);
  });
});
