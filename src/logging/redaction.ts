import { format, type Logform } from 'winston';

const hidden = '[not logged]';
/**
 * Keys whose values are never printed, in whatever case, alone or as the end of a longer key (`accessToken`). The last
 * line is what Sequelize hangs on its errors, and winston copies from an error into the entry.
 */
const secretKey = new RegExp(
  ['(token|password|passwd|secret|content|authorization|cookie|private_?key)$', '^(sql|parameters|bind)$'].join('|'),
  'i',
);
/** The same inside a text: an address with a token, a header, a URL with a password. */
const secretTexts: readonly [RegExp, string][] = [
  [/([?&]token=)[^&\s"'<>]+/gi, `$1${hidden}`],
  [/\b(Bearer[ ,]+)[\w.~+/=-]+/gi, `$1${hidden}`],
  [/(\/\/[^/\s:@]*:)[^/\s@]+@/g, `$1${hidden}@`],
  // What databases quote of a statement and its values.
  [/\b(near ['"]).*?(?=['"] at line \d|['"]: syntax error)/gs, `$1${hidden}`],
  [/\b(Duplicate entry|(?:Truncated i|I)ncorrect [\w ]+ value:) '.*?'(?= for |$)/gms, `$1 ${hidden}`],
  // A JSON web token, wherever it stands.
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, hidden],
];

const deepest = 6;

/**
 * A winston format that takes out what must not reach a log: tokens, passwords, message content. Works on copies; the
 * objects that were logged stay as they are. `createDefaultLogger` has it; a host's own logger may use it too.
 */
export const redact = format((info) => {
  // `logger.error(error)` makes the error itself the entry.
  const entry = info instanceof Error ? { ...info, message: info.message, stack: describeError(info) } : info;
  const copy = redacted({ ...entry }, 0, new Set()) as Logform.TransformableInfo;
  // winston finds level and message under symbols.
  for (const symbol of Object.getOwnPropertySymbols(info)) {
    if (String(symbol) !== 'Symbol(splat)') copy[symbol as unknown as string] = info[symbol as unknown as string];
  }
  return copy;
});

function redacted(value: unknown, depth: number, above: Set<object>): unknown {
  if (typeof value === 'string') return withoutSecrets(value);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (value instanceof Error) return withoutSecrets(describeError(value));
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (!Array.isArray(value) && !isPlain(value)) return `[${value.constructor?.name ?? 'Object'}]`;
  if (above.has(value) || depth > deepest) return '[...]';
  above.add(value);
  const copy = Array.isArray(value)
    ? value.map((item) => redacted(item, depth + 1, above))
    : Object.fromEntries(
        Object.entries(value).map(([key, item]) => [
          key,
          secretKey.test(key) && item !== undefined ? hidden : redacted(item, depth + 1, above),
        ]),
      );
  above.delete(value);
  return copy;
}

/** Instances (models, sockets, requests) hold more than anybody means to log. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function withoutSecrets(text: string): string {
  return secretTexts.reduce((clean, [pattern, replacement]) => clean.replace(pattern, replacement), text);
}

/**
 * The stack, and those of what caused it. Nothing else of an error is printed: Sequelize's errors carry the statement and
 * its values, which hold message content.
 */
function describeError(error: Error, depth = 0): string {
  const code = (error as NodeJS.ErrnoException).code;
  const own = `${stackOf(error)}${code === undefined ? '' : ` [${code}]`}`;
  const causes = [error.cause, ...(error instanceof AggregateError ? error.errors : [])];
  const texts = causes
    .filter((cause) => cause instanceof Error)
    .map((cause) => `caused by ${describeError(cause, depth + 1)}`);
  return depth > 3 ? own : [own, ...texts].join('\n');
}

/** Sequelize replaces the stack of a database's error by one that does not say what was wrong. */
function stackOf({ stack = '', name, message }: Error): string {
  if (stack.includes(message) && stack !== '') return stack;
  const frames = stack.search(/^ +at /m);
  return frames < 0 ? `${name}: ${message}` : `${name}: ${message}\n${stack.slice(frames)}`;
}
