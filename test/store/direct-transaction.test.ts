/**
 * Transactions whose statements pass by Sequelize, on MariaDB: what fails in them is undone, and nothing comes after it.
 * In blocks, and one by one as on a server that takes none.
 */
import fc from 'fast-check';
import { createConnection } from 'mysql2/promise';
import { ForeignKeyConstraintError, type Sequelize, Transaction, UniqueConstraintError } from 'sequelize';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { wasTooLate } from '../../src/store/blocks.js';
import { DirectTransaction } from '../../src/store/direct-transaction.js';
import { inTransaction, selectRows, settled } from '../../src/store/transactions.js';
import { isUnknownCommit } from '../../src/store/unknown-commit.js';
import { type FaultProxy, startProxy } from '../faults/proxy.js';
import { until } from '../helpers/processes.js';
import { openDatabase, type TestDatabase, type TestRuntime, type TestRuntimeOptions } from '../system/runtimes.js';

let database: TestDatabase;
let worker: TestRuntime;
beforeAll(async () => {
  database = await openDatabase('MariaDB', 1);
  await database
    .connect()
    .query('CREATE TABLE notes (id INT PRIMARY KEY, user_id INT, text LONGTEXT COLLATE utf8mb4_bin)');
  await database.connect().query('ALTER TABLE notes ADD FOREIGN KEY (user_id) REFERENCES users (id)');
});
afterEach(() => database.connect().query('DELETE FROM notes'));
afterAll(() => database?.close());

/** Has a Sequelize find that its server takes no blocks, as MySQL: by the server's own refusal. */
function withoutBlocks(opened: TestRuntime): TestRuntime {
  const query = opened.sequelize.query.bind(opened.sequelize) as (sql: string, ...more: unknown[]) => Promise<unknown>;
  const refused = (sql: string, ...more: unknown[]) =>
    query(sql.startsWith('BEGIN NOT ATOMIC') ? 'BEGIN AS MYSQL DOES' : sql, ...more);
  Object.assign(opened.sequelize, { query: refused });
  return opened;
}

const insert = 'INSERT INTO notes (id, text) VALUES (?, ?)';
const notes = async () =>
  (await database.query<{ id: number }>('SELECT id FROM notes ORDER BY id')).map(({ id }) => id);

/** In a transaction that passes by Sequelize. */
function directly<T>(work: (transaction: DirectTransaction) => Promise<T>, sequelize: Sequelize = worker.sequelize) {
  return inTransaction(sequelize, {}, async (transaction) => {
    expect(transaction).toBeInstanceOf(DirectTransaction);
    return work(transaction as DirectTransaction);
  });
}

describe.each(['in blocks', 'one by one'])('%s', (way) => {
  const inBlocks = way === 'in blocks';
  const open = (options?: TestRuntimeOptions) =>
    inBlocks ? database.open(options) : withoutBlocks(database.open(options));
  beforeEach(() => {
    worker = open();
  });

  describe('statements that nobody waits for', () => {
    it('are committed in their order, with what Sequelize is given behind them', async () => {
      const seen = await directly(async (transaction) => {
        for (const id of [1, 2, 3]) transaction.queue(insert, [id, 'queued']);
        transaction.queue('UPDATE notes SET id = id + 10 WHERE id < ?', [3]);
        await settled(transaction);
        return worker.sequelize.query('SELECT id FROM notes ORDER BY id', { transaction });
      });
      expect(seen[0]).toEqual([{ id: 3 }, { id: 11 }, { id: 12 }]);
      expect(await notes()).toEqual([3, 11, 12]);
    });

    it('go to the server with what comes next', async () => {
      await directly(async () => {});
      worker.roundTrips.length = 0;
      const seen = await directly(async (transaction) => {
        const rows = await transaction.send('SELECT id FROM notes');
        transaction.queue(insert, [1, 'one']);
        transaction.queue(insert, [2, 'two']);
        return rows;
      });
      expect(seen).toEqual([]);
      expect(await notes()).toEqual([1, 2]);
      expect(worker.statements.slice(-5).map((sql) => sql.slice(0, 11))).toEqual([
        'START TRANS',
        'SELECT id F',
        'INSERT INTO',
        'INSERT INTO',
        'COMMIT',
      ]);
      expect(worker.roundTrips).toHaveLength(inBlocks ? 2 : 5);
    });

    it('come before what Sequelize is given, though nobody waited', async () => {
      const [rows] = await directly(async (transaction) => {
        transaction.queue(insert, [1, 'one']);
        return worker.sequelize.query('SELECT id FROM notes', { transaction });
      });
      expect(rows).toEqual(inBlocks ? [{ id: 1 }] : expect.anything());
      expect(await notes()).toEqual([1]);
    });

    it('go one by one when they are very long together', async () => {
      const text = '€'.repeat(100_000);
      await directly(async (transaction) => {
        for (const id of [1, 2, 3]) transaction.queue(insert, [id, text]);
      });
      expect(await database.query('SELECT id, text FROM notes ORDER BY id')).toEqual(
        [1, 2, 3].map((id) => ({ id, text })),
      );
    });

    it('undo everything when one fails, and none behind that is sent', async () => {
      const writing = directly(async (transaction) => {
        for (const id of [1, 1, 2]) transaction.queue(insert, [id, 'queued']);
        await settled(transaction);
      });
      await expect(writing).rejects.toThrow(UniqueConstraintError);
      expect(await notes()).toEqual([]);
      expect(worker.statements.at(-1)).toMatch(/^ROLLBACK/);
      if (!inBlocks) expect(worker.statements.filter((sql) => /^INSERT INTO notes/.test(sql))).toHaveLength(2);
    });

    it('cannot be committed unseen when one fails', async () => {
      const writing = directly(async (transaction) => {
        transaction.queue(insert, [1, 'queued']);
        transaction.queue(insert, [1, 'queued']);
      });
      const error = await writing.catch((refusal: unknown) => refusal);
      expect(error).toBeInstanceOf(UniqueConstraintError);
      // Nothing is unknown: it was refused.
      expect(isUnknownCommit(error)).toBe(false);
      expect(await notes()).toEqual([]);
      await directly(async (transaction) => transaction.queue(insert, [1, 'again']));
      expect(await notes()).toEqual([1]);
    });

    it('are not sent any more when the transaction has been given up', async () => {
      let late: DirectTransaction | undefined;
      const writing = directly(async (transaction) => {
        for (const id of [1, 2, 3]) transaction.queue(insert, [id, 'queued']);
        late = transaction;
        throw new Error('given up');
      });
      await expect(writing).rejects.toThrow('given up');
      await expect(late!.send(insert, [4, 'late'])).rejects.toThrow(/transaction has ended/);
      expect(worker.statements.filter((sql) => sql.startsWith('INSERT')).length).toBeLessThan(2);
      expect(worker.statements.at(-1)).toMatch(/^ROLLBACK/);
      expect(await notes()).toEqual([]);
    });
  });

  describe('a statement that is waited for', () => {
    it('may fail without ending the transaction', async () => {
      await directly(async (transaction) => {
        await transaction.send(insert, [1, 'first']);
        await expect(transaction.send(insert, [1, 'again'])).rejects.toThrow(UniqueConstraintError);
        await expect(transaction.send('INSERT INTO notes (id, user_id) VALUES (?, ?)', [2, 99_999])).rejects.toThrow(
          ForeignKeyConstraintError,
        );
        await transaction.send(insert, [3, 'third']);
      });
      expect(await notes()).toEqual([1, 3]);
    });

    it('is the last when the database ends the transaction: what comes behind would be committed by itself', async () => {
      await database.connect().query("INSERT INTO notes (id, text) VALUES (1, ''), (2, '')");
      const locked = new Map<number, () => void>();
      const isLocked = [1, 2].map((id) => new Promise<void>((resolve) => locked.set(id, resolve)));
      const lock = 'SELECT id FROM notes WHERE id = ? FOR UPDATE';
      const refusals: unknown[] = [];
      const lockBoth = (first: number, second: number) =>
        directly(async (transaction) => {
          await transaction.send(lock, [first]);
          locked.get(first)!();
          await Promise.all(isLocked);
          await transaction.send(lock, [second]).catch(async (error: unknown) => {
            // As a host's handler might go on, past Sequelize and by it.
            refusals.push(error, await transaction.send(insert, [10 + first, '']).catch((refusal: unknown) => refusal));
            await worker.sequelize
              .query(`INSERT INTO notes (id) VALUES (${20 + first})`, { transaction })
              .catch((refusal: unknown) => void refusals.push(refusal));
            throw error;
          });
        });
      const results = await Promise.allSettled([lockBoth(1, 2), lockBoth(2, 1)]);
      expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      expect(refusals).toHaveLength(3);
      expect(refusals[0]).toMatchObject({ parent: { errno: 1213 } });
      expect(await notes()).toEqual([1, 2]);
    });

    it('takes any text as it is', async () => {
      let id = 0;
      const special = [...`\0\b\t\n\r\u001a'"\\\`%_?:;#$-/*{}`, '--', '\\0', "\\'", "''", ':name', '??', '😀'];
      const text = fc.array(fc.oneof(fc.constantFrom(...special), fc.string({ unit: 'binary', maxLength: 5 })));
      await fc.assert(
        fc.asyncProperty(text, async (parts) => {
          id += 1;
          const rows = await directly(async (transaction) => {
            transaction.queue(insert, [id, parts.join('')]);
            return selectRows<{ text: string }>(
              worker,
              'SELECT text FROM notes WHERE id = ? AND text = ?',
              [id, parts.join('')],
              {
                transaction,
              },
            );
          });
          expect(rows).toEqual([{ text: parts.join('') }]);
        }),
        { numRuns: 100, examples: [...special.map((one): [string[]] => [[one]]), [special]] },
      );
    });
  });

  describe('what the database does after the deadline', () => {
    let proxy: FaultProxy;
    beforeAll(async () => {
      proxy = await startProxy(database.url!);
    });
    afterAll(() => proxy?.close());

    /** A row is locked by others, or the server out of reach, until the time of whoever inserts it is over. */
    const stalls = {
      'waiting for a lock': async () => {
        const locker = await createConnection(database.url!);
        await locker.query('LOCK TABLES notes WRITE');
        return {
          async isMet() {
            const waiting = 'SELECT id FROM information_schema.PROCESSLIST WHERE Info LIKE ? AND State LIKE ?';
            expect(await database.query(waiting, ['%late%', 'Waiting for%'])).not.toEqual([]);
          },
          end: () => locker.end(),
        };
      },
      'out of reach': async () => {
        proxy.blackHole();
        return { isMet: async () => {}, end: () => proxy.heal() };
      },
    };
    it.each([
      ['waiting for a lock', 'in a block', 'late'],
      ['waiting for a lock', 'too long for one', `late ${'€'.repeat(100_000)}`],
      ['out of reach', 'in a block', 'late'],
    ] as const)('is undone: %s, %s', async (how, _size, text) => {
      const { sequelize } = open({ through: (url) => proxy.through(url) });
      await directly(async () => {}, sequelize);
      let isOver = false;
      const begun = performance.now();
      const deadline = {
        throwIfAborted: () => {
          if (isOver) throw new Error('told already');
        },
        left: () => Math.max(0, 300 - (performance.now() - begun)),
      };
      let stall: Awaited<ReturnType<(typeof stalls)[typeof how]>> | undefined;
      const writing = inTransaction(
        sequelize,
        {},
        async (transaction) => {
          await (transaction as DirectTransaction).send('SELECT 1');
          stall = await stalls[how]();
          (transaction as DirectTransaction).queue(insert, [1, text]);
        },
        deadline,
      ).catch((error: unknown) => error);
      try {
        await until('it waits', async () => {
          expect(stall).toBeDefined();
          await stall!.isMet();
        });
        await until('its time is over', async () => expect(deadline.left()).toBe(0));
        isOver = true;
      } finally {
        await stall?.end();
      }
      const error = await writing;
      // One that is too long for a block is looked at here, before its COMMIT.
      const byServer = inBlocks && text.length < 100_000;
      expect(byServer ? wasTooLate(error) : String(error)).toEqual(byServer ? true : 'Error: told already');
      expect(isUnknownCommit(error)).toBe(false);
      expect(await notes()).toEqual([]);
      const inTime = inTransaction(
        sequelize,
        {},
        async (transaction) => (transaction as DirectTransaction).queue(insert, [1, 'in time']),
        { throwIfAborted: () => {}, left: () => 10_000 },
      );
      await inTime;
      expect(await notes()).toEqual([1]);
    });
  });

  it('is done when the time was spent in waiting for a lock, and there is some left', async () => {
    await database.connect().query("INSERT INTO notes (id, text) VALUES (1, '')");
    const locker = await createConnection(database.url!);
    await directly(async () => {});
    await locker.query('START TRANSACTION');
    await locker.query('SELECT id FROM notes WHERE id = 1 FOR UPDATE');
    const begun = performance.now();
    const writing = inTransaction(
      worker.sequelize,
      {},
      async (transaction) => {
        await (transaction as DirectTransaction).send('SELECT id FROM notes WHERE id = 1 FOR UPDATE');
        (transaction as DirectTransaction).queue(insert, [2, 'in time']);
      },
      { throwIfAborted: () => {}, left: () => 1_500 },
    );
    // Longer than what is left.
    await until('it has waited', async () => expect(performance.now() - begun).toBeGreaterThan(2_000));
    await locker.end();
    await writing;
    expect(await notes()).toEqual([1, 2]);
  });

  describe('a Sequelize that has more to do with statements', () => {
    const kindOf = (sequelize: Sequelize) => inTransaction(sequelize, {}, async (transaction) => transaction);

    it('is given all of them: one that logs, and one with hooks', async () => {
      const logged: string[] = [];
      const { sequelize } = worker;
      expect(await kindOf(sequelize)).toBeInstanceOf(DirectTransaction);
      const { options } = sequelize as unknown as { options: { logging: unknown } };
      options.logging = (sql: string) => logged.push(sql);
      expect(await kindOf(sequelize)).not.toBeInstanceOf(DirectTransaction);
      expect(logged.map((line) => line.replace(/^.*: /, ''))).toEqual(['START TRANSACTION;', 'COMMIT;']);
      options.logging = false;
      for (const hook of ['beforeQuery', 'afterQuery'] as const) {
        const remove = () => sequelize.removeHook(hook, 'seen');
        sequelize.addHook(hook, 'seen', () => {});
        expect(await kindOf(sequelize)).not.toBeInstanceOf(DirectTransaction);
        remove();
      }
      expect(await kindOf(sequelize)).toBeInstanceOf(DirectTransaction);
    });

    it.each(['past Sequelize', 'by Sequelize'])(
      'has its isolation and all in it from the first statement: %s',
      async (how) => {
        const { sequelize } = worker;
        const other = database.connect();
        await other.query("INSERT INTO notes (id, text) VALUES (2, '')");
        const isolationLevel = Transaction.ISOLATION_LEVELS.SERIALIZABLE;
        const writing = inTransaction(sequelize, { isolationLevel }, async (transaction) => {
          const send = (sql: string) =>
            how === 'by Sequelize'
              ? sequelize.query(sql, { transaction })
              : (transaction as DirectTransaction).send<unknown>(sql);
          await send("INSERT INTO notes (id, text) VALUES (1, '')");
          await send('SELECT id FROM notes WHERE id = 2');
          // At this level alone what was read is locked.
          const locking = other.query('SELECT id FROM notes WHERE id = 2 FOR UPDATE NOWAIT');
          await expect(locking).rejects.toMatchObject({ parent: { errno: 1205 } });
          throw new Error('given up');
        });
        await expect(writing).rejects.toThrow('given up');
        expect(await notes()).toEqual([2]);
      },
    );

    it('may be of any sql_mode, Oracle too', async () => {
      const { sequelize } = worker;
      sequelize.addHook('afterConnect', async (connection: unknown) => {
        const { promise } = connection as { promise(): { query(sql: string): Promise<unknown> } };
        await promise.call(connection).query("SET SESSION sql_mode = 'ORACLE'");
      });
      const deadline = { throwIfAborted: () => {}, left: () => 10_000 };
      await inTransaction(
        sequelize,
        {},
        async (transaction) => {
          await (transaction as DirectTransaction).send('SELECT 1 FROM DUAL');
          (transaction as DirectTransaction).queue(insert, [1, 'one']);
        },
        deadline,
      );
      expect(await notes()).toEqual([1]);
      expect(worker.roundTrips.some((sql) => /^BEGIN NOT.*COMMIT/s.test(sql))).toBe(inBlocks);
    });

    it('tells of a failure behind the commit as of one whose outcome is to be looked up', async () => {
      const { sequelize } = open({ connections: 1 });
      const hooked = inTransaction(sequelize, {}, async (transaction) => {
        (transaction as DirectTransaction).queue(insert, [1, '']);
        transaction.afterCommit(() => {
          throw new Error('from a hook');
        });
      });
      const error = await hooked.catch((failure: unknown) => failure);
      expect(String(error)).toBe('Error: from a hook');
      expect(isUnknownCommit(error)).toBe(true);
      const committed = inTransaction(sequelize, {}, async (transaction) => {
        (transaction as DirectTransaction).queue(insert, [2, '']);
        await transaction.commit();
      });
      const second = await committed.catch((failure: unknown) => failure);
      expect(String(second)).toMatch(/has committed the transaction of its event: leave that to the chat/);
      expect(isUnknownCommit(second)).toBe(true);
      // The one connection is still there.
      expect((await sequelize.query('SELECT id FROM notes'))[0]).toEqual([{ id: 1 }, { id: 2 }]);
    });

    it('runs what waits for the commit when that is done, and gives the connection back', async () => {
      const told: string[] = [];
      const { sequelize } = open({ connections: 1 });
      await inTransaction(sequelize, {}, async (transaction) => {
        transaction.afterCommit(() => void told.push('committed'));
        await (transaction as DirectTransaction).send(insert, [1, '']);
      });
      expect(told).toEqual(['committed']);
      await expect(inTransaction(sequelize, {}, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
      expect((await sequelize.query('SELECT id FROM notes'))[0]).toEqual([{ id: 1 }]);
    });
  });
});
