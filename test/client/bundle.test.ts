/** What a page gets: how large it is, that it needs nothing else, and that it is written for browsers too. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { describe, expect, test } from 'vitest';
import { startProcess } from '../helpers/processes.js';

const root = join(import.meta.dirname, '..', '..');

/** Bundles and minifies a module of these lines, as a page's build does. */
async function bundle(source: string): Promise<{ size: number; imports: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'chat-bundle-'));
  try {
    const entry = join(folder, 'entry.ts');
    await writeFile(entry, source.replaceAll('CLIENT', join(root, 'src/client/index.ts')));
    const result = await build({
      root: folder,
      configFile: false,
      logLevel: 'error',
      build: {
        write: false,
        modulePreload: false,
        target: 'es2022',
        rolldownOptions: { input: entry, preserveEntrySignatures: 'strict' },
      },
    });
    const [chunk] = [result].flat().flatMap((one) => ('output' in one ? one.output : []));
    if (chunk?.type !== 'chunk') throw new Error('Nothing was built.');
    return { size: gzipSync(chunk.code).length, imports: chunk.imports };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

describe('the client in a page', () => {
  test('is under 10 kB, gzipped, with all there is in it, and imports nothing', async () => {
    const { size, imports } = await bundle(`export * from 'CLIENT';`);
    expect(imports).toEqual([]);
    expect(size).toBeLessThan(10_000);
  });

  test('leaves out what is not used', async () => {
    const all = await bundle(`export * from 'CLIENT';`);
    const small = await bundle(`export { createChatClient } from 'CLIENT';`);
    expect(small.size).toBeLessThan(all.size * 0.8);
    const nothing = await bundle(`import 'CLIENT'; export const a = 1;`);
    expect(nothing.size).toBeLessThan(100);
  });

  test('uses nothing that only Node has', async () => {
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const run = startProcess(process.execPath, [tsc, '-p', join(import.meta.dirname, 'tsconfig.browser.json')]);
    const { code } = await run.ended;
    expect({ code, output: run.output() }).toEqual({ code: 0, output: '' });
  });
});
