/** The quick reading of most `message.send`: never to another result than the schema's. */
import fc from 'fast-check';
import Joi from 'joi';
import { expect, it } from 'vitest';
import { checkPayload, type PayloadOptions, payloadSchemas, plainReads } from '../../src/protocol/payloads.js';
import { options as ofSettings } from './options.js';

const options: PayloadOptions = { ...ofSettings, maxContentLength: 12 };
const schema = payloadSchemas(options).get('message.send')!;
const read = plainReads(options).get('message.send')!;
const id = '0190a000-0000-7000-8000-0000000000aa';

it('gives what the schema gives, or leaves it to that', () => {
  const value = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 70 }),
    fc.constantFrom(id, id.toUpperCase(), ' ', '', '\ud800', ' x ', 'x'.repeat(12), '😀'.repeat(12), 'x'.repeat(64)),
    fc.constantFrom(null, 5, true, [], {}, [id]),
  );
  const data = fc.oneof(
    fc.record(
      {
        room_id: value,
        content: value,
        client_id: value,
        extra_fields: fc.constantFrom({}, { media: [] }, null),
        x: value,
      },
      { requiredKeys: [] },
    ),
    fc.record({ room_id: fc.constant(id), content: value, client_id: value }, { requiredKeys: ['room_id', 'content'] }),
    value,
  );
  let plain = 0;
  fc.assert(
    fc.property(data, (given) => {
      const found = read(given);
      if (found === undefined) return;
      plain += 1;
      expect(found).toEqual(checkPayload(schema, given));
    }),
    { numRuns: 5000 },
  );
  expect(plain).toBeGreaterThan(100);
});

it('reads what clients send', () => {
  expect(read({ room_id: id, content: ' Hello ' })).toEqual({
    room_id: id,
    content: ' Hello ',
    extra_fields: { media: [] },
  });
  expect(read({ room_id: id, content: 'hi', client_id: 'c1' })).toMatchObject({ client_id: 'c1' });
});

it('leaves all to the schema where the message model has columns that clients give', () => {
  const messageFields = { priority: { schema: Joi.number().default(1) } };
  expect(plainReads({ ...options, messageFields }).size).toBe(0);
});
