import type { Sequelize } from 'sequelize';
import { importAndVerifyClass } from '../settings/loader.js';
import type { ResolvedSettings } from '../settings/settings.js';
import {
  AbstractRoomType,
  abstractModel,
  type ChatModelClass,
  type ChatModels,
  createUserModel,
  initModels,
  type OwnRoomType,
  type ReplaceableModelName,
} from './index.js';

/** The models of a chat from its settings, classes loaded. Throws a sentence that names the setting. */
export function modelsFromSettings(sequelize: Sequelize, settings: ResolvedSettings): ChatModels {
  const models = Object.entries(settings.models).flatMap(([name, value]) => {
    if (value === undefined) return [];
    const base = abstractModel(name as ReplaceableModelName);
    return [[name, importAndVerifyClass(value, `models.${name}`, base) as unknown as ChatModelClass] as const];
  });
  const roomTypes = Object.entries(settings.roomTypes).map(([type, given]) => {
    const { model, serializer: _, listSerializer: __, ...rest } = given;
    const Class = importAndVerifyClass(model, `roomTypes.${type}.model`, AbstractRoomType);
    return [type, { ...rest, model: Class as unknown as ChatModelClass } satisfies OwnRoomType] as const;
  });
  return initModels(sequelize, {
    tablePrefix: settings.tablePrefix,
    userModel: settings.userModel ?? createUserModel(sequelize),
    models: Object.fromEntries(models),
    roomTypes: Object.fromEntries(roomTypes),
  });
}
