import type {
  HistoryShape,
  PageHistoryShape,
  PlainHistoryShape,
  SeqHistoryShape,
  UserId,
} from '../../protocol/shapes.js';
import type { LoadedMessage } from '../../serializers/index.js';
import { createMessageText } from '../../serializers/message-text.js';
import type { TransactionOptions } from '../context.js';
import { makeWithin, pageBytes } from './bounds.js';
import type { ReadContext } from './context.js';
import { selectMessages } from './message-rows.js';
import { loadMessages } from './messages.js';
import { extraOf } from './rows.js';
import { select, tableOf } from './sql.js';

/** What part of a room's history is wanted: one of `paginate`, `before`, `after`, `around`, or none of them. */
export interface HistoryQuery {
  readonly paginate?: { readonly page: number; readonly size: number } | undefined;
  /** A seq; the highest below it. */
  readonly before?: number | undefined;
  /** A seq; the lowest above it. */
  readonly after?: number | undefined;
  /** A seq; it and its nearest neighbours on both sides. */
  readonly around?: number | undefined;
  /** How many, with the three above. Default 50, at most `maxPageSize`. */
  readonly limit?: number | undefined;
}

/** Messages given when the request does not say how many. */
const DEFAULT_LIMIT = 50;

/**
 * Reads a room's messages, newest first, those deleted but kept left out. Ten queries at most, however many messages.
 * An answer holds at least one message, and no more than its bytes allow: what is cut off is farthest from what was
 * asked for (the oldest, or the newest of `after`), and the `has_` keys say that there is more. A page keeps its number.
 */
export async function readHistory(
  context: ReadContext,
  roomId: string,
  query: HistoryQuery = {},
  options: TransactionOptions = {},
): Promise<HistoryShape> {
  const serializer = context.serializers.getSerializer('MessageSerializer');
  const reader = new HistoryReader(context, roomId, options, (message) => serializer.serialize(message));
  const { messages, ...shape } = await reader.read(query);
  return { ...shape, data: { room_id: roomId, messages } } as HistoryShape;
}

/** History as JSON text. */
export interface HistoryText {
  readonly text: string;
  /** Whether the user was seen to be a member; without messages that is not seen. */
  readonly isMember: boolean;
}

/**
 * The same as its JSON text: each message is made into text once, and nothing else is made of it. With `userId`, the
 * statement that reads the messages gives none unless that user is a member of the room.
 */
export async function readHistoryText(
  context: ReadContext,
  roomId: string,
  query: HistoryQuery,
  userId: UserId | null = null,
): Promise<HistoryText> {
  const reader = new HistoryReader(context, roomId, { userId }, createMessageText(context.serializers));
  const { messages, ...shape } = await reader.read(query);
  const head = JSON.stringify({ ...shape, data: 0 }).slice(0, -2);
  const text = `${head}{"room_id":${JSON.stringify(roomId)},"messages":[${messages.join(',')}]}}`;
  return { text, isMember: reader.isMember };
}

/** An answer's keys beside `data`, and its messages, newest first. */
type History<Made> = (
  | Omit<PlainHistoryShape, 'data'>
  | Omit<PageHistoryShape, 'data'>
  | Omit<SeqHistoryShape, 'data'>
) & {
  readonly messages: Made[];
};

interface Fitting<Made> {
  readonly seq: number;
  readonly made: Made;
}

class HistoryReader<Made> {
  readonly #context: ReadContext;
  readonly #roomId: string;
  readonly #options: TransactionOptions & { readonly userId?: UserId | null };
  readonly #make: (message: LoadedMessage) => Made;
  isMember = false;

  constructor(
    context: ReadContext,
    roomId: string,
    options: TransactionOptions & { readonly userId?: UserId | null },
    make: (message: LoadedMessage) => Made,
  ) {
    this.#context = context;
    this.#roomId = roomId;
    this.#options = options;
    this.#make = make;
  }

  read({ paginate, before, after, around, limit: asked = DEFAULT_LIMIT }: HistoryQuery): Promise<History<Made>> {
    const { maxPageSize } = this.#context.settings;
    const limit = Math.min(asked, maxPageSize);
    if (paginate) return this.#page(paginate.page, Math.min(paginate.size, maxPageSize));
    if (before !== undefined) return this.#before(before, limit);
    if (after !== undefined) return this.#after(after, limit);
    if (around !== undefined) return this.#around(around, limit);
    return this.#newest(limit);
  }

  async #newest(limit: number): Promise<History<Made>> {
    return { messages: newestFirst(await this.#fit(await this.#rows('DESC', limit))) };
  }

  /** Looks one row further to tell whether there is a next page: a count would read the whole history each time. */
  async #page(asked: number, size: number): Promise<History<Made>> {
    let page = asked;
    let rows = await this.#rows('DESC', size + 1, { offset: (page - 1) * size });
    if (rows.length === 0 && page > 1) {
      page = Math.min(page, Math.max(1, Math.ceil((await this.#count()) / size)));
      rows = await this.#rows('DESC', size + 1, { offset: (page - 1) * size });
    }
    const hasNext = rows.length > size;
    return {
      has_next: hasNext,
      has_previous: page > 1,
      next_page_number: hasNext ? page + 1 : null,
      prev_page_number: page > 1 ? page - 1 : null,
      page,
      size,
      messages: newestFirst(await this.#fit(rows.slice(0, size))),
    };
  }

  async #before(seq: number, limit: number): Promise<History<Made>> {
    const rows = await this.#rows('DESC', limit + 1, { at: '<', seq, beyond: '>=' });
    const [fitting, has_after] = await Promise.all([this.#fit(rows.slice(0, limit)), this.#lies('>=', seq, rows)]);
    return { has_before: fitting.length < rows.length, has_after, messages: newestFirst(fitting) };
  }

  async #after(seq: number, limit: number): Promise<History<Made>> {
    const rows = await this.#rows('ASC', limit + 1, { at: '>', seq, beyond: '<=' });
    const [fitting, has_before] = await Promise.all([this.#fit(rows.slice(0, limit)), this.#lies('<=', seq, rows)]);
    return { has_before, has_after: fitting.length < rows.length, messages: newestFirst(fitting) };
  }

  async #around(seq: number, limit: number): Promise<History<Made>> {
    const [older, newer] = await Promise.all([
      this.#rows('DESC', limit + 1, { at: '<=', seq }),
      this.#rows('ASC', limit + 1, { at: '>', seq }),
    ]);
    // Half from each side; what one side lacks, the other gives. The message itself counts as older.
    const fromNewer = Math.min(newer.length, Math.max(limit >> 1, limit - older.length));
    const fromOlder = Math.min(older.length, limit - fromNewer);
    const distance = (row: LoadedMessage) => Math.abs(Number(row.seq) - seq);
    const nearest = [...older.slice(0, fromOlder), ...newer.slice(0, fromNewer)].sort(
      (one, other) => distance(one) - distance(other),
    );
    const fitting = await this.#fit(nearest);
    const taken = fitting.filter((message) => message.seq <= seq).length;
    return {
      has_before: taken < older.length,
      has_after: fitting.length - taken < newer.length,
      messages: newestFirst(fitting),
    };
  }

  /** Messages from one end, or from a seq on; `beyond` also looks whether there are any on its other side. */
  async #rows(
    order: 'ASC' | 'DESC',
    limit: number,
    { offset = 0, at, seq = 0, beyond }: { offset?: number; at?: Comparison; seq?: number; beyond?: Comparison } = {},
  ): Promise<LoadedMessage[]> {
    const more = beyond ? `, EXISTS (${this.#lying(beyond)}) AS lies_beyond` : '';
    const rest = `WHERE ${at ? this.#bounded('x', at) : 'x.room_id = :room'} AND x.is_deleted = 0 ${this.#ofMember}
      ORDER BY x.room_id ${order}, x.seq ${order} LIMIT :limit${offset > 0 ? ' OFFSET :offset' : ''}`;
    const { userId = null } = this.#options;
    const replacements = { room: this.#roomId, userId, seq, limit, offset };
    const rows = await selectMessages(this.#context, { more, rest }, replacements, this.#options);
    this.isMember ||= userId !== null && rows.length > 0;
    return rows;
  }

  /** A condition on no row: it is looked at once, before the first, so that who is no member costs nothing. */
  get #ofMember(): string {
    if (this.#options.userId == null) return '';
    const members = tableOf(this.#context, this.#context.models.RoomMember);
    return `AND EXISTS (SELECT 1 FROM ${members} m WHERE m.room_id = :room AND m.user_id = :userId)`;
  }

  /** Whether there are messages on that side of a seq; the rows read from its other side say so, if there are any. */
  async #lies(at: Comparison, seq: number, rows: readonly LoadedMessage[]): Promise<boolean> {
    if (rows[0]) return Number(extraOf(rows[0], 'lies_beyond')) !== 0;
    const found = await select(this.#context, this.#lying(at), { room: this.#roomId, seq }, this.#options);
    return found.length > 0;
  }

  #lying(at: Comparison): string {
    const order = at.startsWith('<') ? 'DESC' : 'ASC';
    return `SELECT y.seq FROM ${this.#table} y WHERE ${this.#bounded('y', at)} AND y.is_deleted = 0
      ORDER BY y.room_id ${order}, y.seq ${order} LIMIT 1`;
  }

  async #count(): Promise<number> {
    const sql = `SELECT COUNT(*) AS total FROM ${this.#table} x WHERE x.room_id = :room AND x.is_deleted = 0 ${this.#ofMember}`;
    const { userId = null } = this.#options;
    const [row] = await select<{ total: number }>(this.#context, sql, { room: this.#roomId, userId }, this.#options);
    return Number(row!.total);
  }

  /**
   * MariaDB reads a large room from its end down to the seq if the room is named by `=`, and starts at the seq if it is
   * named as a range of one (60 ms and 0.1 ms for the middle of 100,000). SQLite does it the other way round.
   */
  #bounded(name: string, at: Comparison): string {
    const isSqlite = this.#context.sequelize.getDialect() === 'sqlite';
    const room = isSqlite ? `${name}.room_id = :room` : `${name}.room_id >= :room AND ${name}.room_id <= :room`;
    return `${room} AND ${name}.seq ${at} :seq`;
  }

  get #table(): string {
    return tableOf(this.#context, this.#context.models.Message);
  }

  /** The first rows as they are shown, as many as fit. */
  async #fit(rows: readonly LoadedMessage[]): Promise<Fitting<Made>[]> {
    const loaded = [...(await loadMessages(this.#context, rows, this.#options)).values()];
    const all = makeWithin(loaded, pageBytes(this.#context), this.#make);
    return all.map((made, index) => ({ made, seq: Number(loaded[index]!.seq) }));
  }
}

type Comparison = '<' | '<=' | '>' | '>=';

function newestFirst<Made>(fitting: readonly Fitting<Made>[]): Made[] {
  return [...fitting].sort((one, other) => other.seq - one.seq).map(({ made }) => made);
}
