import { DataTypes, ForeignKeyConstraintError } from 'sequelize';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { initModels } from '../../src/models/index.js';
import { migrate } from '../../src/models/migrate.js';
import { createDatabases, type Databases, DIALECTS } from './databases.js';

const KINDS = {
  'an integer': [DataTypes.INTEGER, 1, 2],
  'an unsigned integer': [DataTypes.INTEGER.UNSIGNED, 1, 4_000_000_000],
  'a bigint': [DataTypes.BIGINT, 9_007_199_254_740_991, 2],
  'a UUID': [DataTypes.UUID, '5c9d5b1e-2f6d-4c53-8a35-1c8f6d0f5f10', '019aa3c0-0000-7000-8000-000000000001'],
  'a string': [DataTypes.STRING(190), 'ann@example.org', 'ben'],
} as const;

describe.each(DIALECTS)('user ids on %s', (dialect) => {
  let databases: Databases;
  beforeAll(async () => {
    databases = await createDatabases(dialect);
  });
  afterAll(() => databases?.close());

  it.each(Object.entries(KINDS))('may be %s', async (_kind, [type, first, second]) => {
    const sequelize = await databases.open();
    const User = sequelize.define(
      'User',
      { id: { type, primaryKey: true } },
      { tableName: 'users', timestamps: false },
    );
    await User.sync();
    await User.bulkCreate([{ id: first }, { id: second }]);
    await migrate(sequelize);
    const models = initModels(sequelize, { userModel: User });

    const room = await models.Room.create({ type: 'OneToOneChat', created_by_id: first });
    await models.OneToOneChat.create({ room_id: room.id, first_user_id: first, second_user_id: second });
    await models.Message.create({ room_id: room.id, sender_id: second, client_id: 'a', seq: 1, content: 'x' });
    const message = await models.Message.findOne({ where: { sender_id: second }, include: ['sender'] });
    expect(message?.sender_id).toBe(second);
    expect(message?.sender?.get('id')).toBe(second);
    await expect(
      models.RoomMember.create({ room_id: room.id, user_id: typeof first === 'number' ? 77 : 'nobody' }),
    ).rejects.toThrow(ForeignKeyConstraintError);

    const queryInterface = sequelize.getQueryInterface();
    const users = await queryInterface.describeTable('users');
    const messages = await queryInterface.describeTable('chat_messages');
    expect(messages.sender_id?.type).toBe(users.id?.type);
  });

  it('may be the key of a table of another name, with another column name', async () => {
    const sequelize = await databases.open();
    const User = sequelize.define(
      'Person',
      { personId: { type: DataTypes.INTEGER, primaryKey: true, field: 'person_id' } },
      { tableName: 'people', timestamps: false },
    );
    await User.sync();
    await User.create({ personId: 4 });
    await migrate(sequelize, { usersTable: 'people' });
    const models = initModels(sequelize, { userModel: User });
    const room = await models.Room.create({ type: 'GroupChat', created_by_id: 4 });
    await room.reload({ include: ['created_by'] });
    expect(room.created_by?.get('personId')).toBe(4);
  });
});

describe('user ids on mariadb', () => {
  let databases: Databases;
  beforeAll(async () => {
    databases = await createDatabases('mariadb');
  });
  afterAll(() => databases?.close());

  it.each([
    'VARCHAR(64) CHARACTER SET latin1 COLLATE latin1_swedish_ci',
    'CHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci',
    'BIGINT UNSIGNED',
    'BINARY(16)',
    'UUID',
  ])('may be declared %s', async (type) => {
    const sequelize = await databases.open();
    await sequelize.query(`CREATE TABLE users (id ${type} NOT NULL PRIMARY KEY) DEFAULT CHARSET latin1`);
    await expect(migrate(sequelize)).resolves.toContain('20261121001400-chat-sessions.cjs');
  });
});
