import type { Deadline } from '../store/deadline.js';

/** The time of one event: over when it was told that it failed. */
export class EventTime implements Deadline {
  readonly #until: number;
  #end: { readonly reason: unknown } | undefined;

  /** @param milliseconds after which it is told so */
  constructor(milliseconds: number) {
    this.#until = performance.now() + milliseconds;
  }

  left(): number {
    return Math.max(0, this.#until - performance.now());
  }

  end(reason: unknown): void {
    this.#end = { reason };
  }

  throwIfAborted(): void {
    if (this.#end) throw this.#end.reason;
  }
}
