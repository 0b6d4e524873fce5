import { Op } from 'sequelize';
import { NotFound, ValidationError } from '../protocol/errors.js';
import type { UserId } from '../store/standing.js';
import type { HandlerContext, WriteOptions } from './base.js';

/** A user as membership changes need them. */
export interface Person {
  readonly id: UserId;
  readonly username: string;
}

/** The users of these ids, in that order, without repetitions. An unknown id is NotFound. */
export async function findPeople(
  { models }: HandlerContext,
  ids: readonly UserId[],
  { transaction }: Pick<WriteOptions, 'transaction'>,
): Promise<Person[]> {
  const wanted = [...new Map(ids.map((id) => [String(id), id])).values()];
  if (wanted.length === 0) return [];
  const model = models.User.unscoped();
  const key = model.primaryKeyAttribute;
  const users = await model.findAll({ where: { [key]: wanted }, transaction });
  const byId = new Map(users.map((user) => [String(user.get(key)), user]));
  return wanted.map((id) => {
    const user = byId.get(String(id));
    if (!user) throw new NotFound();
    return { id: user.get(key) as UserId, username: String(user.get('username') ?? user.get(key)) };
  });
}

/** Which of these users are members of the room. */
export async function presentAmong(
  { models }: HandlerContext,
  roomId: string,
  userIds: readonly UserId[],
  { transaction }: Pick<WriteOptions, 'transaction'>,
): Promise<Set<string>> {
  const rows = await models.RoomMember.findAll({
    attributes: ['user_id'],
    where: { room_id: roomId, user_id: { [Op.in]: [...userIds] } },
    transaction,
  });
  return new Set(rows.map(({ user_id }) => String(user_id)));
}

/** Makes users members of a locked room, from its next broadcast on. Refuses what would pass a limit. */
export async function insertMembers(
  context: HandlerContext,
  room: { readonly id: string; readonly type: string; readonly cap: number | undefined; readonly adminIds?: UserId[] },
  people: readonly Person[],
  { transaction, unit }: WriteOptions,
): Promise<void> {
  const { models, settings } = context;
  const { last_offset, last_seq } = unit.counters(room.id);
  const count = (await models.RoomMember.count({ where: { room_id: room.id }, transaction })) + people.length;
  if (room.cap !== undefined && count > room.cap) throw new ValidationError(overCap(room.type));
  const rooms = await lockNearLimit(context, people, { transaction });
  const full = people.find(({ id }) => (rooms.get(String(id)) ?? 0) >= settings.maxRoomsPerUser);
  if (full) throw new ValidationError(`${full.username} is a member of too many rooms already.`);
  const admins = new Set(room.adminIds?.map(String));
  const now = new Date();
  await models.RoomMember.bulkCreate(
    people.map(({ id }) => ({
      room_id: room.id,
      user_id: id,
      role: admins.has(String(id)) ? 'admin' : 'member',
      joined_at: now,
      joined_offset: last_offset + 1,
      joined_seq: last_seq,
      read_seq: last_seq,
      acked_seq: last_seq,
    })),
    { transaction },
  );
  unit.noteJoined(
    room.id,
    people.map(({ id }) => id),
  );
  const granted = people.filter(({ id }) => admins.has(String(id))).map(({ id }) => id);
  await grantAll(context, room, granted, { transaction });
  await models.Room.update({ member_count: count }, { where: { id: room.id }, transaction });
}

/** Ends the membership of these users, with their roles, permissions and pending notifications. Returns who is left. */
export async function deleteMembers(
  { models }: HandlerContext,
  roomId: string,
  userIds: readonly UserId[],
  { transaction }: Pick<WriteOptions, 'transaction'>,
): Promise<number> {
  const where = { room_id: roomId, user_id: { [Op.in]: [...userIds] } };
  await models.RoomMember.destroy({ where, transaction });
  await models.RoomPermission.destroy({ where, transaction });
  await models.ChatNotification.destroy({
    where: { room_id: roomId, recipient_id: { [Op.in]: [...userIds] } },
    transaction,
  });
  const count = await models.RoomMember.count({ where: { room_id: roomId }, transaction });
  await models.Room.update({ member_count: count }, { where: { id: roomId }, transaction });
  return count;
}

/** Gives users all permissions of the room's type, as admins and moderators have them. */
export async function grantAll(
  context: HandlerContext,
  room: { readonly id: string; readonly type: string },
  userIds: readonly UserId[],
  options: Pick<WriteOptions, 'transaction'>,
): Promise<void> {
  await grant(context, room.id, userIds, context.models.roomTypes.get(room.type)?.permissions ?? [], options);
}

/** Gives users these permissions; those they have already stay. */
export async function grant(
  { models }: HandlerContext,
  roomId: string,
  userIds: readonly UserId[],
  codenames: readonly string[],
  { transaction }: Pick<WriteOptions, 'transaction'>,
): Promise<void> {
  const rows = userIds.flatMap((user_id) => codenames.map((codename) => ({ room_id: roomId, user_id, codename })));
  if (rows.length > 0) await models.RoomPermission.bulkCreate(rows, { ignoreDuplicates: true, transaction });
}

/** Takes these permissions from users; all of them when none is named. */
export async function revoke(
  { models }: HandlerContext,
  roomId: string,
  userIds: readonly UserId[],
  codenames: readonly string[] | undefined,
  { transaction }: Pick<WriteOptions, 'transaction'>,
): Promise<void> {
  await models.RoomPermission.destroy({
    where: { room_id: roomId, user_id: { [Op.in]: [...userIds] }, ...(codenames && { codename: [...codenames] }) },
    transaction,
  });
}

function overCap(type: string): string {
  if (type === 'Channel') return 'Maximum number of channel subscribers exceeded';
  return type === 'GroupChat' ? 'Maximum number of group participants exceeded' : 'Maximum number of members exceeded';
}

/** Memberships of one user that may be under way at once, in all workers together. */
const underWay = 1000;

/**
 * Two rooms have two locks, so a user who comes into many rooms at once could pass the limit: whoever is near it is
 * locked, after the rooms and in id order. The rows of all others are left alone. Called before anything that refers to
 * these users is written: such a row takes a lock of theirs that many may share and nobody could raise. Gives how many
 * rooms each is in.
 */
export async function lockNearLimit(
  { models, settings }: HandlerContext,
  people: readonly Person[],
  { transaction }: Pick<WriteOptions, 'transaction'>,
): Promise<Map<string, number>> {
  const count = async (ids: readonly UserId[]) => {
    const rows = (await models.RoomMember.findAll({
      attributes: ['user_id', [models.RoomMember.sequelize!.fn('COUNT', '*'), 'rooms']],
      where: { user_id: { [Op.in]: [...ids] } },
      group: ['user_id'],
      raw: true,
      transaction,
    })) as unknown as Array<{ user_id: UserId; rooms: number }>;
    return rows.map(({ user_id, rooms }) => [String(user_id), Number(rooms)] as const);
  };
  const counts = new Map(await count(people.map(({ id }) => id)));
  const near = people
    .map(({ id }) => id)
    .filter((id) => (counts.get(String(id)) ?? 0) + underWay > settings.maxRoomsPerUser);
  if (near.length === 0) return counts;
  const user = models.User.unscoped();
  const key = user.primaryKeyAttribute;
  await user.findAll({ attributes: [key], where: { [key]: near }, order: [key], lock: true, transaction });
  return new Map([...counts, ...(await count(near))]);
}
