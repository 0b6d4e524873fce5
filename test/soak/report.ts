/** What a soak found: breaches of promises, and figures. */

/** Which promise was broken. */
export type BreachKind =
  | 'loss'
  | 'duplicate'
  | 'reordering'
  | 'leak'
  | 'answer'
  | 'process'
  | 'recovery'
  | 'queue'
  | 'memory'
  | 'soak';

/** One broken promise, in words. */
export interface Breach {
  readonly kind: BreachKind;
  readonly text: string;
  /** Seconds since the start. */
  readonly at: number;
}

/** One fault and what it cost. */
export interface FaultRecord {
  readonly name: string;
  readonly at: number;
  /** Milliseconds that it was kept up. */
  readonly lasted: number;
  /** Milliseconds from its end until both gateways carried a message again. */
  readonly recovery: number;
}

/** Breaches printed and kept one by one; more are only counted. */
const MAX_KEPT = 200;

/** Collects while the soak runs. */
export class Report {
  /** Somebody has asked the soak to end: Ctrl-C ends its children too. */
  isStopping = false;
  readonly startedAt = Date.now();
  readonly breaches: Breach[] = [];
  readonly faults: FaultRecord[] = [];
  readonly #counts = new Map<string, number>();
  readonly #kinds = new Map<BreachKind, number>();
  readonly #slowest = new Map<string, number>();

  /** Seconds since the start. */
  get seconds(): number {
    return Math.round((Date.now() - this.startedAt) / 100) / 10;
  }

  breach(kind: BreachKind, text: string): void {
    const count = (this.#kinds.get(kind) ?? 0) + 1;
    this.#kinds.set(kind, count);
    if (this.breaches.length >= MAX_KEPT) return;
    this.breaches.push({ kind, text, at: this.seconds });
    this.say(`BREACH ${kind}: ${text}`);
  }

  breachCount(kind?: BreachKind): number {
    if (kind) return this.#kinds.get(kind) ?? 0;
    return [...this.#kinds.values()].reduce((sum, count) => sum + count, 0);
  }

  count(name: string, by = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by);
  }

  counted(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  get counts(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => a.localeCompare(b)));
  }

  /** Keeps the longest time of that name. */
  took(name: string, milliseconds: number): void {
    this.#slowest.set(name, Math.max(this.#slowest.get(name) ?? 0, Math.round(milliseconds)));
  }

  get slowest(): Record<string, number> {
    return Object.fromEntries(this.#slowest);
  }

  say(text: string): void {
    process.stdout.write(`${this.seconds.toFixed(1).padStart(7)} s  ${text}\n`);
  }
}
