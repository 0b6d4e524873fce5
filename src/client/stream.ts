import { ChatError, ClientErrorCode } from './error.js';

/** Events that may wait for a loop that is slower than they come. */
const maxQueued = 10_000;

/** Events as they come, for `for await`. `listen` is called at once, and what it returns when the loop ends. */
export class Stream<T> implements AsyncIterableIterator<T> {
  readonly #queue: T[] = [];
  readonly #waiting: Array<{ resolve(result: IteratorResult<T>): void; reject(error: unknown): void }> = [];
  readonly #stop: () => void;
  #error: unknown;
  #isOver = false;

  constructor(listen: (push: (event: T) => void, end: () => void) => () => void) {
    this.#stop = listen(
      (event) => this.#push(event),
      () => void this.return(),
    );
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#queue.length > 0) return Promise.resolve({ value: this.#queue.shift()!, done: false });
    if (this.#error) return Promise.reject(this.#error);
    if (this.#isOver) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  return(): Promise<IteratorResult<T>> {
    this.#isOver = true;
    this.#stop();
    for (const { resolve } of this.#waiting.splice(0)) resolve({ value: undefined, done: true });
    return Promise.resolve({ value: undefined, done: true });
  }

  #push(event: T): void {
    if (this.#isOver) return;
    const waiter = this.#waiting.shift();
    if (waiter) {
      waiter.resolve({ value: event, done: false });
      return;
    }
    this.#queue.push(event);
    if (this.#queue.length <= maxQueued) return;
    // Events left out in silence would be worse than an end.
    this.#error = new ChatError(ClientErrorCode.full, 'The loop is too slow for the events that come.');
    this.#queue.length = 0;
    void this.return();
  }
}
