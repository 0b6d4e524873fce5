/** What of an `AbortSignal` a write needs; that itself costs more than most of a message's promises. */
export interface Deadline extends Pick<AbortSignal, 'throwIfAborted'> {
  /** Milliseconds until it will be aborted; none when it is overdue. */
  left(): number;
}

/** The first of several. */
export class Earliest implements Deadline {
  readonly #all: ReadonlyArray<Deadline | undefined>;

  constructor(all: ReadonlyArray<Deadline | undefined>) {
    this.#all = all;
  }

  throwIfAborted(): void {
    for (const one of this.#all) one?.throwIfAborted();
  }

  left(): number {
    return Math.min(...this.#all.map((one) => one?.left() ?? Number.POSITIVE_INFINITY));
  }
}
