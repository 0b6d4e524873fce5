import { Transaction } from 'sequelize';
import type { StoreContext } from './context.js';
import type { ClientRequest } from './requests.js';
import { withRetry } from './retry.js';
import type { Pair } from './standing.js';
import { UnitOfWork } from './unit-of-work.js';

/** One event's write. It may be begun more than once (a deadlock, a failed group), so it keeps no state of its own. */
export interface Write<T> {
  /** Rooms to lock before anything else. */
  readonly roomIds: string[];
  /** May share a transaction with other writes: it writes through `unit.insert` and reads only what is preloaded. */
  readonly grouped: boolean;
  /** (room, user) pairs it will ask about. */
  readonly pairs: readonly Pair[];
  /** Sends whose repeat it must recognise. */
  readonly requests: readonly ClientRequest[];
  /** Asked first, under the lock; reads only. A refusal here does not disturb the other writes of a group. */
  check(unit: UnitOfWork): Promise<void>;
  run(unit: UnitOfWork): Promise<T>;
}

interface Waiting {
  readonly write: Write<unknown>;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** The one place that opens transactions. */
export class Store {
  readonly context: StoreContext;
  readonly #waiting: Waiting[] = [];
  #committing = false;
  #sqliteTurn: Promise<unknown> = Promise.resolve();

  constructor(context: StoreContext) {
    this.context = context;
  }

  /**
   * Commits one write and resolves with its result. Writes that may be grouped and wait at the same time are committed
   * together, in the order they came; if that transaction fails, each is tried alone.
   */
  write<T>(write: Write<T>): Promise<T> {
    if (!write.grouped) return this.#alone(write);
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ write, resolve: resolve as (value: unknown) => void, reject });
      if (!this.#committing) void this.#commitGroups();
    });
  }

  /** Runs `work` in a transaction (READ COMMITTED), the whole of it again after a deadlock. */
  transaction<T>(work: (unit: UnitOfWork) => Promise<T>, grouped = false): Promise<T> {
    const { sequelize } = this.context;
    const attempt = () =>
      sequelize.transaction(
        sequelize.getDialect() === 'sqlite'
          ? { type: Transaction.TYPES.IMMEDIATE }
          : { isolationLevel: Transaction.ISOLATION_LEVELS.READ_COMMITTED },
        async (transaction) => {
          const unit = new UnitOfWork(this.context, transaction, grouped);
          const result = await work(unit);
          await unit.flush();
          return result;
        },
      );
    if (sequelize.getDialect() !== 'sqlite') return withRetry(attempt);
    // SQLite has one writer: taking turns here is quicker than being refused there.
    const turn = this.#sqliteTurn.then(() => withRetry(attempt));
    this.#sqliteTurn = turn.catch(() => undefined);
    return turn;
  }

  #alone<T>(write: Write<T>): Promise<T> {
    return this.transaction(async (unit) => {
      await unit.lockRooms(write.roomIds);
      await unit.preload(write.pairs, write.requests);
      await write.check(unit);
      return write.run(unit);
    });
  }

  async #commitGroups(): Promise<void> {
    this.#committing = true;
    // Everything that arrives in this turn of the event loop belongs to the first group.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, this.context.settings.groupCommitSize);
      await this.#commitGroup(group);
    }
    this.#committing = false;
  }

  async #commitGroup(group: Waiting[]): Promise<void> {
    if (group.length > 1) {
      try {
        const settled = await this.transaction((unit) => runGroup(unit, group), true);
        for (const settle of settled) settle();
        return;
      } catch {
        // Whose fault it was shows when each is tried alone.
      }
    }
    await Promise.all(group.map(({ write, resolve, reject }) => this.#alone(write).then(resolve, reject)));
  }
}

async function runGroup(unit: UnitOfWork, group: Waiting[]): Promise<Array<() => void>> {
  await unit.lockRooms(group.flatMap(({ write }) => write.roomIds));
  await unit.preload(
    group.flatMap(({ write }) => write.pairs),
    group.flatMap(({ write }) => write.requests),
  );
  const settled: Array<() => void> = [];
  for (const { write, resolve, reject } of group) {
    const refusal = await write.check(unit).then(
      () => null,
      (error: unknown) => ({ error }),
    );
    if (refusal) {
      settled.push(() => reject(refusal.error));
      continue;
    }
    const result = await write.run(unit);
    settled.push(() => resolve(result));
  }
  return settled;
}
