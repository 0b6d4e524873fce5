/** How the sources hang together: who may import whom, no circles, nothing at import, small files. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { askControl } from './helpers/control.js';
import { startProcess } from './helpers/processes.js';

const root = join(import.meta.dirname, '..');

interface Source {
  /** From the root, `src/queue/queue.ts`. */
  readonly name: string;
  readonly text: string;
  /** Without comments. */
  readonly code: string;
  /** What it imports of ours, by name; types too. */
  readonly ours: readonly string[];
  /** The packages it imports, `node:` ones too. */
  readonly packages: readonly string[];
}

/** Sources of some folders. */
function sources(folders: readonly string[], ending: RegExp): Source[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      // `example/public` is what `example/page` is built into.
      .filter((name) => ending.test(name) && !name.startsWith('public/'))
      .sort()
      .map((name) => read(`${folder}/${name}`)),
  );
}

function read(name: string): Source {
  const text = readFileSync(join(root, name), 'utf8');
  const code = text.replace(/^\s*\/\*[\s\S]*?\*\/\s*$/gm, '').replace(/^\s*\/\/.*$/gm, '');
  const specifiers = [...code.matchAll(/\bfrom '([^']+)'|\bimport\('([^']+)'\)|^import '([^']+)'/gm)].map(
    ([, from, dynamic, bare]) => (from ?? dynamic ?? bare)!,
  );
  const isOurs = (specifier: string) => specifier.startsWith('.');
  return {
    name,
    text,
    code,
    ours: specifiers.filter(isOurs).map((specifier) => sourceOf(normalize(join(dirname(name), specifier)))),
    packages: specifiers
      .filter((specifier) => !isOurs(specifier))
      .map((specifier) => (specifier.startsWith('node:') ? specifier : /^(@[^/]+\/)?[^/]+/.exec(specifier)![0])),
  };
}

/** The source that an import of `.js` means. */
function sourceOf(name: string): string {
  if (existsSync(join(root, name))) return name;
  const stem = name.replace(/\.js$/, '');
  return ['.ts', '.tsx', '.js'].map((ending) => stem + ending).find((one) => existsSync(join(root, one))) ?? name;
}

/** The part a source belongs to: its folder in `src`, `worker`, or its own name when it stands in `src` itself. */
function partOf(name: string): string {
  const [top, folder, file] = name.split('/');
  if (top === 'worker') return 'worker';
  return file === undefined ? name : folder!;
}

const queue = 'src/queue/queue.ts';
const broadcast = 'src/broadcast/broadcast.ts';
const database = ['models', 'serializers', 'store'];
const places = 'src/places.ts';
const newId = 'src/new-id.ts';
const writeTogether = 'src/write-together.ts';

/**
 * What each part may import besides itself: parts, or single files of a part. The order is the one in which they can be
 * read: no part imports one below it. docs/architecture.md says why.
 */
const allowed: Record<string, readonly string[]> = {
  protocol: [],
  settings: [],
  logging: [],
  models: ['settings'],
  serializers: ['protocol', 'settings', 'models'],
  [places]: [],
  [newId]: [],
  [writeTogether]: [],
  store: ['protocol', 'settings', 'models', places],
  permissions: ['protocol', 'settings', 'models', 'store'],
  handlers: ['protocol', 'settings', ...database, 'permissions'],
  queue: ['protocol', 'settings', places, newId, writeTogether],
  broadcast: ['protocol', 'settings', writeTogether],
  consumer: ['protocol', 'settings', ...database, 'permissions', 'handlers', queue, broadcast],
  gateway: ['protocol', 'settings', queue, broadcast, newId],
  client: ['protocol'],
  react: ['protocol', 'client'],
  'src/assembly.ts': ['logging', 'settings', 'models', 'queue', 'broadcast', 'consumer'],
  worker: ['settings', 'models', 'queue', 'broadcast', 'consumer', 'logging', 'src/assembly.ts'],
  'src/chat.ts': ['protocol', 'settings', ...database, 'queue', 'broadcast', 'gateway', 'src/assembly.ts', 'worker'],
  testing: ['protocol', 'settings', queue, 'src/chat.ts'],
  cli: ['settings', 'logging', 'models', 'queue', 'src/chat.ts', 'worker'],
};

/** Only reads make wire shapes; what writes does not know them. */
const exceptions: ReadonlyArray<readonly [from: string, to: string]> = [['src/store/reads/', 'serializers']];

/** The package's entry names what a host may use, and does nothing else. */
const entries = ['src/index.ts', 'src/testing/index.ts', 'src/client/index.ts', 'src/react/index.ts'].filter((name) =>
  existsSync(join(root, name)),
);

/** Optional peers: an app that does not use the part has no use for them. All that these parts import of packages. */
const peers: Record<string, readonly string[]> = { testing: ['ws'], client: ['ws'], react: ['react'] };

/** Files that are run, not imported. */
const programs = [
  'src/cli/index.ts',
  'example/server.js',
  'example/worker.js',
  'example/chat.config.js',
  'example/page/src/main.tsx',
];

const ours = sources(['src', 'worker'], /\.tsx?$/);
/** The example app's server. The small clients in it stand for themselves: they use nothing of the package. */
const server = sources(['example'], /\.js$/).filter(({ name }) => !name.startsWith('example/clients/'));
const page = sources(['example/page/src'], /\.tsx?$/);
const example = [...server, ...page];
const clients = sources(['example/clients'], /\.(js|vue)$/);
const byName = new Map(ours.map((source) => [source.name, source]));

describe('imports', () => {
  test('are of files that exist', () => {
    const broken = ours.flatMap(({ name, ours: imports }) =>
      imports.filter((target) => !byName.has(target)).map((target) => `${name} imports ${target}`),
    );
    expect(broken).toEqual([]);
  });

  test('run one way, type imports included', () => {
    const wrong = ours
      .filter(({ name }) => !entries.includes(name))
      .flatMap(({ name, ours: imports }) => {
        const part = partOf(name);
        const may = allowed[part];
        if (!may) return [`${name} is of a part without a rule: add ${part} to the rules`];
        return imports
          .filter((target) => partOf(target) !== part && !may.includes(partOf(target)) && !may.includes(target))
          .filter((target) => !exceptions.some(([from, to]) => name.startsWith(from) && partOf(target) === to))
          .map((target) => `${name} may not import ${target}`);
      });
    expect(wrong).toEqual([]);
  });

  test('make no circle, type imports included', () => {
    expect(circles(ours)).toEqual([]);
    expect(circles(example)).toEqual([]);
  });

  test('of packages are of those that package.json promises to a host', () => {
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    const promised = [...Object.keys(manifest.dependencies), 'express'];
    const wrong = ours.flatMap(({ name, packages }) =>
      packages
        .filter((one) => !one.startsWith('node:') && !promised.includes(one) && !peers[partOf(name)]?.includes(one))
        .map((one) => `${name} imports ${one}`),
    );
    expect(wrong).toEqual([]);
  });

  test('of packages are none of the server where browsers run the code', () => {
    const wrong = ours
      .filter(({ name }) => ['client', 'react', 'protocol'].includes(partOf(name)) && isForBrowsers(name))
      .flatMap(({ name, packages }) =>
        packages.filter((one) => !peers[partOf(name)]?.includes(one)).map((one) => `${name} imports ${one}`),
      );
    expect(wrong).toEqual([]);
  });

  test('of the example are of its own files and of the public entries', () => {
    const wrong = example.flatMap(({ name, ours: imports, code }) => [
      ...imports.filter((target) => !target.startsWith('example/')).map((target) => `${name} imports ${target}`),
      ...[...code.matchAll(/'express-realtime-chat\/([^']+)'/g)]
        .filter(([, entry]) => !['worker', 'testing', 'client', 'react'].includes(entry!))
        .map(([specifier]) => `${name} imports ${specifier}`),
    ]);
    expect(wrong).toEqual([]);
  });

  test("of the example's small clients are of their own files and of Vue: they speak the protocol by themselves", () => {
    const wrong = clients.flatMap(({ name, ours: imports, packages }) => [
      ...imports.filter((target) => !target.startsWith('example/clients/')),
      ...packages.filter((one) => !['vue', 'vite', '@vitejs/plugin-vue'].includes(one)).map((one) => `${name}: ${one}`),
    ]);
    expect(wrong).toEqual([]);
    expect(clients.length).toBeGreaterThan(3);
  });

  test('of the page are of its own files, React, and the entries for browsers', () => {
    const wrong = page.flatMap(({ name, ours: imports, code }) => [
      ...imports.filter((target) => !target.startsWith('example/page/')).map((target) => `${name} imports ${target}`),
      ...[...code.matchAll(/from '([^.'][^']*)'/g)]
        .map(([, specifier]) => specifier!)
        .filter((one) => !/^(react|react-dom\/client|express-realtime-chat\/(client|react))$/.test(one))
        .map((one) => `${name} imports ${one}`),
    ]);
    expect(wrong).toEqual([]);
  });

  test('are all that the entries hold', () => {
    const other = entries.map((name) => read(name).code.replace(/^export (type )?(\*|\{[^}]*\}) from '[^']+';$/gm, ''));
    expect(other.map((code) => code.trim())).toEqual(entries.map(() => ''));
  });
});

describe('nothing happens at import', () => {
  test('every statement at the top of a file declares something', () => {
    const declares =
      /^(import|export|const|function|async function|class|abstract class|interface|type|declare)(?![\w$])/;
    // Ends of what began above, and a class whose head takes several lines.
    const goesOn = /^([\])}>]|\{$)/;
    const wrong = [...ours, ...example]
      .filter(({ name }) => !programs.includes(name))
      .flatMap(({ name, code }) =>
        withoutTexts(code)
          .split('\n')
          .filter((line) => /^\S/.test(line) && !declares.test(line) && !goesOn.test(line))
          .map((line) => `${name}: ${line}`),
      );
    expect(wrong).toEqual([]);
  });

  test('no file keeps state of its own: everything hangs on what createChat returns', () => {
    const state =
      /^(export )?(let|var) |^(export )?const \w+(: (?!readonly |Readonly)[^=]+)? = (new (Map|Set|WeakMap|WeakSet|Array)(<.*>)?\(\)|\[\]|\{\});/gm;
    const wrong = ours.flatMap(({ name, code }) => [...code.matchAll(state)].map(([line]) => `${name}: ${line}`));
    expect(wrong).toEqual([]);
  });

  describe('in the built package and the example', () => {
    beforeAll(async () => {
      await askControl('build');
    });

    test('no timer, no socket, no file, no listener, no output; the environment is not read', async () => {
      const built = ours
        .filter(({ name }) => !programs.includes(name))
        .map(({ name }) => `dist/${name.replace(/\.tsx?$/, '.js')}`);
      const hosts = server
        .filter(({ name, code }) => !programs.includes(name) && !code.includes('chat.config.js'))
        .map(({ name }) => name);
      const packages = [...new Set([...ours, ...server].flatMap((source) => source.packages))].filter(
        (name) => name !== 'express-realtime-chat',
      );
      const urls = [...built, ...hosts].map((name) => pathToFileURL(join(root, name)).href);
      const args = [join(import.meta.dirname, 'architecture-child.js'), ...urls, '--', ...packages];
      const run = startProcess(process.execPath, args, { cwd: root });
      const { code } = await run.ended;
      expect({ code, output: run.output().replaceAll(pathToFileURL(root).href, '') }).toEqual({ code: 0, output: '' });
    });
  });
});

describe('files are small', () => {
  test('past 250 lines of code a file says why, in a line "Long: ..." at its top', () => {
    const long = [...ours, ...example, ...clients]
      .map(({ name, text, code }) => ({ name, text, lines: code.split('\n').filter((line) => line.trim()).length }))
      .filter(({ lines, text }) => lines > 250 && !/^(\/\*\* | \* |\/\/ )Long: .{20,}/m.test(text.slice(0, 500)))
      .map(({ name, lines }) => `${name} has ${lines} lines of code`);
    expect(long).toEqual([]);
  });
});

/** Whether a browser loads the file: it is of the client, or the client imports it as more than a type. */
function isForBrowsers(name: string): boolean {
  if (partOf(name) !== 'protocol') return true;
  const uses = new RegExp(`^(import|export) (?!type ).*/${name.split('/').at(-1)!.replace('.ts', '')}\\.js'`, 'm');
  return ours.some((source) => ['client', 'react'].includes(partOf(source.name)) && uses.test(source.code));
}

/** The circles of imports, each as the names in it. */
function circles(files: readonly Source[]): string[] {
  const imports = new Map(files.map((source) => [source.name, source.ours]));
  const state = new Map<string, 'open' | 'done'>();
  const found: string[] = [];
  const walk = (name: string, path: readonly string[]) => {
    if (state.get(name) === 'done') return;
    if (state.get(name) === 'open') {
      found.push([...path.slice(path.indexOf(name)), name].join(' -> '));
      return;
    }
    state.set(name, 'open');
    for (const target of imports.get(name) ?? []) walk(target, [...path, name]);
    state.set(name, 'done');
  };
  for (const name of imports.keys()) walk(name, []);
  return found;
}

/** Code without what stands in template literals, whose lines may begin anywhere. */
function withoutTexts(code: string): string {
  return code.replace(/`(?:\\[\s\S]|[^`\\])*`/g, '``');
}
