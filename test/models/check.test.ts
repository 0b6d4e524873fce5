import { DataTypes, type InferAttributes, type Sequelize } from 'sequelize';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkDatabase } from '../../src/models/check.js';
import {
  AbstractMessage,
  type ChatModels,
  type Columns,
  createUserModel,
  initModels,
  type ModelContext,
} from '../../src/models/index.js';
import { createTestChat } from './chat.js';
import { createDatabases, type Databases, DIALECTS } from './databases.js';

class PinnedMessage extends AbstractMessage<InferAttributes<PinnedMessage>> {
  declare is_pinned: boolean;
  static override columns(context: ModelContext): Columns {
    // biome-ignore lint/complexity/noThisInStatic: what a subclass adds to.
    return { ...super.columns(context), is_pinned: { type: DataTypes.BOOLEAN } };
  }
}

describe.each(DIALECTS)('checkDatabase on %s', (dialect) => {
  let databases: Databases;
  beforeAll(async () => {
    databases = await createDatabases(dialect);
  });
  afterAll(() => databases?.close());

  it('finds nothing wrong with what the migrations make', async () => {
    const sequelize = await databases.open();
    expect(await checkDatabase(sequelize, await createTestChat(sequelize))).toEqual([]);
  });

  it('names missing tables once, with the command to run, and the users table apart', async () => {
    const sequelize = await databases.open();
    const models = initModels(sequelize, { userModel: createUserModel(sequelize) });
    const problems = await checkDatabase(sequelize, models);
    expect(problems).toHaveLength(2);
    const chat = problems.find((problem) => problem.includes('chat_rooms'));
    expect(chat).toContain('chat_outcomes');
    expect(chat).toContain('npx sequelize-cli db:migrate');
    expect(problems.some((problem) => problem.startsWith('The users table users does not exist'))).toBe(true);
  });

  it('names a column that a model needs and its table lacks', async () => {
    const sequelize = await databases.open();
    const models = await createTestChat(sequelize, { models: { Message: PinnedMessage } });
    expect(await checkDatabase(sequelize, models)).toEqual([
      'The table chat_messages has no column "is_pinned", which the model PinnedMessage needs: add it by a migration.',
    ]);
  });
});

describe('checkDatabase on mariadb alone', () => {
  let databases: Databases;
  let sequelize: Sequelize;
  let models: ChatModels;
  beforeAll(async () => {
    databases = await createDatabases('mariadb');
    sequelize = await databases.open();
    models = await createTestChat(sequelize);
  });
  afterAll(() => databases?.close());

  it('finds tables and columns of another character set', async () => {
    await sequelize.query('ALTER TABLE chat_group_chats DEFAULT CHARACTER SET latin1');
    await sequelize.query('ALTER TABLE chat_messages MODIFY content MEDIUMTEXT CHARACTER SET latin1 NOT NULL');
    const problems = await checkDatabase(sequelize, models);
    expect(problems[0]).toContain('The table chat_group_chats has the collation latin1_swedish_ci');
    expect(problems[1]).toContain('The column chat_messages.content has the character set latin1');
    expect(problems).toHaveLength(2);
    await sequelize.query('ALTER TABLE chat_group_chats DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin');
    await sequelize.query('ALTER TABLE chat_messages MODIFY content MEDIUMTEXT CHARACTER SET utf8mb4 NOT NULL');
    expect(await checkDatabase(sequelize, models)).toEqual([]);
  });

  it('finds columns whose collation takes different reactions, client ids and keys for equal', async () => {
    await sequelize.query(`ALTER TABLE chat_reactions MODIFY reaction_content VARCHAR(128) CHARACTER SET utf8mb4
      COLLATE utf8mb4_general_ci NOT NULL`);
    await sequelize.query(`ALTER TABLE chat_messages MODIFY client_id VARCHAR(64) CHARACTER SET utf8mb4
      COLLATE utf8mb4_bin NOT NULL`);
    await sequelize.query(`ALTER TABLE chat_outcomes MODIFY job_id CHAR(36) CHARACTER SET ascii
      COLLATE ascii_general_ci NOT NULL`);
    expect((await checkDatabase(sequelize, models)).toSorted()).toEqual([
      'The column chat_messages.client_id is compared by utf8mb4_bin, which takes different texts for equal: change its type to VARBINARY(256).',
      'The column chat_outcomes.job_id is compared by ascii_general_ci, which takes different keys for equal: change it to CHARACTER SET ascii COLLATE ascii_bin.',
      'The column chat_reactions.reaction_content is compared by utf8mb4_general_ci, which takes different texts for equal: change its type to VARBINARY(512).',
    ]);
    await sequelize.query('ALTER TABLE chat_reactions MODIFY reaction_content VARBINARY(512) NOT NULL');
    await sequelize.query('ALTER TABLE chat_messages MODIFY client_id VARBINARY(256) NOT NULL');
    await sequelize.query(`ALTER TABLE chat_outcomes MODIFY job_id CHAR(36) CHARACTER SET ascii
      COLLATE ascii_bin NOT NULL`);
    expect(await checkDatabase(sequelize, models)).toEqual([]);
  });

  it('finds times without milliseconds and tables without transactions', async () => {
    await sequelize.query('ALTER TABLE chat_messages MODIFY created_at DATETIME NOT NULL');
    await sequelize.query('ALTER TABLE chat_outcomes ENGINE=Aria');
    const problems = await checkDatabase(sequelize, models);
    expect(problems.join('\n')).toContain('The column chat_messages.created_at drops milliseconds');
    expect(problems.join('\n')).toContain('ALTER TABLE chat_outcomes ENGINE=InnoDB');
    expect(problems).toHaveLength(2);
  });

  it('finds a connection of another character set', async () => {
    const fresh = await databases.open(undefined, { dialectOptions: { charset: 'latin1' } });
    const problems = await checkDatabase(fresh, await createTestChat(fresh));
    expect(problems).toEqual([expect.stringContaining('set dialectOptions.charset to "utf8mb4"')]);
  });
});

describe('checkDatabase on sqlite alone', () => {
  let databases: Databases;
  beforeAll(async () => {
    databases = await createDatabases('sqlite');
  });
  afterAll(() => databases?.close());

  it('finds foreign keys turned off', async () => {
    const sequelize = await databases.open(undefined, { foreignKeys: false } as never);
    const problems = await checkDatabase(sequelize, await createTestChat(sequelize));
    expect(problems).toEqual([expect.stringContaining('Foreign keys are off')]);
  });
});
