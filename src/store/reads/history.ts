import { Op } from 'sequelize';
import type {
  HistoryShape,
  MessageShape,
  PageHistoryShape,
  PlainHistoryShape,
  SeqHistoryShape,
} from '../../protocol/shapes.js';
import type { LoadedMessage } from '../../serializers/index.js';
import type { TransactionOptions } from '../context.js';
import { makeWithin, pageBytes } from './bounds.js';
import type { ReadContext } from './context.js';
import { loadMessages } from './messages.js';

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
export function readHistory(
  context: ReadContext,
  roomId: string,
  query: HistoryQuery = {},
  options: TransactionOptions = {},
): Promise<HistoryShape> {
  const reader = new HistoryReader(context, roomId, options);
  const limit = Math.min(query.limit ?? DEFAULT_LIMIT, context.settings.maxPageSize);
  if (query.paginate)
    return reader.page(query.paginate.page, Math.min(query.paginate.size, context.settings.maxPageSize));
  if (query.before !== undefined) return reader.before(query.before, limit);
  if (query.after !== undefined) return reader.after(query.after, limit);
  if (query.around !== undefined) return reader.around(query.around, limit);
  return reader.newest(limit);
}

class HistoryReader {
  readonly #context: ReadContext;
  readonly #roomId: string;
  readonly #options: TransactionOptions;

  constructor(context: ReadContext, roomId: string, options: TransactionOptions) {
    this.#context = context;
    this.#roomId = roomId;
    this.#options = options;
  }

  async newest(limit: number): Promise<PlainHistoryShape> {
    return { data: this.#data(await this.#fit(await this.#rows({}, 'DESC', limit))) };
  }

  /** Looks one row further to tell whether there is a next page: a count would read the whole history each time. */
  async page(asked: number, size: number): Promise<PageHistoryShape> {
    let page = asked;
    let rows = await this.#rows({}, 'DESC', size + 1, (page - 1) * size);
    if (rows.length === 0 && page > 1) {
      const count = await this.#context.models.Message.count({ where: this.#where({}), ...this.#transaction() });
      page = Math.min(page, Math.max(1, Math.ceil(count / size)));
      rows = await this.#rows({}, 'DESC', size + 1, (page - 1) * size);
    }
    const hasNext = rows.length > size;
    const messages = await this.#fit(rows.slice(0, size));
    return {
      has_next: hasNext,
      has_previous: page > 1,
      next_page_number: hasNext ? page + 1 : null,
      prev_page_number: page > 1 ? page - 1 : null,
      page,
      size,
      data: this.#data(messages),
    };
  }

  async before(seq: number, limit: number): Promise<SeqHistoryShape> {
    const rows = await this.#rows({ [Op.lt]: seq }, 'DESC', limit + 1);
    const messages = await this.#fit(rows.slice(0, limit));
    const has_after = (await this.#rows({ [Op.gte]: seq }, 'DESC', 1)).length > 0;
    return { has_before: messages.length < rows.length, has_after, data: this.#data(messages) };
  }

  async after(seq: number, limit: number): Promise<SeqHistoryShape> {
    const rows = await this.#rows({ [Op.gt]: seq }, 'ASC', limit + 1);
    const messages = await this.#fit(rows.slice(0, limit));
    const has_before = (await this.#rows({ [Op.lte]: seq }, 'ASC', 1)).length > 0;
    return { has_before, has_after: messages.length < rows.length, data: this.#data(messages) };
  }

  async around(seq: number, limit: number): Promise<SeqHistoryShape> {
    const older = await this.#rows({ [Op.lte]: seq }, 'DESC', limit + 1);
    const newer = await this.#rows({ [Op.gt]: seq }, 'ASC', limit + 1);
    // Half from each side; what one side lacks, the other gives. The message itself counts as older.
    const fromNewer = Math.min(newer.length, Math.max(limit >> 1, limit - older.length));
    const fromOlder = Math.min(older.length, limit - fromNewer);
    const distance = (row: LoadedMessage) => Math.abs(Number(row.seq) - seq);
    const nearest = [...older.slice(0, fromOlder), ...newer.slice(0, fromNewer)].sort(
      (one, other) => distance(one) - distance(other),
    );
    const messages = await this.#fit(nearest);
    const taken = messages.filter((message) => message.seq <= seq).length;
    return {
      has_before: taken < older.length,
      has_after: messages.length - taken < newer.length,
      data: this.#data(messages),
    };
  }

  async #rows(
    seq: { [Op.lt]?: number; [Op.lte]?: number; [Op.gt]?: number; [Op.gte]?: number },
    order: 'ASC' | 'DESC',
    limit: number,
    offset = 0,
  ): Promise<LoadedMessage[]> {
    const rows = await this.#context.models.Message.findAll({
      where: this.#where(seq),
      order: [
        ['room_id', order],
        ['seq', order],
      ],
      limit,
      ...(offset > 0 && { offset }),
      ...this.#transaction(),
    });
    return rows as unknown as LoadedMessage[];
  }

  /**
   * MariaDB reads a large room from its end down to the seq if the room is named by `=`, and starts at the seq if it is
   * named as a range of one (60 ms and 0.1 ms for the middle of 100,000). SQLite does it the other way round.
   */
  #where(seq: object) {
    const id = this.#roomId;
    if (Reflect.ownKeys(seq).length === 0) return { room_id: id, is_deleted: false };
    const isSqlite = this.#context.sequelize.getDialect() === 'sqlite';
    return { room_id: isSqlite ? id : { [Op.gte]: id, [Op.lte]: id }, is_deleted: false, seq };
  }

  #transaction() {
    const { transaction } = this.#options;
    return transaction ? { transaction } : {};
  }

  /** The shapes of the first rows, as many as fit. */
  async #fit(rows: readonly LoadedMessage[]): Promise<MessageShape[]> {
    const loaded = await loadMessages(this.#context, rows, this.#options);
    const serializer = this.#context.serializers.getSerializer('MessageSerializer');
    return makeWithin([...loaded.values()], pageBytes(this.#context), (message) => serializer.serialize(message));
  }

  #data(messages: MessageShape[]) {
    return { room_id: this.#roomId, messages: messages.sort((one, other) => other.seq - one.seq) };
  }
}
