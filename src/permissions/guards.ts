import type { Room } from '../models/index.js';
import { PermissionDenied, ValidationError } from '../protocol/errors.js';
import type { ActingUser, Permission, PermissionHandler, PermissionOptions } from './permission-handler.js';
import { withRoomOf } from './room-of.js';

/** Who asks: the consumer of the event. */
export interface GuardSubject {
  readonly user: ActingUser;
  readonly permissionHandler: PermissionHandler;
}

/** What a guard found out: the rooms that the event writes to, and the room it named. */
export interface GuardResult {
  readonly roomIds: string[];
  readonly room?: Room | undefined;
}

/**
 * A named check that an event is registered with. It throws PermissionDenied, or tells which rooms the event is about; one
 * that is about none may answer true or false. Nothing at all is a no. A write asks it a second time under the lock of
 * those rooms, with `options.transaction`.
 */
export type Guard<Data = never> = (
  subject: GuardSubject,
  data: Data,
  options: PermissionOptions,
) => Promise<GuardResult | boolean>;

/** A guard that always tells of rooms. */
type RoomGuard<Data> = (subject: GuardSubject, data: Data, options: PermissionOptions) => Promise<GuardResult>;

/** What a guard said, or PermissionDenied. */
export async function askGuard(answer: ReturnType<Guard>): Promise<GuardResult> {
  const result = await answer;
  if (!result) throw new PermissionDenied();
  return result === true ? { roomIds: [] } : result;
}

interface RoomData {
  readonly room_id: string;
}

interface MessageData {
  readonly message_id: string | string[];
}

function ofRoom(roomId: string, permission: Permission): GuardResult {
  if (!permission.isPermitted) throw new PermissionDenied();
  return withRoomOf({ roomIds: [roomId] }, permission);
}

/** Every authenticated user: written out, because an event without a guard does not register. */
export const everyone: Guard<unknown> = async () => ({ roomIds: [] });

/** Members of the room. */
export const canAccessRoom: Guard<RoomData> = async ({ permissionHandler, user }, { room_id }, options) =>
  ofRoom(room_id, await permissionHandler.haveRoomPermission(user, room_id, options));

/** Who may send to the room. */
export const canSendMessageToRoom: Guard<RoomData> = async ({ permissionHandler, user }, { room_id }, options) =>
  ofRoom(room_id, await permissionHandler.haveSendMessagePermission(user, room_id, options));

/** Who may add members. */
export const canAddMembersToRoom: Guard<RoomData> = async ({ permissionHandler, user }, { room_id }, options) =>
  ofRoom(room_id, await permissionHandler.haveRoomPermissionsToAddOrRemoveMembers(user, room_id, 'add', options));

/** Who may remove members. */
export const canRemoveMembersFromRoom: Guard<RoomData> = async ({ permissionHandler, user }, { room_id }, options) =>
  ofRoom(room_id, await permissionHandler.haveRoomPermissionsToAddOrRemoveMembers(user, room_id, 'remove', options));

/** Admins, for the action that the event names. */
export const isRoomAdmin: Guard<RoomData & { readonly action?: string }> = async (
  { permissionHandler, user },
  { room_id, action },
  options,
) => ofRoom(room_id, await permissionHandler.haveAdminPrivileges(user, room_id, action ?? 'update', options));

/** Members of the rooms of all named messages. */
export const canAccessMessage: RoomGuard<MessageData> = async (
  { permissionHandler, user },
  { message_id },
  options,
) => {
  const messages = await permissionHandler.messages(message_id, options);
  if (!(await permissionHandler.haveMessagePermission(user, message_id, options))) throw new PermissionDenied();
  return { roomIds: [...new Set(messages.map(({ room_id }) => room_id))] };
};

/** The sender of all named messages, which are of one room that the sender is still a member of. */
export const canModifyMessage: Guard<MessageData> = async (subject, data, options) => {
  const { permissionHandler, user } = subject;
  const { roomIds } = await canAccessMessage(subject, data, options);
  const { isPermitted, room } = await permissionHandler.isMessageSender(user, data.message_id, options);
  if (!isPermitted) throw new PermissionDenied();
  if (roomIds.length > 1) throw new ValidationError({ message_id: ['All messages must be of one room.'] });
  return { roomIds, room };
};
