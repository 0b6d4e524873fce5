/** The pictures of the pages: made by `npm run screenshots`, small, and each is shown somewhere. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pageNames, readPage, root } from './pages.js';

const folder = join(root, 'docs', 'images');
const names = readdirSync(folder);

test('are those that the script makes', () => {
  const script = readFileSync(join(root, 'docs', 'scripts', 'screenshots.js'), 'utf8');
  const made = [...script.matchAll(/picture\(\w+, '([\w-]+)'\)/g)].map(([, name]) => `${name}.png`);
  expect(names.sort()).toEqual(made.sort());
});

test.each(names)('%s is a small PNG, shown on a page', (name) => {
  const picture = readFileSync(join(folder, name));
  expect(picture.subarray(1, 4).toString()).toBe('PNG');
  expect(picture.length).toBeLessThan(150_000);
  expect(
    pageNames().some((page) => new RegExp(`!\\[[^\\]]+\\]\\([\\w./]*images/${name}\\)`).test(readPage(page))),
  ).toBe(true);
});
