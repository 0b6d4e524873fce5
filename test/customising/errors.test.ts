/** The exception handler replaced. */
import { afterEach, describe, expect, test } from 'vitest';
import {
  type ActingUser,
  type ErrorBody,
  type ErrorContext,
  type ErrorDetail,
  EventHandler,
  type EventPayloads,
  ExceptionHandler,
  NotFound,
  RateLimited,
} from '../../src/index.js';
import { errorOf, openTestChat, type TestChat } from '../../src/testing/index.js';

let host: TestChat;

afterEach(() => host?.close());

class QuotaExceeded extends Error {}

/** Fails as the content says. */
class Failing extends EventHandler {
  override async createMessage(data: EventPayloads['message.send'], user: ActingUser) {
    if (data.content === 'quota') throw new QuotaExceeded('You have sent enough for today.');
    if (data.content === 'secret') throw new Error('The password is 1234.');
    if (data.content === 'nothing') throw undefined;
    if (data.content === 'gone') throw new NotFound();
    if (data.content === 'fast') throw new RateLimited(7);
    return super.createMessage(data, user);
  }
}

async function say(content: string) {
  const room = await host.group(host.people.ann);
  const client = await host.connect(host.people.ann);
  return client.request('message.send', { room_id: room, content });
}

describe('an exception handler', () => {
  test('gives an own error class its own code', async () => {
    class Own extends ExceptionHandler {
      override handle(error: unknown, context: ErrorContext): ErrorBody {
        if (error instanceof QuotaExceeded) return { code: 4007, detail: error.message };
        return super.handle(error, context);
      }
    }
    host = await openTestChat({ eventHandlerClass: Failing, exceptionHandlerClass: Own });
    expect((await say('quota')).error).toEqual({ code: 4007, detail: 'You have sent enough for today.' });
    expect((await say('gone')).error).toEqual({ code: 4004, detail: 'Resource not found.' });
    expect((await say('fast')).error).toMatchObject({ code: 4029, retry_after: 7 });
    expect(host.log).toEqual([]);
    await expect(
      host.chat.as(host.people.ann).send('message.send', {
        room_id: await host.group(host.people.ann),
        content: 'quota',
      }),
    ).rejects.toMatchObject({ code: 4007 });
  });

  test('changes the format of all errors', async () => {
    class Formatted extends ExceptionHandler {
      override sendError(
        consumer: { fail(body: ErrorBody): void },
        detail: ErrorDetail,
        event: string,
        error: unknown,
        code = 4003,
        extra: Record<string, unknown> = {},
      ) {
        const name = error instanceof Error ? error.name : 'Error';
        consumer.fail({ ...extra, code, detail, event, name, at: 'now' });
      }
    }
    host = await openTestChat({ eventHandlerClass: Failing, exceptionHandlerClass: Formatted });
    const error = errorOf(await say('gone'));
    expect(error).toEqual({
      code: 4004,
      detail: 'Resource not found.',
      event: 'message.send',
      name: 'NotFound',
      at: 'now',
    });
  });

  test('by default leaks nothing: the log has it', async () => {
    host = await openTestChat({ eventHandlerClass: Failing });
    for (const content of ['secret', 'quota', 'nothing']) {
      expect((await say(content)).error).toEqual({ code: 4006, detail: 'Internal server error.' });
    }
    expect(JSON.stringify(host.log)).toContain('The password is 1234.');
    expect(await host.chat.models.Message.count()).toBe(0);
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('Broken handler');
      },
    ],
    ['gives nothing', () => undefined as never],
    ['gives no code', () => ({ detail: 'x' }) as never],
  ])('that %s itself still answers, with 4006', async (_, handle) => {
    class Broken extends ExceptionHandler {
      override handle(): ErrorBody {
        return handle();
      }
    }
    host = await openTestChat({ eventHandlerClass: Failing, exceptionHandlerClass: Broken });
    expect((await say('gone')).error).toEqual({ code: 4006, detail: 'Internal server error.' });
    expect((await say('hello')).data).toMatchObject({ seq: 1 });
  });
});
