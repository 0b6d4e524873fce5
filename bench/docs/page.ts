/** The page of results: the tables and charts between its two marks are made here, the words around them by hand. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, type Line, ratioOf } from '../report.js';
import { type Chart, drawChart, servers } from './charts.js';
import type { SceneResult } from './results.js';

const marks = ['<!-- results: made by `npm run bench -- --record` -->', '<!-- end of results -->'] as const;

/** A chart of one measure over several scenes, or of several measures of one; it stands at the first that has it. */
interface ChartPlan {
  readonly file: string;
  readonly title: string;
  readonly unit: string;
  /** Which lines become groups, and what a group is called. */
  group(result: SceneResult, line: Line): string | undefined;
}

const sending = ['rooms', 'hot-room', 'big-room'];
const sizes = ['50 rooms of 10', 'a room of 50', 'a room of 300'];
const plans: readonly ChartPlan[] = [
  {
    file: 'messages.svg',
    title: 'Persisted, broadcast messages',
    unit: 'a second',
    group: ({ name }, { measure }) =>
      sending.includes(name) && measure === 'messages' ? sizes[sending.indexOf(name)] : undefined,
  },
  {
    file: 'deliveries.svg',
    title: 'Deliveries of them',
    unit: 'a second',
    group: ({ name }, { measure }) =>
      sending.includes(name) && measure === 'deliveries' ? sizes[sending.indexOf(name)] : undefined,
  },
  {
    file: 'cost.svg',
    title: 'Processor time of one of them',
    unit: 'ms',
    group: ({ name }, { measure }) =>
      sending.includes(name) && measure === 'processor time of a message' ? sizes[sending.indexOf(name)] : undefined,
  },
  {
    file: 'rest.svg',
    title: 'From send to the own dispatch, 100 messages a second',
    unit: 'ms',
    group: ({ name }, { measure }) =>
      name === 'rest' ? /^send to own dispatch, (p\d+)$/.exec(measure)?.[1] : undefined,
  },
  {
    file: 'workers.svg',
    title: 'Messages by number of workers',
    unit: 'a second',
    group: ({ name }, { measure }) =>
      measure === 'messages' ? { workers: 'handler as it is', 'busy-workers': 'handler of 10 ms' }[name] : undefined,
  },
  {
    file: 'history.svg',
    title: 'A page of 50 messages, p50',
    unit: 'ms',
    group: ({ name }, { measure }) => (name === 'history' ? /^(.*), p50$/.exec(measure)?.[1] : undefined),
  },
  {
    file: 'room-list.svg',
    title: 'A list of all rooms, p50',
    unit: 'ms',
    group: ({ name }, { measure }) => (name === 'room-list' ? /^(.*), p50$/.exec(measure)?.[1] : undefined),
  },
  {
    file: 'idle.svg',
    title: 'An idle socket',
    unit: 'KiB',
    group: ({ name }, { measure }) => (name === 'idle' ? /^(.*) of a socket$/.exec(measure)?.[1] : undefined),
  },
  {
    file: 'fan-out.svg',
    title: 'Deliveries to very many sockets',
    unit: 'a second',
    group: ({ name }, { measure }) => (name === 'fan-out' ? /to (.* sockets, .*)$/.exec(measure)?.[1] : undefined),
  },
];

/** Writes the charts and the page's middle. */
export function writePage(root: string, results: readonly SceneResult[]): void {
  const images = join(root, 'docs', 'images');
  mkdirSync(images, { recursive: true });
  const charts = new Map<string, string[]>();
  for (const plan of plans) {
    const groups = results.flatMap((result) =>
      result.lines.flatMap((line) => {
        const name = plan.group(result, line);
        return name === undefined ? [] : [{ name, values: line.values, scene: result.name }];
      }),
    );
    const [first] = groups;
    if (!first) continue;
    const chart: Chart = { title: plan.title, unit: plan.unit, groups };
    writeFileSync(join(images, plan.file), drawChart(chart));
    charts.set(first.scene, [...(charts.get(first.scene) ?? []), `![${plan.title}](images/${plan.file})`]);
  }
  const made = results.map((result) => section(result, charts.get(result.name) ?? [])).join('\n');
  const page = join(root, 'docs', 'performance.md');
  const before = readFileSync(page, 'utf8');
  const [start, end] = [before.indexOf(marks[0]), before.indexOf(marks[1])];
  if (start < 0 || end < 0) throw new Error(`docs/performance.md has lost its marks ${marks.join(' and ')}.`);
  writeFileSync(page, `${before.slice(0, start + marks[0].length)}\n\n${made}\n${before.slice(end)}`);
}

/** Scenes whose measurements take a third of what the others take: nothing has to build up in them. */
const short = ['history', 'room-list', 'receipts', 'raw'];

function howOften(name: string, runs: number, seconds: number): string {
  if (name === 'idle') return 'one run';
  if (name === 'connecting') return `median of ${runs} runs`;
  return `median of ${runs} runs of ${format(short.includes(name) ? seconds / 3 : seconds)} s`;
}

function section(result: SceneResult, charts: readonly string[]): string {
  const { lines, date, machine, runs, seconds, inFlight, name } = result;
  const labels = [...new Set(lines.flatMap(({ values }) => Object.keys(values)))];
  const compared = labels.includes('ours')
    ? ['peer', 'queued-peer', 'ejabberd'].filter((label) => labels.includes(label))
    : [];
  const nameOf = (label: string) => servers[label]?.name ?? label;
  const head = ['', ...labels.map(nameOf), ...compared.map((label) => `ours to ${nameOf(label)}`)];
  const rows = lines.map((line) => {
    const ratio = (label: string) => {
      const times = ratioOf(line, label);
      return times && line.unit !== 'number' ? `${format(times)} x` : '';
    };
    const cells = labels.map((label) => format(line.values[label]));
    return [`${line.measure} (${line.unit})`, ...cells, ...compared.map(ratio)];
  });
  const table = [head, head.map((_, index) => (index ? '---:' : '---')), ...rows].map(
    (row) => `| ${row.join(' | ')} |`,
  );
  const how = [`${date}`, machine, howOften(name, runs, seconds)];
  if (['rooms', 'hot-room', 'big-room', 'workers'].includes(name))
    how.push(`${inFlight} messages of a sender under way`);
  const parts = [`### ${lines[0]?.scene ?? name}`, ...charts, table.join('\n'), `${how.join('; ')}.`];
  return `${parts.join('\n\n')}\n`;
}
