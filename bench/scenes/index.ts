/** The scenes by name, in the order they run. */
import type { Bench } from '../bench.js';
import { messagesScene } from './messages.js';

/** Something to measure; what it finds goes to the bench's report. */
export interface Scene {
  readonly name: string;
  readonly about: string;
  run(bench: Bench): Promise<void>;
}

/** All of them. */
export const scenes: readonly Scene[] = [
  {
    name: 'rooms',
    about: '50 rooms of 10 members, 2 senders each',
    run(bench) {
      const plan = { rooms: 50, members: 10, senders: 2 };
      return messagesScene(bench, this.about, plan, { inFlight: bench.options.inFlight });
    },
  },
  {
    name: 'hot-room',
    about: 'one hot room of 50 members, 20 senders',
    run(bench) {
      const plan = { rooms: 1, members: 50, senders: 20 };
      return messagesScene(bench, this.about, plan, { inFlight: bench.options.inFlight });
    },
  },
  {
    name: 'big-room',
    about: 'one room of 300 members, 20 senders',
    run(bench) {
      const plan = { rooms: 1, members: 300, senders: 20 };
      return messagesScene(bench, this.about, plan, { inFlight: bench.options.inFlight });
    },
  },
  {
    name: 'rest',
    about: '100 messages/s over 50 rooms of 10 members',
    run(bench) {
      return messagesScene(bench, this.about, { rooms: 50, members: 10, senders: 2 }, { perSecond: 100 }, [
        'ours',
        'peer',
      ]);
    },
  },
];
