/** Scenes of fan-out: one message to very many sockets, and storms of typing. */
import { type Bench, type Measured, medians } from '../bench.js';
import type { Sender } from '../load/commands.js';
import { sendersOf, serverSeconds, worldOf } from './messages.js';

/**
 * One room with so many members, all on one process. Ours stores each message; the others only broadcast: Socket.IO
 * alone, `ws` with a loop of sends, and `ws` with the bytes of a frame built once and written past it.
 */
export async function fanOutScene(bench: Bench, scene: string, sizes: readonly number[]): Promise<void> {
  for (const members of sizes) {
    const sides = await bench.sides(['ours', 'peer', 'bare', 'pre-framed'], { gateways: 1, fanOut: true });
    const plan = { rooms: 1, members, senders: 20 };
    const senders = new Map<string, Sender[]>();
    for (const side of sides) senders.set(side.label, sendersOf(plan, await bench.populate(side, worldOf(plan))));
    const { warmUp, window } = bench.options;
    // Many at a time, which lets a server write several frames at once to each socket, and one after the other.
    for (const [how, count, inFlight] of [
      ['40 messages under way', plan.senders, 2],
      ['one at a time', 1, 1],
    ] as const) {
      const all = await bench.inTurn(sides, (side) => {
        const list = senders.get(side.label)!.slice(0, count);
        const command = { type: 'send', senders: list, pace: { inFlight }, warmUp, window } as const;
        return bench.measure(side, () => side.load.tell(command), side.name === 'ours');
      });
      const measure = `deliveries to ${members.toLocaleString('en')} sockets, ${how}`;
      const values = medians(all, ({ run }) => run.deliveriesPerSecond);
      bench.report.add({ scene, measure, unit: '1/s', more: true, values });
    }
    await bench.end(sides);
  }
}

/** Everybody types while a few messages are sent: what gets through, and what it does to the messages. */
export async function typingScene(bench: Bench, scene: string, perSecond: number): Promise<void> {
  const sides = await bench.sides(['ours', 'peer', 'bare']);
  const plan = { rooms: 50, members: 10, senders: 10 };
  const senders = new Map<string, Sender[]>();
  for (const side of sides) senders.set(side.label, sendersOf(plan, await bench.populate(side, worldOf(plan))));
  const { warmUp, window } = bench.options;
  const all = await bench.inTurn(sides, (side) => {
    const list = senders.get(side.label)!;
    const command = {
      type: 'send',
      senders: list,
      pace: { perSecond: 50 },
      warmUp,
      window,
      typing: perSecond,
    } as const;
    return bench.measure(side, () => side.load.tell(command));
  });
  const line = (measure: string, unit: string, more: boolean, of: (measured: Measured) => number) =>
    bench.report.add({ scene, measure, unit, more, values: medians(all, of) });
  line('typing that arrives', '%', true, ({ run }) => (run.typingDeliveriesPerSecond / perSecond / 10) * 100);
  line('send to own dispatch meanwhile, p50', 'ms', false, ({ run }) => run.p50);
  line('send to own dispatch meanwhile, p99', 'ms', false, ({ run }) => run.p99);
  const seconds = (warmUp + window) / 1000;
  line('processor', 'seconds a second', false, ({ cost }) => serverSeconds(cost) / seconds);
  await bench.end(sides);
}
