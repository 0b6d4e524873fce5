import { describe, expect, it } from 'vitest';
import {
  ackFrame,
  dispatchFrame,
  errorFrame,
  FrameError,
  invalidEventTypeFrame,
  parseFrame,
  statusFrame,
  withId,
} from '../../src/protocol/frames.js';

const refused = (text: string | Buffer, isBinary = false): FrameError => {
  try {
    parseFrame(text, isBinary);
  } catch (error) {
    expect(error).toBeInstanceOf(FrameError);
    expect((error as FrameError).code).toBe(4003);
    return error as FrameError;
  }
  throw new Error(`was accepted: ${text.toString().slice(0, 200)}`);
};

const nested = (depth: number, open = '{"a":', close = '}') => `${open.repeat(depth)}1${close.repeat(depth)}`;

describe('a frame is read', () => {
  it('from text and from a buffer of text', () => {
    const text = '{"event_type":"room.info","data":{"room_id":"x"},"id":"é1"}';
    const frame = { eventType: 'room.info', data: { room_id: 'x' }, id: 'é1' };
    expect(parseFrame(text, false)).toEqual(frame);
    expect(parseFrame(Buffer.from(text), false)).toEqual(frame);
  });

  it('without an id, and a heartbeat without data', () => {
    expect(parseFrame('{"event_type":"room.list","data":{}}', false).id).toBeUndefined();
    expect(parseFrame('{"event_type":"session.heartbeat"}', false).data).toEqual({});
  });

  it('with an id of 64 characters, emoji counted once', () => {
    for (const id of ['x', 'x'.repeat(64), '👍'.repeat(64)]) {
      expect(parseFrame(JSON.stringify({ event_type: 'e', data: {}, id }), false).id).toBe(id);
    }
  });

  it('32 levels deep, brackets in texts not counted', () => {
    parseFrame(`{"event_type":"e","data":${nested(31)}}`, false);
    parseFrame(`{"event_type":"e","data":{"a":"${'[{\\"'.repeat(100)}"}}`, false);
  });
});

describe('a frame is refused', () => {
  it('when it is binary, broken, or no object', () => {
    refused(Buffer.from('{"event_type":"e","data":{}}'), true);
    for (const text of ['', ' ', '{', 'null', '[]', '"x"', '5', 'true', '[{"event_type":"e","data":{}}]', '{"a":1,}']) {
      refused(text);
    }
  });

  it('when event_type or data is missing or wrong', () => {
    expect(refused('{"data":{}}').detail).toEqual({ event_type: ['This field is required.'] });
    for (const wrong of ['5', 'null', '[]', '{}', 'true']) {
      expect(refused(`{"event_type":${wrong},"data":{}}`).detail).toHaveProperty('event_type');
    }
    expect(refused('{"event_type":"e"}').detail).toEqual({ data: ['This field is required.'] });
    for (const wrong of ['5', 'null', '[]', '"x"']) {
      expect(refused(`{"event_type":"session.heartbeat","data":${wrong}}`).detail).toHaveProperty('data');
    }
  });

  it('when the id is no text of 1 to 64 characters', () => {
    for (const id of ['', 'x'.repeat(65), '👍'.repeat(65), 5, null, {}, []]) {
      const error = refused(JSON.stringify({ event_type: 'e', data: {}, id }));
      expect(error.detail).toHaveProperty('id');
      expect(error.eventId).toBeUndefined();
    }
  });

  it('when it has unknown keys, naming them', () => {
    expect(refused('{"event_type":"e","data":{},"foo":1,"bar":2,"id":"7"}')).toMatchObject({
      detail: { foo: ['Unknown field.'], bar: ['Unknown field.'] },
      eventId: '7',
      eventType: 'e',
    });
  });

  it('over 32 levels deep, wherever, and with its id', () => {
    expect(refused(`{"event_type":"e","id":"7","data":${nested(32)}}`).eventId).toBe('7');
    expect(refused(`{"event_type":"e","data":${nested(32, '[', ']')},"id":"7"}`).eventId).toBe('7');
    const started = performance.now();
    refused(`{"event_type":"e","data":{"a":${'['.repeat(60_000)}`);
    refused(nested(10_000));
    expect(performance.now() - started).toBeLessThan(1000);
  });

  it('with a forbidden key anywhere, escaped or not', () => {
    for (const key of [
      '__proto__',
      'constructor',
      'prototype',
      '\\u005f_proto__',
      'c\\u006fnstructor',
      '\\u0070rototype',
    ]) {
      for (const text of [
        `{"event_type":"e","data":{"${key}":{}},"id":"7"}`,
        `{"event_type":"e","data":{"a":[[{"${key}":1}]]},"id":"7"}`,
        `{"event_type":"e","${key}":1,"data":{},"id":"7"}`,
      ]) {
        expect(refused(text)).toMatchObject({ eventId: '7', detail: expect.stringContaining('is not allowed') });
      }
    }
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    parseFrame('{"event_type":"e","data":{"a":"__proto__"}}', false);
  });

  it('with a lone surrogate in a key or a value', () => {
    for (const data of ['{"a":"\\ud800"}', '{"a":["x\\udc00"]}', '{"\\ud83d":1}', '{"a":"\\udc4d\\ud83d"}']) {
      expect(refused(`{"event_type":"e","data":${data},"id":"7"}`)).toMatchObject({
        eventId: '7',
        detail: expect.stringContaining('Ill-formed'),
      });
    }
    refused('{"event_type":"\\ud800","data":{}}');
    expect(refused('{"event_type":"e","data":{},"id":"\\ud800"}').eventId).toBeUndefined();
    expect(parseFrame('{"event_type":"e","data":{"a":"\\ud83d\\udc4d"}}', false).data).toEqual({ a: '👍' });
  });

  it('with its id told from broken JSON when it stands at the top', () => {
    expect(refused('{"event_type":"e","id":"7","data":{}').eventId).toBe('7');
    expect(refused('{"id" : "a\\"b" , oops}').eventId).toBe('a"b');
    expect(refused('{"\\u0069d":"7",').eventId).toBe('7');
    expect(refused('{"data":{"id":"7"},').eventId).toBeUndefined();
    expect(refused('{"a":"id","b":"7",').eventId).toBeUndefined();
    expect(refused('{"id":"7').eventId).toBeUndefined();
    expect(refused(`{"id":"${'x'.repeat(65)}",`).eventId).toBeUndefined();
    expect(refused('{"id":"\\ud800",').eventId).toBeUndefined();
  });

  it('without a crash, however it was cut or changed', () => {
    const text = '{"event_type":"message.send","data":{"content":"a \\u0022 [b] {c}","list":[1,{"d":null}]},"id":"7"}';
    for (let end = 0; end < text.length; end++) refused(text.slice(0, end));
    for (let at = 0; at < text.length; at++) {
      for (const character of ['"', '\\', '{', '}', '[', ']', ',', ':', '\u0000', '\ud800']) {
        try {
          parseFrame(text.slice(0, at) + character + text.slice(at + 1), false);
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError);
        }
      }
    }
  });
});

describe('frames are written', () => {
  it('in the shapes of the protocol', () => {
    expect(JSON.parse(dispatchFrame('a.dispatch', { b: 1 }))).toEqual({ eventType: 'a.dispatch', data: { b: 1 } });
    expect(JSON.parse(dispatchFrame('a.dispatch', [], { room_id: 'r', offset: 0 }))).toEqual({
      eventType: 'a.dispatch',
      data: [],
      room_id: 'r',
      offset: 0,
    });
    expect(JSON.parse(dispatchFrame('t', {}, { room_id: 'r' }))).toEqual({ eventType: 't', data: {}, room_id: 'r' });
    expect(JSON.parse(errorFrame({ code: 4029, detail: 'x', retry_after: 2 }))).toEqual({
      error: { code: 4029, detail: 'x', retry_after: 2 },
    });
    expect(JSON.parse(errorFrame({ code: 4003, detail: { a: ['b'] } }, '7'))).toEqual({
      error: { code: 4003, detail: { a: ['b'] } },
      id: '7',
    });
    expect(invalidEventTypeFrame()).toBe('{"error":"invalid event type"}');
    expect(JSON.parse(invalidEventTypeFrame('7'))).toEqual({ error: 'invalid event type', id: '7' });
    expect(statusFrame()).toBe('{"status":"success"}');
    expect(JSON.parse(statusFrame('7'))).toEqual({ status: 'success', id: '7' });
    expect(JSON.parse(ackFrame({ status: 'successful', seq: 3 }, '7'))).toEqual({
      eventType: 'event.ack',
      data: { status: 'successful', seq: 3 },
      id: '7',
    });
  });

  it('with an id put into a finished frame', () => {
    const frame = dispatchFrame('a', { text: 'ends with }' });
    expect(JSON.parse(withId(frame, 'a"b'))).toEqual({ ...JSON.parse(frame), id: 'a"b' });
    expect(withId(frame, undefined)).toBe(frame);
  });
});
