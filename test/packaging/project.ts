/** The package as npm delivers it: packed from a copy of the sources, installed into a project of its own. */
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { startProcess, type TestProcess } from '../helpers/processes.js';

const root = join(import.meta.dirname, '..', '..');

/** What is no source. */
const notCopied = ['.git', '.data', 'dist', 'node_modules'];

/** A packed package. */
export interface Tarball {
  readonly file: string;
  /** Its files, sorted, without the `package/` in front. */
  readonly names: readonly string[];
  remove(): Promise<void>;
}

/** A folder with a `package.json` and installed packages. */
export interface Project {
  readonly folder: string;
  /** Makes a part of it: a folder with its own `type` that uses the project's packages. */
  part(name: string, type: 'module' | 'commonjs', files: Record<string, string>): Promise<Part>;
  /** Ends what runs and removes it. */
  remove(): Promise<void>;
}

/** A program of a project. */
export interface Part {
  readonly folder: string;
  /** Starts `node` with these arguments. */
  node(args: string[], env?: Record<string, string | undefined>): TestProcess;
  /**
   * Starts an installed program, a line of shell as after `npx`; ended by `stop` at the latest.
   */
  run(command: string, env?: Record<string, string | undefined>): TestProcess;
  /** Kills what of it still runs. */
  stop(): Promise<void>;
  /**
   * Runs an installed program to its end, a line of shell as after `npx`, which would ask the network for what is not
   * installed. Resolves with what it printed; rejects unless it ends with 0.
   */
  npx(command: string): Promise<string>;
}

/** Runs to the end; rejects with all that was printed unless it ends with 0. */
async function toEnd(running: TestProcess, what: string): Promise<string> {
  const { code } = await running.ended;
  if (code !== 0) throw new Error(`${what} ended with ${code}:\n${running.output()}`);
  return running.output();
}

/** npm in a folder. What `npm test` told its children about this repository must not reach it. */
async function npm(folder: string, ...args: string[]): Promise<string> {
  const env = { npm_config_local_prefix: undefined, npm_package_json: undefined, NODE_ENV: undefined };
  return toEnd(startProcess('npm', args, { cwd: folder, env }), `npm ${args.join(' ')}`);
}

/** Builds and packs a copy of the sources, so that neither old files in `dist` nor a build by other tests matter. */
export async function packPackage(): Promise<Tarball> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'chat-pack-')));
  const sources = join(folder, 'sources');
  await mkdir(sources);
  for (const name of await readdir(root)) {
    if (!notCopied.includes(name)) await cp(join(root, name), join(sources, name), { recursive: true });
  }
  await symlink(join(root, 'node_modules'), join(sources, 'node_modules'));
  await npm(sources, 'run', 'build');
  await npm(sources, 'pack', '--ignore-scripts', '--pack-destination', folder);
  const [name] = (await readdir(folder)).filter((one) => one.endsWith('.tgz'));
  const file = join(folder, name!);
  const list = await toEnd(startProcess('tar', ['-tzf', file]), 'tar');
  const names = list
    .trim()
    .split('\n')
    .map((line) => line.replace(/^package\//, ''));
  return { file, names: names.sort(), remove: () => rm(folder, { recursive: true, force: true }) };
}

/** The version of a package that this repository has installed, under that name or alias. */
async function installedVersion(name: string): Promise<string> {
  const manifest = await readFile(join(root, 'node_modules', name, 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

/**
 * An empty project with the package installed by npm, and with what its programs need besides: the versions that this
 * repository has, so that npm finds them in its cache. Install scripts do not run: the compiled part of sqlite3, which
 * takes a minute, is copied from here, and nothing else needs one.
 */
export async function installProject(tarball: Tarball, express: 'express' | 'express4'): Promise<Project> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'chat-project-')));
  const running: TestProcess[] = [];
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'host', private: true }));
  const others = ['sequelize', 'sqlite3', 'jose', 'ws', 'sequelize-cli', 'socket.io', 'socket.io-client'];
  const types = ['typescript', '@types/express', '@types/node', '@types/ws'];
  const wanted = [`express@${await installedVersion(express)}`];
  for (const name of [...others, ...types]) wanted.push(`${name}@${await installedVersion(name)}`);
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'];
  await npm(folder, 'install', ...flags, tarball.file, ...wanted);
  const compiled = 'node_modules/sqlite3/build/Release/node_sqlite3.node';
  await mkdir(dirname(join(folder, compiled)), { recursive: true });
  await cp(join(root, compiled), join(folder, compiled));

  function start(cwd: string, command: string, args: string[], env: Record<string, string | undefined> = {}) {
    const started = startProcess(command, args, { cwd, env: { NODE_ENV: undefined, JWT_SECRET: secret, ...env } });
    running.push(started);
    return started;
  }

  const programs = join(folder, 'node_modules', '.bin');
  return {
    folder,
    async part(name, type, files) {
      const home = join(folder, name);
      const all = { 'package.json': JSON.stringify({ private: true, type }), ...files };
      for (const [file, text] of Object.entries(all)) {
        await mkdir(dirname(join(home, file)), { recursive: true });
        await writeFile(join(home, file), text);
      }
      const started: TestProcess[] = [];
      const own = (...[command, args, env]: [string, string[], Record<string, string | undefined>?]) => {
        const one = start(home, command, args, env);
        started.push(one);
        return one;
      };
      const PATH = `${programs}:${process.env.PATH}`;
      const run: Part['run'] = (command, env) => own('sh', ['-c', `exec ${command}`], { ...env, PATH });
      return {
        folder: home,
        node: (args, env) => own(process.execPath, args, env),
        run,
        npx: (command) => toEnd(run(command), command),
        stop: async () => void (await Promise.all(started.map((one) => one.stop('SIGKILL')))),
      };
    },
    async remove() {
      await Promise.all(running.map((one) => one.stop('SIGKILL')));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Signs the tokens of the programs. */
const secret = 'a secret of the packaging tests, long enough';
