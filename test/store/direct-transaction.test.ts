/** Transactions whose statements pass by Sequelize, on MariaDB: what fails in them is undone, and nothing comes after it. */
import fc from 'fast-check';
import { ForeignKeyConstraintError, type Sequelize, Transaction, UniqueConstraintError } from 'sequelize';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DirectTransaction, inTransaction, selectRows, settled } from '../../src/store/direct-transaction.js';
import { openDatabase, type TestDatabase, type TestRuntime } from '../system/runtimes.js';

let database: TestDatabase;
let worker: TestRuntime;
beforeAll(async () => {
  database = await openDatabase('MariaDB', 1);
  await database.connect().query('CREATE TABLE notes (id INT PRIMARY KEY, user_id INT, text TEXT COLLATE utf8mb4_bin)');
  await database.connect().query('ALTER TABLE notes ADD FOREIGN KEY (user_id) REFERENCES users (id)');
});
beforeEach(() => {
  worker = database.open();
});
afterEach(() => database.connect().query('DELETE FROM notes'));
afterAll(() => database?.close());

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

  it('undo everything when one fails, and none behind that is sent', async () => {
    const writing = directly(async (transaction) => {
      for (const id of [1, 1, 2]) transaction.queue(insert, [id, 'queued']);
      await settled(transaction);
    });
    await expect(writing).rejects.toThrow(UniqueConstraintError);
    expect(await notes()).toEqual([]);
    expect(worker.statements.filter((sql) => /^INSERT INTO notes/.test(sql))).toHaveLength(2);
    expect(worker.statements.at(-1)).toMatch(/^ROLLBACK/);
  });

  it('cannot be committed unseen when one fails', async () => {
    const writing = directly(async (transaction) => {
      transaction.queue(insert, [1, 'queued']);
      transaction.queue(insert, [1, 'queued']);
    });
    await expect(writing).rejects.toThrow(UniqueConstraintError);
    expect(await notes()).toEqual([]);
  });

  it('are not sent any more when the transaction has been given up', async () => {
    let late: Promise<unknown> | undefined;
    const writing = directly(async (transaction) => {
      for (const id of [1, 2, 3]) transaction.queue(insert, [id, 'queued']);
      late = Promise.resolve()
        .then(() => transaction.send(insert, [4, 'late']))
        .catch((error: unknown) => error);
      throw new Error('given up');
    });
    await expect(writing).rejects.toThrow('given up');
    expect(String(await late)).toMatch(/transaction has ended/);
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

  it('may ask for an isolation, which the transaction has', async () => {
    const { SERIALIZABLE } = Transaction.ISOLATION_LEVELS;
    await inTransaction(worker.sequelize, { isolationLevel: SERIALIZABLE }, async (transaction) => {
      expect(transaction).toBeInstanceOf(DirectTransaction);
    });
    expect(worker.statements.slice(-3)).toEqual([
      'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;',
      'START TRANSACTION;',
      'COMMIT;',
    ]);
  });

  it('runs what waits for the commit when that is done, and gives the connection back', async () => {
    const told: string[] = [];
    const { sequelize } = database.open({ connections: 1 });
    await inTransaction(sequelize, {}, async (transaction) => {
      transaction.afterCommit(() => void told.push('committed'));
      await (transaction as DirectTransaction).send(insert, [1, '']);
    });
    expect(told).toEqual(['committed']);
    await expect(inTransaction(sequelize, {}, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect((await sequelize.query('SELECT id FROM notes'))[0]).toEqual([{ id: 1 }]);
  });
});
