import {
  AbstractGroupChat,
  AbstractMessage,
  AbstractRoomProperty,
  type Columns,
  type ModelContext,
  type OwnModelOptions,
} from 'express-realtime-chat';
import { DataTypes, type InferAttributes } from 'sequelize';

export class CustomMessage extends AbstractMessage<InferAttributes<CustomMessage>> {
  declare priority: 'low' | 'normal' | 'urgent';
  declare is_pinned: boolean;
  declare expiry_date: Date | null;

  static override columns(context: ModelContext): Columns {
    return {
      ...AbstractMessage.columns(context),
      priority: { type: DataTypes.STRING(10), allowNull: false, defaultValue: 'normal' },
      is_pinned: { type: DataTypes.BOOLEAN, allowNull: false, defaultValue: false },
      expiry_date: { type: DataTypes.DATE(3), allowNull: true },
    };
  }

  static override modelOptions(): OwnModelOptions {
    return {
      defaultScope: {
        order: [
          ['is_pinned', 'DESC'],
          ['created_at', 'DESC'],
        ],
      },
    };
  }
}

export class CustomGroupChat extends AbstractGroupChat<InferAttributes<CustomGroupChat>> {
  declare welcome_message: string;
  declare caretaker_id: number | null;

  static override columns(context: ModelContext): Columns {
    return {
      ...AbstractGroupChat.columns(context),
      welcome_message: { type: DataTypes.STRING(500), allowNull: false, defaultValue: '' },
      caretaker_id: { type: context.userIdType, allowNull: true },
    };
  }
}

export class CustomRoomProperty extends AbstractRoomProperty<InferAttributes<CustomRoomProperty>> {
  declare theme: string;

  static override columns(context: ModelContext): Columns {
    return {
      ...AbstractRoomProperty.columns(context),
      theme: { type: DataTypes.STRING(20), allowNull: false, defaultValue: 'light' },
    };
  }
}
