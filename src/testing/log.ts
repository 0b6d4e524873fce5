/** A logger that keeps what it is given, for tests to look at. */
import { Writable } from 'node:stream';
import { createLogger, type Logger, transports } from 'winston';

/** What was logged. */
export interface LogEntry {
  readonly level: string;
  readonly message: string;
  readonly [meta: string]: unknown;
}

/** Makes a logger that puts warnings and errors into `log` and prints nothing. */
export function createKeepingLogger(log: LogEntry[]): Logger {
  const stream = new Writable({
    objectMode: true,
    write(entry: LogEntry, _encoding, done) {
      log.push(entry);
      done();
    },
  });
  return createLogger({ level: 'warn', transports: [new transports.Stream({ stream })] });
}
