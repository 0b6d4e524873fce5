import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createSerializers,
  type LoadedMessage,
  MessageSerializer,
  ReactionSerializer,
  type SerializerClass,
  UserSerializer,
} from '../../src/serializers/index.js';
import { createMessageText } from '../../src/serializers/message-text.js';
import { message } from './fixtures.js';

const people = [
  { id: 1, username: 'alice', email: 'alice@example.org', first_name: 'Ålice "A"', last_name: null },
  { id: 2, username: null, email: null, first_name: '\u2028', last_name: '</script>' },
  undefined,
];
const person = fc.constantFrom(...people);
const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const bytes = text.map((value) => Buffer.from(value));
const moment = fc.oneof(
  fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }),
  fc.constant('2026-01-02 03:04:05.678 +00:00'),
);
const flag = fc.constantFrom(true, false, 0, 1);
const count = fc.constantFrom(0, 7, '12');
const maybe = <Value>(arbitrary: fc.Arbitrary<Value>) => fc.oneof(arbitrary, fc.constant(undefined));

/** Messages as databases give them, with everything that can hang on one. */
const messages: fc.Arbitrary<LoadedMessage> = fc
  .record({
    seq: count,
    client_id: fc.oneof(text, bytes),
    sender: person,
    content: text,
    is_deleted: flag,
    is_edited: flag,
    is_forwarded: flag,
    parent_message_id: fc.constantFrom(null, undefined, 'p1'),
    parent_message: fc.constantFrom(null, undefined, message({ id: 'p1' }), message({ id: 'p1', is_deleted: 1 })),
    delivered_count: count,
    read_count: count,
    created_at: moment,
    updated_at: moment,
    deliveries: maybe(fc.array(fc.record({ user_id: fc.constant(9), user: person }), { maxLength: 3 })),
    read_receipts: maybe(
      fc.array(fc.record({ user_id: fc.constant(9), reader: person, read_at: moment }), { maxLength: 3 }),
    ),
    reactions: maybe(
      fc.array(
        fc.record({
          id: text,
          user_id: fc.constant(9),
          user: person,
          reaction_content: fc.oneof(text, bytes),
          created_at: moment,
        }),
        { maxLength: 3 },
      ),
    ),
    reaction_counts: maybe(fc.constant(Object.fromEntries([['__proto__', 1] as const, ['👍', 2] as const]))),
    media: maybe(
      fc.array(
        fc.record({
          id: text,
          media_url: fc.webUrl(),
          media_type: fc.constant('image'),
          file_size: count,
          mime_type: fc.constant('image/png'),
          caption: text,
          metadata: fc.constantFrom({ width: 1 }, '{"width":1}', null),
        }),
        { maxLength: 2 },
      ),
    ),
  })
  .map((values) => message(values as Partial<LoadedMessage>));

/** The text is what the serializer's shape would be as JSON, in every byte. */
function compare(overrides: Readonly<Record<string, SerializerClass>>): void {
  const serializers = createSerializers({ exposeEmail: true }, overrides);
  const serializer = serializers.getSerializer('MessageSerializer');
  fc.assert(
    fc.property(fc.array(messages, { minLength: 1, maxLength: 3 }), (list) => {
      const toText = createMessageText(serializers);
      for (const one of list) expect(toText(one)).toBe(JSON.stringify(serializer.serialize(one)));
    }),
  );
}

describe('the text of a message', () => {
  it('is the JSON of its shape', () => compare({}));

  it('shows users and reactions as the host wants them', () => {
    class Nicknames extends UserSerializer {
      override serialize(user: object) {
        return { ...super.serialize(user), username: 'somebody' };
      }
    }
    class Loud extends ReactionSerializer {
      override serialize(reaction: Parameters<ReactionSerializer['serialize']>[0]) {
        return { ...super.serialize(reaction), loud: true };
      }
    }
    compare({ UserSerializer: Nicknames, ReactionSerializer: Loud });
  });

  it('is what a MessageSerializer of the host makes', () => {
    class Short extends MessageSerializer {
      override serialize(one: LoadedMessage) {
        return { ...super.serialize(one), content: 'short' };
      }
    }
    compare({ MessageSerializer: Short });
  });

  it('has the fields that the host declared', () => {
    class WithPriority extends MessageSerializer {
      static override fields = { priority: {} };
    }
    compare({ MessageSerializer: WithPriority });
  });
});
