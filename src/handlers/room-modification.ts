import { ownValues } from '../models/index.js';
import { ValidationError } from '../protocol/errors.js';
import type { RoomFields, RoomModifyPayload, UserId } from '../protocol/payload-types.js';
import type { Serializers } from '../serializers/index.js';
import { rememberDeleted } from '../store/requests.js';
import type { RoomFacts } from '../store/standing.js';
import type { HandlerContext, WriteOptions } from './base.js';
import { grant, grantAll, presentAmong, revoke } from './members.js';

/** The fields of each type that `update` may set; fields of another type are passed over. */
const updatable: Readonly<Record<string, readonly string[]>> = {
  OneToOneChat: [],
  GroupChat: ['name', 'description', 'avatar', 'group_locked', 'join_approval_required', 'max_participants'],
  Channel: ['name', 'description', 'avatar', 'is_public', 'max_subscribers'],
};

/** Of a room type of the host's, if it has such columns, besides those that its serializer declares. */
const named = ['name', 'description'];

/** Carries out one action of `room.modify` on a locked room. */
export async function modifyRoom(
  context: HandlerContext,
  { action, data }: RoomModifyPayload,
  room: RoomFacts,
  options: WriteOptions,
): Promise<void> {
  const { models } = context;
  const { transaction } = options;
  const isPair = room.type === 'OneToOneChat';
  if (action === 'update') await update(context, data as RoomFields, room, options);
  else if (action === 'delete') {
    await deleteRoom(context, room.id, options);
    return;
  } else if (room.type !== 'Channel' && !isPair && (action === 'add_admin' || action === 'remove_admin')) {
    await changeRole(context, room, (data as { users: UserId[] }).users, action === 'add_admin', options);
  } else if (room.type === 'Channel' && (action === 'add_moderator' || action === 'remove_moderator')) {
    await changeRole(context, room, (data as { users: UserId[] }).users, action === 'add_moderator', options);
  } else if (action === 'add_permission' || action === 'remove_permission') {
    await changePermissions(
      context,
      room,
      data as { users: UserId[]; permission: string[] },
      action === 'add_permission',
      options,
    );
  } else {
    throw new ValidationError({ action: [`"${action}" is not an action of a ${room.type}.`] });
  }
  await models.Room.update({ updated_at: new Date() }, { where: { id: room.id }, transaction });
}

/** Deletes a room with all that is its own. */
export async function deleteRoom(
  context: HandlerContext,
  roomId: string,
  { transaction }: Pick<WriteOptions, 'transaction'>,
): Promise<void> {
  const { models } = context;
  const room = await models.Room.findByPk(roomId, { transaction });
  if (!room) return;
  const { created_by_id: userId, client_id: clientId, request_hash } = room;
  if (userId !== null && clientId !== null) {
    await rememberDeleted(
      context,
      'room',
      [{ userId, clientId, request_hash, answer: { room_id: roomId } }],
      transaction,
    );
  }
  await room.destroy({ transaction });
}

async function update(
  { models, serializers }: HandlerContext,
  { property, ...fields }: RoomFields,
  room: RoomFacts,
  { transaction }: WriteOptions,
): Promise<void> {
  const type = models.roomTypes.get(room.type)!;
  const own = updatableOf(serializers, `${room.type}Serializer`);
  const names = [...(updatable[room.type] ?? named), ...own].filter((name) => name in type.model.getAttributes());
  const changes = Object.fromEntries(Object.entries(fields).filter(([name]) => names.includes(name)));
  const cap = typeof type.cap === 'string' ? changes[type.cap] : undefined;
  if (cap !== undefined && cap !== null && Number(cap) < Number(room.member_count)) {
    throw new ValidationError(`The room has ${room.member_count} members, so the maximum cannot be lower.`);
  }
  if (Object.keys(changes).length > 0) {
    await type.model.update(changes as never, { where: { room_id: room.id } as never, transaction });
  }
  if (property === undefined) return;
  const { preferences, ...columns } = property;
  const settable = updatableOf(serializers, 'RoomPropertySerializer');
  const given = Object.entries(ownValues(models.RoomProperty, columns)).filter(([name]) => settable.includes(name));
  const values = { ...Object.fromEntries(given), ...(preferences && { preferences }) };
  if (Object.keys(values).length > 0) {
    await models.RoomProperty.update(values, { where: { room_id: room.id }, transaction });
  }
}

/** The host's columns that a client may change. */
function updatableOf(serializers: Serializers, name: string): string[] {
  return Object.entries(serializers.fieldsOf(name)).flatMap(([field, { updatable }]) => (updatable ? [field] : []));
}

/** Who among these can be changed: present members, the creator aside. */
async function changeable(
  context: HandlerContext,
  room: RoomFacts,
  userIds: readonly UserId[],
  options: WriteOptions,
): Promise<UserId[]> {
  const present = await presentAmong(context, room.id, userIds, options);
  return userIds.filter((id) => present.has(String(id)) && String(id) !== String(room.creator_id));
}

async function changeRole(
  context: HandlerContext,
  room: RoomFacts,
  userIds: readonly UserId[],
  isPromotion: boolean,
  options: WriteOptions,
): Promise<void> {
  const ids = await changeable(context, room, userIds, options);
  await context.models.RoomMember.update(
    { role: isPromotion ? 'admin' : 'member' },
    { where: { room_id: room.id, user_id: ids }, transaction: options.transaction },
  );
  if (isPromotion) await grantAll(context, room, ids, options);
  else await revoke(context, room.id, ids, undefined, options);
}

async function changePermissions(
  context: HandlerContext,
  room: RoomFacts,
  { users, permission }: { users: UserId[]; permission: string[] },
  isGrant: boolean,
  options: WriteOptions,
): Promise<void> {
  const valid = context.models.roomTypes.get(room.type)?.permissions ?? [];
  const invalid = permission.filter((codename) => !valid.includes(codename));
  if (invalid.length > 0) {
    throw new ValidationError({
      permission: invalid.map((codename) => `"${codename}" is not a permission of a ${room.type}.`),
    });
  }
  const ids = await changeable(context, room, users, options);
  if (isGrant) await grant(context, room.id, ids, permission, options);
  else await revoke(context, room.id, ids, permission, options);
}
