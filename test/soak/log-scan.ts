/** What the processes under test print: lines that tell of an outage are expected here, all others are shown. */

/** What an outage makes the product say, rightly. */
const EXPECTED =
  /Redis|The outcome|Connecting failed|Disconnecting failed|Catching up|Fetching missed|ECONN|EPIPE|locks of|Connection|database|Not ready/i;

/** Counts lines at the levels warn and error, alike ones together. */
export class LogScan {
  readonly #counts = new Map<string, { count: number; sample: string }>();
  readonly #rests = new Map<string, string>();

  take(name: string, text: string): void {
    const lines = ((this.#rests.get(name) ?? '') + text).split('\n');
    this.#rests.set(name, lines.pop() ?? '');
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    if (!/\b(error|warn)\b/i.test(line)) return;
    const key = line
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '')
      .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '<id>')
      .replace(/\d+/g, '<n>')
      .slice(0, 160);
    const known = this.#counts.get(key);
    if (known) known.count += 1;
    else if (this.#counts.size < 500) this.#counts.set(key, { count: 1, sample: line.slice(0, 1500) });
  }

  /** The lines that no outage explains, the most frequent first. */
  unexpected(): Array<{ count: number; sample: string }> {
    return [...this.#counts.values()].filter(({ sample }) => !EXPECTED.test(sample)).sort((a, b) => b.count - a.count);
  }

  all(): Array<{ count: number; sample: string }> {
    return [...this.#counts.values()].sort((a, b) => b.count - a.count);
  }
}
