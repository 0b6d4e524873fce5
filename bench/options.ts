import { parseArgs } from 'node:util';

/** What the command line asks for. */
export interface BenchOptions {
  /** Every kind of scene in small, under three minutes. */
  readonly quick: boolean;
  /** Only these scenes; empty: all. */
  readonly scenes: readonly string[];
  /** Only these servers ("ours", "peer", "queued-peer", "bare", "pre-framed", "ejabberd"); empty: all. */
  readonly only: readonly string[];
  /** Runs of each server, in turn; medians count. */
  readonly runs: number;
  /** Milliseconds before a measurement, and of one. */
  readonly warmUp: number;
  readonly window: number;
  /** Messages of one sender that wait for their dispatch at a time. */
  readonly inFlight: number;
  /** Processes of the peer, where a scene does not say. */
  readonly peerProcesses: number;
  /** Folder for CPU profiles of this project's processes. */
  readonly profile: string | undefined;
  /** Where results go as JSON, if anywhere. */
  readonly output: string | undefined;
  /** Record the results of these scenes, and make docs/performance.md and its charts anew. */
  readonly record: boolean;
}

/** What `--help` prints. */
export const HELP = `npm run bench -- [options]

  --quick            every kind of scene in small, under three minutes
  --scene NAME       only that scene; may be given several times (--list names them)
  --only NAME        only that server: ours, peer, queued-peer, bare, pre-framed, ejabberd; may be given several times
  --runs N           runs of each server, in turn; the median counts (default 3)
  --seconds N        length of a measurement (default 6)
  --in-flight N      messages of one sender under way at a time (default 4)
  --peer-processes N processes of the peer (default 1)
  --profile FOLDER   CPU profiles of this project's processes go there
  --output FILE      results as JSON
  --record           keep the results in bench/results.json, and make docs/performance.md and its charts of it
  --list             name the scenes
`;

/** Reads the command line. @throws a TypeError that names what is wrong */
export function readOptions(
  args: readonly string[],
): BenchOptions & { readonly list: boolean; readonly help: boolean } {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      scene: { type: 'string', multiple: true, default: [] },
      only: { type: 'string', multiple: true, default: [] },
      runs: { type: 'string' },
      seconds: { type: 'string' },
      'in-flight': { type: 'string', default: '4' },
      'peer-processes': { type: 'string', default: '1' },
      profile: { type: 'string' },
      output: { type: 'string' },
      record: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { quick } = values;
  if (values.record && (quick || values.only.length > 0))
    throw new TypeError(
      '--record keeps whole scenes: servers are compared that were measured in one run, and not in small.',
    );
  const window = Number(values.seconds ?? (quick ? 1 : 6)) * 1000;
  return {
    quick,
    scenes: values.scene,
    only: values.only,
    runs: Number(values.runs ?? (quick ? 1 : 3)),
    warmUp: quick ? 300 : Math.min(3000, window / 2),
    window,
    inFlight: Number(values['in-flight']),
    peerProcesses: Number(values['peer-processes']),
    profile: values.profile,
    output: values.output,
    record: values.record,
    list: values.list,
    help: values.help,
  };
}
