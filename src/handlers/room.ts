// Long: each operation on rooms is a pair of methods that a host overrides, side by side.
import { type Model, UniqueConstraintError } from 'sequelize';
import { v7 as newId } from 'uuid';
import { ownValues } from '../models/index.js';
import type { ActingUser } from '../permissions/permission-handler.js';
import type { DispatchPayloads } from '../protocol/dispatch-payloads.js';
import { IntegrityError, NotFound, PermissionDenied, ValidationError } from '../protocol/errors.js';
import type { CursorPayload, RoomCreatePayload, RoomModifyPayload, UserId } from '../protocol/payload-types.js';
import type { MemberPageShape, RoomShape } from '../protocol/shapes.js';
import type { TransactionOptions } from '../store/context.js';
import { discoverRooms, listMembers, listRooms, readRoom } from '../store/reads/index.js';
import { refuseRepeat, requestHash } from '../store/repeat.js';
import { findEarlierRoom } from '../store/requests.js';
import { loadFacts, type RoomFacts } from '../store/standing.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import type { WriteOptions } from './base.js';
import { deleteMembers, findPeople, insertMembers, lockNearLimit, type Person, presentAmong } from './members.js';
import { NotificationHandler } from './notification.js';
import { capOf, detailsOf, pairOf } from './room-details.js';
import { deleteRoom, modifyRoom } from './room-modification.js';

/** A room, as handlers get it: an instance of the Room model, or anything with its id. */
export interface RoomReference {
  readonly id: string;
  readonly type?: string | undefined;
  /** The row of the room's type, where the room was loaded. */
  readonly details?: Model | null | undefined;
}

/** Who came or went, and the room after it. `room` is null when it went with its last member. */
export interface MembershipResult {
  readonly room: RoomShape | null;
  readonly members: Person[];
}

/** Rooms and their members. */
export abstract class RoomHandler extends NotificationHandler {
  /** Makes a room of the named type with its first members. */
  async createRoom(user: ActingUser, data: RoomCreatePayload): Promise<RoomShape> {
    try {
      return await this.scope.write(
        {
          operation: ['createRoom', user, data],
          roomIds: [],
          check: (unit) => this.#refuseRepeatedRoom(user, data, unit),
        },
        (options) => this._createRoom(user, data, options),
      );
    } catch (error) {
      if (!(error instanceof UniqueConstraintError)) throw error;
      // The same client_id at the same time: the other request is committed now.
      await this.#refuseRepeatedRoom(user, data);
      if (data.type !== 'OneToOneChat') throw error;
      const existing = await this.models.OneToOneChat.findOne({
        where: pairOf(user.id, this.#othersOf(user, data)[0]!),
      });
      throw new IntegrityError('Chat already exists', existing ? { room_id: existing.room_id } : {});
    }
  }

  /** Inside the transaction: writes the room, its type's row, its property and its members. */
  async _createRoom(
    user: ActingUser,
    data: RoomCreatePayload,
    options: WriteOptions = this.writing,
  ): Promise<RoomShape> {
    const { transaction, unit } = options;
    const others = await findPeople(this.context, this.#othersOf(user, data), options);
    if (data.type === 'OneToOneChat' && others.length !== 1) {
      throw new ValidationError('A one to one chat can only have 2 participants');
    }
    await this.#checkContact(user, others, data.type, options);
    const type = this.models.roomTypes.get(data.type);
    if (!type) throw new ValidationError({ type: ['Unknown room type.'] });
    const creator = { id: user.id, username: String(user.username ?? user.id) };
    await lockNearLimit(this.context, [creator, ...others], options);
    const now = new Date();
    const room = { id: newId(), type: data.type, last_seq: 0, last_offset: 0 };
    // What an override passes may lack them.
    const { property, ...fields } = data.extra_fields ?? {};
    await this.models.Room.create(
      {
        ...room,
        member_count: 0,
        last_activity_at: now,
        created_by_id: user.id,
        client_id: data.client_id ?? this.nextClientId(),
        request_hash: data.client_id === undefined ? null : requestHash({ ...data }),
        created_at: now,
        updated_at: now,
      },
      { transaction },
    );
    unit.adopt(room);
    const pair = data.type === 'OneToOneChat' ? pairOf(user.id, others[0]!.id) : {};
    const details = { ...detailsOf(type, user, { ...data, extra_fields: fields }), ...pair, room_id: room.id };
    const row = (await type.model.create(details as never, { transaction })) as unknown as RoomFacts;
    const { RoomProperty } = this.models;
    const { preferences = {}, ...columns } = property ?? {};
    await RoomProperty.create({ ...ownValues(RoomProperty, columns), preferences, room_id: room.id }, { transaction });
    await insertMembers(
      this.context,
      { ...room, cap: capOf(type, row), adminIds: data.type === 'OneToOneChat' ? [] : [user.id] },
      [creator, ...others],
      options,
    );
    return (await readRoom(this.context, room.id, { transaction }))!;
  }

  /** The user's rooms, newest activity first: all of them, or a page when `limit` is given. */
  async listRooms(user: ActingUser, data: CursorPayload = {}): Promise<DispatchPayloads['roomlist.dispatch']> {
    return this._listRooms(user, data, {});
  }

  async _listRooms(
    user: ActingUser,
    data: CursorPayload,
    _options: TransactionOptions = this.reading,
  ): Promise<DispatchPayloads['roomlist.dispatch']> {
    const page = await listRooms(this.context, user.id, data);
    return data.limit === undefined && data.cursor === undefined ? page.rooms : page;
  }

  /** Public channels by name. */
  async discoverRooms(
    user: ActingUser,
    data: CursorPayload & { query?: string } = {},
  ): Promise<DispatchPayloads['roomdiscover.dispatch']> {
    return this._discoverRooms(user, data, {});
  }

  async _discoverRooms(
    _user: ActingUser,
    data: CursorPayload & { query?: string },
    _options: TransactionOptions = this.reading,
  ): Promise<DispatchPayloads['roomdiscover.dispatch']> {
    return discoverRooms(this.context, data);
  }

  /** One room. */
  async retrieveRoom(room: RoomReference): Promise<RoomShape> {
    return this._retrieveRoom(room, {});
  }

  async _retrieveRoom(room: RoomReference, { transaction }: TransactionOptions = this.reading): Promise<RoomShape> {
    const shape = await readRoom(this.context, room.id, { transaction });
    if (!shape) throw new NotFound();
    return shape;
  }

  /** A page of a room's members. */
  async listMembers(room: RoomReference, data: CursorPayload = {}): Promise<MemberPageShape> {
    return this._listMembers(room, data, {});
  }

  async _listMembers(
    room: RoomReference,
    data: CursorPayload,
    _options: TransactionOptions = this.reading,
  ): Promise<MemberPageShape> {
    return listMembers(this.context, room.id, data);
  }

  /** Adds members; who is one already is passed over. */
  async addMembersToRoom(userIds: readonly UserId[], room: RoomReference): Promise<MembershipResult> {
    return this.scope.write({ operation: ['addMembersToRoom', userIds, room], roomIds: [room.id] }, (options) =>
      this._addMembersToRoom(userIds, room, options),
    );
  }

  async _addMembersToRoom(
    userIds: readonly UserId[],
    room: RoomReference,
    options: WriteOptions = this.writing,
  ): Promise<MembershipResult> {
    const facts = await this.facts(room.id, options);
    if (facts.type === 'OneToOneChat') throw new ValidationError('Nobody can be added to a one to one chat');
    const people = await findPeople(this.context, userIds, options);
    const present = await presentAmong(this.context, room.id, userIds, options);
    const members = people.filter(({ id }) => !present.has(String(id)));
    if (members.length === 0) return { room: null, members };
    await this.#checkContact(this.scope.user, members, facts.type, options);
    await insertMembers(this.context, { id: room.id, type: facts.type, cap: this.#capOf(facts) }, members, options);
    return { room: await readRoom(this.context, room.id, options), members };
  }

  /** Removes members; the creator is passed over unless removing themself. */
  async removeMembersFromRoom(
    userIds: readonly UserId[],
    room: RoomReference,
    sessionUser: ActingUser,
  ): Promise<MembershipResult> {
    return this.scope.write(
      { operation: ['removeMembersFromRoom', userIds, room, sessionUser], roomIds: [room.id] },
      (options) => this._removeMembersFromRoom(userIds, room, sessionUser, options),
    );
  }

  async _removeMembersFromRoom(
    userIds: readonly UserId[],
    room: RoomReference,
    sessionUser: ActingUser,
    options: WriteOptions = this.writing,
  ): Promise<MembershipResult> {
    const facts = await this.facts(room.id, options);
    if (facts.type === 'OneToOneChat') throw new ValidationError('Nobody can be removed from a one to one chat');
    const people = await findPeople(this.context, userIds, options);
    const present = await presentAmong(this.context, room.id, userIds, options);
    const isSpared = (id: UserId) => String(id) === String(facts.creator_id) && String(id) !== String(sessionUser.id);
    const members = people.filter(({ id }) => present.has(String(id)) && !isSpared(id));
    return this.#exit(room.id, members, options);
  }

  /** The user leaves the room; with its last member it goes. */
  async leaveRoom(user: ActingUser, room: RoomReference): Promise<MembershipResult> {
    return this.scope.write({ operation: ['leaveRoom', user, room], roomIds: [room.id] }, (options) =>
      this._leaveRoom(user, room, options),
    );
  }

  async _leaveRoom(
    user: ActingUser,
    room: RoomReference,
    options: WriteOptions = this.writing,
  ): Promise<MembershipResult> {
    const facts = await this.facts(room.id, options);
    if (facts.type === 'OneToOneChat') throw new ValidationError('A one to one chat cannot be left');
    // Who may only read it (an override of haveRoomPermission) is not in it.
    const present = await presentAmong(this.context, room.id, [user.id], options);
    if (present.size === 0) throw new PermissionDenied();
    return this.#exit(room.id, [{ id: user.id, username: String(user.username ?? user.id) }], options);
  }

  /** The user joins a room by themself: a public channel. Override `_joinRoom` for other ways in. */
  async joinRoom(user: ActingUser, roomId: string): Promise<MembershipResult> {
    return this.scope.write({ operation: ['joinRoom', user, roomId], roomIds: [roomId] }, (options) =>
      this._joinRoom(user, roomId, options),
    );
  }

  async _joinRoom(user: ActingUser, roomId: string, options: WriteOptions = this.writing): Promise<MembershipResult> {
    const facts = await this.facts(roomId, options);
    const present = await presentAmong(this.context, roomId, [user.id], options);
    if (facts.type === 'OneToOneChat') throw new ValidationError('A one to one chat cannot be joined');
    if (present.size > 0) return { room: null, members: [] };
    if (facts.type === 'GroupChat') throw new ValidationError('Ask an admin to add you to the group');
    if (facts.type !== 'Channel') throw new ValidationError('This room cannot be joined. Ask a member to add you');
    if (!facts.is_public) throw new ValidationError('This channel is private. Ask a moderator to add you');
    const members = [{ id: user.id, username: String(user.username ?? user.id) }];
    await insertMembers(this.context, { id: roomId, type: facts.type, cap: this.#capOf(facts) }, members, options);
    return { room: await readRoom(this.context, roomId, options), members };
  }

  /**
   * Changes the room by `data.action`. Returns its new shape, or null when it was deleted. An own action is served by
   * `_modifyRoom`, which gets `room` loaded: what only its type has is in `room.details`.
   */
  async modifyRoom(data: RoomModifyPayload, room: RoomReference): Promise<RoomShape | null> {
    return this.scope.write({ operation: ['modifyRoom', data, room], roomIds: [room.id] }, (options) =>
      this._modifyRoom(data, (options.room as unknown as RoomReference | undefined) ?? room, options),
    );
  }

  async _modifyRoom(
    data: RoomModifyPayload,
    room: RoomReference,
    options: WriteOptions = this.writing,
  ): Promise<RoomShape | null> {
    await modifyRoom(this.context, data, await this.facts(room.id, options), options);
    return data.action === 'delete' ? null : readRoom(this.context, room.id, options);
  }

  /** The columns of a room and of its type, as they stand under the lock. */
  protected async facts(roomId: string, { unit, transaction }: WriteOptions): Promise<RoomFacts> {
    const facts = unit.facts.get(roomId) ?? (await loadFacts(this.context, [roomId], { transaction })).get(roomId);
    if (!facts) throw new NotFound();
    return facts;
  }

  async #exit(roomId: string, members: Person[], options: WriteOptions): Promise<MembershipResult> {
    if (members.length === 0) return { room: await readRoom(this.context, roomId, options), members };
    const left = await deleteMembers(
      this.context,
      roomId,
      members.map(({ id }) => id),
      options,
    );
    const room = await readRoom(this.context, roomId, options);
    if (left === 0) await deleteRoom(this.context, roomId, options);
    return { room, members };
  }

  async #checkContact(user: ActingUser, people: Person[], type: string, options: WriteOptions): Promise<void> {
    const ids = people.map(({ id }) => id).filter((id) => String(id) !== String(user.id));
    if (ids.length === 0) return;
    if (await this.permissionHandler.haveContactPermission(user, ids, type, options)) return;
    throw new PermissionDenied('You may not add these users.');
  }

  /** The named members, the creator aside, each once. */
  #othersOf(user: ActingUser, data: RoomCreatePayload): UserId[] {
    const field = this.models.roomTypes.get(data.type)?.membersField ?? 'participants';
    const named = (data[field] as UserId[] | undefined) ?? [];
    return [...new Map(named.map((id) => [String(id), id])).values()].filter((id) => String(id) !== String(user.id));
  }

  #capOf(facts: RoomFacts): number | undefined {
    const type = this.models.roomTypes.get(facts.type);
    return type && capOf(type, facts);
  }

  async #refuseRepeatedRoom(user: ActingUser, data: RoomCreatePayload, unit?: UnitOfWork): Promise<void> {
    if (data.client_id === undefined) return;
    const earlier = await findEarlierRoom(this.context, [user.id, data.client_id], { transaction: unit?.transaction });
    if (earlier) refuseRepeat(earlier.request_hash, requestHash({ ...data }), earlier.answer);
  }
}
