import type { Deadline } from './deadline.js';
import type { ReceiptRequest } from './receipts.js';
import type { ClientRequest } from './requests.js';
import type { Pair } from './standing.js';
import type { UnitOfWork } from './unit-of-work.js';

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
  /** Messages that it acknowledges or reads. */
  readonly receipts?: readonly ReceiptRequest[] | undefined;
  /** Asked first, under the lock; reads only. A refusal here does not disturb the other writes of a group. */
  check(unit: UnitOfWork): Promise<void>;
  run(unit: UnitOfWork): Promise<T>;
  /** Writes of one line are done in the order they come: each when the one before is committed or refused, or with it. */
  readonly line?: symbol | undefined;
  /** Aborted when the event's time is up: its sender was told so, and nothing of it may be committed any more. */
  readonly signal?: Deadline | undefined;
}
