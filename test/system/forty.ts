/** Forty people on a system on MariaDB with two gateways and two workers, for what they do at the same time. */
import { afterAll, afterEach, beforeAll } from 'vitest';
import { type Chatter, type Person, type StackOptions, startStack } from '../helpers/stack.js';
import { type Crowd, gather } from './crowd.js';

/** How many they are. */
export const CROWD = 40;

/** What a test file has of them. */
export interface Forty {
  readonly crowd: Crowd;
  readonly everybody: Person[];
  /** A connection of each, on gateways in turn. */
  connectAll(people: Person[]): Promise<Chatter[]>;
}

/** Starts the system before all tests of a file, ends its connections after each and the system after all. */
export function useForty(options: StackOptions = {}): Forty {
  let crowd: Crowd | undefined;
  let everybody: Person[] = [];
  beforeAll(async () => {
    crowd = await gather(await startStack('distributed', options));
    await crowd.ready();
    everybody = await crowd.people(CROWD);
  });
  afterEach(() => crowd?.stack.disconnectAll());
  afterAll(() => crowd?.close());
  return {
    get crowd() {
      if (!crowd) throw new Error('The system starts in beforeAll.');
      return crowd;
    },
    get everybody() {
      return everybody;
    },
    connectAll: (people) => Promise.all(people.map((person, index) => crowd!.stack.connect(person, index))),
  };
}
