/** The figures at the end, for people and as JSON. */
import { cpus, totalmem } from 'node:os';
import type { LogScan } from './log-scan.js';
import type { Memory } from './memory.js';
import type { SoakOptions } from './options.js';
import type { Report } from './report.js';

/** What the figures are made of. */
export interface FigureSources {
  readonly options: SoakOptions;
  readonly report: Report;
  readonly scan: LogScan;
  readonly memory: { readonly start: Memory; readonly end: Memory; readonly highest: Memory };
}

/** All figures as one object. */
export function figures({ options, report, scan, memory }: FigureSources) {
  const kinds = new Map<string, { times: number; recovery: number }>();
  for (const { name, recovery } of report.faults) {
    const known = kinds.get(name) ?? { times: 0, recovery: 0 };
    kinds.set(name, { times: known.times + 1, recovery: Math.max(known.recovery, recovery) });
  }
  return {
    date: new Date().toISOString(),
    machine: `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}`,
    minutes: options.minutes,
    seed: options.seed,
    seconds: report.seconds,
    faults: report.faults.length,
    faultKinds: Object.fromEntries([...kinds].sort(([a], [b]) => a.localeCompare(b))),
    messages: report.counted('messages acknowledged'),
    losses: report.breachCount('loss'),
    duplicates: report.breachCount('duplicate'),
    reorderings: report.breachCount('reordering'),
    leaks: report.breachCount('leak'),
    breaches: report.breachCount(),
    breachTexts: report.breaches,
    memory,
    slowest: report.slowest,
    counts: report.counts,
    unexpectedLogLines: scan.unexpected(),
    logLines: scan.all(),
  };
}

/** The figures as text. */
export function figuresText(sources: FigureSources): string {
  const all = figures(sources);
  const lines = [
    `Soak of ${all.minutes} minutes, seed ${all.seed}, on ${all.machine}`,
    `  faults        ${all.faults} of ${Object.keys(all.faultKinds).length} kinds`,
    `  messages      ${all.messages} acknowledged, ${sources.report.counted('broadcasts received')} broadcasts received`,
    `  losses        ${all.losses}`,
    `  duplicates    ${all.duplicates}`,
    `  reorderings   ${all.reorderings}`,
    `  leaks         ${all.leaks}`,
    `  breaches      ${all.breaches} in all`,
    '  memory (MB)   of processes that lived on, after warm-up and at the end; and the most that any held',
    ...Object.entries(all.memory.highest).map(
      ([name, most]) => `    ${name}: ${all.memory.start[name] ?? '-'} -> ${all.memory.end[name] ?? '-'}, most ${most}`,
    ),
    '  slowest answers and others (ms)',
    ...Object.entries(all.slowest).map(([name, time]) => `    ${name}: ${time}`),
    '  counts',
    ...Object.entries(all.counts).map(([name, count]) => `    ${name}: ${count}`),
    '  faults, how often, and the longest time until all was well again (ms)',
    ...Object.entries(all.faultKinds).map(([name, { times, recovery }]) => `    ${name}: ${times}, ${recovery}`),
    '  log lines that no outage explains',
    ...all.unexpectedLogLines.slice(0, 20).map(({ count, sample }) => `    ${count} x ${sample}`),
  ];
  return `${lines.join('\n')}\n`;
}
