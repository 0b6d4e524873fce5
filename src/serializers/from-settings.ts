import type { ChatModels } from '../models/index.js';
import { SettingsError } from '../settings/complaints.js';
import { importAndVerifyClass } from '../settings/loader.js';
import type { ResolvedSettings } from '../settings/settings.js';
import { checkFields } from './check-fields.js';
import {
  createSerializers,
  defaultSerializers,
  RoomSerializer,
  Serializer,
  type SerializerClass,
  type Serializers,
} from './index.js';

/**
 * The serializers of a chat from its settings, classes loaded and compared with the models. Throws a sentence that names
 * the setting.
 */
export function serializersFromSettings(settings: ResolvedSettings, models: ChatModels): Serializers {
  const overrides: Record<string, SerializerClass> = {};
  for (const [name, value] of Object.entries(settings.serializers)) {
    if (value === undefined) continue;
    const Class = importAndVerifyClass(value, `serializers.${name}`, Serializer) as unknown as SerializerClass;
    refuseOther(name, Class);
    overrides[name] = Class;
  }
  for (const [type, given] of Object.entries(settings.roomTypes)) {
    for (const [key, suffix] of [
      ['serializer', 'Serializer'],
      ['listSerializer', 'ListSerializer'],
    ] as const) {
      const Class = importAndVerifyClass(given[key], `roomTypes.${type}.${key}`, RoomSerializer);
      overrides[type + suffix] = Class as unknown as SerializerClass;
    }
  }
  const serializers = createSerializers(settings, overrides, models.roomTypes);
  checkFields(models, serializers);
  return serializers;
}

/** A subclass of the serializer of something else was put under the wrong name. */
function refuseOther(name: string, Class: SerializerClass): void {
  const extended = Object.entries(defaultSerializers).find(
    ([, standard]) => Class === standard || Class.prototype instanceof standard,
  );
  if (extended === undefined || extended[0] === name) return;
  throw new SettingsError(
    `Setting serializers.${name} must be a subclass of ${name} (or of Serializer), but ${Class.name} is one of ${extended[0]}.`,
  );
}
