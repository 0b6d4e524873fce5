import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { nearest, SettingsError } from './complaints.js';

/** Marks in Node's own module cache what was loaded for a setting, so that no list of our own is needed. */
const loadedHere = Symbol.for('express-realtime-chat.loaded-for-a-setting');

/**
 * The class that a setting names, which must be `base` or a subclass of it. `value`: the class, or
 * `'./file.js#Export'`, resolved from the working directory (`'package/file#Export'` works too, `#default` is the
 * default export).
 *
 * @throws SettingsError, a sentence with the setting's name.
 */
export function importAndVerifyClass<T extends abstract new (...args: never[]) => object>(
  value: unknown,
  settingName: string,
  base: T,
): T {
  const found = typeof value === 'string' ? load(value, settingName) : value;
  if (typeof found === 'function' && (found === base || found.prototype instanceof base)) {
    refuseMisspelt(found, settingName, base);
    return found as unknown as T;
  }
  throw new SettingsError(`Setting ${settingName} must be a subclass of ${base.name}, but is ${described(found)}.`);
}

/**
 * The function that a setting names; `value` as in `importAndVerifyClass`.
 *
 * @throws SettingsError, a sentence with the setting's name.
 */
export function importAndVerifyFunction<T extends (...args: never[]) => unknown>(
  value: unknown,
  settingName: string,
): T {
  const found = typeof value === 'string' ? load(value, settingName) : value;
  if (typeof found === 'function' && !isClass(found)) return found as T;
  throw new SettingsError(`Setting ${settingName} must be a function, but is ${described(found)}.`);
}

/**
 * Forgets the files loaded for settings, so that the next use reads them again. For tests. Node itself keeps ES modules
 * for the life of the process; only CommonJS files are read again.
 */
export function clearCaches(): void {
  const { cache } = createRequire(path.join(process.cwd(), 'settings.js'));
  for (const [file, loaded] of Object.entries(cache)) {
    if (loaded && loadedHere in loaded) delete cache[file];
  }
}

/** A method that is spelt as in Python, or nearly as one of the base's, would never be called. */
function refuseMisspelt(found: object, settingName: string, base: object): void {
  const plain = (name: string) =>
    name
      .replace(/^_+/, '_')
      .replace(/(?!^)_/g, '')

      .toLowerCase()
      .replace('retreive', 'retrieve');
  const known = new Map<string, string>();
  for (const name of methodsOf(base, Object.prototype)) known.set(plain(name), name);
  const names = [...known.values()];
  for (const name of methodsOf(found, (base as { prototype: object }).prototype)) {
    const meant = known.get(plain(name));
    if (meant === undefined || names.includes(name)) continue;
    throw new SettingsError(`Setting ${settingName} has a method ${name}, which nothing calls: did you mean ${meant}?`);
  }
}

/** The names of a class's methods, up the chain until `end`. */
function methodsOf(type: object, end: object): string[] {
  const names: string[] = [];
  for (let of = (type as { prototype: object }).prototype; of && of !== end; of = Object.getPrototypeOf(of)) {
    names.push(...Object.getOwnPropertyNames(of));
  }
  return names;
}

function load(text: string, settingName: string): unknown {
  const at = text.lastIndexOf('#');
  if (at < 1 || at === text.length - 1) {
    throw new SettingsError(`Setting ${settingName} must have the form './file.js#Export', but is "${text}".`);
  }
  const [file, name] = [text.slice(0, at), text.slice(at + 1)];
  const exported = requireFile(file.startsWith('file:') ? fileURLToPath(file) : file, settingName);
  // Own properties only: 'constructor' and the like are no exports.
  if (exported !== null && ['object', 'function'].includes(typeof exported) && Object.hasOwn(exported, name)) {
    return (exported as Record<string, unknown>)[name];
  }
  // A CommonJS file whose module.exports is the class itself.
  if (name === 'default') return exported;
  const near = nearest(name, Object.keys(exported ?? {}));
  throw new SettingsError(
    `Setting ${settingName} names ${name} of ${file}, which has no such export${near ? `: did you mean ${near}?` : '.'}`,
  );
}

function requireFile(file: string, settingName: string): object {
  const require = createRequire(path.join(process.cwd(), 'settings.js'));
  try {
    const exported = require(file);
    const loaded = require.cache[require.resolve(file)];
    if (loaded) Object.defineProperty(loaded, loadedHere, { value: true, configurable: true });
    return exported;
  } catch (error) {
    const reason =
      (error as NodeJS.ErrnoException).code === 'ERR_REQUIRE_ASYNC_MODULE'
        ? 'it uses await at its top level'
        : String((error as Error)?.message ?? error).split('\n')[0];
    throw new SettingsError(`Setting ${settingName} names ${file}, which cannot be loaded: ${reason}`, {
      cause: error,
    });
  }
}

function isClass(value: unknown): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value));
}

function described(value: unknown): string {
  if (typeof value === 'function') return `${isClass(value) ? 'the class' : 'the function'} ${value.name}`;
  return value === null ? 'null' : `a value of type ${typeof value}`;
}
