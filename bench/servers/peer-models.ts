/** The peer's tables, as a developer writes them who knows Sequelize: an index for each question, no more. */
import { DataTypes, type Model, type ModelStatic, Sequelize } from 'sequelize';

/** The peer's models. */
export interface PeerModels {
  readonly sequelize: Sequelize;
  readonly User: ModelStatic<Model>;
  readonly Room: ModelStatic<Model>;
  readonly Member: ModelStatic<Model>;
  readonly Message: ModelStatic<Model>;
  readonly Notification: ModelStatic<Model>;
  readonly Recipient: ModelStatic<Model>;
  readonly Media: ModelStatic<Model>;
  readonly Delivery: ModelStatic<Model>;
  readonly Receipt: ModelStatic<Model>;
  readonly Reaction: ModelStatic<Model>;
}

/** Ids sort by time, so that rows are appended. */
const uuid = () => 'CHAR(36) CHARACTER SET ascii COLLATE ascii_bin';

/** Defines the models on a new pool. */
export function definePeerModels(url: string): PeerModels {
  const sequelize = new Sequelize(url, {
    logging: false,
    timezone: '+00:00',
    define: { timestamps: false, underscored: true, charset: 'utf8mb4', collate: 'utf8mb4_bin' },
    pool: { max: Number(process.env.PEER_POOL ?? 20), acquire: 60_000 },
  });
  const id = { type: uuid(), primaryKey: true };
  const time = { type: DataTypes.DATE(3), allowNull: false };
  const User = sequelize.define('user', {
    username: { type: DataTypes.STRING(150), allowNull: false, unique: true },
    first_name: DataTypes.STRING(150),
    last_name: DataTypes.STRING(150),
  });
  const Room = sequelize.define('room', {
    id,
    name: { type: DataTypes.STRING(64), allowNull: false },
    type: { type: DataTypes.STRING(16), allowNull: false, defaultValue: 'GroupChat' },
    description: { type: DataTypes.STRING(1000), allowNull: false, defaultValue: '' },
    avatar: DataTypes.STRING(2048),
    creator_id: DataTypes.INTEGER,
    max_participants: { type: DataTypes.INTEGER, allowNull: false, defaultValue: 10_000 },
    join_approval_required: { type: DataTypes.BOOLEAN, allowNull: false, defaultValue: false },
    group_locked: { type: DataTypes.BOOLEAN, allowNull: false, defaultValue: false },
    member_count: { type: DataTypes.INTEGER, allowNull: false, defaultValue: 0 },
    created_at: { type: DataTypes.DATE(3), allowNull: false, defaultValue: Sequelize.literal('CURRENT_TIMESTAMP(3)') },
    updated_at: { type: DataTypes.DATE(3), allowNull: false, defaultValue: Sequelize.literal('CURRENT_TIMESTAMP(3)') },
    last_message_id: { type: uuid() },
    last_message_at: DataTypes.DATE(3),
  });
  const Member = sequelize.define(
    'room_member',
    { room_id: { type: uuid(), primaryKey: true }, user_id: { type: DataTypes.INTEGER, primaryKey: true } },
    { indexes: [{ fields: ['user_id'] }] },
  );
  const Message = sequelize.define(
    'message',
    {
      id,
      room_id: { type: uuid(), allowNull: false },
      sender_id: { type: DataTypes.INTEGER, allowNull: false },
      content: { type: DataTypes.TEXT, allowNull: false },
      created_at: time,
    },
    { indexes: [{ fields: ['room_id', 'created_at', 'id'] }] },
  );
  const Notification = sequelize.define('notification', {
    id,
    message_id: { type: uuid(), allowNull: false },
    notification_type: { type: DataTypes.STRING(16), allowNull: false },
    created_at: time,
  });
  const Recipient = sequelize.define(
    'notification_recipient',
    { user_id: { type: DataTypes.INTEGER, primaryKey: true }, notification_id: { type: uuid(), primaryKey: true } },
    { indexes: [{ fields: ['notification_id'] }] },
  );
  const ofMessage = { message_id: { type: uuid(), allowNull: false } };
  const ofUser = { user_id: { type: DataTypes.INTEGER, allowNull: false } };
  const byMessage = { indexes: [{ fields: ['message_id'] }] };
  const Media = sequelize.define(
    'media',
    {
      id,
      ...ofMessage,
      media_url: DataTypes.STRING(2048),
      media_type: DataTypes.STRING(16),
      file_size: DataTypes.BIGINT,
      mime_type: DataTypes.STRING(128),
      caption: DataTypes.STRING(1000),
      metadata: DataTypes.JSON,
    },
    byMessage,
  );
  const Delivery = sequelize.define('delivery', { id, ...ofMessage, ...ofUser, created_at: time }, byMessage);
  const Receipt = sequelize.define('receipt', { id, ...ofMessage, ...ofUser, read_at: time }, byMessage);
  const Reaction = sequelize.define(
    'reaction',
    { id, ...ofMessage, ...ofUser, reaction_content: DataTypes.STRING(128), created_at: time },
    byMessage,
  );
  for (const model of [Delivery, Receipt, Reaction]) {
    model.belongsTo(User, { foreignKey: 'user_id', constraints: false });
  }
  Room.belongsTo(User, { as: 'creator', foreignKey: 'creator_id', constraints: false });
  // Foreign keys between what is written together; a key from messages to rooms would lock the room's row twice.
  Recipient.belongsTo(Notification, { foreignKey: 'notification_id' });
  Notification.belongsTo(Message, { foreignKey: 'message_id' });
  Message.belongsTo(Room, { foreignKey: 'room_id', constraints: false });
  Message.belongsTo(User, { foreignKey: 'sender_id', constraints: false });
  return { sequelize, User, Room, Member, Message, Notification, Recipient, Media, Delivery, Receipt, Reaction };
}
