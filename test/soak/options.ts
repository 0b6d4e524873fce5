/** What a soak is told on its command line and in its environment. */

/** How long and how hard. */
export interface SoakOptions {
  /** Minutes of load; starting, settling and checking come on top. */
  readonly minutes: number;
  /** Chooses what happens; the same seed makes the same choices, though never the same timing. */
  readonly seed: number;
  /** Seconds between the beginnings of two faults. */
  readonly faultEvery: number;
  /** Names of the faults to choose from; empty: all. */
  readonly faults: readonly string[];
  /** Frames that the fuzzer sends. */
  readonly fuzz: number;
  /** Connections that come back all at once, in the fault that does that. */
  readonly rush: number;
  /** Where the figures are written as JSON, too. */
  readonly output: string | undefined;
  /** Whether the result is written into docs/guarantees.md. */
  readonly isRecorded: boolean;
}

/** Frames of the fuzzer in half an hour; a shorter soak sends its share. */
const FUZZ_FRAMES = 200_000;
const FULL_MINUTES = 30;

/** Connections that come back at once; a soak that is shorter has no time for as many. */
const RUSH = 10_000;
const SHORT_RUSH = 1000;

/**
 * Reads `[minutes] [seed]`, or SOAK_MINUTES, SOAK_SEED, SOAK_FAULT_EVERY, SOAK_FAULTS, SOAK_RUSH,
 * SOAK_FUZZ, SOAK_OUTPUT and SOAK_RECORD.
 */
export function readOptions(args: readonly string[], env: NodeJS.ProcessEnv): SoakOptions {
  const minutes = number('The minutes', args[0] ?? env.SOAK_MINUTES, FULL_MINUTES, 0.5, 1440);
  return {
    minutes,
    seed: number('The seed', args[1] ?? env.SOAK_SEED, Math.floor(Math.random() * 2 ** 31), 0, 2 ** 31),
    faultEvery: number('SOAK_FAULT_EVERY', env.SOAK_FAULT_EVERY, 20, 1, 3600),
    faults: env.SOAK_FAULTS ? env.SOAK_FAULTS.split(',') : [],
    fuzz: number('SOAK_FUZZ', env.SOAK_FUZZ, share(minutes), 0, 1e9),
    rush: number('SOAK_RUSH', env.SOAK_RUSH, minutes < FULL_MINUTES ? SHORT_RUSH : RUSH, 1, 15_000),
    output: env.SOAK_OUTPUT || undefined,
    isRecorded: env.SOAK_RECORD === '1',
  };
}

/** A shorter soak fuzzes less, a longer one more. */
function share(minutes: number): number {
  return Math.ceil((FUZZ_FRAMES * minutes) / FULL_MINUTES);
}

function number(what: string, text: string | undefined, fallback: number, least: number, most: number): number {
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!(value >= least && value <= most)) throw new Error(`${what} must be from ${least} to ${most}, not "${text}".`);
  return value;
}
