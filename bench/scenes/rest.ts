/** The scene of a message that nothing waits in front of. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import { type Bench, type Measured, medians, type TargetName } from '../bench.js';
import type { Pace } from '../load/commands.js';
import { quantile } from '../measure/statistics.js';
import { costLines, type RoomsPlan, sendersOf, timeLines, worldOf } from './messages.js';

/**
 * Sends at a fixed rate to each server alone: an idle one still tidies its memory, which on two cores takes a turn
 * from the one that is measured. What MariaDB alone takes to commit a row is told beside them.
 */
export async function restScene(
  bench: Bench,
  scene: string,
  plan: RoomsPlan,
  perSecond: number,
  names: readonly TargetName[],
): Promise<void> {
  const commits: number[][] = [];
  const wanted = bench.wanted(names).map((label) => ({ label }));
  const all = await bench.inTurn(wanted, async (side) => {
    // Once a run.
    if (side === wanted[0]) commits.push(await commitTimes(bench, perSecond));
    return alone(bench, side.label, plan, perSecond);
  });
  timeLines(bench, scene, all);
  costLines(bench, scene, 'message', all);
  const line = (share: number) =>
    bench.report.add({
      scene,
      measure: `a row inserted and committed, p${share * 100}`,
      unit: 'ms',
      more: false,
      values: medians(new Map([['raw', commits]]), (times) => quantile(times, share)),
    });
  for (const share of [0.5, 0.99]) line(share);
}

/** Starts a server, puts it under load, lets it come to rest at the rate, and measures. */
async function alone(bench: Bench, name: TargetName, plan: RoomsPlan, perSecond: number): Promise<Measured> {
  const side = await bench.side(name, name);
  const senders = sendersOf(plan, await bench.populate(side, worldOf(plan)));
  const { warmUp, window, inFlight } = bench.options;
  const send = (pace: Pace, before: number) =>
    bench.measure(side, () => side.load.tell({ type: 'send', senders, pace, warmUp: before, window }));
  // A hundred messages a second compile nothing for minutes, and a server at rest has been busy before.
  await send({ inFlight }, warmUp);
  const measured = await send({ perSecond }, window);
  await bench.end([side]);
  return measured;
}

/** Milliseconds that rows of one statement take, at the rate of the messages. */
async function commitTimes(bench: Bench, perSecond: number): Promise<number[]> {
  const connection = await createConnection(bench.mariaDbUrl);
  await connection.query('CREATE TABLE rest_rows (id BIGINT AUTO_INCREMENT PRIMARY KEY, content TEXT)');
  const times: number[] = [];
  const until = performance.now() + bench.options.window;
  while (performance.now() < until) {
    const began = performance.now();
    await connection.query('INSERT INTO rest_rows (content) VALUES (?)', ['x'.repeat(100)]);
    times.push(performance.now() - began);
    await sleep(Math.max(0, began + 1000 / perSecond - performance.now()));
  }
  await connection.query('DROP TABLE rest_rows');
  await connection.end();
  return times;
}
