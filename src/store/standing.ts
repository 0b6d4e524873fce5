import { type Model, type ModelStatic, QueryTypes } from 'sequelize';
import type { Room } from '../models/index.js';
import type { StoreContext, TransactionOptions } from './context.js';

/** A user's membership of a room, as stored. */
export interface Membership {
  readonly role: 'member' | 'admin';
  readonly joinedOffset: number;
  readonly joinedSeq: number;
  readonly readSeq: number;
  /** Everything of others up to this seq was acknowledged. */
  readonly ackedSeq: number;
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
 * Reads the standings of many (room, user) pairs in two statements, of one pair in one. Rooms that do not exist are absent from
 * the map. `types` are those that the rooms can have, where that is known: the tables of others are not looked into.
 */
export async function loadStandings(
  context: StoreContext,
  pairs: readonly Pair[],
  options: TransactionOptions & { readonly types?: ReadonlySet<string> } = {},
): Promise<Map<string, Standing>> {
  const standings = new Map<string, Standing>();
  if (pairs.length === 0) return standings;
  const build = (of: RoomFacts) => buildRoom(context, of);
  const sql = new StandingSql(context, options.types);
  const query = <Row extends object>(text: string, replacements: unknown[]) =>
    context.sequelize.query<Row>(text, {
      replacements,
      type: QueryTypes.SELECT,
      ...(options.transaction && { transaction: options.transaction }),
    });
  if (pairs.length === 1) {
    const [roomId, userId] = pairs[0]!;
    const rows = await query<FactsRow & MembershipRow>(sql.pair, [userId, userId, roomId]);
    const [membership] = membershipsFrom(rows.filter(({ user_id }) => user_id !== null)).values();
    if (rows[0]) {
      standings.set(pairKey(roomId, userId), new Standing(sql.factsOf(rows[0]), userId, membership ?? null, build));
    }
    return standings;
  }
  const roomIds = [...new Set(pairs.map(([roomId]) => roomId))];
  const rooms = await query<FactsRow>(`${sql.facts} WHERE r.id IN (?)`, [roomIds]);
  const facts = new Map(rooms.map((row) => [row.r_id as string, sql.factsOf(row)]));
  const memberships = membershipsFrom(await query<MembershipRow>(sql.memberships(pairs.length), pairs.flat()));
  for (const [roomId, userId] of pairs) {
    const room = facts.get(roomId);
    const key = pairKey(roomId, userId);
    if (room) standings.set(key, new Standing(room, userId, memberships.get(key) ?? null, build));
  }
  return standings;
}

type FactsRow = Record<string, unknown>;

interface MembershipRow {
  readonly room_id: string;
  readonly user_id: UserId;
  readonly role: 'member' | 'admin';
  readonly joined_offset: number;
  readonly joined_seq: number;
  readonly read_seq: number;
  readonly acked_seq: number;
  readonly codename: string | null;
}

/** The columns of `MembershipRow`, of members `m` and their permissions `p`. */
const membershipColumns =
  'm.room_id, m.user_id, m.role, m.joined_offset, m.joined_seq, m.read_seq, m.acked_seq, p.codename';

/** The statements about rooms of some types, and how their rows are read. */
class StandingSql {
  readonly #context: StoreContext;
  /** Of each table: what each of its columns is called in the rows, and in the facts. */
  readonly #ofRoom: FactsColumn[];
  readonly #ofType: ReadonlyMap<string, FactsColumn[]>;
  readonly #columns: string;
  readonly #tables: string;

  constructor(context: StoreContext, types: ReadonlySet<string> | undefined) {
    this.#context = context;
    const { models, sequelize } = context;
    const quote = (name: string) => sequelize.getQueryInterface().quoteIdentifier(name, false);
    const wanted = [...models.roomTypes].filter(([type]) => types === undefined || types.has(type));
    this.#ofRoom = columnsOf(models.Room, 'r');
    this.#ofType = new Map(wanted.map(([type, { model }], index) => [type, columnsOf(model, `t${index}`)]));
    this.#columns = [...this.#ofRoom, ...[...this.#ofType.values()].flat()]
      .map(({ alias, name, as }) => `${alias}.${quote(name)} AS ${quote(as)}`)
      .join(', ');
    const table = (model: ModelStatic<Model>) => quote(String(model.getTableName()));
    const joins = wanted.map(
      ([, { model }], index) => `LEFT JOIN ${table(model)} t${index} ON t${index}.room_id = r.id`,
    );
    this.#tables = `${table(models.Room)} r ${joins.join(' ')}`;
  }

  /** The facts of rooms `r`. */
  get facts(): string {
    return `SELECT ${this.#columns} FROM ${this.#tables}`;
  }

  /** Everything about one pair, given as user, user, room. */
  get pair(): string {
    const { RoomMember, RoomPermission } = this.#context.models;
    return `SELECT ${this.#columns}, ${membershipColumns} FROM ${this.#tables}
       LEFT JOIN ${RoomMember.getTableName()} m ON m.room_id = r.id AND m.user_id = ?
       LEFT JOIN ${RoomPermission.getTableName()} p ON p.room_id = r.id AND p.user_id = ?
      WHERE r.id = ?`;
  }

  /** The memberships of so many pairs, given as room and user of each. */
  memberships(count: number): string {
    const { RoomMember, RoomPermission } = this.#context.models;
    return `SELECT ${membershipColumns}
       FROM ${RoomMember.getTableName()} m
       LEFT JOIN ${RoomPermission.getTableName()} p ON p.room_id = m.room_id AND p.user_id = m.user_id
      WHERE ${Array(count).fill('(m.room_id = ? AND m.user_id = ?)').join(' OR ')}`;
  }

  factsOf(row: FactsRow): RoomFacts {
    const name = row.r_type as string;
    const facts: Record<string, unknown> = {};
    for (const column of this.#ofType.get(name) ?? []) facts[column.name] = row[column.as];
    for (const column of this.#ofRoom) facts[column.name] = row[column.as];
    const type = this.#context.models.roomTypes.get(name);
    if (type?.isOwn) facts.creator_id = type.creatorColumn ? facts[type.creatorColumn] : facts.created_by_id;
    return facts as RoomFacts;
  }
}

interface FactsColumn {
  readonly name: string;
  readonly as: string;
  readonly alias: string;
}

function columnsOf(model: ModelStatic<Model>, alias: string): FactsColumn[] {
  return Object.values(model.getAttributes())
    .filter(({ type }) => String(type) !== 'VIRTUAL')
    .map(({ field }) => ({ name: field!, as: `${alias}_${field}`, alias }));
}

/** A row a permission, or one without any; by pair. */
function membershipsFrom(rows: readonly MembershipRow[]): Map<string, Membership> {
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
        ackedSeq: Number(row.acked_seq),
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
