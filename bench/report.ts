/** What a bench found, printed as it comes. */

/** One line: a measure of a scene, by server. */
export interface Line {
  readonly scene: string;
  readonly measure: string;
  readonly unit: string;
  /** Whether more is better. */
  readonly more: boolean;
  readonly values: Readonly<Record<string, number>>;
}

/** The lines so far. */
export class Report {
  readonly lines: Line[] = [];
  #scene = '';

  /** Something for whoever watches. */
  note(text: string): void {
    process.stdout.write(`    ${text}\n`);
  }

  add(line: Line): void {
    this.lines.push(line);
    if (line.scene !== this.#scene) process.stdout.write(`\n${line.scene}\n`);
    this.#scene = line.scene;
    const values = Object.entries(line.values).map(([name, value]) => `${name} ${format(value)}`);
    const ratio = ratioOf(line);
    const end = ratio === undefined ? '' : `   x${format(ratio)}`;
    process.stdout.write(`  ${`${line.measure} (${line.unit})`.padEnd(50)} ${values.join('   ')}${end}\n`);
  }
}

/** How many times better ours is than another server, the peer unless named; undefined where there are not both. */
export function ratioOf({ values, more }: Line, other = 'peer'): number | undefined {
  const { ours, [other]: theirs } = values;
  if (!ours || !theirs) return undefined;
  return more ? ours / theirs : theirs / ours;
}

/** A number as a reader wants it: three digits that matter. */
export function format(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return '-';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  if (Math.abs(value) < 0.001) return '0';
  return String(Number(value.toPrecision(3)));
}
