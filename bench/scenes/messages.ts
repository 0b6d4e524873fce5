/** Scenes of sending: persisted, broadcast messages, in rooms of different sizes. */
import { type Bench, type Measured, medians, type Side } from '../bench.js';
import type { Sender } from '../load/commands.js';
import type { Counters } from '../measure/counters.js';
import type { World, WorldPlan } from '../targets/target.js';

/** Rooms of a size, with the first members of each as senders. */
export interface RoomsPlan {
  readonly rooms: number;
  readonly members: number;
  readonly senders: number;
}

/** Everybody is in one room. */
export function worldOf({ rooms, members }: Omit<RoomsPlan, 'senders'>): WorldPlan {
  return {
    users: rooms * members,
    rooms: Array.from({ length: rooms }, (_, room) => ({
      members: Array.from({ length: members }, (_, member) => room * members + member + 1),
    })),
  };
}

/** The senders of a plan; `first` is the connection of the world's first user. */
export function sendersOf({ rooms, members, senders }: RoomsPlan, world: World, first = 0): Sender[] {
  return Array.from({ length: rooms * senders }, (_, index) => {
    const room = index % rooms;
    const socket = first + room * members + Math.floor(index / rooms);
    return { socket, roomId: world.roomIds[room]!, receivers: members };
  });
}

/** Each sender sends the next one when one has come back, on all sides in turn. */
export async function messagesScene(
  bench: Bench,
  scene: string,
  plan: RoomsPlan,
  inFlight: number,
  sides: readonly Side[],
): Promise<void> {
  const senders = new Map<Side, Sender[]>();
  for (const side of sides) senders.set(side, sendersOf(plan, await bench.populate(side, worldOf(plan))));
  const { warmUp, window } = bench.options;
  const pace = { inFlight };
  const all = await bench.inTurn(sides, (side) =>
    bench.measure(side, () => side.load.tell({ type: 'send', senders: senders.get(side)!, pace, warmUp, window })),
  );
  const line = (measure: string, of: (measured: Measured) => number) =>
    bench.report.add({ scene, measure, unit: '1/s', more: true, values: medians(all, of) });
  line('messages', ({ run }) => run.perSecond);
  line('deliveries', ({ run }) => run.deliveriesPerSecond);
  timeLines(bench, scene, all);
  costLines(bench, scene, 'message', all);
  await bench.end(sides);
}

/** How long a message took from its sender back to its sender. */
export function timeLines(bench: Bench, scene: string, all: ReadonlyMap<string, readonly Measured[]>): void {
  const line = (measure: string, of: (measured: Measured) => number) =>
    bench.report.add({ scene, measure, unit: 'ms', more: false, values: medians(all, of) });
  line('send to own dispatch, p50', ({ run }) => run.p50);
  line('send to own dispatch, p99', ({ run }) => run.p99);
}

/** What one message, or whatever was done, took of processor, database and Redis. */
export function costLines(
  bench: Bench,
  scene: string,
  what: string,
  all: ReadonlyMap<string, readonly Measured[]>,
): void {
  const line = (measure: string, unit: string, of: (measured: Measured) => number) => {
    const values = medians(all, (measured) => of(measured) / measured.run.total);
    bench.report.add({ scene, measure: `${measure} of a ${what}`, unit, more: false, values });
  };
  line('processor time', 'ms', ({ cost }) => serverSeconds(cost) * 1000);
  shareLines(bench, scene, `processor time of a ${what}`, all);
  line('statements', 'number', ({ cost }) => cost.statements.Questions ?? 0);
  line('Redis commands', 'number', ({ cost }) => cost.redisCommands);
}

/** Which processes took how much of it, each once more by itself. */
export function shareLines(
  bench: Bench,
  scene: string,
  measure: string,
  all: ReadonlyMap<string, readonly Measured[]>,
): void {
  // Of several processes of a kind all together: "worker 2" is a worker.
  const kindOf = (role: string) => role.replace(/ \d+$/, '');
  const runs = [...all.values()].flat();
  const roles = runs.flatMap(({ cost: { cpu } }) => Object.keys(cpu)).filter((role) => role !== 'load');
  for (const kind of new Set(roles.map(kindOf))) {
    const values = medians(all, ({ cost: { cpu }, run }) => {
      const own = Object.entries(cpu).filter(([role]) => kindOf(role) === kind);
      return own.length > 0 ? (own.reduce((sum, [, seconds]) => sum + seconds, 0) * 1000) / run.total : Number.NaN;
    });
    const name = { mariadb: 'MariaDB', redis: 'Redis' }[kind] ?? kind;
    bench.report.add({ scene, measure: `${measure}, ${name}`, unit: 'ms', more: false, values });
  }
}

/** Processor time of all but the load generator. */
export function serverSeconds({ cpu: { load: _, ...servers } }: Counters): number {
  return Object.values(servers).reduce((sum, seconds) => sum + seconds, 0);
}
