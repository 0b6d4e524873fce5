import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Options, Sequelize } from 'sequelize';
import { startMariaDb, type TestMariaDb } from '../helpers/services.js';

/** The two databases that everything here runs on. */
export const DIALECTS = ['sqlite', 'mariadb'] as const;
export type Dialect = (typeof DIALECTS)[number];

/** Fresh databases of one kind, all closed and removed by `close`. */
export interface Databases {
  /** The address of a fresh empty database, as DATABASE_URL takes it. */
  url(): Promise<string>;
  /** Opens one that `url` made, or a fresh one. */
  open(url?: string, options?: Options): Promise<Sequelize>;
  close(): Promise<void>;
}

export async function createDatabases(dialect: Dialect): Promise<Databases> {
  const folder = await mkdtemp(join(tmpdir(), 'chat-models-'));
  const server: TestMariaDb | undefined = dialect === 'mariadb' ? await startMariaDb() : undefined;
  const opened: Sequelize[] = [];
  let count = 0;
  const url = async () => {
    count += 1;
    return server ? server.database() : `sqlite:${join(folder, `${count}.sqlite`)}`;
  };
  return {
    url,
    async open(given, options = {}) {
      const address = given ?? (await url());
      const sequelize = address.startsWith('sqlite:')
        ? new Sequelize({ dialect: 'sqlite', storage: address.slice('sqlite:'.length), logging: false, ...options })
        : new Sequelize(address, { logging: false, pool: { max: 3 }, ...options });
      opened.push(sequelize);
      return sequelize;
    },
    async close() {
      await Promise.all(opened.map((sequelize) => sequelize.close()));
      await server?.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
