/**
 * Finds the servers that the tests need, or installs them where that is safe (Debian, as root). Run by vitest's
 * global setup, and by hand: `node --experimental-strip-types test/helpers/install-services.ts`.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** A server the tests can start: names of its program, and the Debian package it comes in. */
const SERVICES = {
  mariadb: { programs: ['mariadbd', 'mysqld'], package: 'mariadb-server', variable: 'TEST_MYSQL_URL' },
  redis: { programs: ['redis-server'], package: 'redis-server', variable: 'TEST_REDIS_URL' },
} as const;

/** The browser that the tests drive, under the names it has on Linux. */
const CHROMIUM = ['chromium', 'chromium-browser', 'google-chrome'] as const;

/** The servers by name. */
export type ServiceName = keyof typeof SERVICES;

/** The full path of a program in PATH or the folders Debian keeps servers in, or null. */
export function findProgram(...names: readonly string[]): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/usr/bin'];
  for (const name of names) {
    for (const folder of folders) {
      const path = join(folder || '.', name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not here: look on.
      }
    }
  }
  return null;
}

/** The full path of a server's program, or null. */
export function findService(name: ServiceName): string | null {
  return findProgram(...SERVICES[name].programs);
}

/**
 * Makes sure that each server can be started: found, or installed on Debian as root. Throws one sentence that says
 * what to install otherwise. A server that the environment names (TEST_MYSQL_URL, TEST_REDIS_URL) is not needed here.
 */
export function ensureServices(names: readonly ServiceName[] = ['mariadb', 'redis']): void {
  const missing = names.filter((name) => findService(name) === null);
  if (missing.length === 0) return;
  if (isDebianAsRoot()) {
    const packages = missing.map((name) => SERVICES[name].package);
    install(packages);
  }
  const still = missing.filter((name) => findService(name) === null);
  if (still.length === 0) return;
  const wanted = still.map((name) => SERVICES[name].programs[0]).join(' and ');
  const variables = still.map((name) => SERVICES[name].variable).join(' and ');
  throw new Error(`The tests need ${wanted}: install it so that it is in PATH, or name a running one in ${variables}.`);
}

/** Full path of the browser: found, or installed on Debian as root. Throws one sentence that says what to install otherwise. */
export function ensureChromium(): string {
  if (findProgram(...CHROMIUM) === null && isDebianAsRoot()) install(['chromium']);
  const path = findProgram(...CHROMIUM);
  if (path === null) throw new Error('The tests of pages need Chromium: install chromium so that it is in PATH.');
  return path;
}

/** A Python that has the package websockets, installed on Debian as root; null where there is none. */
export function findPython(): string | null {
  const hasWebsockets = (path: string) => spawnSync(path, ['-c', 'import websockets']).status === 0;
  const find = () => {
    const found = [findProgram('python3'), '/usr/bin/python3'].filter((path) => path !== null && existsSync(path));
    return (found as string[]).find(hasWebsockets) ?? null;
  };
  const python = find();
  if (python !== null || !isDebianAsRoot()) return python;
  install(['python3', 'python3-websockets']);
  return find();
}

function isDebianAsRoot(): boolean {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version');
}

/** One apt-get update and one install, without starting the installed services. */
function install(packages: readonly string[]): void {
  console.log(`Installing ${packages.join(', ')} for the tests with apt-get.`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const run = (...args: string[]) => spawnSync('apt-get', args, { env, stdio: 'inherit' }).status === 0;
  run('update');
  run('install', '-y', '--no-install-recommends', ...packages);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) ensureServices();
