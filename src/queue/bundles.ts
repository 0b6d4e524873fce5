/**
 * Events that are added at the same moment travel as one job of the queue, a bundle: under load a job of its own would cost
 * an event as much as all that is done in it. A bundle is of the queue alone: whoever adds and whoever runs events sees
 * each by itself. What a bundle cannot end well ends as a job of its own.
 */
import { newId } from '../new-id.js';
import type { Places } from '../places.js';
import { runInOrder } from './in-order.js';
import type { ChatJob, ConsumeOptions, Line, PartRun } from './queue.js';

/** The type of a job that holds several events: in its `data`, in lists of what is to be run in order. */
export const BUNDLE = '$bundle';
/** Fewer events than `least` go one by one, more than `most` in several bundles. Those in order are never parted. */
const size = { least: 4, most: 64 };

/** Events to be run in this order; mostly one. */
type Unit = readonly ChatJob[];

interface Waiting {
  readonly unit: Unit;
  resolve(): void;
  reject(error: unknown): void;
}

/** Adds what comes in the same turn of the event loop together by `add`; resolves when it is added. */
export function bundling(add: (job: ChatJob) => Promise<void>): (unit: Unit) => Promise<void> {
  let waiting: Waiting[] = [];

  function leave(): void {
    const all = waiting;
    waiting = [];
    let some: Waiting[] = [];
    let count = 0;
    for (const one of all) {
      if (count + one.unit.length > size.most) {
        void send(some);
        some = [];
        count = 0;
      }
      some.push(one);
      count += one.unit.length;
    }
    void send(some);
  }

  async function send(some: readonly Waiting[]): Promise<void> {
    const isFew = some.length < size.least && some.every(({ unit }) => unit.length === 1);
    if (isFew) return sendEach(some);
    try {
      await add(bundleOf(some.map(({ unit }) => unit)));
      for (const { resolve } of some) resolve();
    } catch (error) {
      // One of them is not JSON: the others do not suffer for it.
      if (error instanceof TypeError && some.length > 1) return sendEach(some);
      for (const { reject } of some) reject(error);
    }
  }

  function sendEach(some: readonly Waiting[]): void {
    for (const { unit, resolve, reject } of some) add(jobOf(unit)).then(resolve, reject);
  }

  return (unit) =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) setImmediate(leave);
      waiting.push({ unit, resolve, reject });
    });
}

/** A job that holds these alone. */
function jobOf(unit: Unit, id?: string): ChatJob {
  return unit.length === 1 ? unit[0]! : bundleOf([unit], id);
}

function bundleOf(units: readonly Unit[], id = newId()): ChatJob {
  const nobody = { userId: '', gatewayId: '', connectionId: '' };
  return { id, type: BUNDLE, ...nobody, data: units, addedAt: Date.now() };
}

/** The events in a job: those of a bundle, or itself. */
export function eventsOf(job: ChatJob): readonly ChatJob[] {
  return job.type === BUNDLE ? (job.data as Unit[]).flat() : [job];
}

export interface BundleOptions {
  /** Runs one event. */
  readonly run: ConsumeOptions['run'];
  readonly earlierRuns: number;
  /** What runs at once in this process; what runs in order counts once. */
  readonly places: Places;
  /** Whether nothing new is to be begun here. */
  isClosing(): boolean;
  /** Adds a job in the place of this bundle; with `failure` one that fails at once for this reason. */
  passOn(job: ChatJob, failure?: unknown): Promise<void>;
}

/** Runs the events of a bundle. Resolves with what became of those that ended here. */
export async function runBundle(
  bundle: ChatJob,
  { run, earlierRuns, places, isClosing, passOn }: BundleOptions,
): Promise<PartRun[]> {
  const units = bundle.data as Unit[];
  if (earlierRuns > 0 && units.length > 1) {
    // One of them may have ended its worker: alone it cannot take the others with it again. Under names that are always
    // the same: a worker may freeze when it has passed them on, and the next one passes on what is there already.
    const again = units.map((unit) => unit.map((job) => ({ ...job, resent: true })));
    await Promise.all(again.map((unit) => passOn(jobOf(unit, unit[0]!.id))));
    return [];
  }
  const start = performance.now();

  async function runOne(job: ChatJob, line: Line | undefined): Promise<PartRun[]> {
    const { id, type, userId, roomId } = job;
    const begun = performance.now();
    try {
      await run(job, { earlierRuns, line }, () => {});
      return [{ id, type, userId, roomId, begun: begun - start, duration: performance.now() - begun }];
    } catch (error) {
      await passOn(job, error);
      return [];
    }
  }

  const runs = units.map((unit) =>
    places.use(async () => {
      if (!isClosing()) return runInOrder(unit, runOne);
      await passOn(jobOf(unit));
      return [];
    }),
  );
  return (await Promise.all(runs)).flat(2);
}
