import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askControl } from '../helpers/control.js';
import { startProcess } from '../helpers/processes.js';

const root = join(import.meta.dirname, '..', '..');

describe('express-realtime-chat', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chat-cli-'));
    await askControl('build');
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function run(...args: string[]): Promise<{ code: number | null; output: string }> {
    const started = startProcess(process.execPath, [join(root, 'dist/src/cli/index.js'), ...args], { cwd: folder });
    const { code } = await started.ended;
    return { code, output: started.output() };
  }

  test.each([[['--help']], [['-h']], [['help']], [['worker', '--help']]])('%j shows the commands', async (args) => {
    const { code, output } = await run(...args);
    expect(code).toBe(0);
    expect(output).toMatch(/worker .*--config.*doctor .*--config.*migrations <folder>.*--help.*--version/s);
  });

  test('without a command it shows them too, and ends with 2', async () => {
    const { code, output } = await run();
    expect({ code, output }).toEqual({ code: 2, output: expect.stringContaining('Usage:') });
  });

  test('--version is that of the package', async () => {
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(await run('--version')).toEqual({ code: 0, output: `${version}\n` });
  });

  test.each([
    [
      'an unknown command',
      ['wroker'],
      'Unknown command wroker: the commands are worker, doctor and migrations, see --help.',
    ],
    ['an unknown option', ['worker', '--cofnig', 'x.js'], "Unknown option '--cofnig'; see --help."],
    ['an option without its value', ['worker', '--config'], 'argument missing; see --help.'],
    ['too much', ['worker', 'chat.config.js'], "Unexpected argument 'chat.config.js'"],
    ['no folder', ['migrations'], 'Name one folder, that of your migrations'],
    ['two folders', ['migrations', 'a', 'b'], 'Name one folder, that of your migrations'],
  ])('%s is refused with a sentence, and ends with 2', async (_, args, sentence) => {
    const { code, output } = await run(...args);
    expect(code).toBe(2);
    expect(output).toContain(sentence);
    expect(output.trim().split('\n')).toHaveLength(1);
    expect(await readdir(folder)).toEqual([]);
  });

  test('migrations copies them once, names them, and warns of migrations that run later', async () => {
    const target = join(folder, 'db', 'migrations');
    const first = await run('migrations', 'db/migrations');
    expect(first.code).toBe(0);
    expect(first.output).toMatch(/^copied 20261121000100-chat-rooms\.cjs$/m);
    expect(first.output).toMatch(/\d\d files copied to db\/migrations, 0 were there already\.$/m);
    const ours = (await readdir(join(root, 'migrations'))).sort();
    expect((await readdir(target)).sort()).toEqual(ours);

    await writeFile(join(target, '20990101000000-users.cjs'), '');
    const second = await run('migrations', 'db/migrations');
    expect(second.code).toBe(0);
    expect(second.output).toMatch(/^0 files copied to db\/migrations, \d\d were there already\.$/m);
    expect(second.output).toMatch("These of your own run after the chat's: 20990101000000-users.cjs.");
    await rm(join(folder, 'db'), { recursive: true });
  });

  test('migrations into what is no folder is refused with a sentence, and ends with 1', async () => {
    await writeFile(join(folder, 'file'), '');
    const { code, output } = await run('migrations', 'file');
    expect({ code, output }).toEqual({ code: 1, output: 'file is a file. Name the folder of your migrations.\n' });
    await rm(join(folder, 'file'));
  });
});
