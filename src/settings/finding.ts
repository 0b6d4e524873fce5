/** What a look at the surroundings found: one sentence that, unless all is well, says what to do. */
export interface Finding {
  /** `error`: something will fail or be lost. `warning`: it may, in some cases. */
  readonly level: 'ok' | 'warning' | 'error';
  readonly text: string;
}

/** Seconds that a clock may differ by before anybody is told. */
const tolerated = 2;

/**
 * Compares another machine's clock with this one's, all in milliseconds since the epoch: what it said, and the times
 * between which it was asked.
 */
export function compareClocks(whose: string, said: number, asked: number, answered: number): Finding {
  const off = said > answered ? said - answered : said < asked ? said - asked : 0;
  const seconds = Math.round(Math.abs(off) / 1000);
  if (seconds < tolerated) return { level: 'ok', text: `The clock of ${whose} agrees with this machine's.` };
  return {
    level: 'warning',
    text:
      `The clock of ${whose} is ${seconds} s ${off > 0 ? 'ahead of' : 'behind'} this machine's, so that times and expiries ` +
      'are wrong by as much (order is not): let NTP set both.',
  };
}

/** What is not `ok`, as sentences. */
export function complaintsOf(findings: readonly Finding[], level?: 'warning' | 'error'): string[] {
  return findings
    .filter((finding) => (level ? finding.level === level : finding.level !== 'ok'))
    .map(({ text }) => text);
}
