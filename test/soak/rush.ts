/** Thousands of clients that all come back at once: a process of its own, so that it does not slow down the others. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { connectTestClient } from '../../src/testing/client.js';
import type { Fault } from './faults.js';
import type { Person } from './people.js';
import type { Report } from './report.js';

/** The name of the fault. */
export const RUSH_FAULT = 'a rush of connections';
/** Milliseconds in which all of a rush are let in. */
export const RUSH_LIMIT = 90_000;
/** Milliseconds in which everybody else is answered meanwhile. */
export const OTHERS_LIMIT = 10_000;
/** For how much longer those who are late are waited for, to know how late. */
const PATIENCE = 30_000;

/** What the process of the clients is told. */
export type RushCommand =
  | {
      readonly act: 'come';
      readonly count: number;
      readonly gateways: ReadonlyArray<{ readonly host: string; readonly port: number }>;
      readonly tokens: readonly string[];
    }
  | { readonly act: 'come back' }
  | { readonly act: 'tell' };

/** How far they are. */
export interface RushState {
  /** Clients that are let in. */
  readonly isIn: number;
  /** Milliseconds since they began to come. */
  readonly took: number;
  /** What connections were closed with meanwhile, and how often. */
  readonly ends: Readonly<Record<string, number>>;
}

/** Clients in another process. */
export class RushClients {
  readonly #child = fork(join(import.meta.dirname, 'rush-child.mjs'), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });

  /** Lets that many connect at once; resolves when all are in, or after the patience (milliseconds) with how many are. */
  come(addresses: readonly string[], tokens: readonly string[], count: number, patience: number): Promise<RushState> {
    const gateways = addresses.map((address) => {
      const { hostname, port } = new URL(address);
      return { host: hostname, port: Number(port) };
    });
    return this.#ask({ act: 'come', count, gateways, tokens }, patience);
  }

  /** Cuts all of them off at once; they come back as our client does. */
  comeBack(patience: number): Promise<RushState> {
    return this.#ask({ act: 'come back' }, patience);
  }

  async #ask(command: RushCommand, patience: number): Promise<RushState> {
    const child = this.#child;
    const timer = setTimeout(() => child.send({ act: 'tell' } satisfies RushCommand), patience);
    try {
      const answer = once(child, 'message');
      child.send(command);
      const ended = once(child, 'exit').then(() => Promise.reject(new Error('The process of the rush ended.')));
      ended.catch(() => {});
      const [state] = await Promise.race([answer, ended]);
      return state as RushState;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends them all, without a word to the gateways. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

/** Who comes, and who is there already. */
export interface Rush {
  readonly people: readonly Person[];
  /** Connections in all. */
  readonly count: number;
  /** Somebody who sends to a room of their own meanwhile, through each gateway. */
  readonly other: Person;
  readonly otherRoom: string;
  readonly report: Report;
}

/** Thousands of clients are cut off at once and come back; who is there already hardly notices. */
export function rushFault({ people, count, other, otherRoom, report }: Rush): Fault {
  return {
    name: RUSH_FAULT,
    async run(context) {
      const addresses = context.system.gateways.map(({ direct }) => direct);
      const tokens = people.map(({ token }) => token);
      const others = await Promise.all(addresses.map((address) => sendUntilStopped(address, other, otherRoom)));
      const clients = new RushClients();
      try {
        const rounds = [
          ['came', () => clients.come(addresses, tokens, count, RUSH_LIMIT + PATIENCE)],
          ['came back', () => clients.comeBack(RUSH_LIMIT + PATIENCE)],
        ] as const;
        for (const [what, round] of rounds) {
          const state = await Promise.race([round(), context.stopped]);
          if (!state) break;
          judgeRush(what, count, state, report);
        }
      } finally {
        await clients.close();
        for (const slowest of await Promise.all(others.map((stop) => stop()))) judgeOthers(slowest, report);
      }
    },
  };
}

/** Whether all were let in, and in time. */
export function judgeRush(what: string, count: number, { isIn, took, ends }: RushState, report: Report): void {
  report.count(`connections of rushes that ${what}`, isIn);
  report.took(`${count} ${what}`, took);
  for (const [code, times] of Object.entries(ends)) report.count(`connections of rushes ended: ${code}`, times);
  if (isIn < count) report.breach('recovery', `${count - isIn} of ${count} who ${what} at once are not let in.`);
  if (took > RUSH_LIMIT) report.breach('recovery', `${count} ${what} at once, and waited for ${took} ms.`);
}

/** Whether who was there already was answered. */
export function judgeOthers(slowest: number, report: Report): void {
  report.took('others meanwhile', slowest);
  if (slowest > OTHERS_LIMIT) report.breach('recovery', `An event waited for ${slowest} ms behind a rush.`);
}

/** Sends one message after the other; stopped, tells how long the slowest took, in milliseconds. */
async function sendUntilStopped(address: string, person: Person, roomId: string): Promise<() => Promise<number>> {
  const client = await connectTestClient(address, { token: person.token, timeout: 60_000 });
  let isRunning = true;
  let slowest = 0;
  const working = (async () => {
    while (isRunning) {
      const at = performance.now();
      await client.request('message.send', { room_id: roomId, content: 'meanwhile' });
      slowest = Math.max(slowest, Math.round(performance.now() - at));
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  })().catch(() => {
    slowest = Number.POSITIVE_INFINITY;
  });
  return async () => {
    isRunning = false;
    await working;
    await client.terminate();
    return slowest;
  };
}
