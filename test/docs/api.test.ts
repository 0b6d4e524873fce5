/** The API reference: it is what the script makes of the docstrings, and every public name has one. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { askControl } from '../helpers/control.js';
import { readPage, root } from './pages.js';

interface Reference {
  pages: Map<string, string>;
  missing: string[];
}

let reference: Reference;

beforeAll(async () => {
  await askControl('build');
  const script = join(root, 'docs', 'scripts', 'api-reference.js');
  const { makeReference } = (await import(script)) as { makeReference: () => Reference };
  reference = makeReference();
});

describe('the API reference', () => {
  test('has a page for each entry of the package, and no other', () => {
    const { exports } = JSON.parse(readPage('package.json')) as { exports: Record<string, unknown> };
    const entries = Object.keys(exports).filter((name) => name !== './package.json');
    const wanted = entries.map((name) => `${name === '.' ? 'index' : name.slice(2)}.md`).sort();
    expect([...reference.pages.keys()].sort()).toEqual(wanted);
    expect(readdirSync(join(root, 'docs', 'api')).sort()).toEqual(wanted);
  });

  test('agrees with the source: otherwise run npm run docs', () => {
    for (const [name, text] of reference.pages) expect(readPage(`docs/api/${name}`), name).toBe(text);
  });

  test('explains every exported name and every public method', () => {
    expect(reference.missing).toEqual([]);
    const names = [...reference.pages.values()].flatMap((text) => text.match(/^### .+$/gm) ?? []);
    expect(names.length).toBeGreaterThan(150);
    expect(names).toEqual(
      expect.arrayContaining(['### createChat', '### EventHandler', '### useMessages', '### TestClient']),
    );
  });
});
