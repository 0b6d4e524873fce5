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
  /** Where the figures are written as JSON, too. */
  readonly output: string | undefined;
}

/** Frames of the fuzzer in half an hour; a shorter soak sends its share. */
const FUZZ_FRAMES = 200_000;
const FULL_MINUTES = 30;

/** Reads `[minutes] [seed]`, or SOAK_MINUTES, SOAK_SEED, SOAK_FAULT_EVERY, SOAK_FAULTS and SOAK_OUTPUT. */
export function readOptions(args: readonly string[], env: NodeJS.ProcessEnv): SoakOptions {
  return {
    minutes: number('The minutes', args[0] ?? env.SOAK_MINUTES, FULL_MINUTES, 0.5, 1440),
    seed: number('The seed', args[1] ?? env.SOAK_SEED, Math.floor(Math.random() * 2 ** 31), 0, 2 ** 31),
    faultEvery: number('SOAK_FAULT_EVERY', env.SOAK_FAULT_EVERY, 20, 1, 3600),
    faults: env.SOAK_FAULTS ? env.SOAK_FAULTS.split(',') : [],
    output: env.SOAK_OUTPUT || undefined,
  };
}

/** The share of the fuzzer's frames that a soak of so many minutes sends. */
export function fuzzFrames(minutes: number): number {
  return Math.ceil((FUZZ_FRAMES * minutes) / FULL_MINUTES);
}

function number(what: string, text: string | undefined, fallback: number, least: number, most: number): number {
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!(value >= least && value <= most)) throw new Error(`${what} must be from ${least} to ${most}, not "${text}".`);
  return value;
}
