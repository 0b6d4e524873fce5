/** One fault after the other, and after each of them the proof that the system is well again. */
import { connectTestClient } from '../../src/testing/client.js';
import { until } from '../helpers/processes.js';
import { type Fault, type FaultContext, serverFaults } from './faults.js';
import type { Person } from './people.js';
import { createBag, type Random } from './random.js';
import type { Report } from './report.js';
import type { System } from './system.js';

/** What the loop works with. */
export interface ChaosOptions {
  readonly system: System;
  readonly report: Report;
  readonly random: Random;
  readonly faults: readonly Fault[];
  /** Seconds between the beginnings of two faults. */
  readonly every: number;
  /** When to stop, in milliseconds since the epoch; and from when on to let the first processes live. */
  readonly until: number;
  readonly spareFrom: number;
  /** The first fault of that time, because it costs the most memory; then what the processes hold is looked at. */
  readonly heaviest: Fault | undefined;
  measure(): void;
  /** Somebody who sends to a room of their own, to see that it works. */
  readonly probe: Person;
  readonly probeRoom: string;
  /** Resolves when the soak is stopped early. */
  readonly stopped: Promise<void>;
  isStopped(): boolean;
}

/** The longest that getting well may take. */
const RECOVERY_LIMIT = 60_000;

/** The faults of that name, or all. */
export function chooseFaults(all: readonly Fault[], names: readonly string[]): Fault[] {
  const chosen = names.length === 0 ? [...all] : all.filter(({ name }) => names.includes(name));
  if (chosen.length === 0) throw new Error(`SOAK_FAULTS names none of: ${all.map(({ name }) => name).join(', ')}.`);
  return chosen;
}

export { serverFaults };

/** Runs faults until it is time. */
export async function runFaults(options: ChaosOptions): Promise<void> {
  const { report, random, every, stopped, isStopped } = options;
  const next = createBag(random, options.faults);
  let isSpared = false;
  while (Date.now() < options.until && !isStopped()) {
    const began = Date.now();
    // From then on processes live to the end, and what they hold can be compared.
    const begins: boolean = !isSpared && began >= options.spareFrom;
    isSpared ||= begins;
    const fault = (begins && options.heaviest) || next();
    const context: FaultContext = {
      system: options.system,
      random,
      sparesFirst: isSpared,
      stopped,
      wait: (seconds) => Promise.race([sleep(seconds * 1000), stopped]),
    };
    const at = report.seconds;
    try {
      await fault.run(context);
    } catch (error) {
      report.breach('soak', `The fault "${fault.name}" could not be made: ${(error as Error).stack}`);
    }
    const lasted = Date.now() - began;
    const over = performance.now();
    await Promise.race([expectWell(options, fault.name), stopped]);
    if (isStopped()) return;
    if (begins) options.measure();
    const recovery = Math.round(performance.now() - over);
    report.faults.push({ name: fault.name, at, lasted, recovery });
    report.say(`${fault.name}: ${(lasted / 1000).toFixed(1)} s, well again after ${(recovery / 1000).toFixed(1)} s`);
    await Promise.race([sleep(Math.max(0, every * 1000 - (Date.now() - began))), stopped]);
  }
}

/** A message goes through each gateway. */
async function expectWell({ system, report, probe, probeRoom }: ChaosOptions, fault: string): Promise<void> {
  await Promise.all(
    system.gateways.map(({ direct, instance }) =>
      until(
        `${instance.name} is well after "${fault}"`,
        async () => {
          const client = await connectTestClient(direct, { token: probe.token, timeout: 5000 });
          try {
            const answer = await client.request('message.send', { room_id: probeRoom, content: 'well' });
            if (answer.error) throw new Error(JSON.stringify(answer.error));
          } finally {
            await client.terminate();
          }
        },
        RECOVERY_LIMIT,
      ).catch((error: Error) => report.breach('recovery', error.message)),
    ),
  );
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
