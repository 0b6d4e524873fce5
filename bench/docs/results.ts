/** Recorded results: a file that the page and its charts are made of. A scene that is run again replaces its lines. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { findService } from '../../test/helpers/install-services.js';
import type { BenchOptions } from '../options.js';
import type { Line } from '../report.js';

/** One scene as it was recorded. */
export interface SceneResult {
  readonly name: string;
  /** Day of the run, `YYYY-MM-DD`. */
  readonly date: string;
  readonly machine: string;
  /** How it was measured. */
  readonly runs: number;
  readonly seconds: number;
  readonly inFlight: number;
  readonly lines: readonly Line[];
}

/** Reads what was recorded. */
export function readResults(file: string): SceneResult[] {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as SceneResult[]) : [];
}

/** Puts scenes into the file, in the order given. */
export function writeResults(file: string, order: readonly string[], results: readonly SceneResult[]): SceneResult[] {
  const byName = new Map([...readResults(file), ...results].map((result) => [result.name, result]));
  const all = order.map((name) => byName.get(name)).filter((result) => result !== undefined);
  writeFileSync(file, `${JSON.stringify(all, null, 2)}\n`);
  return all;
}

/** The result of a scene that has just run. */
export function resultOf(name: string, lines: readonly Line[], options: BenchOptions): SceneResult {
  const { runs, window, inFlight } = options;
  const date = new Date().toISOString().slice(0, 10);
  const exact = lines.map((line) => ({ ...line, values: rounded(line.values) }));
  return { name, date, machine: machine(), runs, seconds: window / 1000, inFlight, lines: exact };
}

function rounded(values: Readonly<Record<string, number>>): Record<string, number> {
  const measured = Object.entries(values).filter(([, value]) => Number.isFinite(value));
  return Object.fromEntries(measured.map(([label, value]) => [label, Number(value.toPrecision(4))]));
}

/** The type of a file system that is in memory, on Linux. */
const tmpfs = 0x01021994;

/** What it ran on, in a sentence. */
function machine(): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const parts = [
    `${cpus().length} cores (${cpu?.model.trim() || 'unknown'}), ${memory} GiB`,
    `Node ${process.version}`,
  ];
  for (const name of ['mariadb', 'redis'] as const) {
    const program = findService(name);
    if (!program) continue;
    const text = execFileSync(program, ['--version'], { encoding: 'utf8' });
    const version = /(?:Ver |v=)(\d+\.\d+\.\d+)/.exec(text)?.[1];
    if (version) parts.push(`${name === 'redis' ? 'Redis' : 'MariaDB'} ${version}`);
  }
  if (statfsSync(tmpdir()).type === tmpfs) parts.push('data of MariaDB and Redis in memory');
  return parts.join(', ');
}
