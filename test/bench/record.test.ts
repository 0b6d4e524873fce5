/** What is recorded is kept: a scene that is measured again replaces its own results, and no other's. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writePage } from '../../bench/docs/page.js';
import { readResults, type SceneResult, writeResults } from '../../bench/docs/results.js';
import { readOptions } from '../../bench/options.js';

let root: string;
let file: string;
const order = ['rooms', 'rest', 'workers'];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'chat-record-'));
  file = join(root, 'results.json');
  mkdirSync(join(root, 'docs'));
  const marks = ['<!-- results: made by `npm run bench -- --record` -->', '<!-- end of results -->'];
  writeFileSync(join(root, 'docs', 'performance.md'), `Before.\n\n${marks.join('\n')}\n\nAfter.\n`);
});
afterEach(() => rmSync(root, { recursive: true }));

function result(name: string, values: Record<string, number>): SceneResult {
  const line = { scene: `The scene ${name}`, measure: 'messages', unit: '1/s', more: true, values };
  return { name, date: '2026-01-02', machine: 'a machine', runs: 3, seconds: 6, inFlight: 4, lines: [line] };
}

const record = (...results: SceneResult[]) => writePage(root, writeResults(file, order, results));
const page = () => readFileSync(join(root, 'docs', 'performance.md'), 'utf8');

test('a scene recorded alone joins those that are there, in the order of scenes', () => {
  record(result('workers', { 'workers 1': 10, 'workers 2': 19 }), result('rooms', { ours: 50, peer: 10 }));
  record(result('rest', { ours: 7, peer: 7 }));
  expect(readResults(file).map(({ name }) => name)).toEqual(order);
  expect([...page().matchAll(/^### The scene (.*)$/gm)].map(([, name]) => name)).toEqual(order);
});

test('a scene recorded again replaces its own lines and leaves the words around and the other scenes', () => {
  record(result('rooms', { ours: 50, peer: 10 }), result('workers', { 'workers 1': 10 }));
  record(result('rooms', { ours: 61, peer: 10, ejabberd: 20 }));
  const text = page();
  expect(text).toMatch(/^Before\.\n[\s\S]*\nAfter\.\n$/);
  expect(text).toContain('|  | this package | Socket.IO | ejabberd | ours to Socket.IO | ours to ejabberd |');
  expect(text).toContain('| messages (1/s) | 61 | 10 | 20 | 6.1 x | 3.05 x |');
  expect(text).not.toContain('| 50 |');
  expect(text).toContain('| messages (1/s) | 10 |');
});

test('every chart that is drawn is shown once', () => {
  record(result('workers', { 'workers 1': 10, 'workers 2': 19 }), result('rooms', { ours: 50, peer: 10 }));
  const shown = [...page().matchAll(/!\[[^\]]+\]\(images\/([\w-]+)\.svg\)/g)].map(([, name]) => name);
  expect(shown).toEqual(['messages', 'workers']);
  for (const name of shown) expect(readFileSync(join(root, 'docs', 'images', `${name}.svg`), 'utf8')).toMatch(/^<svg /);
});

test.each([['--quick'], ['--only', 'ours']])(
  '--record refuses %s, which would be compared with what it was not measured with',
  (...more) => {
    expect(() => readOptions(['--record', ...more])).toThrow(/measured in one run/);
  },
);
