/** The scenes by name, in the order they run. */
import type { Bench } from '../bench.js';
import { connectingScene, idleScene } from './connections.js';
import { fanOutScene, typingScene } from './fan-out.js';
import { messagesScene, type RoomsPlan } from './messages.js';
import { rawScene } from './raw.js';
import { historyScene, receiptsScene, roomListScene } from './reading.js';
import { restScene } from './rest.js';

/** Something to measure; what it finds goes to the bench's report. */
export interface Scene {
  readonly name: string;
  readonly about: string;
  /** @param scene what it is called in the report: `about` */
  run(bench: Bench, scene: string): Promise<void>;
}

const rooms = { rooms: 50, members: 10, senders: 2 };

/** Each sender sends the next one when one has come back. */
const closedLoop = (plan: RoomsPlan) => async (bench: Bench, scene: string) => {
  const { inFlight } = bench.options;
  await messagesScene(bench, scene, plan, inFlight, await bench.sides(['ours', 'peer', 'bare', 'ejabberd']));
};

/** The same load for different numbers of workers; `busy` is what the handler of each computes, in milliseconds. */
async function workersScene(bench: Bench, scene: string, inFlight: number, busy = 0): Promise<void> {
  const counts = bench.options.quick ? [1, 2] : [1, 2, 4];
  const start = (workers: number) => bench.side('ours', `workers ${workers}`, { workers, ...(busy ? { busy } : {}) });
  await messagesScene(bench, scene, rooms, inFlight, await Promise.all(counts.map(start)));
}

/** All of them. */
export const scenes: readonly Scene[] = [
  { name: 'rooms', about: '50 rooms of 10 members, 2 senders each', run: closedLoop(rooms) },
  {
    name: 'hot-room',
    about: 'One hot room of 50 members, 20 senders',
    run: closedLoop({ rooms: 1, members: 50, senders: 20 }),
  },
  {
    name: 'big-room',
    about: 'One room of 300 members, 20 senders',
    run: closedLoop({ rooms: 1, members: 300, senders: 20 }),
  },
  {
    name: 'rest',
    about: '100 messages a second over 50 rooms of 10 members',
    run: (bench, scene) => restScene(bench, scene, rooms, 100, ['ours', 'peer', 'queued-peer', 'ejabberd']),
  },
  {
    name: 'workers',
    about: '1, 2 and 4 workers: 50 rooms of 10 members, 2 senders each',
    run: (bench, scene) => workersScene(bench, scene, bench.options.inFlight),
  },
  {
    name: 'busy-workers',
    about: '1, 2 and 4 workers whose handler computes 10 ms a message: 50 rooms of 10 members, 2 senders each',
    run: (bench, scene) => workersScene(bench, scene, 1, 10),
  },
  {
    name: 'history',
    about: 'Pages of 50 messages out of a long history',
    run: (bench, scene) => historyScene(bench, scene, bench.options.quick ? [10_000] : [100_000, 1_000_000]),
  },
  {
    name: 'room-list',
    about: 'The list of all rooms of a user',
    run: (bench, scene) => roomListScene(bench, scene, bench.options.quick ? [10, 100] : [10, 100, 1000]),
  },
  {
    name: 'receipts',
    about: 'Messages that members have read, in 50 rooms of 10',
    run: (bench, scene) => receiptsScene(bench, scene, bench.options.quick ? 300 : 3000),
  },
  {
    name: 'connecting',
    about: 'Users who connect at the same moment',
    run: (bench, scene) => connectingScene(bench, scene, bench.options.quick ? 200 : 1000),
  },
  {
    name: 'idle',
    about: 'Memory of idle sockets',
    run: (bench, scene) => idleScene(bench, scene, bench.options.quick ? 500 : 5000),
  },
  {
    name: 'fan-out',
    about: 'One message to very many sockets',
    run: (bench, scene) => fanOutScene(bench, scene, bench.options.quick ? [200] : [1000, 5000]),
  },
  {
    name: 'typing',
    about: '1,000 typing events a second and 50 messages a second, in 50 rooms of 10 members',
    run: (bench, scene) => typingScene(bench, scene, 1000),
  },
  { name: 'raw', about: 'Limits of this machine', run: rawScene },
];
