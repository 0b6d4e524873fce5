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

/** How standings are read. */
export interface StandingOptions extends TransactionOptions {
  /** Facts of rooms that the caller has read already, under its lock. */
  readonly known?: ReadonlyMap<string, RoomFacts> | undefined;
}

/**
 * Reads the standings of many (room, user) pairs in two statements, in one when there is one pair or all rooms are known.
 * Rooms that do not exist are absent from the map.
 */
export async function loadStandings(
  context: StoreContext,
  pairs: readonly Pair[],
  { known, ...options }: StandingOptions = {},
): Promise<Map<string, Standing>> {
  const standings = new Map<string, Standing>();
  if (pairs.length === 0) return standings;
  const unknown = new Set(pairs.map(([roomId]) => roomId).filter((id) => !known?.has(id)));
  if (pairs.length === 1 && unknown.size === 1) {
    const standing = await loadStanding(context, pairs[0]!, options);
    return standing ? standings.set(pairKey(...pairs[0]!), standing) : standings;
  }
  const read = unknown.size > 0 ? await loadFacts(context, [...unknown], options) : undefined;
  const sql = new StandingSql(context);
  const memberships = membershipsFrom(
    await context.sequelize.query<MembershipRow>(sql.memberships(pairs.length), {
      ...selecting(options),
      replacements: pairs.flat(),
    }),
  );
  for (const [roomId, userId] of pairs) {
    const facts = known?.get(roomId) ?? read?.get(roomId);
    const key = pairKey(roomId, userId);
    if (facts) standings.set(key, standingOf(context, facts, userId, memberships.get(key)));
  }
  return standings;
}

/** One pair's standing, in one statement. `isLocked`: of all that it reads, until the transaction's end. */
export async function loadStanding(
  context: StoreContext,
  [roomId, userId]: Pair,
  options: TransactionOptions,
  isLocked = false,
): Promise<Standing | undefined> {
  const sql = new StandingSql(context);
  const rows = await context.sequelize.query<FactsRow & MembershipRow>(sql.pair + lockOf(context, isLocked), {
    ...selecting(options),
    replacements: [userId, userId, roomId],
  });
  const [membership] = membershipsFrom(rows.filter(({ user_id }) => user_id !== null)).values();
  return rows[0] && standingOf(context, sql.factsOf(rows[0]), userId, membership);
}

/** The facts of rooms, in id order. `isLocked`: both they and their types' rows, until the transaction's end. */
export async function loadFacts(
  context: StoreContext,
  roomIds: readonly string[],
  options: TransactionOptions,
  isLocked = false,
): Promise<Map<string, RoomFacts>> {
  const sql = new StandingSql(context);
  const rows = await context.sequelize.query<FactsRow>(
    `${sql.facts} WHERE r.id IN (?) ORDER BY r.id${lockOf(context, isLocked)}`,
    { ...selecting(options), replacements: [roomIds] },
  );
  return new Map(rows.map((row) => [row.r_id as string, sql.factsOf(row)]));
}

function standingOf(
  context: StoreContext,
  facts: RoomFacts,
  userId: UserId,
  membership: Membership | undefined,
): Standing {
  return new Standing(facts, userId, membership ?? null, (of) => buildRoom(context, of));
}

const selecting = ({ transaction }: TransactionOptions) =>
  ({ type: QueryTypes.SELECT, ...(transaction && { transaction }) }) as const;

const lockOf = ({ sequelize }: StoreContext, isLocked: boolean) =>
  isLocked && sequelize.getDialect() !== 'sqlite' ? ' FOR UPDATE' : '';

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

/** The statements about rooms of all types, and how their rows are read. */
class StandingSql {
  readonly #context: StoreContext;
  /** Of each table: what each of its columns is called in the rows, and in the facts. */
  readonly #ofRoom: FactsColumn[];
  readonly #ofType: ReadonlyMap<string, FactsColumn[]>;
  readonly #columns: string;
  readonly #tables: string;

  constructor(context: StoreContext) {
    this.#context = context;
    const { models, sequelize } = context;
    const quote = (name: string) => sequelize.getQueryInterface().quoteIdentifier(name, false);
    const wanted = [...models.roomTypes];
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
