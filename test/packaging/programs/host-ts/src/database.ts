import {
  type CreationOptional,
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  Sequelize,
} from 'sequelize';

export const sequelize = process.env.DATABASE_URL
  ? new Sequelize(process.env.DATABASE_URL, { logging: false, pool: { max: 20 } })
  : new Sequelize({ dialect: 'sqlite', storage: 'app.sqlite', logging: false });

export class User extends Model<InferAttributes<User>, InferCreationAttributes<User>> {
  declare id: CreationOptional<number>;
  declare username: string;
  declare email: string;
  declare is_staff: CreationOptional<boolean>;
  declare is_bot: CreationOptional<boolean>;
  declare profile_picture: string | null;
}
User.init(
  {
    id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
    username: { type: DataTypes.STRING(32), allowNull: false, unique: true },
    email: { type: DataTypes.STRING(100), allowNull: false },
    is_staff: { type: DataTypes.BOOLEAN, allowNull: false, defaultValue: false },
    is_bot: { type: DataTypes.BOOLEAN, allowNull: false, defaultValue: false },
    profile_picture: { type: DataTypes.STRING(200), allowNull: true },
  },
  { sequelize, tableName: 'users', timestamps: false },
);

export class JoinRequest extends Model<InferAttributes<JoinRequest>, InferCreationAttributes<JoinRequest>> {
  declare room_id: string;
  declare user_id: number;
}
JoinRequest.init(
  {
    room_id: { type: DataTypes.STRING(36), primaryKey: true },
    user_id: { type: DataTypes.INTEGER, primaryKey: true },
  },
  { sequelize, tableName: 'join_requests', timestamps: false },
);

export class Block extends Model<InferAttributes<Block>, InferCreationAttributes<Block>> {
  declare blocker_id: number;
  declare blocked_id: number;
}
Block.init(
  {
    blocker_id: { type: DataTypes.INTEGER, primaryKey: true },
    blocked_id: { type: DataTypes.INTEGER, primaryKey: true },
  },
  { sequelize, tableName: 'blocks', timestamps: false },
);
