import type { StoreContext } from '../store/context.js';
import type { UserId } from '../store/standing.js';
import type { ActingUser, Permission, PermissionHandler, PermissionOptions } from './permission-handler.js';
import { withRoomOf } from './room-of.js';

type PermissionHandlerClass = new (context: StoreContext) => PermissionHandler;

/**
 * The host's permission handler with every question of the chat answered by yes: for what the host's own code does in a
 * user's name (`chat.system`). What does not exist is still NotFound.
 */
export function permitAll(base: PermissionHandlerClass): PermissionHandlerClass {
  return class SystemPermissionHandler extends base {
    override haveRoomPermission(user: ActingUser, roomId: string, options: PermissionOptions = {}) {
      return this.permit(user, roomId, options);
    }

    override async haveMessagePermission() {
      return true;
    }

    override async isMessageSender(
      user: ActingUser,
      messageId: string | readonly string[],
      options: PermissionOptions = {},
    ) {
      const [message] = await this.messages(messageId, options);
      return this.permit(user, message!.room_id, options);
    }

    override haveRoomPermissionsToAddOrRemoveMembers(
      user: ActingUser,
      roomId: string,
      _action: 'add' | 'remove',
      options: PermissionOptions = {},
    ) {
      return this.permit(user, roomId, options);
    }

    override haveSendMessagePermission(user: ActingUser, roomId: string, options: PermissionOptions = {}) {
      return this.permit(user, roomId, options);
    }

    override haveAdminPrivileges(user: ActingUser, roomId: string, _action: string, options: PermissionOptions = {}) {
      return this.permit(user, roomId, options);
    }

    override async haveContactPermission(_user: ActingUser, _userIds: readonly UserId[]) {
      return true;
    }

    protected async permit(user: ActingUser, roomId: string, options: PermissionOptions): Promise<Permission> {
      const standing = await this.standing(user, roomId, options);
      return withRoomOf({ isPermitted: true }, standing);
    }
  };
}
