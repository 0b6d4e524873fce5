/** Transactions that lose a race in the database are run again as a whole; others are not. */
import { DatabaseError, type Transaction, UniqueConstraintError } from 'sequelize';
import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { withRetry } from '../../src/store/retry.js';
import type { UnitOfWork } from '../../src/store/unit-of-work.js';
import { openDatabase, type TestDatabase, type TestRuntime } from '../system/runtimes.js';

/** An error as the driver and Sequelize report it. */
const failure = (errno: number) => new DatabaseError(Object.assign(new Error(`error ${errno}`), { errno, sql: '' }));

describe('a transaction on MariaDB', () => {
  let database: TestDatabase;
  let worker: TestRuntime;
  let rooms: string[];
  beforeAll(async () => {
    database = await openDatabase('MariaDB', 2);
    worker = database.open();
    const [ann] = database.userIds;
    rooms = [];
    for (const name of ['one', 'two']) {
      const { data } = await worker.run(ann!, 'room.create', { type: 'GroupChat', name });
      rooms.push(data.room_id as string);
    }
    rooms.sort();
  });
  afterAll(() => database?.close());

  /** Writes a row by which it can be told how often this was committed. */
  const leaveTrace = (name: string, { transaction }: UnitOfWork) =>
    worker.models.RoomPermission.create(
      { room_id: rooms[0]!, user_id: database.userIds[0]!, codename: name },
      { transaction },
    );
  const traces = async (name: string) => worker.models.RoomPermission.count({ where: { codename: name } });

  it.each([
    [1213, 'deadlock'],
    [1205, 'lock wait timeout'],
    [1020, 'record changed since last read'],
  ])('is begun anew after error %i (%s): a new transaction, and nothing of the old one is left', async (errno) => {
    const transactions = new Set<Transaction>();
    const name = `trace ${errno}`;
    const result = await worker.runtime.store.transaction(async (unit) => {
      transactions.add(unit.transaction);
      await unit.lockRooms([rooms[0]!]);
      const { last_seq } = unit.counters(rooms[0]!);
      await leaveTrace(name, unit);
      if (transactions.size < 3) throw failure(errno);
      return last_seq;
    });
    expect(result).toBe(0);
    expect(transactions.size).toBe(3);
    expect(await traces(name)).toBe(1);
  });

  it('is READ COMMITTED: after the lock it sees what was committed while it waited, whatever it read before', async () => {
    let reading = 0;
    await worker.runtime.store.transaction(async (unit) => {
      const seen = async () => {
        const rows = await worker.sequelize.query('SELECT 1 FROM chat_room_permissions WHERE codename = :name', {
          replacements: { name: 'committed meanwhile' },
          transaction: unit.transaction,
        });
        return (rows[0] as unknown[]).length;
      };
      expect(await seen()).toBe(0);
      await worker.runtime.store.transaction((other) => leaveTrace('committed meanwhile', other));
      reading = await seen();
    });
    expect(reading).toBe(1);
  });

  it('that meets another one in a real deadlock ends well, as does the other', async () => {
    const arrived = [deferred(), deferred()];
    let attempts = 0;
    const lockInTurn = async (first: number, second: number) =>
      worker.runtime.store.transaction(async (unit) => {
        attempts += 1;
        await unit.lockRooms([rooms[first]!]);
        arrived[first]!.resolve();
        // Only a retry finds the other one gone.
        await arrived[second]!.promise;
        await unit.lockRooms([rooms[second]!]);
        await leaveTrace(`deadlock ${first}`, unit);
      });
    await Promise.all([lockInTurn(0, 1), lockInTurn(1, 0)]);
    expect(attempts).toBe(3);
    expect(await traces('deadlock 0')).toBe(1);
    expect(await traces('deadlock 1')).toBe(1);
  });

  it('that waits too long for a lock of somebody else waits again', async () => {
    const impatient = database.open();
    impatient.sequelize.addHook('afterConnect', (connection) => impatience(connection));
    const elsewhere = database.connect();
    const holder = await elsewhere.transaction();
    const [ann] = database.userIds;
    await elsewhere.query('SELECT id FROM chat_rooms WHERE id = ? FOR UPDATE', {
      replacements: [rooms[0]],
      transaction: holder,
    });
    const sending = impatient.run(ann!, 'message.send', { room_id: rooms[0], content: 'at last' });
    // The second attempt: the first has ended with 1205, after its second.
    await vi.waitFor(
      () => expect(impatient.statements.filter((sql) => /FROM `?chat_rooms\b.*FOR UPDATE/s.test(sql)).length).toBe(2),
      { timeout: 15_000, interval: 20 },
    );
    await holder.commit();
    expect((await sending).data).toMatchObject({ status: 'successful', seq: 1 });
    expect(await impatient.models.Message.count({ where: { room_id: rooms[0]! } })).toBe(1);
  });

  it('that breaks a unique key is not begun again', async () => {
    let attempts = 0;
    const writing = worker.runtime.store.transaction(async (unit) => {
      attempts += 1;
      await leaveTrace('twice', unit);
      await leaveTrace('twice', unit);
    });
    await expect(writing).rejects.toThrow(UniqueConstraintError);
    expect(attempts).toBe(1);
    expect(await traces('twice')).toBe(0);
  });
});

describe('withRetry', () => {
  it('gives up after so many tries, with the last error', async () => {
    const id = newId();
    let attempts = 0;
    const trying = withRetry(async () => {
      attempts += 1;
      throw Object.assign(failure(1213), { message: `${id} ${attempts}` });
    }, 3);
    await expect(trying).rejects.toThrow(`${id} 3`);
    expect(attempts).toBe(3);
  });

  it('waits longer before each try, by chance, so that those who met do not meet again', async () => {
    const waits: number[] = [];
    const random = vi.spyOn(Math, 'random');
    vi.spyOn(globalThis, 'setTimeout').mockImplementation(((run: () => void, wait: number) => {
      waits.push(wait);
      queueMicrotask(run);
    }) as never);
    try {
      for (const chance of [0.5, 1]) {
        random.mockReturnValue(chance);
        await expect(withRetry(() => Promise.reject(failure(1213)), 4)).rejects.toThrow();
      }
    } finally {
      vi.restoreAllMocks();
    }
    expect(waits).toEqual([10, 20, 40, 20, 40, 80]);
  });
});

function deferred() {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** This connection waits one second for a lock, the least that there is. */
async function impatience(connection: unknown): Promise<void> {
  const { query } = connection as { query(sql: string, done: (error: Error | null) => void): void };
  await new Promise<void>((resolve, reject) => {
    query.call(connection, 'SET SESSION innodb_lock_wait_timeout = 1', (error) => (error ? reject(error) : resolve()));
  });
}
