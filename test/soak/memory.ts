/** How much memory the processes hold, so that what grows without bound is seen. */
import { readFile } from 'node:fs/promises';
import type { Report } from './report.js';
import type { System } from './system.js';

/** Megabytes by the name of a process. */
export type Memory = Record<string, number>;

/** Nothing here may ever need more. */
const MOST = 700;
/** A process that lived on may hold so much more at the end than after its warm-up: half again, and this. */
const SLACK = 80;

/** The resident memory of each process, from /proc; where that is not, nothing. */
export async function readMemory(system: System): Promise<Memory> {
  const memory: Memory = {};
  for (const instance of system.instances) {
    const status = await readFile(`/proc/${instance.pid}/status`, 'utf8').catch(() => '');
    const kilobytes = /^VmRSS:\s+(\d+)/m.exec(status)?.[1];
    if (kilobytes) memory[instance.name] = Math.round(Number(kilobytes) / 1024);
  }
  return memory;
}

/** Looks every few seconds, and keeps the highest. */
export class MemoryWatch {
  readonly highest: Memory = {};
  readonly #system: System;
  readonly #timer: NodeJS.Timeout;

  constructor(system: System) {
    this.#system = system;
    this.#timer = setInterval(() => void this.#look(), 5000);
  }

  async #look(): Promise<void> {
    for (const [name, megabytes] of Object.entries(await readMemory(this.#system))) {
      this.highest[name] = Math.max(this.highest[name] ?? 0, megabytes);
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** `start`: of the processes that lived on since, after their warm-up. */
export function checkMemory(start: Memory, end: Memory, highest: Memory, report: Report): void {
  for (const [name, megabytes] of Object.entries(start)) {
    const now = end[name];
    if (now !== undefined && now > megabytes * 1.5 + SLACK) {
      report.breach('memory', `${name} held ${megabytes} MB and holds ${now} MB.`);
    }
  }
  for (const [name, megabytes] of Object.entries(highest)) {
    if (megabytes > MOST) report.breach('memory', `${name} held ${megabytes} MB.`);
  }
}
