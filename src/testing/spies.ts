/** Waiting for what happens inside a chat, without sleeping. */
import type { Chat } from '../chat.js';
import type { QueueEventMap } from '../queue/queue.js';

/** How long a spy waits before it throws. */
export interface WaitOptions {
  /** Milliseconds, default 15,000. */
  readonly timeout?: number;
}

interface Waiter<T> {
  matches(value: T): boolean;
  resolve(value: T): void;
}

/** Keeps what an override tells it, and lets a test wait for that: a fake webhook, push service or table of counts. */
export class Spy<T = unknown> {
  /** All that was told, oldest first. */
  readonly calls: T[] = [];
  private readonly pending: T[] = [];
  private readonly waiters: Waiter<T>[] = [];

  /** Called by the code under test. Bound, so that it can be given away as a function. */
  readonly call = (value: T): void => {
    this.calls.push(value);
    const index = this.waiters.findIndex((waiter) => waiter.matches(value));
    if (index >= 0) this.waiters.splice(index, 1)[0]!.resolve(value);
    else this.pending.push(value);
  };

  /** The next call for which `predicate` holds, an earlier one that no `next` took included. */
  next(predicate: (value: T) => boolean = () => true, { timeout = 15_000 }: WaitOptions = {}): Promise<T> {
    const index = this.pending.findIndex(predicate);
    if (index >= 0) return Promise.resolve(this.pending.splice(index, 1)[0]!);
    // Made here, so that its stack names the test that waits.
    const late = new Error(`The spy was not called within ${timeout} ms; calls so far: ${this.calls.length}`);
    return new Promise((resolve, reject) => {
      const waiter: Waiter<T> = {
        matches: predicate,
        resolve(value) {
          clearTimeout(timer);
          resolve(value);
        },
      };
      const timer = setTimeout(() => {
        this.waiters.splice(this.waiters.indexOf(waiter), 1);
        reject(late);
      }, timeout);
      this.waiters.push(waiter);
    });
  }
}

/**
 * Resolves with the next event of the queue of that name for which `predicate` holds. Call it before the event is sent,
 * await it after. Only events of sockets pass the queue; `chat.as(...)` runs at once.
 */
export function waitForQueueEvent<Name extends Exclude<keyof QueueEventMap, 'error'>>(
  chat: Pick<Chat, 'queueEvents'>,
  name: Name,
  predicate: (event: QueueEventMap[Name][0]) => boolean = () => true,
  { timeout = 15_000 }: WaitOptions = {},
): Promise<QueueEventMap[Name][0]> {
  // The names and their listeners belong together, which the emitter's own type cannot say of a name left open.
  const events = chat.queueEvents as unknown as {
    on(name: Name, listener: (event: QueueEventMap[Name][0]) => void): void;
    off(name: Name, listener: (event: QueueEventMap[Name][0]) => void): void;
  };
  const late = new Error(`The queue told of no ${name} event that matches within ${timeout} ms`);
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      clearTimeout(timer);
      events.off(name, listener);
      settle();
    };
    const listener = (event: QueueEventMap[Name][0]) => {
      try {
        if (predicate(event)) end(() => resolve(event));
      } catch (error) {
        end(() => reject(error));
      }
    };
    const timer = setTimeout(() => end(() => reject(late)), timeout);
    events.on(name, listener);
  });
}
