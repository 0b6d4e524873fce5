/** Writes a soak's figures into the section of docs/guarantees.md that is for them. */
import { readFile, writeFile } from 'node:fs/promises';
import type { figures } from './figures.js';

/** The figures of a soak, as they are written with SOAK_OUTPUT. */
export type Figures = ReturnType<typeof figures>;

/** Between these lines of the page stands the last result. */
const BEGIN = '<!-- The last result: written by SOAK_RECORD=1 npm run soak -->';
const END = '<!-- The end of the last result -->';

/** The page with the result in place of the one before. */
export function withResult(page: string, result: Figures): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error('The page has no place for the result of a soak.');
  return `${page.slice(0, begin + BEGIN.length)}\n\n${resultText(result)}\n${page.slice(end)}`;
}

/** Puts the result into the page of that path. */
export async function record(path: string, result: Figures): Promise<void> {
  await writeFile(path, withResult(await readFile(path, 'utf8'), result));
}

/** The section. */
function resultText(result: Figures): string {
  const { counts, memory, slowest } = result;
  const number = (value: number | undefined) => (value ?? 0).toLocaleString('en-US');
  const times = Object.values(result.faultKinds).map(({ recovery }) => recovery);
  const rush = Object.entries(slowest).find(([name]) => name.endsWith(' came back'));
  const others = result.breaches - result.losses - result.duplicates - result.reorderings - result.leaks;
  const held = Object.entries(memory.start).map(([name, start]) => `${name} ${start} to ${memory.end[name] ?? '?'} MB`);
  const rows: Array<[string, string]> = [
    ['machine', result.machine],
    ['time, seed', `${result.minutes} minutes, ${result.seed}`],
    ['faults', `${result.faults}, of ${Object.keys(result.faultKinds).length} kinds`],
    ['messages acknowledged', number(result.messages)],
    [
      'broadcasts checked; received by all devices',
      `${number(counts['broadcasts checked'])}; ${number(counts['broadcasts received'])}`,
    ],
    ['frames fuzzed', number(counts['frames fuzzed'])],
    ...(rush
      ? [
          [
            `the slowest time until ${number(Number.parseInt(rush[0], 10))} clients that came back at once were in`,
            `${(rush[1] / 1000).toFixed(1)} s`,
          ] as [string, string],
          [
            'the slowest answer to somebody else meanwhile',
            `${((slowest['others meanwhile'] ?? 0) / 1000).toFixed(1)} s`,
          ] as [string, string],
        ]
      : []),
    ['losses', number(result.losses)],
    ['duplicates', number(result.duplicates)],
    ['reorderings', number(result.reorderings)],
    ['broadcasts to strangers', number(result.leaks)],
    ['other breaches', number(others)],
    ['memory after warm-up and at the end', held.join(', ') || 'not compared'],
    ['the most that a process held', `${Math.max(0, ...Object.values(memory.highest))} MB`],
    [
      'longest until both gateways carried messages again, after a fault had ended',
      `${(Math.max(0, ...times) / 1000).toFixed(1)} s`,
    ],
  ];
  const lines = rows.map(([what, value]) => `| ${what} | ${value} |`);
  return `| what | ${result.date.slice(0, 10)} |\n| --- | --- |\n${lines.join('\n')}\n`;
}
