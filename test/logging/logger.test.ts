import { Writable } from 'node:stream';
import { afterEach, expect, it } from 'vitest';
import { type Logger, transports } from 'winston';
import { createDefaultLogger } from '../../src/logging/logger.js';

const open: Logger[] = [];
afterEach(() => {
  for (const logger of open.splice(0)) logger.close();
});

/** The default logger, with what it would print caught as text. */
function caught(level?: string): { logger: Logger; text: () => string } {
  let text = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      done();
    },
  });
  const logger = createDefaultLogger({ level });
  const [before] = logger.transports;
  logger.clear().add(new transports.Stream({ stream, format: before!.format! }));
  open.push(logger);
  return { logger, text: () => text };
}

it('prints one readable line per entry, with what child loggers add', () => {
  const { logger, text } = caught();
  logger.child({ connectionId: 'c1' }).info('connection opened', { userId: 7, room: undefined, name: 'two words' });
  expect(text()).toMatch(
    /^\d{4}-\d\d-\d\dT[\d:.]+Z info connection opened connectionId=c1 userId=7 name="two words"\n$/,
  );
});

it('prints from its level on', () => {
  const { logger, text } = caught('warn');
  logger.info('quiet');
  logger.warn('loud');
  expect(text()).toContain('loud');
  expect(text()).not.toContain('quiet');
});

it('prints on stderr only', () => {
  const logger = createDefaultLogger();
  open.push(logger);
  const [console] = logger.transports as unknown as { stderrLevels: Record<string, boolean> }[];
  for (const level of Object.keys(logger.levels)) expect(console!.stderrLevels[level]).toBe(true);
});

it('never prints a token, a password or content, however deep, and leaves what was logged alone', () => {
  const { logger, text } = caught();
  const meta = {
    token: 'hunter2',
    accessToken: 'hunter2',
    Authorization: 'hunter2',
    job: { data: { content: 'hunter2', list: [{ password: 'hunter2' }] } },
    url: '/messaging/?a=b&token=hunter2&c=d',
    database: 'mysql://me:hunter2@host/name',
    header: 'Bearer hunter2',
    protocols: 'bearer, hunter2',
    jwt: 'eyJhbGciOiJIUzI1NiJ9.eyJodW50ZXIyIjoxfQ.abc',
    count: 3,
  };
  const before = structuredClone(meta);
  logger.child({ password: 'hunter2' }).info('opened /messaging/?token=hunter2', meta);
  logger.info({ message: 'an object', content: 'hunter2' });
  expect(text()).not.toContain('hunter2');
  expect(text()).not.toContain('eyJ');
  expect(text()).toContain('count=3');
  expect(text()).toContain('c=d');
  expect(meta).toEqual(before);
});

it("prints an error's stack and causes, but not what hangs on it", () => {
  const { logger, text } = caught();
  const fail = (message: string) =>
    Object.assign(new Error(message, { cause: new Error(`cause of ${message}`) }), {
      sql: 'INSERT hunter2',
      parameters: ['hunter2'],
      errors: [
        new (class Item {
          value = 'hunter2';
        })(),
      ],
    });
  logger.error('it failed', { error: fail('first') });
  logger.error('it failed', fail('second'));
  logger.error(fail('third'));
  logger.child({ a: 1 }).error(fail('fourth'));
  for (const name of ['first', 'second', 'third', 'fourth']) expect(text()).toContain(name);
  expect(text()).toContain('cause of first');
  expect(text()).toContain('logger.test.ts');
  expect(text()).not.toContain('hunter2');
});

it('says what was wrong with a statement, and not what the database quotes of it', () => {
  const { logger, text } = caught();
  // As Sequelize leaves them: a stack without the message.
  const fail = (message: string) =>
    Object.assign(new Error(message), { name: 'DatabaseError', stack: 'Error: \n    at query (query.js:1:1)' });
  for (const message of [
    "You have an error in your SQL syntax; check it near 'hunter2 it's' at line 1",
    'near "hunter2": syntax error',
    "Incorrect string value: 'hunter2\\xF0' for column `content` at row 1",
    "Duplicate entry '7-hunter2' for key 'sender_client'",
    'no such table: nowhere',
  ]) {
    logger.error('it failed', { error: fail(message) });
  }
  expect(text()).toContain('DatabaseError: no such table: nowhere');
  expect(text()).toContain('Duplicate entry [not logged] for key');
  expect(text().match(/at query/g)).toHaveLength(5);
  expect(text()).not.toContain('hunter2');
});

it('prints no line break that somebody else wrote, nor ends by what it cannot print', () => {
  const { logger, text } = caught();
  const circle: Record<string, unknown> = { big: 5n, bytes: Buffer.from('hunter2'), none: null, when: new Date(0) };
  circle.self = circle;
  logger.info('name\n2026 error forged', { name: 'a\nb', circle });
  expect(text().trimEnd().split('\n')).toHaveLength(1);
  expect(text()).toContain('[...]');
  expect(text()).not.toContain('hunter2');
});
