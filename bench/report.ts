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
    const [ours, peer] = [line.values.ours, line.values.peer];
    const ratio = ours && peer ? `   x${format(line.more ? ours / peer : peer / ours)}` : '';
    process.stdout.write(`  ${`${line.measure} (${line.unit})`.padEnd(46)} ${values.join('   ')}${ratio}\n`);
  }
}

/** A number as a reader wants it: three digits that matter. */
export function format(value: number): string {
  if (!Number.isFinite(value)) return '-';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}
