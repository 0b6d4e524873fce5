import type { Room } from '../models/index.js';
import type { StoreContext, TransactionOptions } from './context.js';
import { type Beside, type Part, type Reading, readTogether } from './reading.js';
import {
  type FactsRow,
  type MembershipRow,
  membershipColumns,
  membersOf,
  type RoomFacts,
  StandingSql,
  type UserId,
} from './standing-sql.js';
import { selectRows } from './transactions.js';

export type { RoomFacts, UserId };

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
  const asked = standingsOf(context, pairs, new Map([...(known ?? []), ...(read ?? [])]));
  await readTogether(context, [asked], options);
  return asked.found();
}

/** The standings of (room, user) pairs in rooms whose facts are known, to be read in one statement with something else. */
export function standingsOf(
  context: StoreContext,
  pairs: readonly Pair[],
  known: ReadonlyMap<string, RoomFacts>,
): Reading<Map<string, Standing>> {
  const asked = pairs.filter(([roomId]) => known.has(roomId));
  const rows: MembershipRow[] = [];
  const part: Part = {
    columns: membershipColumns,
    from: membersOf(context, asked.length),
    replacements: asked.flat(),
    take: (row: MembershipRow) => void rows.push(row),
  };
  return {
    parts: asked.length > 0 ? [part] : [],
    found() {
      const memberships = membershipsFrom(rows);
      return new Map(
        asked.map(([roomId, userId]) => {
          const key = pairKey(roomId, userId);
          return [key, standingOf(context, known.get(roomId)!, userId, memberships.get(key))];
        }),
      );
    },
  };
}

/** How one pair's standing is read. */
export interface PairOptions {
  /** All that is read stays locked until the transaction's end. */
  readonly isLocked?: boolean;
  /** What else is read in the same statement. */
  readonly beside?: Beside<unknown> | undefined;
}

/** One pair's standing, in one statement. */
export async function loadStanding(
  context: StoreContext,
  [roomId, userId]: Pair,
  options: TransactionOptions,
  { isLocked = false, beside }: PairOptions = {},
): Promise<Standing | undefined> {
  const sql = StandingSql.of(context);
  const rows = await selectRows<FactsRow & MembershipRow>(
    context,
    sql.pair(beside) + lockOf(context, isLocked),
    [userId, userId, ...(beside?.replacements ?? []), roomId],
    options,
  );
  const [row] = rows;
  if (!row) return undefined;
  beside?.take(row as never);
  const [membership] = membershipsFrom(rows.filter(({ user_id }) => user_id !== null)).values();
  return standingOf(context, sql.factsOf(row), userId, membership);
}

/** The facts of rooms, in id order. `isLocked`: both they and their types' rows, until the transaction's end. */
export async function loadFacts(
  context: StoreContext,
  roomIds: readonly string[],
  options: TransactionOptions,
  isLocked = false,
): Promise<Map<string, RoomFacts>> {
  const sql = StandingSql.of(context);
  const rows = await selectRows<FactsRow>(
    context,
    `${sql.facts} WHERE r.id IN (?) ORDER BY r.id${lockOf(context, isLocked)}`,
    [roomIds],
    options,
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

const lockOf = ({ sequelize }: StoreContext, isLocked: boolean) =>
  isLocked && sequelize.getDialect() !== 'sqlite' ? ' FOR UPDATE' : '';

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
