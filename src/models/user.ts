import { DataTypes, Model, type Sequelize } from 'sequelize';
import type { UserId } from './columns.js';
import { initUnregistered } from './define-model.js';

/** The chat's view of a row of the host's user model: whatever it has, at least a primary key. */
export type UserRow = Model & { readonly [column: string]: unknown };

/** The user of a chat whose host names no model: table `users` with these columns. The chat only reads it. */
export class DefaultUser extends Model {
  declare id: UserId;
  declare username: string;
  declare email: string | null;
  declare first_name: string | null;
  declare last_name: string | null;
}

/**
 * A user model for hosts that name none, a fresh class per call.
 *
 * @param table the users table, `users` by default
 */
export function createUserModel(sequelize: Sequelize, table = 'users'): typeof DefaultUser {
  return initUnregistered(
    class extends DefaultUser {},
    {
      id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
      username: { type: DataTypes.STRING(150), allowNull: false },
      email: { type: DataTypes.STRING(254) },
      first_name: { type: DataTypes.STRING(150) },
      last_name: { type: DataTypes.STRING(150) },
    },
    { sequelize, modelName: 'User', tableName: table },
  );
}
