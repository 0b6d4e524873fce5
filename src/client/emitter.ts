/** Listeners by event. One that throws does not keep the others from hearing. */
export class Emitter<Events> {
  readonly #listeners = new Map<keyof Events, Set<(...args: never[]) => void>>();

  /** Returns the function that takes the listener away again. */
  on<E extends keyof Events>(event: E, listener: Events[E] & ((...args: never[]) => void)): () => void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
    return () => {
      listeners.delete(listener);
    };
  }

  emit<E extends keyof Events>(event: E, ...args: Events[E] extends (...args: infer A) => void ? A : never): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) {
      try {
        (listener as (...args: unknown[]) => void)(...args);
      } catch (error) {
        // Told to the program as an error nobody caught, as an EventTarget does.
        setTimeout(() => {
          throw error;
        });
      }
    }
  }
}
