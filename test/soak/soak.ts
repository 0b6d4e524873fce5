/** Half an hour of mixed load with a fault every 20 seconds, and then everything is checked. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { connectTestClient } from '../../src/testing/client.js';
import { type ChaosOptions, chooseFaults, runFaults, serverFaults } from './chaos.js';
import { checkEverything } from './checks.js';
import { clientFaults } from './client-faults.js';
import { ClientDevice, type Device, PlainDevice } from './device.js';
import { type FigureSources, figures, figuresText } from './figures.js';
import { fuzz } from './fuzz.js';
import { Ledger } from './ledger.js';
import { type Actor, Load } from './load.js';
import { LogScan } from './log-scan.js';
import { checkMemory, type Memory, MemoryWatch, readMemory } from './memory.js';
import { readOptions, type SoakOptions } from './options.js';
import { makePeople, type Person } from './people.js';
import { createRandom } from './random.js';
import { record } from './record.js';
import { Report } from './report.js';
import { RUSH_FAULT, rushFault } from './rush.js';
import { settle } from './settle.js';
import { Endings, type System, startSystem } from './system.js';

/** People with two of our clients each; every second one has a plain device besides. */
const PEOPLE = 12;
/** Users who misbehave. */
const CROWD = 60;
/** Connections of one of those who come all at once; a gateway lets 20 of one in. */
const CONNECTIONS_EACH = 5;
/** Milliseconds between two acts of one person, on average. */
const PAUSE = 600;
/** Seconds in which a process warms up. */
const WARM_UP = 60;

/** Runs the soak; gives the exit code: 0 when no promise was broken. */
export async function soak(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const options = readOptions(args, env);
  const report = new Report();
  const scan = new LogScan();
  const memory: { start: Memory; end: Memory; highest: Memory } = { start: {}, end: {}, highest: {} };
  let stop = () => {};
  let isStopped = false;
  const stopped = new Promise<void>((resolve) => {
    stop = () => {
      // Who asks twice does not wait; the children are killed with this process.
      if (isStopped) process.exit(130);
      isStopped = true;
      report.isStopping = true;
      report.say('Stopping; once more to end at once.');
      resolve();
    };
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  report.say(`Soak of ${options.minutes} minutes, seed ${options.seed}.`);
  const endings = new Endings(report);
  const starting = startSystem(report, scan, endings);
  try {
    const system = await Promise.race([starting, stopped]);
    if (system) await run(system, { options, report, scan, memory, stopped, isStopped: () => isStopped });
    // What is being started at this moment ends with this process.
    else starting.catch(() => {});
  } catch (error) {
    report.breach('soak', `${(error as Error).stack}`);
  } finally {
    await endings.run();
  }
  const sources: FigureSources = { options, report, scan, memory };
  process.stdout.write(figuresText(sources));
  if (options.output) await writeFile(options.output, `${JSON.stringify(figures(sources), null, 2)}\n`);
  if (isStopped) return 130;
  if (options.isRecorded) await record(join(import.meta.dirname, '../../docs/guarantees.md'), figures(sources));
  return report.breachCount() > 0 ? 1 : 0;
}

interface Run {
  readonly options: SoakOptions;
  readonly report: Report;
  readonly scan: LogScan;
  readonly memory: { start: Memory; end: Memory; highest: Memory };
  readonly stopped: Promise<void>;
  isStopped(): boolean;
}

async function run(system: System, { options, report, memory, stopped, isStopped }: Run): Promise<void> {
  const { minutes, seed } = options;
  const random = createRandom(seed);
  const database = await createConnection(system.mariaDb.url);
  database.on('error', () => {});
  const people = await makePeople(database, system.secret, 'person', PEOPLE);
  const crowd = await makePeople(database, system.secret, 'crowd', CROWD);
  const rushers = await makePeople(database, system.secret, 'rusher', Math.ceil(options.rush / CONNECTIONS_EACH));
  const outsiders = await makePeople(database, system.secret, 'outsider', 2);
  await database.end();
  const make = (person: Person, name: string) => ({ system, report, random, person, name });
  const actors: Actor[] = people.map((person, index) => ({
    person,
    devices: [new ClientDevice(make(person, 'phone'), true), new ClientDevice(make(person, 'laptop'), false)],
    plain: index % 2 === 0 ? new PlainDevice(make(person, 'bot')) : undefined,
  }));
  const strangers = outsiders.map((person) => new PlainDevice(make(person, 'device')));
  const plain = [...actors.flatMap((actor) => (actor.plain ? [actor.plain] : [])), ...strangers];
  const devices: Device[] = [...actors.flatMap((actor) => actor.devices), ...plain];
  for (const device of plain) device.connect();
  const ledger = new Ledger();
  const load = new Load({ actors, ledger, report, random, pause: PAUSE });
  await load.makeRooms();
  const own = createRandom(seed + 1);
  const crowdRoom = await roomOf(crowd.slice(0, 10), system);
  const fuzzers = crowd.slice(50, 54);
  const [fuzzRoom, probeRoom] = [await roomOf(fuzzers, system), await roomOf(crowd.slice(55, 56), system)];
  report.say(`${devices.length} devices of ${people.length} people are at work.`);

  const watch = new MemoryWatch(system);
  const seconds = minutes * 60;
  const end = Date.now() + seconds * 1000;
  // In the second half the first processes live, so that what they hold can be compared.
  const spareFrom = end - Math.max(0, (seconds / 2) * 1000);
  const working = load.start();
  const fuzzing = fuzz(
    { system, report, random: own, people: fuzzers, roomId: fuzzRoom, frames: options.fuzz, seconds },
    () => !isStopped(),
  );
  const misuse = [
    ...clientFaults({ people: crowd, roomId: crowdRoom, report }),
    rushFault({ people: rushers, count: options.rush, other: crowd[55]!, otherRoom: probeRoom, report }),
  ];
  const chosen = chooseFaults([...serverFaults, ...misuse], options.faults);
  let measured: NodeJS.Timeout | undefined;
  const chaos: ChaosOptions = {
    system,
    report,
    random: createRandom(seed + 2),
    faults: chosen,
    every: options.faultEvery,
    until: end,
    spareFrom,
    heaviest: misuse.find(({ name }) => name === RUSH_FAULT && chosen.some((fault) => fault.name === name)),
    measure() {
      measured = setTimeout(
        () => void readMemory(system).then((held) => Object.assign(memory.start, spared(held))),
        Math.min(WARM_UP, seconds / 6) * 1000,
      );
    },
    probe: crowd[55]!,
    probeRoom,
    stopped,
    isStopped,
  };
  await runFaults(chaos);
  load.stop();
  await Promise.race([Promise.all([working, fuzzing]), stopped]);
  clearTimeout(measured);
  report.say('The load has ended; settling.');
  const looking = await createConnection(system.mariaDb.url);
  try {
    if (!isStopped()) {
      await settle({ system, database: looking, actors, devices, report, open: () => load.open });
      Object.assign(memory.end, await readMemory(system));
      Object.assign(memory.highest, watch.highest);
      checkMemory(memory.start, memory.end, memory.highest, report);
      report.say('Checking.');
      for (const { log } of strangers) {
        if (log.frames.size > 0) report.breach('leak', `${log.name} is in no room, and got broadcasts.`);
      }
      await checkEverything({ database: looking, ledger, devices, report });
    }
  } finally {
    watch.stop();
    for (const device of devices) device.close();
    await looking.end();
  }
}

/** Those that live on through the second half. */
function spared(memory: Memory): Memory {
  return Object.fromEntries(Object.entries(memory).filter(([name]) => name.endsWith(' 1')));
}

/** A room of these people, made by the first of them. */
async function roomOf(people: readonly Person[], system: System): Promise<string> {
  const [creator, ...others] = people;
  const client = await connectTestClient(system.gateways[0]!.direct, { token: creator!.token });
  const { data } = await client.request<{ room_id: string }>('room.create', {
    type: 'GroupChat',
    name: 'a room of the soak itself',
    participants: others.map(({ id }) => id),
  });
  await client.close();
  return data.room_id;
}
