import {
  type ActingUser,
  type Permission,
  PermissionHandler,
  type PermissionOptions,
  type UserId,
} from 'express-realtime-chat';
import { Block, type User } from './database.js';
import { call } from './hooks.js';

const isArchived = ({ room }: Permission) => room.group_chat?.description === 'archived';

export class CustomPermissionHandler extends PermissionHandler {
  override async haveRoomPermission(
    user: ActingUser,
    roomId: string,
    options?: PermissionOptions,
  ): Promise<Permission> {
    const answer = await super.haveRoomPermission(user, roomId, options);
    return { ...answer, isPermitted: answer.isPermitted || isArchived(answer) };
  }
  override async haveSendMessagePermission(
    user: ActingUser,
    roomId: string,
    options?: PermissionOptions,
  ): Promise<Permission> {
    const { isPermitted, room } = await super.haveSendMessagePermission(user, roomId, options);
    if (isArchived({ isPermitted, room })) return { isPermitted: false, room };
    return { isPermitted: isPermitted || (user as User).is_staff, room };
  }
  override async haveContactPermission(
    user: ActingUser,
    userIds: readonly UserId[],
    _type: string,
    options: PermissionOptions = {},
  ) {
    const where = { blocker_id: userIds.map(Number), blocked_id: Number(user.id) };
    return (await Block.count({ where, transaction: options.transaction })) === 0;
  }

  /** Asked twice for a write, the second time under its lock: the app counts. */
  override async haveAdminPrivileges(user: ActingUser, roomId: string, action: string, options?: PermissionOptions) {
    call('asked', { action, isLocked: options?.transaction !== undefined }).catch(() => undefined);
    return super.haveAdminPrivileges(user, roomId, action, options);
  }

  /** The host's own role: who stands in `caretaker_id` may do what admins may. */
  override async _haveAdminPrivileges(user: ActingUser, roomId: string, action: string, options: PermissionOptions) {
    const { isPermitted, room } = await super._haveAdminPrivileges(user, roomId, action, options);
    return { isPermitted: isPermitted || room.details?.get('caretaker_id') === user.id, room };
  }
}
