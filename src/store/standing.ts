import { type Model, type ModelStatic, QueryTypes } from 'sequelize';
import type { Room } from '../models/index.js';
import type { StoreContext, TransactionOptions } from './context.js';

/** A user's membership of a room, as stored. */
export interface Membership {
  readonly role: 'member' | 'admin';
  readonly joinedOffset: number;
  readonly joinedSeq: number;
  readonly readSeq: number;
  /** Codenames given one by one, or with the role. */
  readonly permissions: ReadonlySet<string>;
}

/** The columns of `chat_rooms` and of the room's type table, under their column names. */
export type RoomFacts = Readonly<Record<string, unknown>> & {
  readonly id: string;
  readonly type: string;
  readonly creator_id?: string | number | null;
  readonly name?: string;
};

/** A user id as the user model holds it. */
export type UserId = string | number;

/** What one user is to one room: the answer every permission question is derived from. */
export class Standing {
  readonly facts: RoomFacts;
  readonly membership: Membership | null;
  readonly userId: UserId;
  readonly #build: (facts: RoomFacts) => Room;
  #room: Room | undefined;

  constructor(facts: RoomFacts, userId: UserId, membership: Membership | null, build: (facts: RoomFacts) => Room) {
    this.facts = facts;
    this.userId = userId;
    this.membership = membership;
    this.#build = build;
  }

  get isMember(): boolean {
    return this.membership !== null;
  }

  /** A creator who left has no rights left. */
  get isCreator(): boolean {
    return this.isMember && this.facts.creator_id != null && String(this.facts.creator_id) === String(this.userId);
  }

  /** Creator, or admin (GroupChat), or moderator (Channel). */
  get isAdmin(): boolean {
    return this.isCreator || this.membership?.role === 'admin';
  }

  holds(codename: string): boolean {
    return this.membership?.permissions.has(codename) ?? false;
  }

  /** The polymorphic Room instance, its type's row under the type's alias. Built when first asked for. */
  get room(): Room {
    this.#room ??= this.#build(this.facts);
    return this.#room;
  }
}

export type Pair = readonly [roomId: string, userId: UserId];

/** The key of a pair in the maps below. */
export const pairKey = (roomId: string, userId: UserId): string => `${roomId} ${userId}`;

/**
 * Reads the standings of many (room, user) pairs in two statements. Rooms that do not exist are absent from the map.
 * `types` are those that the rooms can have, where that is known: the tables of others are not looked into.
 */
export async function loadStandings(
  context: StoreContext,
  pairs: readonly Pair[],
  options: TransactionOptions & { readonly types?: ReadonlySet<string> } = {},
): Promise<Map<string, Standing>> {
  const standings = new Map<string, Standing>();
  if (pairs.length === 0) return standings;
  const roomIds = [...new Set(pairs.map(([roomId]) => roomId))];
  const [facts, memberships] = [
    await loadFacts(context, roomIds, options),
    await loadMemberships(context, pairs, options),
  ];
  const build = (of: RoomFacts) => buildRoom(context, of);
  for (const [roomId, userId] of pairs) {
    const room = facts.get(roomId);
    const key = pairKey(roomId, userId);
    if (room) standings.set(key, new Standing(room, userId, memberships.get(key) ?? null, build));
  }
  return standings;
}

async function loadFacts(
  context: StoreContext,
  roomIds: readonly string[],
  { transaction, types }: TransactionOptions & { readonly types?: ReadonlySet<string> },
): Promise<Map<string, RoomFacts>> {
  const { models, sequelize } = context;
  const quote = (name: string) => sequelize.getQueryInterface().quoteIdentifier(name, false);
  /** Of one table: what each of its columns is called in the rows, and in the facts. */
  const columns = (model: ModelStatic<Model>, alias: string) =>
    Object.values(model.getAttributes())
      .filter(({ type }) => String(type) !== 'VIRTUAL')
      .map(({ field }) => ({ name: field!, as: `${alias}_${field}`, alias }));
  const ofRoom = columns(models.Room, 'r');
  const wanted = [...models.roomTypes].filter(([type]) => types === undefined || types.has(type));
  const ofType = new Map(wanted.map(([type, { model }], index) => [type, columns(model, `t${index}`)]));
  const select = [...ofRoom, ...[...ofType.values()].flat()].map(
    ({ alias, name, as }) => `${alias}.${quote(name)} AS ${quote(as)}`,
  );
  const joins = wanted.map(
    ([, { model }], index) => `LEFT JOIN ${quote(String(model.getTableName()))} t${index} ON t${index}.room_id = r.id`,
  );
  const rows = await sequelize.query<Record<string, unknown>>(
    `SELECT ${select.join(', ')} FROM ${quote(String(models.Room.getTableName()))} r ${joins.join(' ')} WHERE r.id IN (:roomIds)`,
    { replacements: { roomIds: [...roomIds] }, type: QueryTypes.SELECT, ...(transaction && { transaction }) },
  );
  return new Map(
    rows.map((row) => {
      const name = row.r_type as string;
      const facts: Record<string, unknown> = {};
      for (const column of ofType.get(name) ?? []) facts[column.name] = row[column.as];
      for (const column of ofRoom) facts[column.name] = row[column.as];
      const type = models.roomTypes.get(name);
      if (type?.isOwn) facts.creator_id = type.creatorColumn ? facts[type.creatorColumn] : facts.created_by_id;
      return [row.r_id as string, facts as RoomFacts];
    }),
  );
}

async function loadMemberships(
  { models, sequelize }: StoreContext,
  pairs: readonly Pair[],
  { transaction }: TransactionOptions,
): Promise<Map<string, Membership>> {
  const rows = await sequelize.query<{
    room_id: string;
    user_id: UserId;
    role: 'member' | 'admin';
    joined_offset: number;
    joined_seq: number;
    read_seq: number;
    codename: string | null;
  }>(
    `SELECT m.room_id, m.user_id, m.role, m.joined_offset, m.joined_seq, m.read_seq, p.codename
       FROM ${models.RoomMember.getTableName()} m
       LEFT JOIN ${models.RoomPermission.getTableName()} p ON p.room_id = m.room_id AND p.user_id = m.user_id
      WHERE ${pairs.map(() => '(m.room_id = ? AND m.user_id = ?)').join(' OR ')}`,
    { replacements: pairs.flat(), type: QueryTypes.SELECT, ...(transaction && { transaction }) },
  );
  const memberships = new Map<string, Membership & { permissions: Set<string> }>();
  for (const row of rows) {
    const key = pairKey(row.room_id, row.user_id);
    let membership = memberships.get(key);
    if (!membership) {
      membership = {
        role: row.role,
        joinedOffset: Number(row.joined_offset),
        joinedSeq: Number(row.joined_seq),
        readSeq: Number(row.read_seq),
        permissions: new Set(),
      };
      memberships.set(key, membership);
    }
    if (row.codename) membership.permissions.add(row.codename);
  }
  return memberships;
}

function buildRoom({ models }: StoreContext, facts: RoomFacts): Room {
  const room = models.Room.build({ ...facts } as never, { isNewRecord: false, raw: true }) as unknown as Room;
  const type = models.roomTypes.get(facts.type);
  if (type)
    (room as unknown as Record<string, unknown>)[type.alias] = type.model.build(
      { room_id: facts.id, ...facts } as never,
      { isNewRecord: false, raw: true },
    );
  return room;
}
