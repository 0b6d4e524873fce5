/** Scenes of many connections: coming at once, and doing nothing. */
import { type Bench, medians, type Side } from '../bench.js';
import { residentBytes } from '../measure/counters.js';
import { heapBytes } from '../measure/heap.js';
import { median } from '../measure/statistics.js';
import { serverSeconds, worldOf } from './messages.js';

/** So many users of rooms of ten, all at the same moment. */
export async function connectingScene(bench: Bench, scene: string, users: number): Promise<void> {
  const sides = await bench.sides(['ours', 'peer', 'bare']);
  const plan = worldOf({ rooms: users / 10, members: 10 });
  const worlds = new Map(await Promise.all(sides.map(async (side) => [side, await side.target.fill(plan)] as const)));
  // Once unmeasured: a server that has just started compiles while it runs.
  for (const [side, world] of worlds) {
    await bench.connect(side, world, 50);
    await side.load.tell({ type: 'disconnect' });
    await bench.settle(side);
  }
  const all = await bench.inTurn(sides, async (side) => {
    const measured = await bench.cost(side, () => bench.connect(side, worlds.get(side)!, users));
    await side.load.tell({ type: 'disconnect' });
    // What a server does after its clients have gone is not to be measured with whoever comes next.
    await bench.settle(side);
    return measured;
  });
  const line = (measure: string, unit: string, of: (one: NonNullable<ReturnType<typeof all.get>>[number]) => number) =>
    bench.report.add({ scene, measure, unit, more: false, values: medians(all, of) });
  line('until all are in', 'ms', ({ result }) => result.took);
  line('until one is in, p50', 'ms', ({ result }) => result.p50);
  line('until one is in, p99', 'ms', ({ result }) => result.p99);
  line('processor time of a connection', 'ms', ({ cost }) => (serverSeconds(cost) * 1000) / users);
  line('statements of a connection', 'number', ({ cost }) => (cost.statements.Questions ?? 0) / users);
  line('Redis commands of a connection', 'number', ({ cost }) => cost.redisCommands / users);
  for (const [label, runs] of all) {
    const roles = Object.keys(runs[0]!.cost.cpu);
    const shares = roles.map((role) => {
      const each = median(runs.map(({ cost }) => (cost.cpu[role]! * 1000) / users));
      return `${role} ${each.toFixed(2)}`;
    });
    bench.report.note(`${label}, processor ms of a connection: ${shares.join(', ')}`);
  }
  await bench.end(sides);
}

/** Memory of sockets that are signed in and silent, in the process that holds them. */
export async function idleScene(bench: Bench, scene: string, users: number): Promise<void> {
  const sides = await bench.sides(['ours', 'peer', 'bare'], { inspect: true, gateways: 1 });
  const all = new Map<string, { heap: number; resident: number }[]>();
  for (const side of sides) all.set(side.label, [await memoryOfSockets(bench, side, users)]);
  const line = (measure: string, of: (each: { heap: number; resident: number }) => number) =>
    bench.report.add({ scene, measure, unit: 'KiB', more: false, values: medians(all, of) });
  line('heap of a socket', ({ heap }) => heap / users / 1024);
  line('resident memory of a socket', ({ resident }) => resident / users / 1024);
  await bench.end(sides);
}

async function memoryOfSockets(bench: Bench, side: Side, users: number): Promise<{ heap: number; resident: number }> {
  const { target } = side;
  const [role, pid] = Object.entries(target.processes)[0]!;
  const look = async () => ({ heap: await heapBytes(target.debuggerOf(role)), resident: residentBytes(pid) });
  // A first few, so that what is loaded and compiled once does not count. They stay.
  await bench.populate(side, worldOf({ rooms: 10, members: 10 }));
  const before = await look();
  await bench.populate(side, worldOf({ rooms: users / 10, members: 10 }));
  const after = await look();
  return { heap: after.heap - before.heap, resident: after.resident - before.resident };
}
