import { DataTypes, Model } from 'sequelize';

/**
 * The host's own user model. A password hash is loaded only where it is asked for: `User.scope('withPassword')`.
 *
 * @param {import('sequelize').Sequelize} sequelize
 */
export function defineUser(sequelize) {
  class User extends Model {}
  return User.init(
    {
      id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
      username: { type: DataTypes.STRING(32), allowNull: false, unique: true },
      email: { type: DataTypes.STRING(254) },
      first_name: { type: DataTypes.STRING(150) },
      last_name: { type: DataTypes.STRING(150) },
      password_hash: { type: DataTypes.STRING(255), allowNull: false },
      created_at: { type: DataTypes.DATE(3), allowNull: false, defaultValue: DataTypes.NOW },
    },
    {
      sequelize,
      tableName: 'users',
      timestamps: false,
      defaultScope: { attributes: { exclude: ['password_hash'] } },
      scopes: { withPassword: {} },
    },
  );
}

/** What the HTTP API shows of a user to that user. */
export function toAccount(user) {
  return {
    id: user.id,
    username: user.username,
    email: user.email ?? null,
    first_name: user.first_name ?? null,
    last_name: user.last_name ?? null,
  };
}
