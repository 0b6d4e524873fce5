/** What a run cost: seconds of processor, statements, Redis commands. Counts do not depend on how busy the machine is. */
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { createConnection } from 'mysql2/promise';

/** Counters as they stand. */
export interface Counters {
  /** Seconds of processor time by process. */
  readonly cpu: Readonly<Record<string, number>>;
  /** MariaDB's own counters: `Questions`, `Com_select` and so on. */
  readonly statements: Readonly<Record<string, number>>;
  readonly redisCommands: number;
}

/** What is looked at. */
export interface Watched {
  readonly processes: Readonly<Record<string, number>>;
  readonly mariaDbUrl: string;
  readonly redisUrl?: string | undefined;
}

/** Clock ticks of /proc per second, on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** What the database read of rows: by index, onwards in one, and without. */
const readNames = ['key', 'next', 'prev', 'first', 'last', 'rnd', 'rnd_next'].map((how) => `Handler_read_${how}`);
const statusNames = ['Questions', 'Com_select', 'Com_insert', 'Com_update', 'Com_commit', ...readNames];

/** Rows that the database looked at. */
export function rowsRead({ statements }: Counters): number {
  return readNames.reduce((sum, name) => sum + (statements[name] ?? 0), 0);
}

/** Reads them all. */
export async function readCounters(watched: Watched): Promise<Counters> {
  const [statements, redisCommands] = await Promise.all([
    readStatements(watched.mariaDbUrl),
    watched.redisUrl ? readRedisCommands(watched.redisUrl) : 0,
  ]);
  const cpu = Object.fromEntries(Object.entries(watched.processes).map(([role, pid]) => [role, cpuSeconds(pid)]));
  return { cpu, statements, redisCommands };
}

/** What was added between two readings. */
export function difference(before: Counters, after: Counters): Counters {
  const minus = (from: Readonly<Record<string, number>>, to: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.entries(to).map(([name, value]) => [name, value - (from[name] ?? 0)]));
  return {
    cpu: minus(before.cpu, after.cpu),
    statements: minus(before.statements, after.statements),
    redisCommands: after.redisCommands - before.redisCommands,
  };
}

/** User and system time of a process, its threads included; 0 where there is no /proc. */
export function cpuSeconds(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in brackets, may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  } catch {
    return 0;
  }
}

/** Bytes of a process that are in memory; 0 where there is no /proc. */
export function residentBytes(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

async function readStatements(url: string): Promise<Record<string, number>> {
  const connection = await createConnection(url);
  try {
    const [rows] = await connection.query('SHOW GLOBAL STATUS WHERE Variable_name IN (?)', [statusNames]);
    const list = rows as { Variable_name: string; Value: string }[];
    return Object.fromEntries(list.map(({ Variable_name, Value }) => [Variable_name, Number(Value)]));
  } finally {
    await connection.end();
  }
}

async function readRedisCommands(url: string): Promise<number> {
  const redis = new Redis(url);
  try {
    const stats = await redis.info('commandstats');
    return [...stats.matchAll(/^cmdstat_[^:]+:calls=(\d+)/gm)].reduce((sum, [, calls]) => sum + Number(calls), 0);
  } finally {
    redis.disconnect();
  }
}
