import type { Sequelize } from 'sequelize';
import { type ChatModels, createUserModel, initModels, type ModelSettings } from '../../src/models/index.js';
import { type MigrateOptions, migrate } from '../../src/models/migrate.js';

/** A migrated database with three users (1, 2, 3) and the models of a chat on it. */
export async function createTestChat(
  sequelize: Sequelize,
  settings: Partial<ModelSettings> = {},
  options: MigrateOptions = {},
): Promise<ChatModels> {
  await migrate(sequelize, { createUsersTable: true, tablePrefix: settings.tablePrefix, ...options });
  const userModel = settings.userModel ?? createUserModel(sequelize);
  const models = initModels(sequelize, { ...settings, userModel });
  if ((await userModel.count()) === 0) {
    await userModel.bulkCreate(['ann', 'ben', 'cat'].map((username, index) => ({ id: index + 1, username })));
  }
  return models;
}

/** A group chat of user 1. */
export async function createGroup(models: ChatModels, name = 'group') {
  const room = await models.Room.create({ type: 'GroupChat', created_by_id: 1 });
  await models.GroupChat.create({ room_id: room.id, name, creator_id: 1 });
  return room;
}

let lastSeq = 0;

/** A message by user 1; `values` replaces any of it. */
export function createMessage(models: ChatModels, room_id: string, values: Record<string, unknown> = {}) {
  lastSeq += 1;
  return models.Message.create({
    room_id,
    sender_id: 1,
    client_id: `client-${lastSeq}`,
    seq: lastSeq,
    content: 'hello',
    ...values,
  });
}
