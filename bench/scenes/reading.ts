/** Scenes of asking: pages of a long history, lists of many rooms, messages that are read. */
import { type Bench, type Measured, medians, type Side } from '../bench.js';
import type { Question } from '../load/protocols.js';
import { rowsRead } from '../measure/counters.js';
import { serverSeconds, shareLines, worldOf } from './messages.js';

/** Connections that ask, each with one question at a time. */
const askers = 4;

/** What the four askers get of a question, on each side. */
async function ask(bench: Bench, sides: ReadonlyMap<Side, readonly Question[]>): Promise<Map<string, Measured[]>> {
  const { warmUp, window } = bench.options;
  return bench.inTurn([...sides.keys()], (side) => {
    const list = Array.from({ length: askers }, (_, socket) => ({ socket, questions: sides.get(side)! }));
    // Shorter than a run of messages: nothing has to build up.
    const command = { type: 'ask', askers: list, warmUp: warmUp / 3, window: window / 3 } as const;
    return bench.measure(side, () => side.load.tell(command), false);
  });
}

function lines(bench: Bench, scene: string, what: string, all: ReadonlyMap<string, readonly Measured[]>): void {
  const line = (measure: string, unit: string, more: boolean, of: (measured: Measured) => number) =>
    bench.report.add({ scene, measure: `${what}, ${measure}`, unit, more, values: medians(all, of) });
  line('answers', '1/s', true, ({ run }) => run.perSecond);
  line('p50', 'ms', false, ({ run }) => run.p50);
  line('statements each', 'number', false, ({ run, cost }) => (cost.statements.Questions ?? 0) / run.total);
  line('rows read each', 'number', false, ({ run, cost }) => rowsRead(cost) / run.total);
  line('Redis commands each', 'number', false, ({ run, cost }) => cost.redisCommands / run.total);
  line('bytes each', 'number', false, ({ run }) => run.answerBytes);
  line('processor time each', 'ms', false, ({ run, cost }) => (serverSeconds(cost) * 1000) / run.total);
}

/** Members say that they have read a message: one alone, and a hundred at a time, each of rooms of ten. */
export async function receiptsScene(bench: Bench, scene: string, count: number): Promise<void> {
  const [side] = await bench.sides(['ours']);
  if (!side) return;
  const plan = { rooms: 50, members: 10 };
  const world = await side.target.fill(worldOf(plan));
  const prefixes: string[] = [];
  for (const [room, roomId] of world.roomIds.entries()) {
    const senderId = world.users[room * plan.members]!.id;
    prefixes.push(...(await side.target.fillMessages({ roomIds: [roomId], senderId, count })));
  }
  await bench.connect(side, world);
  // Not the first of a room, who has sent them all; the one who is alone is none of the hundred.
  const reader = (room: number, member: number) => ({
    socket: room * plan.members + member,
    questions: [{ type: 'read', idPrefix: prefixes[room]! } as const],
  });
  const { warmUp, window } = bench.options;
  const rooms = prefixes.map((_, room) => room);
  for (const [how, readers] of [
    ['one alone', [reader(0, 3)]],
    ['100 under way', [...rooms.map((room) => reader(room, 1)), ...rooms.map((room) => reader(room, 2))]],
  ] as const) {
    const command = { type: 'ask', askers: readers, warmUp: warmUp / 3, window: window / 3 } as const;
    const all = await bench.inTurn([side], () => bench.measure(side, () => side.load.tell(command), false));
    lines(bench, scene, how, all);
    shareLines(bench, scene, `${how}, processor time each`, all);
  }
  await bench.end([side]);
}

/** Pages of 50 out of histories of different lengths: the newest, and one from the middle, by page and by seq. */
export async function historyScene(bench: Bench, scene: string, lengths: readonly number[]): Promise<void> {
  const sides = await bench.sides(['ours', 'peer']);
  const everybody = Array.from({ length: askers }, (_, index) => index + 1);
  const roomIds = new Map<Side, readonly string[]>();
  const began = performance.now();
  // All at once: it takes longer than the asking. Nobody connects before all is there, for the database is busy with it.
  const worlds = await Promise.all(
    sides.map(async (side) => {
      const world = await side.target.fill({ users: askers, rooms: lengths.map(() => ({ members: everybody })) });
      roomIds.set(side, world.roomIds);
      const senderId = world.users[0]!.id;
      for (const [index, count] of lengths.entries())
        await side.target.fillMessages({ roomIds: [world.roomIds[index]!], senderId, count });
      return world;
    }),
  );
  bench.report.note(`histories were made in ${((performance.now() - began) / 1000).toFixed(1)} s`);
  for (const [index, side] of sides.entries()) await bench.connect(side, worlds[index]!);
  for (const [index, length] of lengths.entries()) {
    const middle = length / 2;
    const kinds: readonly [string, readonly Side[], object][] = [
      ['page 1', sides, { page: 1 }],
      [`page ${middle / 50}`, sides, { page: middle / 50 }],
      ['before the middle seq', sides.filter(({ name }) => name === 'ours'), { before: middle }],
    ];
    for (const [what, asked, place] of kinds) {
      const questions = new Map(
        asked.map((side) => [side, [{ type: 'history' as const, roomId: roomIds.get(side)![index]!, ...place }]]),
      );
      lines(bench, scene, `${length.toLocaleString('en')} messages, ${what}`, await ask(bench, questions));
    }
  }
  await bench.end(sides);
}

/** The list of all rooms of somebody who is in many, each with a message that is not read. */
export async function roomListScene(bench: Bench, scene: string, counts: readonly number[]): Promise<void> {
  const sides = await bench.sides(['ours', 'peer']);
  for (const count of counts) {
    const everybody = Array.from({ length: askers + 1 }, (_, index) => index + 1);
    await Promise.all(
      sides.map(async (side) => {
        const rooms = Array.from({ length: count }, () => ({ members: everybody }));
        const world = await side.target.fill({ users: everybody.length, rooms });
        const [recipientId, senderId] = [world.users[0]!.id, world.users.at(-1)!.id];
        await side.target.fillMessages({ ...world, senderId, count: 1, recipientId });
        await bench.connect(side, world);
      }),
    );
    const questions = new Map(sides.map((side) => [side, [{ type: 'rooms' as const }]]));
    lines(bench, scene, `${count.toLocaleString('en')} rooms`, await ask(bench, questions));
    for (const { load } of sides) await load.tell({ type: 'disconnect' });
  }
  await bench.end(sides);
}
