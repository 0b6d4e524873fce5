import type { Model, ModelStatic } from 'sequelize';
import type { ChatModels, RoomType } from '../models/index.js';
import type { PayloadOptions, RoomTypePayload } from '../protocol/payloads.js';
import type { Serializers } from '../serializers/index.js';

type OwnOptions = 'messageFields' | 'mediaFields' | 'reactionFields' | 'propertyFields' | 'roomTypes';

/** What events take besides the protocol's own fields: the columns that serializers declare, and the host's room types. */
export function ownFields(models: ChatModels, serializers: Serializers): Pick<PayloadOptions, OwnOptions> {
  return {
    messageFields: serializers.fieldsOf('MessageSerializer'),
    mediaFields: serializers.fieldsOf('MessageMediaAssetSerializer'),
    reactionFields: serializers.fieldsOf('ReactionSerializer'),
    propertyFields: serializers.fieldsOf('RoomPropertySerializer'),
    roomTypes: Object.fromEntries(
      [...models.roomTypes].map(([type, roomType]) => [
        type,
        { fields: serializers.fieldsOf(`${type}Serializer`), ...(roomType.isOwn && ownType(roomType)) },
      ]),
    ),
  };
}

function ownType({ model, membersField }: RoomType): RoomTypePayload {
  return { membersField, name: nameOf(model), description: 'description' in model.getAttributes() };
}

/** Whether rooms of the type have a name, and need one, as the model's column says. */
function nameOf(model: ModelStatic<Model>): RoomTypePayload['name'] {
  const column = model.getAttributes().name;
  if (!column) return undefined;
  return column.allowNull === false && column.defaultValue === undefined ? 'required' : 'optional';
}
