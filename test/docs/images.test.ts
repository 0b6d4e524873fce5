/** The pictures of the pages, made by `npm run screenshots` and `npm run bench -- --record`: small, each is shown. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pageNames, readPage, root } from './pages.js';

const folder = join(root, 'docs', 'images');
const names = readdirSync(folder);
const charts = names.filter((name) => name.endsWith('.svg'));
const pictures = names.filter((name) => !charts.includes(name));
const isShown = (name: string) =>
  pageNames().some((page) => new RegExp(`!\\[[^\\]]+\\]\\([\\w./]*images/${name}\\)`).test(readPage(page)));

test('are those that the script makes', () => {
  const script = readFileSync(join(root, 'docs', 'scripts', 'screenshots.js'), 'utf8');
  const made = [...script.matchAll(/picture\(\w+, '([\w-]+)'\)/g)].map(([, name]) => `${name}.png`);
  expect(pictures.sort()).toEqual(made.sort());
});

test.each(pictures)('%s is a small PNG, shown on a page', (name) => {
  const picture = readFileSync(join(folder, name));
  expect(picture.subarray(1, 4).toString()).toBe('PNG');
  expect(picture.length).toBeLessThan(150_000);
  expect(isShown(name)).toBe(true);
});

test.each(charts)('%s is a small SVG, shown on a page', (name) => {
  const chart = readFileSync(join(folder, name), 'utf8');
  expect(chart).toMatch(/^<svg [\s\S]+<\/svg>\s*$/);
  expect(chart.length).toBeLessThan(20_000);
  expect(isShown(name)).toBe(true);
});
