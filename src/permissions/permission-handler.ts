import type { Transaction } from 'sequelize';
import { QueryTypes } from 'sequelize';
import { type ChatModels, modelNamed, type Room } from '../models/index.js';
import { NotFound, PermissionDenied } from '../protocol/errors.js';
import type { ResolvedSettings } from '../settings/settings.js';
import type { StoreContext } from '../store/context.js';
import { loadStandings, type Pair, pairKey, type Standing, type UserId } from '../store/standing.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import { withRoomOf } from './room-of.js';

/** The acting user: an instance of the host's user model. */
export interface ActingUser {
  readonly id: UserId;
  readonly username?: string | undefined;
}

/** Given when a question is asked inside a write: the transaction, and what it has locked and read. */
export interface PermissionOptions {
  readonly transaction?: Transaction | undefined;
  readonly unit?: UnitOfWork | undefined;
  /** What this one asking has read already: questions build on each other. */
  readonly read?: Map<string, Promise<unknown>> | undefined;
}

/** The answer to a question about a room. `room` is the polymorphic Room, its type's row under the type's alias. */
export interface Permission {
  readonly isPermitted: boolean;
  readonly room: Room;
}

/** A message as the permission questions see it. */
export interface MessageFacts {
  readonly id: string;
  readonly room_id: string;
  readonly sender_id: UserId;
}

/**
 * The questions of the chat: who may do what. Subclass it, override one question or its `_` helper, and name the class
 * in `permissionHandlerClass`. For a write the question is asked twice, the second time under the room's lock with
 * `options.transaction`: read through it, or the answer may be stale. A room that does not exist is NotFound.
 */
export class PermissionHandler {
  protected readonly context: StoreContext;

  constructor(context: StoreContext) {
    this.context = context;
  }

  /** The configured models, `models.GroupChat`, besides `models.User`. */
  protected get models(): ChatModels {
    return this.context.models;
  }

  /** The same by name, as `chat.getModel`; without its default scope. */
  protected getModel<N extends keyof ChatModels>(name: N): ChatModels[N] {
    return modelNamed(this.context.models, name);
  }

  protected get settings(): ResolvedSettings {
    return this.context.settings;
  }

  /** May the user see the room? By default: a member. */
  async haveRoomPermission(user: ActingUser, roomId: string, options: PermissionOptions = {}): Promise<Permission> {
    return this._haveRoomPermission(user, roomId, options);
  }

  async _haveRoomPermission(user: ActingUser, roomId: string, options: PermissionOptions): Promise<Permission> {
    const standing = await this.standing(user, roomId, options);
    return permission(standing, standing.isMember);
  }

  /** May the user see all of these messages? By default: a member of their rooms. */
  async haveMessagePermission(
    user: ActingUser,
    messageId: string | readonly string[],
    options: PermissionOptions = {},
  ): Promise<boolean> {
    return this._haveMessagePermission(user, messageId, options);
  }

  async _haveMessagePermission(
    user: ActingUser,
    messageId: string | readonly string[],
    options: PermissionOptions,
  ): Promise<boolean> {
    const messages = await this.messages(messageId, options);
    for (const roomId of new Set(messages.map(({ room_id }) => room_id))) {
      const { isPermitted } = await this.haveRoomPermission(user, roomId, options);
      if (!isPermitted) return false;
    }
    return true;
  }

  /** Did the user send all of these messages, and are they still a member? */
  async isMessageSender(
    user: ActingUser,
    messageId: string | readonly string[],
    options: PermissionOptions = {},
  ): Promise<Permission> {
    return this._isMessageSender(user, messageId, options);
  }

  async _isMessageSender(
    user: ActingUser,
    messageId: string | readonly string[],
    options: PermissionOptions,
  ): Promise<Permission> {
    const messages = await this.messages(messageId, options);
    const { room, isPermitted } = await this.haveRoomPermission(user, messages[0]!.room_id, options);
    return {
      room,
      isPermitted: isPermitted && messages.every(({ sender_id }) => String(sender_id) === String(user.id)),
    };
  }

  /** May the user add members to the room, or remove some? By default: admins, and who holds the permission for it. */
  async haveRoomPermissionsToAddOrRemoveMembers(
    user: ActingUser,
    roomId: string,
    action: 'add' | 'remove',
    options: PermissionOptions = {},
  ): Promise<Permission> {
    return this._haveRoomPermissionsToAddOrRemoveMembers(user, roomId, action, options);
  }

  async _haveRoomPermissionsToAddOrRemoveMembers(
    user: ActingUser,
    roomId: string,
    action: 'add' | 'remove',
    options: PermissionOptions,
  ): Promise<Permission> {
    const standing = await this.standing(user, roomId, options);
    const whom = standing.facts.type === 'Channel' ? 'subscribers' : 'participants';
    const codename = action === 'add' ? `can_add_new_${whom}` : `can_remove_${whom}`;
    const isPair = standing.facts.type === 'OneToOneChat';
    // A pair has no such rule: its members reach the handler, which refuses with the reason.
    return permission(standing, standing.isMember && (isPair || standing.isAdmin || standing.holds(codename)));
  }

  /** May the user send to the room? The send rule of the protocol. */
  async haveSendMessagePermission(
    user: ActingUser,
    roomId: string,
    options: PermissionOptions = {},
  ): Promise<Permission> {
    return this._haveSendMessagePermission(user, roomId, options);
  }

  async _haveSendMessagePermission(user: ActingUser, roomId: string, options: PermissionOptions): Promise<Permission> {
    const standing = await this.standing(user, roomId, options);
    return permission(standing, standing.isMember && mayMemberSend(standing));
  }

  /** May the user administer the room (`room.modify` with this action)? */
  async haveAdminPrivileges(
    user: ActingUser,
    roomId: string,
    action: string,
    options: PermissionOptions = {},
  ): Promise<Permission> {
    return this._haveAdminPrivileges(user, roomId, action, options);
  }

  async _haveAdminPrivileges(
    user: ActingUser,
    roomId: string,
    action: string,
    options: PermissionOptions,
  ): Promise<Permission> {
    const standing = await this.standing(user, roomId, options);
    if (standing.facts.type === 'OneToOneChat') return permission(standing, standing.isMember);
    if (action === 'delete' && standing.isMember && !standing.isCreator) {
      throw new PermissionDenied('User is not the creator of this room');
    }
    return permission(standing, standing.isAdmin);
  }

  /** May the user draw these users into a room of this type at all? By default: yes. */
  async haveContactPermission(
    user: ActingUser,
    userIds: readonly UserId[],
    type: string,
    options: PermissionOptions = {},
  ): Promise<boolean> {
    return this._haveContactPermission(user, userIds, type, options);
  }

  async _haveContactPermission(
    _user: ActingUser,
    _userIds: readonly UserId[],
    _type: string,
    _options: PermissionOptions,
  ): Promise<boolean> {
    return true;
  }

  /** What the user is to the room. NotFound when there is no such room. */
  protected async standing(user: ActingUser, roomId: string, options: PermissionOptions): Promise<Standing> {
    const preloaded = options.unit?.standing(roomId, user.id);
    if (preloaded) return preloaded;
    const pair = pairKey(roomId, user.id);
    const standings = await once(options, standingOf(pair), () =>
      loadStandings(this.context, [[roomId, user.id]], {
        transaction: options.transaction,
        known: options.unit?.facts,
      }),
    );
    const standing = standings.get(pair);
    if (!standing) throw new NotFound();
    return standing;
  }

  /** The messages of these ids. NotFound unless all exist and none is deleted. */
  async messages(messageId: string | readonly string[], options: PermissionOptions = {}): Promise<MessageFacts[]> {
    const ids = [...new Set(typeof messageId === 'string' ? [messageId] : messageId)];
    const { models, sequelize } = this.context;
    const loaded = options.unit?.receipts.messages(ids) ?? [];
    if (loaded.length === ids.length) return loaded;
    const found = await once(options, `messages ${ids.join()}`, () =>
      sequelize.query<MessageFacts>(
        `SELECT id, room_id, sender_id FROM ${models.Message.getTableName()} WHERE id IN (:ids) AND is_deleted = :no ORDER BY id`,
        {
          replacements: { ids, no: false },
          type: QueryTypes.SELECT,
          ...(options.transaction && { transaction: options.transaction }),
        },
      ),
    );
    if (found.length < ids.length) throw new NotFound();
    return found;
  }
}

const standingOf = (pair: string) => `standing ${pair}`;

/** Reads for `options.read` what several events will ask about their (room, user) pairs, in two statements. */
export async function preloadStandings(
  context: StoreContext,
  pairs: readonly Pair[],
): Promise<Map<string, Promise<unknown>>> {
  const standings = Promise.resolve(await loadStandings(context, pairs));
  return new Map(pairs.map(([roomId, userId]) => [standingOf(pairKey(roomId, userId)), standings]));
}

/** Reads what this asking has not read yet. */
function once<T>({ read }: PermissionOptions, what: string, load: () => Promise<T>): Promise<T> {
  const known = read?.get(what) as Promise<T> | undefined;
  if (known) return known;
  const loading = load();
  read?.set(what, loading);
  return loading;
}

function permission(standing: Standing, isPermitted: boolean): Permission {
  return withRoomOf({ isPermitted }, standing);
}

function mayMemberSend(standing: Standing): boolean {
  const { type, group_locked: isLocked } = standing.facts;
  if (type === 'GroupChat') return !isLocked || standing.isAdmin;
  if (type === 'Channel') return standing.isAdmin || standing.holds('can_send_messages');
  return true;
}
