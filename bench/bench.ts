import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startMariaDb, type TestMariaDb } from '../test/helpers/services.js';
import { LoadGenerator } from './load/client.js';
import type { Connected, Run } from './load/commands.js';
import { type Counters, cpuSeconds, difference, readCounters } from './measure/counters.js';
import { median } from './measure/statistics.js';
import type { BenchOptions } from './options.js';
import { Report } from './report.js';
import { startBare } from './targets/bare.js';
import { findEjabberd, startEjabberd } from './targets/ejabberd.js';
import { startOurs } from './targets/ours.js';
import { startPeer } from './targets/peer.js';
import type { Surroundings, Target, TargetOptions, World, WorldPlan } from './targets/target.js';

/** The servers that are compared. */
export const targetNames = ['ours', 'peer', 'queued-peer', 'bare', 'pre-framed', 'ejabberd'] as const;

/** One of them. */
export type TargetName = (typeof targetNames)[number];

/** A server with its own load generator. */
export interface Side {
  readonly name: TargetName;
  /** What its numbers are called. */
  readonly label: string;
  /** Name and options: another one of the same kind is as good. */
  readonly kind: string;
  readonly target: Target;
  readonly load: LoadGenerator;
}

/** A measured run and what it cost. */
export interface Measured {
  readonly run: Run;
  readonly cost: Counters;
}

/** What scenes work with: the database, the servers, the report. */
export class Bench {
  readonly options: BenchOptions;
  readonly report: Report;
  readonly #mariaDb: TestMariaDb;
  readonly #surroundings: Surroundings;
  readonly #sides: Side[] = [];
  readonly #idle = new Map<string, Side>();

  private constructor(options: BenchOptions, mariaDb: TestMariaDb, surroundings: Surroundings) {
    this.options = options;
    this.report = new Report();
    this.#mariaDb = mariaDb;
    this.#surroundings = surroundings;
  }

  /** Starts the database; servers are started by the scenes. */
  static async start(options: BenchOptions): Promise<Bench> {
    const built = resolve(import.meta.dirname, '..');
    const nodeArguments: string[] = [];
    if (options.profile) {
      mkdirSync(options.profile, { recursive: true });
      nodeArguments.push('--cpu-prof', `--cpu-prof-dir=${resolve(options.profile)}`);
    }
    const mariaDb = await startMariaDb({ own: true });
    return new Bench(options, mariaDb, {
      database: () => mariaDb.database(),
      root: resolve(built, '..', '..'),
      built,
      nodeArguments,
    });
  }

  /** The repository. */
  get root(): string {
    return this.#surroundings.root;
  }

  get mariaDbUrl(): string {
    return this.#mariaDb.url;
  }

  /** Starts those of the servers that the command line lets through, each with a load generator. */
  async sides(names: readonly TargetName[], options: TargetOptions = {}): Promise<Side[]> {
    return Promise.all(this.wanted(names).map((name) => this.side(name, name, options)));
  }

  /** Those of the servers that the command line lets through and that are installed. */
  wanted(names: readonly TargetName[]): TargetName[] {
    return names.filter((name) => this.#isWanted(name));
  }

  /** Starts one server with a load generator; in a quick run the one that an earlier scene has used. */
  async side(name: TargetName, label: string, options: TargetOptions = {}): Promise<Side> {
    const kind = JSON.stringify([name, options]);
    const idle = this.#idle.get(kind);
    if (idle) {
      this.#idle.delete(kind);
      return { ...idle, label };
    }
    const target = await this.#start(name, options);
    const load = new LoadGenerator(join(this.#surroundings.built, 'bench/load/generator.js'));
    const side = { name, label, kind, target, load };
    this.#sides.push(side);
    return side;
  }

  /** Makes a world on a server and connects everybody in it. */
  async populate(side: Side, plan: WorldPlan): Promise<World> {
    const world = await side.target.fill(plan);
    await this.connect(side, world);
    return world;
  }

  /** Connects everybody, so many at a time. */
  connect({ target, load }: Side, { users }: World, atOnce = 50): Promise<Connected> {
    const { protocol, ports } = target;
    return load.tell({ type: 'connect', protocol, ports, users, atOnce });
  }

  /** Resolves when a server has nothing more to do. */
  async settle({ target }: Side): Promise<void> {
    const used = () => Object.values(target.processes).reduce((sum, pid) => sum + cpuSeconds(pid), 0);
    const until = performance.now() + 10_000;
    for (let before = used(), idle = 0; idle < 2 && performance.now() < until; ) {
      await sleep(200);
      const now = used();
      idle = now - before <= 0.02 ? idle + 1 : 0;
      before = now;
    }
  }

  /** What a run costs. */
  async cost<T>({ target, load }: Side, run: () => Promise<T>): Promise<{ result: T; cost: Counters }> {
    const watched = {
      processes: { ...target.processes, mariadb: this.#mariaDb.pid, load: load.pid },
      mariaDbUrl: this.#mariaDb.url,
      redisUrl: target.redisUrl,
    };
    const before = await readCounters(watched);
    const result = await run();
    return { result, cost: difference(before, await readCounters(watched)) };
  }

  /** A run with its cost; what the database then holds must be what was sent, unless nothing is meant to be stored. */
  async measure(side: Side, run: () => Promise<Run>, isStored = true): Promise<Measured> {
    const { target } = side;
    const stored = await target.countMessages();
    const { result, cost } = await this.cost(side, run);
    const count = async () => ((await target.countMessages()) ?? 0) - stored!;
    let added = stored === undefined ? undefined : await count();
    // ejabberd's last row may be a moment behind its message.
    for (let look = 0; isStored && added !== undefined && added < result.total && look < 20; look++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      added = await count();
    }
    if (isStored && added !== undefined && added !== result.total) {
      throw new Error(`${target.name}: ${added} rows were added by ${result.total} messages.`);
    }
    return { run: result, cost };
  }

  /** Runs each side in turn, as often as asked for: what disturbs the machine disturbs them all. Results by label. */
  async inTurn<S extends Pick<Side, 'label'>, T>(
    sides: readonly S[],
    once: (side: S) => Promise<T>,
  ): Promise<Map<string, T[]>> {
    const all = new Map<string, T[]>(sides.map(({ label }) => [label, []]));
    for (let index = 0; index < this.options.runs; index++) {
      for (const side of sides) all.get(side.label)!.push(await once(side));
    }
    return all;
  }

  /** Ends the servers of a scene, or in a quick run keeps them for the next one. */
  async end(sides: readonly Side[]): Promise<void> {
    await Promise.all(sides.map(({ load }) => load.tell({ type: 'disconnect' })));
    if (this.options.quick) {
      for (const side of sides) this.#idle.set(side.kind, side);
      return;
    }
    for (const side of sides) this.#sides.splice(this.#sides.indexOf(side), 1);
    await this.#stop(sides);
  }

  /** Ends what a scene that failed has left running. */
  async abandon(): Promise<void> {
    this.#idle.clear();
    await this.#stop(this.#sides.splice(0));
  }

  /** Ends everything. */
  async close(): Promise<void> {
    await this.abandon().catch(() => {});
    await this.#mariaDb.stop();
  }

  async #stop(sides: readonly Side[]): Promise<void> {
    await Promise.all(sides.map(({ load }) => load.stop()));
    await Promise.all(sides.map(({ target }) => target.stop()));
  }

  #isWanted(name: TargetName): boolean {
    const { only, quick } = this.options;
    if (only.length > 0 ? !only.includes(name) : name === 'ejabberd' && quick) return false;
    const missing = name === 'ejabberd' ? findEjabberd() : undefined;
    if (typeof missing !== 'string') return true;
    this.report.note(missing);
    return false;
  }

  #start(name: TargetName, options: TargetOptions): Promise<Target> {
    if (name === 'ours') return startOurs(this.#surroundings, options);
    if (name === 'peer' || name === 'queued-peer') {
      const queued = name === 'queued-peer';
      return startPeer(this.#surroundings, { gateways: this.options.peerProcesses, queued, ...options });
    }
    if (name === 'ejabberd') return startEjabberd(this.#surroundings);
    return startBare(this.#surroundings, options, name === 'pre-framed');
  }
}

/** One number of each side: the median of its runs. */
export function medians<T>(all: ReadonlyMap<string, readonly T[]>, of: (run: T) => number): Record<string, number> {
  return Object.fromEntries([...all].map(([label, runs]) => [label, median(runs.map(of))]));
}
