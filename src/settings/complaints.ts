import type { ValidationErrorItem } from 'joi';

/** A setting is unknown, wrong, or contradicts another. The message is one sentence for whoever runs the host. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

/** Settings whose value may hold a password or a token. */
const secretSetting = /^(database|redis|authenticate|refresh|secret|key)\b/;

/** Unknown keys that sound as if their value were one. */
const secretWord = /database|redis|secret|token|passw|credential|url|dsn|key/i;

/** Text that holds a user and a password, as URLs do. */
const secretText = /:\/\/[^/\s]*@/;

/** Refuses the first key of `object` that is not among the valid ones. Anything but an object is left to the rules. */
export function unknownKeys(object: unknown, valid: readonly string[], path: string): void {
  if (object === null || typeof object !== 'object' || Array.isArray(object)) return;
  for (const [key, value] of Object.entries(object)) {
    if (valid.includes(key)) continue;
    const near = nearest(key, valid);
    const secret = near === undefined ? secretWord.test(key) : secretSetting.test(near);
    const meant = near === undefined ? `valid ones are ${valid.join(', ')}` : `did you mean ${path}${near}?`;
    const text = secret || /secret|token|passw|url/i.test(key) ? '' : `, ${shown(value)}`;
    throw new SettingsError(`Unknown setting ${path}${shorten(key)}${text}: ${meant}`.replace(/[^?]$/, '$&.'));
  }
}

/** The sentence for a value that breaks its rule. */
export function wrongValue(detail: ValidationErrorItem): SettingsError {
  const path = detail.path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
  const rule = detail.message.replace(/^"[^"]*" /, '');
  const value = secretSetting.test(path) ? '' : `, but is ${shown(detail.context?.value)}`;
  return new SettingsError(`Setting ${path} ${rule}${value}.`);
}

/** A value in a few words: a log is no place for a long or a secret one. */
function shown(value: unknown): string {
  if (typeof value === 'string')
    return secretText.test(value) ? 'a text that is not shown' : JSON.stringify(shorten(value));
  if (typeof value === 'function') return `the function ${shorten(value.name || 'without a name')}`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return `an object (${shorten(value.constructor?.name ?? 'Object')})`;
  return String(value);
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

/** The valid key that a misspelt one most likely means. Case and underscores do not count: MESSAGE_SOFT_DELETE. */
export function nearest(key: string, valid: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replace(/[_-]/g, '');
  const meant = plain(key.slice(0, 100));
  let best: string | undefined;
  let least = Math.max(2, Math.floor(meant.length / 3)) + 1;
  for (const candidate of valid) {
    const distance = editDistance(meant, plain(candidate));
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** Insertions, deletions, replacements and swaps of neighbours that make `b` from `a`. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(row[j - 1]! + 1, last[j]! + 1, last[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, beforeLast[j - 2]! + 1);
      row.push(cost);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length]!;
}

/** A copy of plain objects and lists, frozen all the way down, but for the contents of the keys in `open`. */
export function copyFrozen(value: unknown, open: readonly string[] = []): unknown {
  if (Array.isArray(value)) return Object.freeze(value.map((item) => copyFrozen(item)));
  if (!isPlain(value)) return value;
  const copy = Object.entries(value).map(([key, item]) => [
    key,
    open.includes(key) ? copyPlain(item) : copyFrozen(item),
  ]);
  return Object.freeze(Object.fromEntries(copy));
}

function copyPlain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyPlain);
  if (!isPlain(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copyPlain(item)]));
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
