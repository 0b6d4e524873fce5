import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeBlocks } from '../docs/pages.js';
import { toCommonJs } from '../helpers/sandbox.js';
import { buildTypedHost, filesOf, playApart, playEmbedded } from './hosts.js';
import { installProject, type Part, type Project, packPackage, type Tarball } from './project.js';

const program = (name: string) => readFileSync(join(import.meta.dirname, 'programs', name), 'utf8');

/** The README's files by name; a page names a file in its fence. */
const readme = Object.fromEntries(codeBlocks('README.md').flatMap(({ file, code }) => (file ? [[file, code]] : [])));

/** The README's commands that make the tables. */
const migrate = codeBlocks('README.md')
  .filter(({ language, code }) => language === 'bash' && code.includes('db:migrate'))
  .flatMap(({ code }) => code.split('\n'))
  .filter((line) => line.startsWith('npx '))
  .map((line) => line.replace('npx ', ''));

let tarball: Tarball;

beforeAll(async () => {
  tarball = await packPackage();
});

afterAll(() => tarball?.remove());

describe('the tarball', () => {
  test('holds what a user needs', () => {
    const needed = [
      ...['README.md', 'LICENSE', 'CHANGELOG.md', 'SECURITY.md', 'package.json'],
      ...['dist/src/index.js', 'dist/src/index.d.ts', 'dist/src/cli/index.js', 'dist/src/testing/index.js'],
      ...['dist/worker/worker.js', 'dist/worker/worker.d.ts', 'docs/protocol.md'],
      ...['migrations/20261121000100-chat-rooms.cjs', 'seeders/20261121000000-chat-demo.cjs'],
    ];
    expect(needed.filter((name) => !tarball.names.includes(name))).toEqual([]);
  });

  test('holds nothing else: no sources, tests, example, source maps or data', () => {
    const expected =
      /^(README\.md|LICENSE|CHANGELOG\.md|SECURITY\.md|package\.json|dist\/(src|worker)\/[\w/-]+(\.js|\.d\.ts)|migrations\/[\w/-]+\.cjs|seeders\/[\w-]+\.cjs|docs\/[\w/-]+\.md)$/;
    expect(tarball.names.filter((name) => !expected.test(name))).toEqual([]);
  });

  test('holds a file for each source, and none of a source that is gone', () => {
    const built = tarball.names.filter((name) => name.endsWith('.js') && name.startsWith('dist/'));
    const sources = built.map((name) => name.replace('dist/', '').replace(/\.js$/, '.ts'));
    for (const source of sources)
      expect(readFileSync(join(import.meta.dirname, '..', '..', source), 'utf8')).toBeTruthy();
    expect(tarball.names).toEqual(expect.arrayContaining(built.map((name) => name.replace(/\.js$/, '.d.ts'))));
  });
});

describe.each([
  ['Express 5', 'express'],
  ['Express 4', 'express4'],
] as const)('installed beside %s', (title, express) => {
  let project: Project;

  beforeAll(async () => {
    project = await installProject(tarball, express);
  });

  afterAll(() => project?.remove());

  test.each([
    ['an ES module', 'module'],
    ['CommonJS', 'commonjs'],
  ] as const)("the README's own app works as %s", async (_, type) => {
    const files = Object.entries(readme)
      .filter(([name]) => /\.c?js$/.test(name))
      .map(([name, code]) => [name, type === 'commonjs' && name.endsWith('.js') ? toCommonJs(code) : code]);
    const part = await project.part(`own-${type}`, type, Object.fromEntries(files));
    for (const command of migrate) await part.npx(command);
    const app = part.node(['app.js'], { PORT: '0' });
    const [, port] = await app.waitFor(/Listening on port (\d+)/);
    await app.waitFor(/The chat is ready/);
    const talk = part.node(['--experimental-websocket', 'talk.js'], { PORT: port });
    await talk.waitFor(/^ann: Half past twelve\?$/m);
    expect((await talk.ended).code).toBe(0);
    await app.stop('SIGTERM');
    expect((await app.ended).code, app.output()).toBe(0);
  });

  test('other WebSocket servers on the same HTTP server work; unknown paths are 404, foreign origins 403', async () => {
    const part = await project.part('neighbours', 'module', { 'app.js': program('neighbours.js') });
    const app = part.node(['app.js']);
    const { code } = await app.ended;
    const lines = app.output().trim().split('\n');
    expect({ code, lines }).toEqual({
      code: 0,
      lines: [expect.stringContaining(title), ...Array(13).fill(expect.stringMatching(/^ok /))],
    });
  });

  test('an override that moderates is tested with the testing entry', async () => {
    const part = await project.part('moderated', 'module', { 'app.js': program('moderated.js') });
    const app = part.node(['app.js']);
    const { code } = await app.ended;
    expect({ code, output: app.output().trim() }).toEqual({ code: 0, output: 'It moderates.' });
  });

  // The types of Express are those of version 5.
  if (express !== 'express') return;

  test.each([
    ['an ES module', 'module'],
    ['CommonJS', 'commonjs'],
  ] as const)('TypeScript compiles strictly, libraries included, and works as %s', async (_, type) => {
    const compilerOptions = {
      ...{ target: 'es2022', module: 'nodenext', strict: true, skipLibCheck: false, types: ['node'] },
      ...{ rootDir: 'src', outDir: 'out' },
    };
    const part = await project.part(`typed-${type}`, type, {
      'src/settings.ts': readme['settings.ts']!,
      'src/own-app.ts': program('own-app.ts'),
      'tsconfig.json': JSON.stringify({ compilerOptions, include: ['src'] }),
    });
    await part.npx('tsc -p .');
    const app = part.node(['out/own-app.js']);
    await app.waitFor(/It works\./);
    expect((await app.ended).code, app.output()).toBe(0);
    for (const module of ['node20', 'esnext --moduleResolution bundler', 'commonjs --moduleResolution bundler']) {
      await part.npx(`tsc -p . --noEmit --module ${module}`);
    }
  });

  describe('a host in TypeScript that replaces every part', () => {
    let part: Part;

    beforeAll(async () => {
      part = await buildTypedHost(project);
    });

    const seen = [
      ...['own columns', 'a webhook', 'moderation', 'what is updatable', 'events of the own', 'an event under another'],
      ...['an action of the own', 'joining', 'staff may post', 'a room type of the own', 'chat.notifications'],
      'the server side',
    ];
    const steps = (output: string) => [...output.matchAll(/^ok (.*)$/gm)].map(([, step]) => step);
    const expected = seen.map((step) => expect.stringMatching(`^${step}`));

    test('in one process on SQLite', { timeout: 90_000 }, async () => {
      expect(steps(await playEmbedded(part))).toEqual(expected);
    });

    test('as app and worker on MariaDB and Redis, each part in the process that needs it', {
      timeout: 90_000,
    }, async () => {
      const { app, worker } = await playApart(part);
      expect(steps(app)).toEqual(expected);
      expect(app).toMatch(/^User ann disconnected after \d+ ms$/m);
      expect(app).not.toContain('The webhook is down');
      expect(worker).toContain('The event was committed, but something after it failed.');
      expect(worker).toContain('The webhook is down');
    });
  });

  test('a host in JavaScript: two chats that do not meet, every event from its own code', async () => {
    const part = await project.part('host-js', 'module', filesOf('host-js'));
    const app = part.node(['chats.js']);
    const { code } = await app.ended;
    expect({ code, lines: app.output().trim().split('\n') }).toEqual({
      code: 0,
      lines: [expect.stringMatching(/^ok two chats/), expect.stringMatching(/^ok every event/)],
    });
  });

  test('a part that does not fit is refused at start by app and worker, in a sentence that names the setting', async () => {
    const part = await project.part('host-js-refused', 'module', filesOf('host-js'));
    const app = part.node(['refused.js']);
    const { code } = await app.ended;
    const lines = app.output().trim().split('\n');
    expect({ code, frozen: lines.pop() }, app.output()).toEqual({ code: 0, frozen: 'frozen: TypeError' });
    expect(lines).toHaveLength(21);
    for (const line of lines) {
      const [, setting, sentence] = /^(\w+): (.*)$/.exec(line) ?? [];
      expect(sentence).toMatch(new RegExp(`^(Unknown s|S)etting ${setting}`));
    }
  });
});
