import type { Model, ModelStatic, Transaction } from 'sequelize';
import type { StoreContext } from './context.js';
import { insertRows } from './insert.js';
import { type Marks, type RoomCounters, writeProgress } from './progress.js';
import { readTogether } from './reading.js';
import type { ReadContext } from './reads/context.js';
import { ReceiptBook } from './receipts.js';
import { type ClientRequest, type EarlierRequest, earlierBeside, earlierMessages, requestKey } from './requests.js';
import {
  loadFacts,
  loadStanding,
  type Pair,
  pairKey,
  type RoomFacts,
  type Standing,
  standingsOf,
  type UserId,
} from './standing.js';
import { settled } from './transactions.js';

/** How a transaction writes. */
export interface UnitOptions {
  /** As `Write.grouped`, of all its writes. */
  readonly grouped?: boolean;
  /** It has writes of several events, and may be given up for each to be tried alone. */
  readonly ofMany?: boolean;
}

/**
 * One transaction that writes: which rooms it has locked, what it has read for several events at once, and the rows
 * it still has to insert.
 *
 * Lock order, the only place in the code where it is written down:
 * 1. the rows of all rooms that the event names, each with its type's row, in id order, in one statement, before anything
 *    is read; of one room, with the asking member's rows too and what the same request made before;
 * 2. rows of the users table, in id order: only of those who join a room near `maxRoomsPerUser`;
 * 3. rows of these rooms (members, messages, receipts, reactions, permissions), which nobody writes without 1, and new
 *    rows of whatever table, whose unique keys and foreign keys lock what they refer to.
 *
 * Where 2 and 3 meet those of another room in another order, the database ends one of the two, and that transaction
 * is run again as a whole (`withRetry`).
 */
export class UnitOfWork {
  readonly transaction: Transaction;
  /** True where nothing of a host's reads what was inserted: it need not be there before the commit. */
  readonly grouped: boolean;
  /** Several events share this transaction: their rows are inserted together at its end. */
  readonly #ofMany: boolean;
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

  constructor(context: StoreContext & ReadContext, transaction: Transaction, { grouped, ofMany }: UnitOptions = {}) {
    this.#context = context;
    this.transaction = transaction;
    this.grouped = grouped ?? false;
    this.#ofMany = ofMany ?? false;
    this.receipts = new ReceiptBook(context, this);
  }

  /** Locks these rooms until the end of the transaction, in id order. Rooms that do not exist are passed over. */
  async lockRooms(ids: Iterable<string>): Promise<void> {
    const missing = [...new Set(ids)].filter((id) => !this.#rooms.has(id)).sort();
    if (missing.length === 0) return;
    for (const facts of (await loadFacts(this.#context, missing, this, true)).values()) this.#adoptFacts(facts);
  }

  /** The same for one room, with what `preload` would read: for the one pair and the one request, in the same statement. */
  async lockRoomOf(pair: Pair, requests: readonly ClientRequest[]): Promise<void> {
    const [request] = requests;
    const beside = request && requests.length === 1 ? earlierBeside(this.#context, request) : undefined;
    const standing = await loadStanding(this.#context, pair, this, { isLocked: true, beside });
    if (standing) {
      this.#standings.set(pairKey(...pair), standing);
      this.#adoptFacts(standing.facts);
    }
    if (standing && beside) this.#note(beside.found());
    else await this.preload([], requests);
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

  /** Reads what many events will ask about their (room, user) pairs, of locked rooms, and their client ids, in one statement. */
  async preload(pairs: readonly Pair[], requests: readonly ClientRequest[]): Promise<void> {
    const standings = standingsOf(this.#context, pairs, this.#facts);
    const earlier = earlierMessages(this.#context, requests);
    await readTogether(this.#context, [standings, earlier], this);
    for (const [key, standing] of standings.found()) this.#standings.set(key, standing);
    this.#note(earlier.found());
  }

  #note(earlier: ReadonlyMap<string, EarlierRequest>): void {
    for (const [key, request] of earlier) this.#earlier.set(key, request);
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
    if (this.#ofMany) return;
    await this.#insertRows();
    if (!this.grouped) await settled(this.transaction);
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
    await writeProgress(this.#context, [...this.#marks.values()], [...this.#changed], this.transaction);
  }

  async #insertRows(): Promise<void> {
    for (const [model, rows] of this.#rows) {
      this.#rows.delete(model);
      await insertRows(this.#context, model, rows, this.transaction);
    }
  }
}
