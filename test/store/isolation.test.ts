/** Which isolation the chat's transactions have, and who pays a statement for it. */
import { type Options, type Sequelize, Sequelize as SequelizeClass, Transaction } from 'sequelize';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useReadCommitted } from '../../src/models/connections.js';
import { Store } from '../../src/store/store.js';
import { startMariaDb, type TestMariaDb } from '../helpers/services.js';

describe('transactions on MariaDB', () => {
  let server: TestMariaDb;
  let elsewhere: Sequelize;
  const opened: Sequelize[] = [];
  beforeAll(async () => {
    server = await startMariaDb();
    elsewhere = connect({}).sequelize;
    await elsewhere.query('CREATE TABLE traces (i INT) ENGINE=InnoDB');
  });
  afterAll(async () => {
    await Promise.all(opened.map((one) => one.close()));
    await server?.stop();
  });

  function connect(options: Options) {
    const statements: string[] = [];
    const logging = (sql: string) => void statements.push(sql.replace(/^Executing \([^)]*\): /, ''));
    const sequelize = new SequelizeClass(server.url, { ...options, logging, pool: { max: 1 } });
    opened.push(sequelize);
    return { sequelize, statements };
  }
  /** How many rows a transaction sees that were committed by another one between two looks. */
  async function seenBy(sequelize: Sequelize, transaction: Transaction): Promise<number> {
    const look = async () => {
      const [rows] = await sequelize.query('SELECT COUNT(*) AS number FROM traces', { transaction });
      return Number((rows as Array<{ number: number }>)[0]!.number);
    };
    const before = await look();
    await elsewhere.query('INSERT INTO traces VALUES (1)');
    return (await look()) - before;
  }
  const seenByTheChat = (sequelize: Sequelize) =>
    new Store({ sequelize } as never).transaction(({ transaction }) => seenBy(sequelize, transaction));
  const asked = (statements: readonly string[]) => statements.filter((sql) => sql.startsWith('SET ')).length;

  it("are READ COMMITTED on a host's own instance, which keeps its isolation for itself", async () => {
    const { sequelize, statements } = connect({});
    useReadCommitted(sequelize, false);
    expect(await seenByTheChat(sequelize)).toBe(1);
    expect(asked(statements)).toBe(1);
    expect(await sequelize.transaction((transaction) => seenBy(sequelize, transaction))).toBe(0);
  });

  it.each([
    ['one of ours', true, {}],
    ["a host's that says so", false, { isolationLevel: Transaction.ISOLATION_LEVELS.READ_COMMITTED }],
  ])('need not ask for it on %s', async (_, isOurs, options) => {
    const { sequelize, statements } = connect(options);
    useReadCommitted(sequelize, isOurs);
    expect(await seenByTheChat(sequelize)).toBe(1);
    expect(await seenByTheChat(sequelize)).toBe(1);
    expect(asked(statements)).toBe(0);
  });

  it('ask for it once on a connection that was open before the chat was made', async () => {
    const { sequelize, statements } = connect({ isolationLevel: Transaction.ISOLATION_LEVELS.READ_COMMITTED });
    await sequelize.query('SELECT 1');
    useReadCommitted(sequelize, false);
    expect(await seenByTheChat(sequelize)).toBe(1);
    expect(await seenByTheChat(sequelize)).toBe(1);
    expect(asked(statements)).toBe(1);
  });
});
