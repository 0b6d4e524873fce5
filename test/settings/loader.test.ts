import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clearCaches, importAndVerifyClass, importAndVerifyFunction } from '../../src/settings/loader.js';

class Base {
  name() {
    return 'base';
  }
}
class Sub extends Base {}

let folder: string;
const before = process.cwd();
beforeAll(() => {
  folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'chat-loader-')));
  process.chdir(folder);
  // The loader loads with Node itself; the base class comes to the file through a function.
  writeFileSync('make.mjs', 'export class Made extends globalThis.loaderTestBase {}\nexport function map() {}\n');
  writeFileSync('make.cjs', 'exports.Made = class extends globalThis.loaderTestBase {}; exports.n = Math.random();');
  writeFileSync('whole.cjs', 'module.exports = function whole() { return 1; };');
  writeFileSync('random.cjs', 'const n = Math.random(); exports.number = () => n;');
  writeFileSync('broken.mjs', 'throw new Error("no luck");');
  writeFileSync('waits.mjs', 'await 0; export class Made {}');
  (globalThis as Record<string, unknown>).loaderTestBase = Base;
});
afterAll(() => {
  delete (globalThis as Record<string, unknown>).loaderTestBase;
  process.chdir(before);
  rmSync(folder, { recursive: true, force: true });
});

const load = (value: unknown) => importAndVerifyClass(value, 'consumerClass', Base);

describe('importAndVerifyClass', () => {
  it('takes the base class and its subclasses by value', () => {
    expect(load(Base)).toBe(Base);
    expect(load(Sub)).toBe(Sub);
  });

  it('loads ES modules and CommonJS files from the working directory', () => {
    expect(new (load('./make.mjs#Made'))()).toBeInstanceOf(Base);
    expect(new (load('./make.cjs#Made'))()).toBeInstanceOf(Base);
    expect(new (load(`${path.join(folder, 'make.mjs')}#Made`))()).toBeInstanceOf(Base);
    expect(new (load(`${pathToFileURL(path.join(folder, 'make.mjs'))}#Made`))()).toBeInstanceOf(Base);
  });

  it('refuses what is no subclass, with a sentence', () => {
    for (const value of [class Other {}, () => {}, {}, null, 5, undefined]) {
      expect(() => load(value)).toThrow(/^Setting consumerClass must be a subclass of Base, but is .*\.$/);
    }
    expect(() => load('./make.mjs#map')).toThrow('subclass of Base');
  });

  it('names what is missing', () => {
    expect(() => load('./nowhere.js#X')).toThrow(/Setting consumerClass names \.\/nowhere\.js, which cannot be loaded/);
    expect(() => load('./make.mjs#Mode')).toThrow('did you mean Made?');
    expect(() => load('./make.mjs#constructor')).toThrow('no such export');
    expect(() => load('./broken.mjs#X')).toThrow('no luck');
    expect(() => load('./waits.mjs#Made')).toThrow('await at its top level');
    expect(() => load('./make.mjs')).toThrow("'./file.js#Export'");
  });
});

describe('importAndVerifyFunction', () => {
  it('takes functions by value and from files', () => {
    const map = () => new Map();
    expect(importAndVerifyFunction(map, 'eventMapper')).toBe(map);
    expect(importAndVerifyFunction('./make.mjs#map', 'eventMapper').name).toBe('map');
    expect(importAndVerifyFunction('./whole.cjs#default', 'eventMapper').name).toBe('whole');
  });

  it('refuses classes and values', () => {
    for (const value of [Sub, {}, 'x', './make.mjs#Made']) {
      expect(() => importAndVerifyFunction(value, 'eventMapper')).toThrow('Setting eventMapper');
    }
  });
});

it('clearCaches makes the next use read the file again', () => {
  const number = () => importAndVerifyFunction<() => number>('./random.cjs#number', 'eventMapper')();
  const first = number();
  expect(number()).toBe(first);
  clearCaches();
  expect(number()).not.toBe(first);
});
