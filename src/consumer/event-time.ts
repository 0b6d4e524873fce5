import type { Deadline } from '../store/write.js';

/** The time of one event: over when it was told that it failed. */
export class EventTime implements Deadline {
  #end: { readonly reason: unknown } | undefined;

  end(reason: unknown): void {
    this.#end = { reason };
  }

  throwIfAborted(): void {
    if (this.#end) throw this.#end.reason;
  }
}
