import type { Transaction } from 'sequelize';
import { completed, isStandard } from '../models/index.js';
import type { StoreContext } from './context.js';
import { insertRows } from './insert.js';
import type { ReadContext } from './reads/context.js';
import { isSenderThere, type LoadedMessage, loadMessages, loadUsers } from './reads/index.js';
import { isOneOf } from './reads/sql.js';
import { type Pair, pairKey, type Standing, type UserId } from './standing.js';
import { change, selectRows, settled } from './transactions.js';

/** Messages that a user acknowledges or reads. */
export interface ReceiptRequest {
  readonly userId: UserId;
  readonly messageIds: readonly string[];
}

/** The transaction it is part of. */
interface Unit {
  readonly transaction: Transaction;
  readonly grouped: boolean;
  standing(roomId: string, userId: UserId): Standing | undefined;
  counters(roomId: string): { readonly last_seq: number };
  markAcked(roomId: string, userId: UserId, seq: number): void;
  markRead(roomId: string, userId: UserId, seq: number): void;
}

type Kind = 'MessageDelivery' | 'ReadReceipt';

/** What was delivered to a member just now. */
interface Progress {
  readonly roomId: string;
  readonly userId: UserId;
  readonly seqs: Set<number>;
}

const rowKey = (kind: Kind, messageId: string, userId: UserId) => `${kind} ${messageId} ${userId}`;

/**
 * The receipts of one transaction. What the events of a group are about is read once for all of them; each receipt is
 * noted on the loaded message, so that the next one sees it, and all are written in a statement each at the end.
 */
export class ReceiptBook {
  readonly #context: StoreContext & ReadContext;
  readonly #unit: Unit;
  readonly #messages = new Map<string, LoadedMessage>();
  /** Pairs of message and user whose rows are known, and the rows there are. */
  readonly #known = new Set<string>();
  readonly #rows = new Set<string>();
  readonly #new: Record<Kind, object[]> = { MessageDelivery: [], ReadReceipt: [] };
  readonly #counts = new Map<string, { delivered: number; read: number }>();
  readonly #progress = new Map<string, Progress>();

  constructor(context: StoreContext & ReadContext, unit: Unit) {
    this.#context = context;
    this.#unit = unit;
  }

  /** Reads the messages, their lists, and which of the users' receipts are there. Their rooms are locked. */
  async load(requests: readonly ReceiptRequest[]): Promise<void> {
    const pairs = requests.flatMap(({ userId, messageIds }) => messageIds.map((id): Pair => [id, userId]));
    const missing = [...new Set(pairs.map(([id]) => id))].filter((id) => !this.#messages.has(id));
    if (missing.length > 0) {
      const found = await loadMessages(this.#context, missing, {
        transaction: this.#unit.transaction,
        withSenders: true,
      });
      for (const [id, message] of found) this.#messages.set(id, message);
    }
    const unknown = pairs.filter((pair) => this.#messages.has(pair[0]) && !this.#known.has(pairKey(...pair)));
    for (const pair of unknown) this.#known.add(pairKey(...pair));
    const { receiptListSize } = this.#context.settings;
    /** Whose list is not whole: their rows are asked for. */
    const asked: Record<Kind, Pair[]> = { MessageDelivery: [], ReadReceipt: [] };
    for (const pair of unknown) {
      const [id, userId] = pair;
      const message = this.#messages.get(id)!;
      const look = (kind: Kind, count: number, list: ReadonlyArray<{ readonly user_id: UserId }> | undefined) => {
        if (count > receiptListSize) asked[kind].push(pair);
        else if (list?.some((row) => String(row.user_id) === String(userId))) this.#rows.add(rowKey(kind, ...pair));
      };
      look('MessageDelivery', Number(message.delivered_count), message.deliveries);
      look('ReadReceipt', Number(message.read_count), message.read_receipts);
    }
    await this.#ask(asked);
  }

  async #ask(asked: Readonly<Record<Kind, readonly Pair[]>>): Promise<void> {
    const parts = (['MessageDelivery', 'ReadReceipt'] as const).filter((kind) => asked[kind].length > 0);
    if (parts.length === 0) return;
    const { models } = this.#context;
    const statements = parts.map(
      (kind) => `SELECT '${kind}' AS kind, message_id, user_id FROM ${models[kind].getTableName()}
        WHERE ${isOneOf(this.#context, 'message_id', 'user_id', asked[kind].length)}`,
    );
    const rows = await selectRows<{ kind: Kind; message_id: string; user_id: UserId }>(
      this.#context,
      statements.join(' UNION ALL '),
      parts.flatMap((kind) => asked[kind].flat()),
      this.#unit,
    );
    for (const { kind, message_id, user_id } of rows) this.#rows.add(rowKey(kind, message_id, user_id));
  }

  /** The loaded messages of these ids, by room and seq; deleted ones are absent. */
  messages(ids: readonly string[]): LoadedMessage[] {
    const found = [...new Set(ids)].flatMap((id) => this.#messages.get(id) ?? []);
    return found.toSorted((a, b) =>
      a.room_id === b.room_id ? Number(a.seq) - Number(b.seq) : a.room_id < b.room_id ? -1 : 1,
    );
  }

  /** Whether the sender of a loaded message is a member still: who left is told nothing of the room any more. */
  hasSender(messageId: string): boolean {
    const message = this.#messages.get(messageId);
    return message === undefined || isSenderThere(message);
  }

  /** The user has received the message; false when that is no news. */
  async deliver(message: LoadedMessage, userId: UserId): Promise<boolean> {
    if (!this.#note('MessageDelivery', message, userId)) return false;
    const created_at = new Date();
    this.#new.MessageDelivery.push({ message_id: message.id, user_id: userId, created_at });
    const user = await this.#user(userId);
    alter(message, {
      delivered_count: Number(message.delivered_count) + 1,
      deliveries: this.#newest(message.deliveries, { user_id: userId, user }),
    });
    this.#countsOf(message).delivered += 1;
    const key = pairKey(message.room_id, userId);
    const progress = this.#progress.get(key) ?? { roomId: message.room_id, userId, seqs: new Set() };
    this.#progress.set(key, progress);
    progress.seqs.add(Number(message.seq));
    return true;
  }

  /** The user has read the message; false when that is no news. */
  async read(message: LoadedMessage, userId: UserId): Promise<boolean> {
    if (!this.#note('ReadReceipt', message, userId)) return false;
    const { ReadReceipt } = this.#context.models;
    const row = await completed(ReadReceipt, { message_id: message.id, user_id: userId, read_at: new Date() });
    this.#new.ReadReceipt.push(row);
    const shown = isStandard(ReadReceipt) ? { ...row } : ReadReceipt.build(row, { isNewRecord: false });
    const reader = await this.#user(userId);
    alter(message, {
      read_count: Number(message.read_count) + 1,
      read_receipts: this.#newest(message.read_receipts, Object.assign(shown, { reader })),
    });
    this.#countsOf(message).read += 1;
    this.#unit.markRead(message.room_id, userId, Number(message.seq));
    return true;
  }

  /** Writes what was noted. */
  async write(): Promise<void> {
    const { models } = this.#context;
    for (const kind of ['MessageDelivery', 'ReadReceipt'] as const) {
      const rows = this.#new[kind].splice(0);
      if (rows.length > 0) await insertRows(this.#context, models[kind], rows, this.#unit.transaction);
    }
    await this.#writeCounts();
    await this.#markAcked();
    if (!this.#unit.grouped) await settled(this.#unit.transaction);
  }

  #note(kind: Kind, message: LoadedMessage, userId: UserId): boolean {
    // Throws unless the room is locked.
    this.#unit.counters(message.room_id);
    const key = rowKey(kind, message.id, userId);
    if (this.#rows.has(key)) return false;
    this.#rows.add(key);
    return true;
  }

  async #user(id: UserId): Promise<object> {
    return (await loadUsers(this.#context, [id], { transaction: this.#unit.transaction })).of(id);
  }

  #newest<Row>(list: readonly Row[] | undefined, row: Row): Row[] {
    const { receiptListSize } = this.#context.settings;
    return receiptListSize === 0 ? [] : [...(list ?? []), row].slice(-receiptListSize);
  }

  #countsOf({ id }: LoadedMessage): { delivered: number; read: number } {
    let counts = this.#counts.get(id);
    if (!counts) {
      counts = { delivered: 0, read: 0 };
      this.#counts.set(id, counts);
    }
    return counts;
  }

  async #writeCounts(): Promise<void> {
    const counts = [...this.#counts];
    if (counts.length === 0) return;
    this.#counts.clear();
    const { models } = this.#context;
    const values: Array<string | number> = [];
    const added = (column: string, of: 'delivered' | 'read') => {
      const given = counts.filter(([, count]) => count[of] > 0);
      if (given.length === 0) return [];
      values.push(...given.flatMap(([id, count]) => [id, count[of]]));
      return [`${column} = ${column} + CASE id ${given.map(() => 'WHEN ? THEN ?').join(' ')} ELSE 0 END`];
    };
    const changes = [...added('delivered_count', 'delivered'), ...added('read_count', 'read')];
    await change(
      this.#context,
      `UPDATE ${models.Message.getTableName()} SET ${changes.join(', ')} WHERE id IN (?)`,
      [...values, counts.map(([id]) => id)],
      this.#unit.transaction,
    );
  }

  /** Moves the marks below which nothing is pending. What follows a mark without a gap needs no look. */
  async #markAcked(): Promise<void> {
    const open: Array<Progress & { acked: number }> = [];
    for (const progress of this.#progress.values()) {
      const { roomId, userId, seqs } = progress;
      let acked = await this.#ackedSeq(roomId, userId);
      if (acked === undefined) continue;
      while (seqs.has(acked + 1)) acked += 1;
      if (acked >= Math.max(...seqs)) this.#unit.markAcked(roomId, userId, acked);
      else open.push({ ...progress, acked });
    }
    this.#progress.clear();
    if (open.length === 0) return;
    const firsts = await this.#firstPending(open);
    for (const [index, { roomId, userId }] of open.entries()) {
      const first = firsts.get(index);
      const upTo = first === undefined ? this.#unit.counters(roomId).last_seq : first - 1;
      this.#unit.markAcked(roomId, userId, upTo);
    }
  }

  /** The mark as it was; undefined for who is no member. */
  async #ackedSeq(roomId: string, userId: UserId): Promise<number | undefined> {
    const standing = this.#unit.standing(roomId, userId);
    if (standing) return standing.membership?.ackedSeq;
    const where = { room_id: roomId, user_id: userId };
    await settled(this.#unit.transaction);
    const member = await this.#context.models.RoomMember.findOne({ where, transaction: this.#unit.transaction });
    return member ? Number(member.acked_seq) : undefined;
  }

  /** Of each, the first message above the mark that was not delivered. */
  async #firstPending(all: ReadonlyArray<Progress & { readonly acked: number }>): Promise<Map<number, number>> {
    const { models } = this.#context;
    // The old mark as a constant: joined to its column, MariaDB would read the room's whole history.
    const parts = all.map(
      (_, index) => `SELECT * FROM (SELECT ${index} AS place, m.seq FROM ${models.Message.getTableName()} m
         LEFT JOIN ${models.MessageDelivery.getTableName()} d ON d.message_id = m.id AND d.user_id = ?
        WHERE m.room_id = ? AND m.seq > ? AND m.sender_id <> ? AND m.is_deleted = ?
          AND d.message_id IS NULL ORDER BY m.seq LIMIT 1) n${index}`,
    );
    const values = all.flatMap(({ roomId, userId, acked }) => [userId, roomId, acked, userId, false]);
    const rows = await selectRows<{ place: number; seq: number }>(
      this.#context,
      parts.join(' UNION ALL '),
      values,
      this.#unit,
    );
    return new Map(rows.map(({ place, seq }) => [Number(place), Number(seq)]));
  }
}

/** The row in the database changes with the commit; until then it is known here only. */
function alter(message: LoadedMessage, values: Partial<LoadedMessage>): void {
  Object.assign(message, values);
}
