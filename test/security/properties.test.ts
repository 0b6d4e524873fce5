/** Whatever comes: the parts that read what strangers send answer or refuse, in bounded time, and never break. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLogger, transports } from 'winston';
import { readToken } from '../../src/gateway/authentication.js';
import { isAllowedOrigin } from '../../src/gateway/middleware.js';
import { cleanContent } from '../../src/handlers/content.js';
import { createRedactedLogger } from '../../src/logging/logger.js';
import { ValidationError } from '../../src/protocol/errors.js';
import { FrameError, parseFrame, withId } from '../../src/protocol/frames.js';
import { checkPayload, payloadSchemas, userIdSchema } from '../../src/protocol/payloads.js';
import { fromJobId, toJobId } from '../../src/queue/job-id.js';
import { resolveSettings } from '../../src/settings/settings.js';
import { HTML_VECTORS } from './html-vectors.js';
import { MATRIX } from './matrix-table.js';
import { HOSTILE_TEXTS } from './texts.js';

/** Runs of each property; the soak asks for more. */
const runs = { numRuns: Number(process.env.CHAT_FUZZ_RUNS ?? 400) };
const schemas = payloadSchemas({
  ...resolveSettings({ database: 'sqlite::memory:' }),
  userId: userIdSchema('integer'),
});
const UUID = '0190a000-0000-7000-8000-000000000000';
/** Ids and users of nothing: these properties touch no database. */
const nowhere = new Proxy({}, { get: () => ({ id: UUID, messageId: UUID }) }) as never;
const validData = Object.entries(MATRIX).flatMap(([eventType, rows]) =>
  rows.map(({ data }) => ({ eventType, data: data(nowhere) })),
);

/** Any text, halves of characters too. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  fc.constantFrom(
    ...Object.values(HOSTILE_TEXTS),
    '__proto__',
    'constructor',
    'x'.repeat(70),
    '👍'.repeat(70),
    `x${'👍'.repeat(70)}`,
  ),
);
const anyKey = fc.oneof(
  anyText,
  fc.constantFrom('room_id', 'message_id', 'content', 'extra_fields', 'media', 'data', 'members', 'rooms', 'id'),
);
const { value: anyJson } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    anyText,
    fc.constantFrom(null, true, 0, -1, 1.5, 1e300, UUID, [], {}),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(anyKey, tie('value')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  ),
}));

const isWellFormed = (text: string) => (text as unknown as { isWellFormed(): boolean }).isWellFormed();

/** What is said to a client can be sent as UTF-8. */
function expectSendable(detail: unknown): void {
  const walk = (value: unknown): void => {
    if (typeof value === 'string') expect(isWellFormed(value), JSON.stringify(value)).toBe(true);
    else if (typeof value === 'object' && value !== null)
      for (const entry of Object.entries(value)) entry.forEach(walk);
  };
  walk(detail);
}

/** Runs it and gives the seconds of processor time it took: another process that is busy does not count. */
function secondsOf(run: () => unknown): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

describe('a frame', () => {
  const read = (text: string | Buffer) => {
    try {
      return parseFrame(text, false);
    } catch (error) {
      expect(error).toBeInstanceOf(FrameError);
      expectSendable((error as FrameError).detail);
      return undefined;
    }
  };

  it('of any bytes is read, or refused with a sentence', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), anyText), (bytes) => {
        read(typeof bytes === 'string' ? bytes : Buffer.from(bytes));
      }),
      runs,
    );
  });

  it('of any JSON is read, or refused with a sentence; what is read holds nothing that reaches further', () => {
    const frame = fc.record(
      { event_type: fc.oneof(anyJson, fc.constantFrom(...schemas.keys())), data: anyJson, id: anyJson },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(frame, anyJson), (value) => {
        const text = JSON.stringify(value) ?? '';
        const found = read(text);
        if (found === undefined) return;
        expectSendable(found);
        expect(text).not.toMatch(/"(__proto__|constructor|prototype)":/);
        expect(Object.getPrototypeOf(found.data)).toBe(Object.prototype);
      }),
      runs,
    );
  });

  it('of valid JSON that was damaged anywhere is read, or refused', () => {
    const damaged = fc
      .tuple(fc.constantFrom(...validData), fc.nat(), fc.nat({ max: 20 }), anyText)
      .map(([{ eventType, data }, at, length, text]) => {
        const json = JSON.stringify({ event_type: eventType, data, id: 'x' });
        const from = at % json.length;
        return json.slice(0, from) + text + json.slice(from + length);
      });
    fc.assert(
      fc.property(damaged, (text) => void read(text)),
      runs,
    );
  });

  it('that is deep, long or full of brackets takes its time from nobody', () => {
    for (const piece of ['[', '{"a":', '"', '\\', '"\\', '[[]', '{"":{}', ',', '{"id":"', 'null,', '"\\u0000']) {
      expect(
        secondsOf(() => read(piece.repeat(65_536 / piece.length))),
        piece,
      ).toBeLessThan(1);
    }
  });

  it('gets the id that it answers, whatever the id', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), anyJson, (id, data) => {
        const frame = JSON.stringify({ eventType: 'x', data });
        expect(JSON.parse(withId(frame, id))).toEqual({ ...(JSON.parse(frame) as object), id });
      }),
      runs,
    );
  });
});

describe('a payload', () => {
  it.each([...schemas])(
    'of %s is taken, or refused by field; what is taken is taken again as it is',
    (eventType, schema) => {
      const valid = validData.filter((one) => one.eventType === eventType);
      const data = fc.oneof(
        anyJson,
        fc
          .tuple(fc.constantFrom(...valid), anyKey, anyJson)
          .map(([one, key, value]) => ({ ...one.data, [key]: value })),
        fc.tuple(fc.constantFrom(...valid), fc.nat(), anyJson).map(([one, at, value]) => {
          const keys = Object.keys(one.data);
          return keys.length === 0 ? {} : { ...one.data, [keys[at % keys.length]!]: value };
        }),
      );
      fc.assert(
        fc.property(data, (given) => {
          let checked: unknown;
          try {
            checked = checkPayload(schema, given);
          } catch (error) {
            expect(error).toBeInstanceOf(ValidationError);
            return;
          }
          expect(checkPayload(schema, structuredClone(checked))).toEqual(checked);
        }),
        { numRuns: Math.ceil(runs.numRuns / 4) },
      );
      expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    },
  );
});

describe('content', () => {
  const options = { maxLength: 10_000, allowEmpty: true };
  const clean = (text: string) => {
    try {
      return cleanContent(text, options);
    } catch (error) {
      expect(error).toBeInstanceOf(ValidationError);
      return undefined;
    }
  };
  const vectors = Object.values(HTML_VECTORS).flat();
  const pieces = [
    ...[
      '<',
      '>',
      '</',
      '/>',
      '"',
      "'",
      '`',
      '=',
      '&',
      ';',
      '&#',
      '&lt;',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '<?',
      ' ',
      '\n',
    ],
    ...[
      '<b>',
      '</b>',
      '<p>',
      '<ul>',
      '<li>',
      '<a href=',
      'https://x.example',
      'javascript:',
      ' onclick=',
      ' id="',
      '<script>',
    ],
    ...['</script>', '<style>', '<svg>', '<math>', '<table>', '<noscript>', '<textarea>', '\u0000', 'x', 'é', '👍'],
  ];
  const markup = fc.oneof(
    fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map((parts) => parts.join('')),
    fc.array(fc.constantFrom(...vectors), { maxLength: 4 }).map((parts) => parts.join('')),
    fc
      .tuple(fc.constantFrom(...vectors), fc.nat(), fc.nat({ max: 9 }), fc.constantFrom(...pieces))
      .map(
        ([vector, at, length, piece]) =>
          vector.slice(0, at % vector.length) + piece + vector.slice((at % vector.length) + length),
      ),
    anyText,
  );

  it('is cleaned or refused; what is clean has allowed tags only, and stays as it is', () => {
    fc.assert(
      fc.property(markup, (text) => {
        const html = clean(text);
        if (html === undefined) return;
        const rest = html.replace(
          /<(?:\/?(?:b|i|strong|em|span|p|ul|ol|li|a)|br \/|(?:b|i|strong|em|span|p|ul|ol|li|a)(?: (?:class|id|title|target|rel)(?:="[^"<>]*")?| href="(?:https?:\/\/|mailto:)[^"<>]*")+)>/gi,
          '',
        );
        expect(rest, html).not.toMatch(/[<>]/);
        expect(clean(html)).toBe(html);
      }),
      { numRuns: runs.numRuns * 3 },
    );
  });

  it('takes bounded time, whatever is repeated in it', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 4 }), (parts) => {
        const piece = parts.join('');
        const text = piece.repeat(Math.ceil(10_000 / piece.length)).slice(0, 10_000);
        expect(
          secondsOf(() => clean(text)),
          piece,
        ).toBeLessThan(3);
      }),
      { numRuns: Math.ceil(runs.numRuns / 8) },
    );
  });
});

describe('what comes with a request', () => {
  it('of any headers has a token or none, and an origin that is allowed or not', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (origin, host, authorization, url) => {
        const headers = { origin, host, authorization, 'sec-websocket-protocol': authorization };
        const request = { headers, url: `/messaging/?token=${url}` } as never;
        expect(['string', 'undefined']).toContain(typeof readToken(request));
        expect(isAllowedOrigin(request, [])).toBe(false);
      }),
      runs,
    );
  });

  it('is found again in the name of its job', () => {
    const part = fc.string({ unit: 'grapheme' });
    fc.assert(
      fc.property(part, part, part, (type, userId, roomId) => {
        const job = { id: UUID, type, userId, roomId };
        expect(fromJobId(toJobId(job as never))).toEqual(job);
        expect(toJobId(job as never)).not.toContain(':');
      }),
      runs,
    );
  });
});

describe('a log entry', () => {
  it('of anything is written, and holds none of its secrets', () => {
    const texts: string[] = [];
    const base = createLogger({ level: 'silly', transports: [new transports.Console({ silent: true })] });
    base.write = ((info: unknown) => texts.push(JSON.stringify(info))) as never;
    const logger = createRedactedLogger(base);
    fc.assert(
      fc.property(
        anyJson,
        anyText,
        fc.constantFrom('token', 'content', 'password', 'accessToken'),
        (value, text, key) => {
          texts.length = 0;
          logger.info(text, { value, inner: [{ [key]: 'SECRET-VALUE' }], url: '/x?token=SECRET-VALUE' });
          expect(texts).toHaveLength(1);
          expect(texts[0]).not.toContain('SECRET-VALUE');
        },
      ),
      runs,
    );
  });
});
