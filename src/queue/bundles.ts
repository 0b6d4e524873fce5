/**
 * Events that are added at the same moment travel as one job of the queue, a bundle: under load a job of its own would cost
 * an event as much as all that is done in it. A bundle is of the queue alone: whoever adds and whoever runs events sees
 * each by itself. What a bundle cannot end well ends as a job of its own.
 */
import { v7 as newId } from 'uuid';
import type { ChatJob, ConsumeOptions, PartRun } from './queue.js';

/** The type of a job that holds several events, in its `data`. */
export const BUNDLE = '$bundle';
/** Fewer than `least` go one by one, more than `most` in several bundles. */
const size = { least: 4, most: 64 };

interface Waiting {
  readonly job: ChatJob;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Adds jobs that come in the same turn of the event loop together; resolves for each when it is added.
 *
 * @param add adds one job, or a bundle of `parts`
 */
export function bundling(
  add: (job: ChatJob, parts?: readonly ChatJob[]) => Promise<void>,
): (job: ChatJob) => Promise<void> {
  let waiting: Waiting[] = [];

  function leave(): void {
    const all = waiting;
    waiting = [];
    for (let at = 0; at < all.length; at += size.most) {
      const some = all.slice(at, at + size.most);
      if (some.length < size.least) addEach(some);
      else void addTogether(some);
    }
  }

  function addEach(some: readonly Waiting[]): void {
    for (const { job, resolve, reject } of some) add(job).then(resolve, reject);
  }

  async function addTogether(some: readonly Waiting[]): Promise<void> {
    const jobs = some.map(({ job }) => job);
    try {
      await add(bundleOf(jobs), jobs);
    } catch (error) {
      // One of them is not JSON: the others do not suffer for it.
      if (error instanceof TypeError) return addEach(some);
      for (const { reject } of some) reject(error);
    }
    for (const { resolve } of some) resolve();
  }

  return (job) =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) setImmediate(leave);
      waiting.push({ job, resolve, reject });
    });
}

function bundleOf(jobs: readonly ChatJob[]): ChatJob {
  const nobody = { userId: '', gatewayId: '', connectionId: '' };
  return { id: newId(), type: BUNDLE, ...nobody, data: jobs, addedAt: Date.now() };
}

/** The events in a job: those of a bundle, or itself. */
export function partsOf(job: ChatJob): readonly ChatJob[] {
  return job.type === BUNDLE ? (job.data as ChatJob[]) : [job];
}

export interface BundleOptions {
  /** Runs one event. */
  readonly run: ConsumeOptions['run'];
  readonly earlierRuns: number;
  /** What runs at once in this process. */
  readonly places: Places;
  /** Whether nothing new is to be begun here. */
  isClosing(): boolean;
  /** Makes an event a job of its own; with `failure` one that fails at once for this reason. */
  passOn(job: ChatJob, failure?: unknown): Promise<void>;
}

/** Runs the events of a bundle. Resolves with what became of those that ended here. */
export async function runBundle(
  bundle: ChatJob,
  { run, earlierRuns, places, isClosing, passOn }: BundleOptions,
): Promise<PartRun[]> {
  const jobs = partsOf(bundle);
  if (earlierRuns > 0) {
    // One of them may have ended its worker: alone it cannot take the others with it again.
    await Promise.all(jobs.map((job) => passOn({ ...job, resent: true })));
    return [];
  }
  const start = performance.now();
  const runs = jobs.map((job) =>
    places.use(async (): Promise<PartRun[]> => {
      if (isClosing()) {
        await passOn(job);
        return [];
      }
      const { id, type, userId, roomId } = job;
      const begun = performance.now();
      try {
        await run(job, { earlierRuns }, () => {});
        return [{ id, type, userId, roomId, begun: begun - start, duration: performance.now() - begun }];
      } catch (error) {
        await passOn(job, error);
        return [];
      }
    }),
  );
  return (await Promise.all(runs)).flat();
}

/** A number of places, given in the order they are asked for. */
export class Places {
  #free: number;
  readonly #waiting: Array<() => void> = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Runs `work` when there is a place; `isUrgent`: before all that waits for one. */
  async use<T>(work: () => Promise<T>, isUrgent = false): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting[isUrgent ? 'unshift' : 'push'](resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    }
  }
}
