/** Scenes of sending: persisted, broadcast messages, in rooms of different sizes and at rest. */
import { type Bench, type Measured, medians, type TargetName } from '../bench.js';
import type { Pace, Sender } from '../load/commands.js';
import type { World, WorldPlan } from '../targets/target.js';

/** Rooms of a size, with the first members of each as senders. */
export interface RoomsPlan {
  readonly rooms: number;
  readonly members: number;
  readonly senders: number;
}

/** Everybody is in one room. */
export function worldOf({ rooms, members }: RoomsPlan): WorldPlan {
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

/** Sends on all sides in turn and reports rates or times. */
export async function messagesScene(
  bench: Bench,
  scene: string,
  plan: RoomsPlan,
  pace: Pace,
  names: readonly TargetName[] = ['ours', 'peer', 'bare'],
): Promise<void> {
  const sides = await bench.sides(names);
  const senders = new Map<TargetName, Sender[]>();
  for (const side of sides) senders.set(side.name, sendersOf(plan, await bench.populate(side, worldOf(plan))));
  const { warmUp, window } = bench.options;
  const all = await bench.inTurn(sides, (side) =>
    bench.measure(
      side,
      () => side.load.tell({ type: 'send', senders: senders.get(side.name)!, pace, warmUp, window }),
      true,
    ),
  );
  reportMessages(bench, scene, all, 'inFlight' in pace);
  await bench.end(sides);
}

/** The lines of a scene of messages. */
export function reportMessages(
  bench: Bench,
  scene: string,
  all: ReadonlyMap<TargetName, readonly Measured[]>,
  isClosedLoop: boolean,
): void {
  const line = (measure: string, unit: string, more: boolean, of: (measured: Measured) => number) =>
    bench.report.add({ scene, measure, unit, more, values: medians(all, of) });
  if (isClosedLoop) {
    line('messages', '1/s', true, ({ run }) => run.perSecond);
    line('deliveries', '1/s', true, ({ run }) => run.deliveriesPerSecond);
  }
  line('send to own dispatch, p50', 'ms', false, ({ run }) => run.p50);
  line('send to own dispatch, p99', 'ms', false, ({ run }) => run.p99);
  const perMessage = (of: (measured: Measured) => number) => (measured: Measured) => of(measured) / measured.run.total;
  line(
    'processor time of a message',
    'ms',
    false,
    perMessage(({ cost }) => {
      const { load: _, ...servers } = cost.cpu;
      return Object.values(servers).reduce((sum, seconds) => sum + seconds * 1000, 0);
    }),
  );
  line(
    'statements of a message',
    'number',
    false,
    perMessage(({ cost }) => cost.statements.Questions ?? 0),
  );
  line(
    'Redis commands of a message',
    'number',
    false,
    perMessage(({ cost }) => cost.redisCommands),
  );
  for (const [name, runs] of all) {
    const { cost, run } = runs.at(-1)!;
    const cpu = Object.entries(cost.cpu).map(
      ([role, seconds]) => `${role} ${((seconds * 1000) / run.total).toFixed(3)}`,
    );
    process.stdout.write(`    ${name}, processor ms of a message: ${cpu.join(', ')}\n`);
  }
}
