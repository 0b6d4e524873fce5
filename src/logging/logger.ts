import { createLogger, format, type Logform, type Logger, transports } from 'winston';
import { redact } from './redaction.js';

export { redact } from './redaction.js';

/**
 * The logger used when the host gives none: one readable line per entry on stderr, stacks below it, without tokens,
 * passwords and message content. `level`: a level of winston, default `info`.
 */
export function createDefaultLogger({ level = 'info' }: { level?: string | undefined } = {}): Logger {
  return createLogger({
    level,
    format: format.combine(redact(), format.timestamp(), format.printf(toLine)),
    // All levels, so that stdout stays the host's.
    transports: [
      new transports.Console({ stderrLevels: ['error', 'warn', 'info', 'http', 'verbose', 'debug', 'silly'] }),
    ],
  });
}

/** A logger that says nothing, for looking at a chat that is not to run. */
export function createSilentLogger(): Logger {
  return createLogger({ silent: true, transports: [new transports.Console({ silent: true })] });
}

/**
 * A host's own logger, for our entries: secrets are taken out before its formats and transports see them, and an error is
 * its stack, which formats that print JSON would drop. The host's other entries are not touched.
 */
export function createRedactedLogger(logger: Logger): Logger {
  const format = redact();
  // As winston makes a child: only `write` is replaced, and children of this one end here too.
  return Object.create(logger, {
    write: {
      value(info: Logform.TransformableInfo) {
        return logger.write(format.transform(info, format.options));
      },
    },
  }) as Logger;
}

/** `2026-01-31T12:00:00.000Z info connection opened connectionId=... userId=1` */
function toLine({ timestamp, level, message, ...rest }: Logform.TransformableInfo): string {
  const words = [String(timestamp), level, oneLine(typeof message === 'string' ? message : asText(message))];
  const stacks: string[] = [];
  for (const [key, value] of Object.entries(rest)) {
    if (value === undefined) continue;
    if (typeof value === 'string' && value.includes('\n    at ')) stacks.push(value);
    else words.push(`${key}=${asText(value)}`);
  }
  return [words.join(' '), ...stacks.map((stack) => `  ${stack.replace(/\n/g, '\n  ')}`)].join('\n');
}

function asText(value: unknown): string {
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? String(item) : item)) ?? String(value);
}

/** A line break in a name must not look like an entry of its own. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced.
  return text.replace(/[\u0000-\u001f\u007f\u2028\u2029]/g, (character) => JSON.stringify(character).slice(1, -1));
}
