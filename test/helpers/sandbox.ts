/**
 * A reader's project: the files that a page gives, in an empty folder beside linked packages, to be run as the page
 * says.
 */
import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, beforeAll } from 'vitest';
import { askControl } from './control.js';
import { startProcess, type TestProcess } from './processes.js';
import { startMariaDb, startRedis, type TestMariaDb, type TestRedis } from './services.js';

/** The repository's root. */
const root = join(import.meta.dirname, '..', '..');

/** What the pages' code imports, besides Node's own modules. */
const packages = ['express', 'sequelize', 'sequelize-cli', 'sqlite3', 'mysql2', 'jose', 'joi', 'typescript', '@types'];

/** A folder with a project in it. */
export interface Sandbox {
  readonly folder: string;
  write(files: Record<string, string>): Promise<void>;
  /** Starts `node` with these arguments. */
  node(args: string[], env?: Record<string, string | undefined>): TestProcess;
  /**
   * Runs commands of a page in a shell, to their end, without the network: `npx` finds the programs that are here, and
   * `npm install` only looks whether the packages are. Rejects unless it exits with 0; resolves to what was printed.
   */
  shell(commands: string, env?: Record<string, string | undefined>): Promise<string>;
  /** The same without waiting for the end. */
  startShell(commands: string, env?: Record<string, string | undefined>): TestProcess;
  /** Ends what runs and removes the folder. */
  close(): Promise<void>;
}

/** The programs that pages call by `npx`, and where they are. */
const npx = `#!/bin/sh
case "$1" in
  express-realtime-chat) program=node_modules/express-realtime-chat/dist/src/cli/index.js ;;
  sequelize-cli) program=node_modules/sequelize-cli/lib/sequelize ;;
  tsc) program=node_modules/typescript/bin/tsc ;;
  *) echo "npx: $1 is not known here" >&2; exit 1 ;;
esac
shift
exec node "$program" "$@"
`;

const npm = `#!/bin/sh
[ "$1" = install ] || exit 1
shift
for name in "$@"; do
  case "$name" in --save-dev) ;; *) [ -d "node_modules/$name" ] || { echo "npm: $name is not here" >&2; exit 1; } ;; esac
done
`;

/** Makes an empty project. */
export async function createSandbox(type: 'module' | 'commonjs' = 'module'): Promise<Sandbox> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'chat-docs-')));
  const processes: TestProcess[] = [];
  const write = async (files: Record<string, string>) => {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), text);
    }
  };
  await write({ 'package.json': JSON.stringify({ name: 'host', private: true, type }) });
  await mkdir(join(folder, 'node_modules'));
  await symlink(root, join(folder, 'node_modules', 'express-realtime-chat'));
  for (const name of packages) await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  for (const [name, script] of Object.entries({ npx, npm })) {
    await write({ [`.bin/${name}`]: script });
    await chmod(join(folder, '.bin', name), 0o755);
  }
  const start = (program: string, args: string[], env: Record<string, string | undefined> = {}) => {
    const path = [join(folder, '.bin'), dirname(process.execPath), process.env.PATH].join(delimiter);
    const started = startProcess(program, args, { cwd: folder, env: { ...env, PATH: path } });
    processes.push(started);
    return started;
  };
  const startShell = (commands: string, env?: Record<string, string | undefined>) =>
    // Bash, as the pages say; -e and -u find what a reader would have overlooked.
    start('bash', ['-euc', commands], env);
  return {
    folder,
    write,
    node: (args, env) => start(process.execPath, args, env),
    startShell,
    async shell(commands, env) {
      const run = startShell(commands, env);
      const { code } = await run.ended;
      if (code !== 0) throw new Error(`${commands}\nended with ${code}:\n${run.output()}`);
      return run.output();
    },
    async close() {
      await Promise.all(processes.map((started) => started.stop('SIGKILL')));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * The same module for a CommonJS project, by the rule that README gives: `require` for `import`, `exports` for `export`.
 */
export function toCommonJs(source: string): string {
  const names: string[] = [];
  const body = source
    .replace(/^import \{([^}]+)\} from ('[^']+');/gm, 'const {$1} = require($2);')
    .replace(/^import (\w+) from ('[^']+');/gm, 'const $1 = require($2);')
    .replace(/^export default /gm, 'module.exports = ')
    .replace(/^export (const|class|function|async function) (\w+)/gm, (_, kind, name) => {
      names.push(name);
      return `${kind} ${name}`;
    });
  return names.length === 0 ? body : `${body}\nmodule.exports = { ${names.join(', ')} };\n`;
}

/** Projects on the built package, and services for them, that end with the test. */
export interface Sandboxes {
  project(type: Parameters<typeof createSandbox>[0]): Promise<Sandbox>;
  services(): Promise<[TestMariaDb, TestRedis]>;
}

/** Builds the package, and after each test ends what it opened. */
export function useSandboxes(): Sandboxes {
  const closers: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    await askControl('build');
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  return {
    async project(type) {
      const sandbox = await createSandbox(type);
      closers.push(() => sandbox.close());
      return sandbox;
    },
    async services() {
      const services = await Promise.all([startMariaDb(), startRedis()]);
      closers.unshift(...services.map((service) => () => service.stop()));
      return services;
    },
  };
}
