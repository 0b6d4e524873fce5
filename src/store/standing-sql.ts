import type { Model, ModelStatic } from 'sequelize';
import type { StoreContext } from './context.js';
import type { Beside } from './reading.js';
import { isOneOf } from './reads/sql.js';

/** The columns of `chat_rooms` and of the room's type table, under their column names. */
export type RoomFacts = Readonly<Record<string, unknown>> & {
  readonly id: string;
  readonly type: string;
  readonly creator_id?: string | number | null;
  readonly name?: string;
};

/** A user id as the user model holds it. */
export type UserId = string | number;

/** A row with the facts of a room. */
export type FactsRow = Record<string, unknown>;

/** A row of a member and one of the member's permissions. */
export interface MembershipRow {
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
export const membershipColumns = {
  ...{ room_id: 'm.room_id', user_id: 'm.user_id', role: 'm.role', joined_offset: 'm.joined_offset' },
  ...{ joined_seq: 'm.joined_seq', read_seq: 'm.read_seq', acked_seq: 'm.acked_seq', codename: 'p.codename' },
};

/** Where the memberships of so many pairs are, given as room and user of each. */
export function membersOf(context: StoreContext, count: number): string {
  const { RoomMember, RoomPermission } = context.models;
  return `FROM ${RoomMember.getTableName()} m
       LEFT JOIN ${RoomPermission.getTableName()} p ON p.room_id = m.room_id AND p.user_id = m.user_id
      WHERE ${isOneOf(context, 'm.room_id', 'm.user_id', count)}`;
}

/** Under which the models of a chat keep them. */
const made = Symbol('standing sql');

/** The statements about rooms of all types, and how their rows are read. */
export class StandingSql {
  readonly #context: StoreContext;
  /** Of each table: what each of its columns is called in the rows, and in the facts. */
  readonly #ofRoom: FactsColumn[];
  readonly #ofType: ReadonlyMap<string, FactsColumn[]>;
  readonly #columns: string;
  readonly #tables: string;

  /** Those of a chat's models, put together once. */
  static of(context: StoreContext): StandingSql {
    const kept = context.models as { [made]?: StandingSql };
    kept[made] ??= new StandingSql(context);
    return kept[made];
  }

  private constructor(context: StoreContext) {
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

  /** Everything about one pair, given as user, user, what is beside, room. */
  pair(beside: Beside<unknown> | undefined): string {
    const { RoomMember, RoomPermission } = this.#context.models;
    const columns = [this.#columns, ...Object.values(membershipColumns), ...(beside ? [beside.columns] : [])];
    return `SELECT ${columns.join(', ')} FROM ${this.#tables}
       LEFT JOIN ${RoomMember.getTableName()} m ON m.room_id = r.id AND m.user_id = ?
       LEFT JOIN ${RoomPermission.getTableName()} p ON p.room_id = r.id AND p.user_id = ? ${beside?.joins ?? ''}
      WHERE r.id = ?`;
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
