import { DataTypes, type InferAttributes, Model } from 'sequelize';
import { type Columns, json, type ModelContext, type OwnModelOptions, text, uuid, uuidKey } from './columns.js';

/** Columns of `message_media_assets`. */
export abstract class AbstractMessageMediaAsset<A extends object = InferAttributes<MessageMediaAsset>> extends Model<
  A,
  Partial<A>
> {
  static readonly table: string = 'message_media_assets';

  declare id: string;
  declare message_id: string;
  /** Its place among the message's attachments, from 0. */
  declare position: number;
  declare media_url: string;
  /** 'image', 'video', 'audio' or 'file'. */
  declare media_type: string;
  declare mime_type: string;
  /** Bytes. */
  declare file_size: number;
  declare caption: string;
  declare metadata: Record<string, unknown>;

  /** The columns. A subclass returns `{ ...super.columns(context), own: {...} }`. */
  static columns(_context: ModelContext): Columns {
    return {
      id: uuidKey(),
      message_id: uuid(),
      position: { type: DataTypes.INTEGER, allowNull: false, defaultValue: 0 },
      media_url: { type: DataTypes.STRING(2048), allowNull: false },
      media_type: { type: DataTypes.STRING(8), allowNull: false },
      mime_type: { type: DataTypes.STRING(100), allowNull: false },
      file_size: { type: DataTypes.BIGINT, allowNull: false },
      caption: text(),
      metadata: json('metadata'),
    };
  }

  /** For a subclass: a default scope (an order, say), scopes, hooks and validators. */
  static modelOptions?(context: ModelContext): OwnModelOptions;
}

/** An attachment of a message: a link to media stored elsewhere. */
export class MessageMediaAsset extends AbstractMessageMediaAsset<InferAttributes<MessageMediaAsset>> {}
