import { NotFound } from '../../protocol/errors.js';
import type { RoomShape, UserId } from '../../protocol/shapes.js';
import type { LoadedRoom } from '../../serializers/index.js';
import type { TransactionOptions } from '../context.js';
import type { ReadContext } from './context.js';
import { type SqlValue, select, tableOf } from './sql.js';
import { loadUsers } from './users.js';

/** Reads one room as its members see it alone. NotFound when it does not exist. */
export async function readRoom(
  context: ReadContext,
  roomId: string,
  options: TransactionOptions = {},
): Promise<RoomShape> {
  const room = (await readRooms(context, [roomId], options)).get(roomId);
  if (!room) throw new NotFound();
  return room;
}

/**
 * Reads rooms of any types as their members see them alone, by id; rooms that do not exist are absent. Three queries,
 * however many rooms: the rooms, their first members and admins, the users.
 */
export async function readRooms(
  context: ReadContext,
  roomIds: readonly string[],
  options: TransactionOptions = {},
): Promise<Map<string, RoomShape>> {
  const rooms = await loadRooms(context, roomIds, options, { property: true });
  const list = [...rooms.values()];
  const members = await firstMembers(context, list, options);
  const creators = list.map((room) => creatorOf(context, room)).filter((id) => id !== null);
  const users = await loadUsers(context, [...creators, ...members.map(({ user_id }) => user_id)], options);
  for (const room of list) {
    const creator = creatorOf(context, room);
    const own = members.filter((member) => member.room_id === room.id);
    const leads = (member: FirstMember) => member.role === 'admin' || String(member.user_id) === String(creator);
    const first = (some: readonly FirstMember[]) =>
      some.slice(0, context.settings.memberListSize).map(({ user_id }) => users.of(user_id));
    room.creator = creator === null ? null : users.of(creator);
    room.member_users = first(own.filter(({ place }) => Number(place) <= context.settings.memberListSize));
    room.admin_users = first(own.filter(leads));
  }
  const serializer = context.serializers.getSerializer('RoomPolymorphicSerializer');
  return new Map(list.map((room) => [room.id, serializer.serialize(room)]));
}

/** Loads rooms with the rows of their types, in one query over all types; the map is in the order given. */
export async function loadRooms(
  { models }: ReadContext,
  roomIds: readonly string[],
  { transaction }: TransactionOptions,
  { property = false } = {},
): Promise<Map<string, LoadedRoom>> {
  if (roomIds.length === 0) return new Map();
  const types = [...models.roomTypes.values()].map(({ model, alias }) => ({ model, as: alias }));
  const rows = await models.Room.findAll({
    where: { id: [...new Set(roomIds)] },
    include: property ? [...types, { model: models.RoomProperty, as: 'property' }] : types,
    ...(transaction && { transaction }),
  });
  const found = new Map((rows as unknown as LoadedRoom[]).map((room) => [room.id, room]));
  return new Map(roomIds.flatMap((id) => (found.has(id) ? [[id, found.get(id)!] as const] : [])));
}

/** A column of the room type's row. */
export function detailOf(room: LoadedRoom, column: string): unknown {
  return (room.details as Record<string, unknown> | null | undefined)?.[column];
}

/** The user who made the room; null for a OneToOneChat, and when the account is gone. */
export function creatorOf({ models }: Pick<ReadContext, 'models'>, room: LoadedRoom): UserId | null {
  const type = models.roomTypes.get(room.type);
  if (type?.creatorColumn !== undefined)
    return (detailOf(room, type.creatorColumn) as UserId | null | undefined) ?? null;
  return type?.isOwn ? (room.created_by_id ?? null) : null;
}

interface FirstMember {
  readonly room_id: string;
  readonly user_id: UserId;
  readonly role: string;
  readonly place: number;
}

/** The first members of each room by joining, and of its admins the first too, even those who joined later. */
function firstMembers(
  context: ReadContext,
  rooms: readonly LoadedRoom[],
  options: TransactionOptions,
): Promise<FirstMember[]> {
  if (rooms.length === 0) return Promise.resolve([]);
  const replacements: Record<string, SqlValue> = {
    ids: rooms.map(({ id }) => id),
    limit: context.settings.memberListSize,
  };
  const creators = rooms.flatMap((room, index) => {
    const creator = creatorOf(context, room);
    if (creator === null) return [];
    replacements[`room${index}`] = room.id;
    replacements[`creator${index}`] = creator;
    return [`(room_id = :room${index} AND user_id = :creator${index})`];
  });
  return select<FirstMember>(
    context,
    `SELECT room_id, user_id, role, place FROM (
       SELECT room_id, user_id, role, joined_at,
              ROW_NUMBER() OVER (PARTITION BY room_id ORDER BY joined_at, user_id) AS place,
              ROW_NUMBER() OVER (PARTITION BY room_id, role ORDER BY joined_at, user_id) AS place_in_role
         FROM ${tableOf(context, context.models.RoomMember)} WHERE room_id IN (:ids)
     ) ranked
     WHERE place <= :limit OR (role = 'admin' AND place_in_role <= :limit) ${creators.map((creator) => `OR ${creator}`).join(' ')}
     ORDER BY room_id, place`,
    replacements,
    options,
  );
}
