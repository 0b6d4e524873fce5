import { Transaction } from 'sequelize';
import { isolationOf } from '../models/connections.js';
import { Places } from '../places.js';
import { Unavailable } from '../protocol/errors.js';
import { wasTooLate } from './blocks.js';
import type { StoreContext } from './context.js';
import { type Deadline, Earliest } from './deadline.js';
import { isHeldUp } from './held-up.js';
import { inTime, TimedOut } from './in-time.js';
import type { ReadContext } from './reads/context.js';
import { isLockTimeout, withRetry } from './retry.js';
import { inTransaction } from './transactions.js';
import { UnitOfWork, type UnitOptions } from './unit-of-work.js';
import { isUnknownCommit, noteUnknownCommit } from './unknown-commit.js';
import type { Write } from './write.js';

/** Milliseconds that one write of a group may take under the group's locks; one that needs longer goes alone. */
const groupPatience = 1000;

/** A write of a group that took too long. */
class TooSlow extends Error {
  readonly one: Waiting;

  constructor(one: Waiting, cause: unknown) {
    super('A write of a group took too long.', { cause });
    this.one = one;
  }
}

/** A write's place in its line. */
interface Turn {
  isOver: boolean;
  readonly over: Promise<void>;
}

interface Waiting {
  readonly write: Write<unknown>;
  readonly turn: Turn | undefined;
  /** The one before it in its line. */
  readonly behind: Turn | undefined;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/**
 * Groups that are under way at once: while one waits for the disk, the other is put together. Two did a sixth more messages
 * a second than one in a busy worker; each more makes the groups smaller, and a message of a small group costs more.
 */
const laneCount = 2;

/** Writes that are committed one group after the other. A room has one lane, so two groups seldom want one lock. */
interface Lane {
  readonly waiting: Waiting[];
  committing: boolean;
}

function laneOf(roomId: string): number {
  let sum = 0;
  for (let at = 0; at < roomId.length; at += 1) sum += roomId.charCodeAt(at);
  return sum % laneCount;
}

/** The one place that opens transactions. */
export class Store {
  readonly context: StoreContext & ReadContext;
  /** One connection is left for what only reads, typing above all: however many writes hang, it does not wait for them. */
  readonly #places: Places;
  readonly #lanes: readonly Lane[] = Array.from({ length: laneCount }, () => ({ waiting: [], committing: false }));
  /** The last write of each line that has one under way. */
  readonly #lines = new Map<symbol, Turn>();
  #sqliteTurn: Promise<unknown> = Promise.resolve();

  constructor(context: StoreContext & ReadContext) {
    this.context = context;
    this.#places = new Places(Math.max(1, (context.sequelize.config.pool?.max ?? 5) - 1));
  }

  /**
   * Commits one write and resolves with its result. Writes that may be grouped and wait at the same time are committed
   * together, in the order they came; if that transaction fails, each is tried alone.
   */
  write<T>(write: Write<T>): Promise<T> {
    const { line } = write;
    if (line === undefined) return this.#take(write);
    const behind = this.#lines.get(line);
    let end!: () => void;
    const over = new Promise<void>((resolve) => {
      end = resolve;
    });
    const turn: Turn = { isOver: false, over };
    this.#lines.set(line, turn);
    return this.#take(write, turn, behind).finally(() => {
      turn.isOver = true;
      if (this.#lines.get(line) === turn) this.#lines.delete(line);
      end();
      for (const lane of this.#lanes) this.#begin(lane);
    });
  }

  #take<T>(write: Write<T>, turn?: Turn, behind?: Turn): Promise<T> {
    if (!write.grouped) return afterTurn(behind, () => this.#alone(write));
    return new Promise<T>((resolve, reject) => {
      const lane = this.#lanes[laneOf(write.roomIds[0] ?? '')]!;
      lane.waiting.push({ write, turn, behind, resolve: resolve as (value: unknown) => void, reject });
      this.#begin(lane);
    });
  }

  #begin(lane: Lane): void {
    if (!lane.committing && lane.waiting.length > 0) void this.#commitGroups(lane);
  }

  /** Runs `work` in a transaction (READ COMMITTED), the whole of it again after a deadlock. */
  transaction<T>(
    work: (unit: UnitOfWork) => Promise<T>,
    { signals = [], ...shared }: UnitOptions & { readonly signals?: ReadonlyArray<Deadline | undefined> } = {},
  ): Promise<T> {
    const { sequelize } = this.context;
    const isSqlite = sequelize.getDialect() === 'sqlite';
    const options = isSqlite ? { type: Transaction.TYPES.IMMEDIATE } : isolationOf(sequelize);
    const deadline = new Earliest(signals);
    const attempt = async () => {
      // Its time may have run out while it waited for its place.
      deadline.throwIfAborted();
      try {
        return await inTransaction(
          sequelize,
          options,
          async (transaction) => {
            const unit = new UnitOfWork(this.context, transaction, shared);
            const result = await work(unit);
            await unit.flush();
            return result;
          },
          deadline,
        );
      } catch (error) {
        // The database was held up for as long as it had.
        if (wasTooLate(error)) throw new Unavailable();
        // One room that somebody else holds: the others of the group do not wait for it.
        throw shared.ofMany && isLockTimeout(error) ? new Error('A group waited for a room.', { cause: error }) : error;
      }
    };
    const isPatient = signals.some((signal) => signal !== undefined);
    if (!isSqlite) return withRetry(() => this.#places.use(attempt), undefined, isPatient);
    // SQLite has one writer: taking turns here is quicker than being refused there.
    const turn = this.#sqliteTurn.then(() => withRetry(attempt));
    this.#sqliteTurn = turn.catch(() => undefined);
    return turn;
  }

  #alone<T>(write: Write<T>): Promise<T> {
    // Others wait for the rooms meanwhile, and their own time must not run out with it.
    const limit = (this.context.settings.handlerTimeout * 1000) / 3;
    return this.transaction(
      async (unit) => {
        const [pair, ...otherPairs] = write.pairs;
        const isOfOneRoom = pair !== undefined && otherPairs.length === 0 && write.roomIds.join() === pair[0];
        if (isOfOneRoom) await unit.lockRoomOf(pair, write.requests);
        else {
          await unit.lockRooms(write.roomIds);
          await unit.preload(write.pairs, write.requests);
        }
        await unit.receipts.load(write.receipts ?? []);
        write.signal?.throwIfAborted();
        const run = async () => {
          await write.check(unit);
          return write.run(unit);
        };
        return inTime('What runs under the lock of a room', limit, run()).catch(async (error: unknown) => {
          const isDatabase = error instanceof TimedOut && (await isHeldUp(this.context.sequelize, unit.transaction));
          throw isDatabase ? new Unavailable() : error;
        });
      },
      { grouped: write.grouped, signals: [write.signal] },
    );
  }

  async #commitGroups(lane: Lane): Promise<void> {
    lane.committing = true;
    // Everything that arrives in this turn of the event loop belongs to the first group.
    await new Promise((resolve) => setImmediate(resolve));
    for (;;) {
      const group = takeGroup(lane, this.context.settings.groupCommitSize);
      // What is left waits for a write of its line that went alone, whose end begins this again.
      if (group.length === 0) break;
      // A group that waits for a room somebody else holds does not hold up the rooms of the next.
      await inTime('A group', groupPatience * 2, this.#commitGroup(group)).catch(() => undefined);
    }
    lane.committing = false;
  }

  async #commitGroup(group: Waiting[]): Promise<void> {
    let isUnknown = false;
    const alone = ({ write, behind, resolve, reject }: Waiting) =>
      afterTurn(behind, () => this.#alone(write)).then(resolve, (error: unknown) => {
        if (isUnknown) noteUnknownCommit(error);
        reject(error);
      });
    let slow: Waiting | undefined;
    if (group.length > 1) {
      try {
        const signals = group.map(({ write }) => write.signal);
        const settled = await this.transaction((unit) => runGroup(unit, group), {
          grouped: true,
          ofMany: true,
          signals,
        });
        for (const settle of settled) settle();
        return;
      } catch (error) {
        // Whose fault it was shows when each is tried alone.
        if (error instanceof TooSlow) slow = error.one;
        isUnknown = isUnknownCommit(error);
      }
    }
    const late = slow ? lineFrom(slow, group) : [];
    await Promise.all(group.filter((one) => !late.includes(one)).map(alone));
    // Last, and the groups behind do not wait for it.
    for (const one of late) void alone(one);
  }
}

/** Takes from those that wait, in order, whose turn it is or comes in this group. */
function takeGroup(lane: Lane, size: number): Waiting[] {
  const group: Waiting[] = [];
  const turns = new Set<Turn>();
  const left: Waiting[] = [];
  for (const one of lane.waiting.splice(0)) {
    const { turn, behind } = one;
    if (group.length < size && (!behind || behind.isOver || turns.has(behind))) {
      group.push(one);
      if (turn) turns.add(turn);
    } else left.push(one);
  }
  lane.waiting.push(...left);
  return group;
}

/** A write of a group, and those behind it in its line. */
function lineFrom(first: Waiting, group: readonly Waiting[]): Waiting[] {
  const line = [first];
  for (const one of group) if (one.behind && one.behind === line.at(-1)!.turn) line.push(one);
  return line;
}

function afterTurn<T>(behind: Turn | undefined, work: () => Promise<T>): Promise<T> {
  return behind && !behind.isOver ? behind.over.then(work) : work();
}

async function runGroup(unit: UnitOfWork, group: Waiting[]): Promise<Array<() => void>> {
  await unit.lockRooms(group.flatMap(({ write }) => write.roomIds));
  await unit.preload(
    group.flatMap(({ write }) => write.pairs),
    group.flatMap(({ write }) => write.requests),
  );
  await unit.receipts.load(group.flatMap(({ write }) => write.receipts ?? []));
  const settled: Array<() => void> = [];
  const soon = <T>(one: Waiting, work: Promise<T>) =>
    inTime('A write of a group', groupPatience, work).catch((error: unknown) => {
      throw error instanceof TimedOut ? new TooSlow(one, error) : error;
    });
  for (const one of group) {
    const { write, resolve, reject } = one;
    const refusal = await soon(
      one,
      write.check(unit).then(
        () => null,
        (error: unknown) => ({ error }),
      ),
    );
    if (refusal) {
      settled.push(() => reject(refusal.error));
      continue;
    }
    const result = await soon(one, write.run(unit));
    settled.push(() => resolve(result));
  }
  return settled;
}
