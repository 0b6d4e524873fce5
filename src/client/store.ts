/**
 * State that can be watched: `get` gives the same object until something in it changes. It is kept up to date while
 * somebody is subscribed, from the first to the last.
 */
export abstract class Store<T extends object> {
  #state: T;
  readonly #listeners = new Set<() => void>();
  #stop: (() => void) | undefined;
  #stopping: ReturnType<typeof setTimeout> | undefined;

  constructor(state: T) {
    this.#state = state;
  }

  /** Whether it is kept up to date now. */
  get isWatched(): boolean {
    return this.#stop !== undefined;
  }

  /** The state now. */
  readonly get = (): T => this.#state;

  /** Calls `listener` after each change. Returns the function that ends that. */
  readonly subscribe = (listener: () => void): (() => void) => {
    // Each its own, so that one given twice is called twice and ends twice.
    const own = () => listener();
    this.#listeners.add(own);
    clearTimeout(this.#stopping);
    this.#stop ??= this.start();
    return () => {
      if (!this.#listeners.delete(own) || this.#listeners.size > 0) return;
      // Not at once: React's StrictMode ends and begins again in one go.
      this.#stopping = setTimeout(() => {
        this.#stop?.();
        this.#stop = undefined;
      });
    };
  };

  /** Begins to listen and to load; returns what ends that. */
  protected abstract start(): () => void;

  /** Changes some keys; tells nobody when they are what they were. */
  protected set(changes: Partial<T>): void {
    const keys = Object.keys(changes) as Array<keyof T>;
    if (keys.every((key) => Object.is(this.#state[key], changes[key]))) return;
    this.#state = { ...this.#state, ...changes };
    for (const listener of [...this.#listeners]) listener();
  }
}
