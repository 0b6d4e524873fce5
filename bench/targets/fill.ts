/** Users, rooms and members by SQL: signing up thousands of people would take longer than the bench. */
import { SignJWT } from 'jose';
import { type Connection, createConnection } from 'mysql2/promise';
import { v7 as newId } from 'uuid';
import type { TestProcess } from '../../test/helpers/processes.js';
import type { TargetOptions, World, WorldPlan } from './target.js';

/** Signs the tokens of every server of a bench. */
export const JWT_SECRET = 'a-secret-of-the-bench-which-is-long-enough';

/** Text of the messages that are there before. */
export const FILLED_TEXT = 'Shall we meet at the station at a quarter past nine? The train goes at half past.';

/** In SQL, of MariaDB's own table of numbers: an id (after `idPrefix`) that sorts like the number, and a time a second after the last. */
export const newIdSql = "CONCAT(?, LPAD(LOWER(HEX(seq)), 12, '0'))";
export const timeSql = 'NOW(3) - INTERVAL (? - seq) SECOND';
export const numbersSql = (count: number) => `seq_1_to_${count}`;

/** The environment of a process whose memory is to be looked into. */
export function inspect(options: TargetOptions): Record<string, string> {
  return options.inspect ? { NODE_OPTIONS: '--inspect=127.0.0.1:0' } : {};
}

/** The debugger's address, as a process prints it. */
export function debuggerIn(process: TestProcess): string {
  const address = /Debugger listening on (ws:\S+)/.exec(process.output())?.[1];
  if (!address) throw new Error('The process was started without its debugger.');
  return address;
}

/** Rows to a statement: a few hundred kilobytes. */
const chunk = 5000;

/** A database to fill, on a connection of its own for each task. */
export class Filler {
  readonly #url: string;
  #prefixes = 0;

  constructor(url: string) {
    this.#url = url;
  }

  async with<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = await createConnection({ uri: this.#url, timezone: 'Z' });
    try {
      return await work(connection);
    } finally {
      await connection.end();
    }
  }

  /** The front of the ids of a room's messages; the next room gets another. */
  idPrefix(): string {
    return `01900000-${(this.#prefixes++).toString(16).padStart(4, '0')}-7000-8000-`;
  }

  insert(table: string, columns: readonly string[], rows: readonly (readonly unknown[])[]): Promise<void> {
    return this.with(async (connection) => {
      for (let from = 0; from < rows.length; from += chunk) {
        await connection.query(`INSERT INTO ${table} (${columns.join(', ')}) VALUES ?`, [
          rows.slice(from, from + chunk),
        ]);
      }
    });
  }

  count(table: string): Promise<number> {
    return this.with(async (connection) => {
      const [rows] = await connection.query(`SELECT COUNT(*) AS count FROM ${table}`);
      return Number((rows as { count: number }[])[0]?.count);
    });
  }
}

/** Ids and tokens for a plan; users are numbered on from `first`. */
export async function nameWorld(plan: WorldPlan, first: number): Promise<World> {
  const roomIds = plan.rooms.map(() => newId());
  const roomsOf = Array.from({ length: plan.users }, (): string[] => []);
  plan.rooms.forEach(({ members }, index) => {
    for (const member of members) roomsOf[member - 1]!.push(roomIds[index]!);
  });
  const key = new TextEncoder().encode(JWT_SECRET);
  const users = await Promise.all(
    roomsOf.map(async (rooms, index) => ({
      id: first + index,
      rooms,
      token: await new SignJWT()
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(String(first + index))
        .setExpirationTime('2h')
        .sign(key),
    })),
  );
  return { users, roomIds };
}
