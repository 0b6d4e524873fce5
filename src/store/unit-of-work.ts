import type { Model, ModelStatic, Transaction } from 'sequelize';
import type { StoreContext } from './context.js';
import { insertRows } from './insert.js';
import type { ReadContext } from './reads/context.js';
import { literalOf } from './reads/sql.js';
import { ReceiptBook } from './receipts.js';
import { type ClientRequest, type EarlierRequest, findEarlierMessages, requestKey } from './requests.js';
import {
  loadFacts,
  loadStanding,
  loadStandings,
  type Pair,
  pairKey,
  type RoomFacts,
  type Standing,
  type UserId,
} from './standing.js';

/** A locked room's counters. They are taken under the lock and given back by a rollback, so no number is ever skipped. */
export interface RoomCounters {
  readonly id: string;
  readonly type: string;
  last_seq: number;
  last_offset: number;
  last_activity_at?: Date;
}

/** How far a member has got in a room; 0 leaves a mark as it is. */
interface Marks {
  readonly roomId: string;
  readonly userId: UserId;
  read: number;
  acked: number;
}

/**
 * One transaction that writes: which rooms it has locked, what it has read for several events at once, and the rows
 * it still has to insert.
 *
 * Lock order, the only place in the code where it is written down:
 * 1. the rows of all rooms that the event names, each with its type's row, in id order, in one statement, before anything
 *    is read; of one room, with the asking member's rows too;
 * 2. rows of the users table, in id order: only of those who join a room near `maxRoomsPerUser`;
 * 3. rows of these rooms (members, messages, receipts, reactions, permissions), which nobody writes without 1, and new
 *    rows of whatever table, whose unique keys and foreign keys lock what they refer to.
 *
 * Where 2 and 3 meet those of another room in another order, the database ends one of the two, and that transaction
 * is run again as a whole (`withRetry`).
 */
export class UnitOfWork {
  readonly transaction: Transaction;
  /** True while several events share this transaction: their rows are inserted together at its end. */
  readonly grouped: boolean;
  readonly #context: StoreContext;
  readonly #rooms = new Map<string, RoomCounters>();
  readonly #facts = new Map<string, RoomFacts>();
  readonly #changed = new Set<RoomCounters>();
  readonly #standings = new Map<string, Standing>();
  readonly #earlier = new Map<string, EarlierRequest>();
  readonly #rows = new Map<ModelStatic<Model>, object[]>();
  readonly #marks = new Map<string, Marks>();
  /** Deliveries and reads. */
  readonly receipts: ReceiptBook;
  #joined: Array<[roomId: string, userId: UserId]> = [];

  constructor(context: StoreContext & ReadContext, transaction: Transaction, grouped: boolean) {
    this.#context = context;
    this.transaction = transaction;
    this.grouped = grouped;
    this.receipts = new ReceiptBook(context, this);
  }

  /** Locks these rooms until the end of the transaction, in id order. Rooms that do not exist are passed over. */
  async lockRooms(ids: Iterable<string>): Promise<void> {
    const missing = [...new Set(ids)].filter((id) => !this.#rooms.has(id)).sort();
    if (missing.length === 0) return;
    for (const facts of (await loadFacts(this.#context, missing, this, true)).values()) this.#adoptFacts(facts);
  }

  /** The same for one room, with the standing of the one pair that will be asked about. */
  async lockRoomOf(pair: Pair): Promise<void> {
    const standing = await loadStanding(this.#context, pair, this, true);
    if (!standing) return;
    this.#standings.set(pairKey(...pair), standing);
    this.#adoptFacts(standing.facts);
  }

  #adoptFacts(facts: RoomFacts): void {
    this.#facts.set(facts.id, facts);
    this.adopt({
      id: facts.id,
      type: facts.type,
      last_seq: Number(facts.last_seq),
      last_offset: Number(facts.last_offset),
    });
  }

  /** Takes in a room this transaction made itself. */
  adopt(room: RoomCounters): void {
    this.#rooms.set(room.id, room);
  }

  isLocked(roomId: string): boolean {
    return this.#rooms.has(roomId);
  }

  /** The next message number of a locked room. */
  takeSeq(roomId: string): number {
    const room = this.#touch(roomId);
    room.last_activity_at = new Date();
    room.last_seq += 1;
    return room.last_seq;
  }

  /** The next broadcast number of a locked room. */
  takeOffset(roomId: string): number {
    const room = this.#touch(roomId);
    room.last_offset += 1;
    return room.last_offset;
  }

  /** The counters of a locked room as they stand now. */
  counters(roomId: string): Readonly<RoomCounters> {
    const room = this.#rooms.get(roomId);
    if (!room) throw new Error(`Room ${roomId} is not locked by this transaction; name it when the write begins.`);
    return room;
  }

  #touch(roomId: string): RoomCounters {
    const room = this.counters(roomId) as RoomCounters;
    this.#changed.add(room);
    return room;
  }

  /** The columns of the locked rooms, as they were when they were locked. */
  get facts(): ReadonlyMap<string, RoomFacts> {
    return this.#facts;
  }

  /** Reads what many events will ask about their (room, user) pairs and their client ids, in two statements. */
  async preload(pairs: readonly Pair[], requests: readonly ClientRequest[]): Promise<void> {
    const standings = await loadStandings(this.#context, pairs, { transaction: this.transaction, known: this.#facts });
    for (const [key, standing] of standings) this.#standings.set(key, standing);
    for (const [key, message] of await findEarlierMessages(this.#context, requests, this)) {
      this.#earlier.set(key, message);
    }
  }

  /** What a preloaded request made before; undefined when this is its first time. */
  earlierMessage(senderId: UserId, clientId: string): EarlierRequest | undefined {
    return this.#earlier.get(requestKey(senderId, clientId));
  }

  /** A preloaded standing; undefined when it was not preloaded. */
  standing(roomId: string, userId: UserId): Standing | undefined {
    return this.#standings.get(pairKey(roomId, userId));
  }

  /** Inserts at once, or with the others of a group at the end of the transaction. */
  async insert(model: ModelStatic<Model>, rows: readonly object[]): Promise<void> {
    if (rows.length === 0) return;
    const waiting = this.#rows.get(model);
    if (waiting) waiting.push(...rows);
    else this.#rows.set(model, [...rows]);
    if (!this.grouped) await this.#insertRows();
  }

  /** The user has read or sent up to this seq. */
  markRead(roomId: string, userId: UserId, seq: number): void {
    const marks = this.#marksOf(roomId, userId);
    marks.read = Math.max(marks.read, seq);
  }

  /** The user has acknowledged all of others up to this seq. */
  markAcked(roomId: string, userId: UserId, seq: number): void {
    const marks = this.#marksOf(roomId, userId);
    marks.acked = Math.max(marks.acked, seq);
  }

  #marksOf(roomId: string, userId: UserId): Marks {
    const key = pairKey(roomId, userId);
    let marks = this.#marks.get(key);
    if (!marks) {
      marks = { roomId, userId, read: 0, acked: 0 };
      this.#marks.set(key, marks);
    }
    return marks;
  }

  /** These users are members of the room from this event's first broadcast on: their connections are to hear it. */
  noteJoined(roomId: string, userIds: readonly UserId[]): void {
    for (const userId of userIds) this.#joined.push([roomId, userId]);
  }

  /** Who joined since this was last asked: writes of a group run one after another, so these are of the present one. */
  takeJoined(): ReadonlyArray<readonly [roomId: string, userId: UserId]> {
    const joined = this.#joined;
    this.#joined = [];
    return joined;
  }

  /** Writes what has been collected. Called once, right before the commit. */
  async flush(): Promise<void> {
    await this.#insertRows();
    await this.receipts.write();
    await this.#writeMarks();
    await this.#writeCounters();
  }

  async #insertRows(): Promise<void> {
    for (const [model, rows] of this.#rows) {
      this.#rows.delete(model);
      await insertRows(this.#context, model, rows, this.transaction);
    }
  }

  /** Marks only ever move up. */
  async #writeMarks(): Promise<void> {
    const marks = [...this.#marks.values()];
    if (marks.length === 0) return;
    const { models, sequelize } = this.#context;
    const replacements: Array<string | number> = [];
    const moved = (column: string, mark: 'read' | 'acked') => {
      const given = marks.filter((one) => one[mark] > 0);
      if (given.length === 0) return [];
      replacements.push(...given.flatMap((one) => [one.roomId, one.userId, one[mark], one[mark]]));
      const when = given.map(() => `WHEN room_id = ? AND user_id = ? AND ${column} < ? THEN ?`).join(' ');
      return [`${column} = CASE ${when} ELSE ${column} END`];
    };
    const changes = [...moved('read_seq', 'read'), ...moved('acked_seq', 'acked')];
    if (changes.length === 0) return;
    replacements.push(...marks.flatMap(({ roomId, userId }) => [roomId, userId]));
    await sequelize.query(
      `UPDATE ${models.RoomMember.getTableName()} SET ${changes.join(', ')}
        WHERE ${marks.map(() => '(room_id = ? AND user_id = ?)').join(' OR ')}`,
      { replacements, transaction: this.transaction },
    );
  }

  async #writeCounters(): Promise<void> {
    const rooms = [...this.#changed];
    if (rooms.length === 0) return;
    const { models, sequelize } = this.#context;
    const cases = (column: 'last_seq' | 'last_offset') =>
      `${column} = CASE id ${rooms.map(() => 'WHEN ? THEN ?').join(' ')} ELSE ${column} END`;
    const values = (column: 'last_seq' | 'last_offset') => rooms.flatMap((room) => [room.id, room[column]]);
    const active = rooms.filter((room) => room.last_activity_at);
    // Written out: a Date among the replacements loses its milliseconds on MySQL.
    const moment = (date: Date) => literalOf(this.#context, models.Room, 'last_activity_at', date);
    const activity =
      active.length === 0
        ? ''
        : `, last_activity_at = CASE id ${active.map((room) => `WHEN ? THEN ${moment(room.last_activity_at!)}`).join(' ')} ELSE last_activity_at END`;
    await sequelize.query(
      `UPDATE ${models.Room.getTableName()} SET ${cases('last_seq')}, ${cases('last_offset')}${activity} WHERE id IN (?)`,
      {
        replacements: [
          ...values('last_seq'),
          ...values('last_offset'),
          ...active.map(({ id }) => id),
          rooms.map(({ id }) => id),
        ],
        transaction: this.transaction,
      },
    );
  }
}
