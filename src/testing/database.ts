/** A database for one test: a new SQLite file with a table of users, removed at the end. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataTypes, type Model, type ModelStatic, Sequelize } from 'sequelize';

/** The file, open, with a simple user model. */
export interface TestDatabase {
  readonly sequelize: Sequelize;
  /** `username` and `is_staff`, in the table `users`. */
  readonly User: ModelStatic<Model>;
  /** Closes it and removes the file. */
  remove(): Promise<void>;
}

/** Makes one. Needs the package `sqlite3`. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'chat-testing-'));
  const sequelize = new Sequelize({ dialect: 'sqlite', storage: join(folder, 'chat.sqlite'), logging: false });
  const User = sequelize.define(
    'User',
    { username: DataTypes.STRING, is_staff: { type: DataTypes.BOOLEAN, defaultValue: false } },
    { tableName: 'users', timestamps: false },
  );
  return {
    sequelize,
    User,
    async remove() {
      await sequelize.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
