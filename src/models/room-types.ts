import { Model, type ModelStatic, type Sequelize } from 'sequelize';
import { SettingsError } from '../settings/complaints.js';
import { type Columns, type ModelContext, type OwnModelOptions, uuid } from './columns.js';
import { type ChatModelClass, defineModel } from './define-model.js';
import type { RoomType } from './room.js';

/** The room types that every chat has. */
const STANDARD: Readonly<Record<string, Omit<RoomType, 'model' | 'isOwn'>>> = {
  OneToOneChat: { alias: 'one_to_one_chat', membersField: 'participants', permissions: [] },
  GroupChat: {
    alias: 'group_chat',
    membersField: 'participants',
    permissions: ['can_add_new_participants', 'can_remove_participants'],
    cap: 'max_participants',
    creatorColumn: 'creator_id',
  },
  Channel: {
    alias: 'channel',
    membersField: 'subscribers',
    permissions: ['can_add_new_subscribers', 'can_remove_subscribers', 'can_send_messages'],
    cap: 'max_subscribers',
    creatorColumn: 'creator_id',
  },
};

/** Fields of `room.create` that can be no list of members. */
const TAKEN = ['type', 'name', 'description', 'client_id', 'extra_fields'];

/**
 * Base of the model of a room type that a host adds. Name its table (without the prefix) in `static table`, and return
 * `{ ...super.columns(context), status: {...} }` from `columns`. The row is made with its room, and goes with it.
 */
export abstract class AbstractRoomType<A extends object = { room_id: string }> extends Model<A, Partial<A>> {
  declare static readonly table: string;

  declare room_id: string;

  /** The columns. A subclass returns `{ ...super.columns(context), own: {...} }`. */
  static columns(_context: ModelContext): Columns {
    return { room_id: uuid({ primaryKey: true }) };
  }

  /** For a subclass: a default scope (an order, say), scopes, hooks and validators. */
  static modelOptions?(context: ModelContext): OwnModelOptions;
}

/** A room type that a host adds, its class loaded. */
export interface OwnRoomType extends Partial<Omit<RoomType, 'model' | 'isOwn'>> {
  readonly model: ChatModelClass;
}

/** The room types of a chat: the three, and the host's. Refuses what does not fit, naming the setting. */
export function makeRoomTypes(
  sequelize: Sequelize,
  context: ModelContext,
  made: Readonly<Record<string, ModelStatic<Model>>>,
  own: Readonly<Record<string, OwnRoomType>> = {},
): Map<string, RoomType> {
  const types = new Map<string, RoomType>();
  for (const [type, standard] of Object.entries(STANDARD)) {
    types.set(type, { ...standard, model: made[type]!, isOwn: false });
  }
  const taken = new Set([...types.values()].map(({ alias }) => alias));
  for (const [type, given] of Object.entries(own)) {
    const setting = `roomTypes.${type}`;
    if (types.has(type)) {
      throw new SettingsError(`The room type ${type} exists already; replace its model by models.${type}.`);
    }
    if (Object.hasOwn(made, type)) {
      throw new SettingsError(`Setting ${setting}: a room type cannot be called ${type}, as a model of the chat is.`);
    }
    const { alias = snakeCase(type), membersField = 'participants', permissions, cap, creatorColumn } = given;
    if (typeof given.model.table !== 'string') {
      throw new SettingsError(`Setting ${setting}.model: ${given.model.name} names no table; give it a static table.`);
    }
    if (taken.has(alias))
      throw new SettingsError(`Setting ${setting}.alias is "${alias}", which another room type has.`);
    if (TAKEN.includes(membersField)) {
      throw new SettingsError(
        `Setting ${setting}.membersField is "${membersField}", a field that room.create has already.`,
      );
    }
    taken.add(alias);
    const model = defineModel(given.model, sequelize, context, { setting: `${setting}.model`, needed: ['room_id'] });
    for (const [key, column] of Object.entries({ cap, creatorColumn })) {
      if (typeof column === 'string' && !Object.hasOwn(model.getAttributes(), column)) {
        throw new SettingsError(`Setting ${setting}.${key} is "${column}", but ${model.name} has no such column.`);
      }
    }
    types.set(type, { model, alias, membersField, permissions: permissions ?? [], cap, creatorColumn, isOwn: true });
  }
  return types;
}

function snakeCase(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
}
