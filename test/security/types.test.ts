// Long: one attack a test, each over every event.
/** Values of a wrong kind in every field of every event, keys that reach where they should not, and columns nobody may give. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { refused } from '../helpers/chat.js';
import type { Chatter } from '../helpers/stack.js';
import { MATRIX } from './matrix-table.js';
import { framesBefore, rowsOf, type Scenery, setScenery } from './scenery.js';
import { ILL_FORMED } from './texts.js';

/** In place of any value. */
const CONFUSION: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  0.5,
  1e308,
  2 ** 60,
  '',
  '0',
  'true',
  [],
  {},
  [[]],
  [null],
  [{}],
  ['x', 1],
  { length: 1, 0: 'x' },
  { toString: 'x' },
  { valueOf: 1, toJSON: 1 },
  // biome-ignore lint/suspicious/noThenProperty: an attacker has no such scruples.
  { then: 1 },
  { $gt: '' },
  { $or: [{}] },
  { $ne: null },
  { 'Op.ne': null },
  { '[Op.ne]': null },
  { val: '1 OR 1=1' },
  { fn: 'SLEEP', args: [9] },
  { type: 'Buffer', data: [39] },
  { isLiteral: true, val: '1=1' },
];

/** Columns of the chat's tables that no event may give, in any `extra_fields`, attachment or property. */
const isFree = (column: string, path: string) =>
  FREE.some(([name, end]) => name === column && (path === end || path.endsWith(`.${end}`)));
const FREE = [
  ['content', 'extra_fields'],
  ['parent_message_id', 'extra_fields'],
  ['forwarded_from_id', 'extra_fields'],
  ['preferences', 'property'],
  ...['avatar', 'group_locked', 'join_approval_required', 'max_participants', 'is_public', 'max_subscribers'].flatMap(
    (column) => [
      [column, 'extra_fields'],
      [column, 'data'],
    ],
  ),
  ['name', 'data'],
  ['description', 'data'],
  ...['media_url', 'media_type', 'mime_type', 'file_size', 'caption', 'metadata'].map((column) => [column, 'media']),
] as const;

describe.each(['embedded', 'distributed'] as const)('what no field takes, %s', (kind) => {
  let scenery: Scenery;
  let ann: Chatter;
  const png = { media_url: 'https://e.example/x.png', media_type: 'image', mime_type: 'image/png' };

  beforeAll(async () => {
    scenery = await setScenery(kind);
    ann = scenery.intruder;
  });
  afterAll(async () => {
    await scenery?.close();
  });

  /** Sends all and expects no answer but one: refused as invalid. */
  async function allRefused(events: [eventType: string, data: unknown][], code = 4003): Promise<void> {
    const before = await rowsOf(scenery);
    const answers = await Promise.all(events.map(([eventType, data]) => ann.request(eventType, data)));
    const wrong = answers
      .map(({ error }, index) => [(error as { code?: number } | undefined)?.code, events[index], error] as const)
      .filter(([found]) => found !== code);
    expect(wrong.slice(0, 5).map((one) => JSON.stringify(one).slice(0, 600))).toEqual([]);
    expect(await rowsOf(scenery)).toEqual(before);
    const { owner, witness, intruder, device } = scenery;
    expect(await framesBefore(owner, [owner, witness, intruder, device])).toEqual([]);
  }

  it('a value of another kind in any field that is there is an answer, and never a failure of ours', async () => {
    const answers: unknown[] = [];
    const homes = await scenery.newHomes();
    const own = { ...scenery, ...homes };
    for (const [eventType, rows] of Object.entries(MATRIX)) {
      // What deletes or leaves the room would leave nothing for the next to try.
      for (const { data } of rows.filter(({ data }) => !/delete/.test(JSON.stringify(data(own))))) {
        for (const path of pathsOf(data(own))) {
          for (const value of CONFUSION) {
            const given = structuredClone(data(own));
            put(given, path, value);
            answers.push(ann.request(eventType, given).then(({ error }) => [error, eventType, given]));
          }
          await Promise.all(answers);
        }
      }
    }
    const codes = (await Promise.all(answers)) as [{ code?: number } | undefined, string, unknown][];
    expect(codes.length).toBeGreaterThan(1000);
    const failures = codes.filter(([error]) => error && ![4002, 4003, 4004, 4005].includes(error.code ?? 0));
    expect(failures.slice(0, 5).map((one) => JSON.stringify(one))).toEqual([]);
    const { owner, witness, intruder, device } = scenery;
    const told = await framesBefore(owner, [owner, witness, intruder, device]);
    expect(told.filter(({ to }) => to !== intruder.user.id)).toEqual([]);
  });

  it('a field that is not of the event is refused, at every level of every event', async () => {
    const events = Object.entries(MATRIX).flatMap(([eventType, rows]) =>
      rows.flatMap(({ data }) => {
        const given = data(scenery);
        const objects: string[][] = [[], ...pathsOf(given).filter((path) => isObject(at(given, path)))];
        return objects
          .filter((path) => path.at(-1) !== 'rooms')
          .map((path): [string, unknown] => {
            const more = structuredClone(given);
            put(more, [...path, 'unheard_of'], 1);
            return [eventType, more];
          });
      }),
    );
    expect(events.length).toBeGreaterThan(40);
    await allRefused(
      events.filter(([eventType, data]) => !/an action of nobody/.test(JSON.stringify([eventType, data]))),
    );
  });

  it('a column that the chat decides is refused, whatever object it is put into', async () => {
    const room_id = scenery.home.id;
    const { messageId: message_id } = scenery.home;
    const objects: Record<string, (fields: object) => [string, object]> = {
      'the data of message.send': (more) => ['message.send', { room_id, content: 'x', ...more }],
      extra_fields: (extra_fields) => ['message.send', { room_id, content: 'x', extra_fields }],
      'extra_fields.media': (more) => [
        'message.send',
        { room_id, content: 'x', extra_fields: { media: [{ ...png, ...more }] } },
      ],
      'modify.extra_fields': (extra_fields) => [
        'message.modify',
        { action: 'update', message_id, extra_fields: { content: 'y', ...extra_fields } },
      ],
      'create.extra_fields': (extra_fields) => ['room.create', { type: 'GroupChat', name: 'x', extra_fields }],
      'channel.extra_fields': (extra_fields) => ['room.create', { type: 'Channel', name: 'x', extra_fields }],
      'create.property': (property) => ['room.create', { type: 'GroupChat', name: 'x', extra_fields: { property } }],
      'modify.data': (data) => ['room.modify', { room_id, action: 'update', data }],
      'modify.data.property': (property) => ['room.modify', { room_id, action: 'update', data: { property } }],
    };
    const columns = new Set(scenery.models.flatMap((model) => Object.keys(model.getAttributes())));
    expect(columns.size).toBeGreaterThan(40);
    const events = Object.entries(objects).flatMap(([where, make]) =>
      [...columns]
        .filter((column) => !isFree(column, where) && !['room_id', 'client_id', 'type'].includes(column))
        .filter((column) => where !== 'the data of message.send' || column !== 'content')
        .filter((column) => !(where === 'modify.extra_fields' && column === 'content'))
        .map((column) => make({ [column]: scenery.foreign[0]!.id })),
    );
    expect(events.length).toBeGreaterThan(200);
    await allRefused(events);
  });

  it('the creator, the members, the numbers of a room or message cannot be given', async () => {
    const { home, foreign, mate } = scenery;
    const [room_id, other] = [home.id, foreign[0]!.id];
    await allRefused([
      ['message.send', { room_id, content: 'x', extra_fields: { room_id: other } }],
      ['message.send', { room_id, content: 'x', extra_fields: { sender_id: mate, seq: 1 } }],
      ['message.send', { room_id, content: 'x', sender: mate }],
      ['message.send', { room_id, content: 'x', user_id: mate }],
      ['room.create', { type: 'GroupChat', name: 'x', creator: mate }],
      ['room.create', { type: 'GroupChat', name: 'x', extra_fields: { creator_id: mate } }],
      ['room.create', { type: 'GroupChat', name: 'x', extra_fields: { admins: [mate] } }],
      ['room.create', { type: 'GroupChat', name: 'x', subscribers: [mate] }],
      ['room.modify', { room_id, action: 'update', data: { creator_id: mate } }],
      ['room.modify', { room_id, action: 'update', data: { type: 'Channel' } }],
      ['room.modify', { room_id, action: 'update', data: { last_seq: 0, member_count: 9 } }],
    ]);
  });

  it('a key that reaches into prototypes is refused in every object of every event, however it is spelt', async () => {
    const before = await rowsOf(scenery);
    for (const [eventType, rows] of Object.entries(MATRIX)) {
      for (const { data } of rows) {
        const given = data(scenery);
        const objects: string[][] = [[], ...pathsOf(given).filter((path) => isObject(at(given, path)))];
        for (const path of objects) {
          for (const key of ['__proto__', 'constructor', 'prototype', '\\u005f_proto__', 'c\\u006fnstructor']) {
            const more = structuredClone(given);
            put(more, [...path, 'KEY'], { isAdmin: true });
            const text = JSON.stringify({ event_type: eventType, data: more, id: 'p' }).replace('"KEY"', `"${key}"`);
            ann.sendRaw(text);
            // For the key itself, not for whatever else is wrong with such an event.
            const detail = expect.stringMatching(/^The key (__proto__|constructor|prototype) is not allowed/);
            expect((await ann.answer('p')).error, text).toEqual({ code: 4003, detail });
          }
        }
      }
    }
    expect(({} as Record<string, unknown>).isAdmin).toBeUndefined();
    expect(await rowsOf(scenery)).toEqual(before);
  });

  it('half a character is refused in every text and every key of every event', async () => {
    const before = await rowsOf(scenery);
    for (const [eventType, rows] of Object.entries(MATRIX)) {
      for (const { data } of rows) {
        const given = { ...data(scenery), unheard_of: { key: ['x'] } };
        for (const path of pathsOf(given)) {
          for (const half of ILL_FORMED) {
            const value = structuredClone(given);
            put(value, path, 'HALF');
            const key = structuredClone(given) as Record<string, unknown>;
            put(key, [...path.slice(0, -1), 'HALF'], 1);
            for (const one of [value, key]) {
              ann.sendRaw(JSON.stringify({ event_type: eventType, data: one, id: 'h' }).replace('HALF', half));
              const { error } = await ann.answer('h');
              const detail = expect.stringMatching(/^Ill-formed Unicode/);
              expect(error, `${eventType} ${path} ${half}`).toEqual({ code: 4003, detail });
            }
          }
        }
      }
    }
    expect(await rowsOf(scenery)).toEqual(before);
  });

  it('an address of media or an avatar is http or https, however another is dressed up', async () => {
    const { home } = scenery;
    const urls = [
      'javascript:alert(1)',
      ' javascript:alert(1)',
      'JAVASCRIPT:alert(1)',
      'java\nscript:alert(1)',
      'java\tscript:alert(1)',
      '\u0000javascript:alert(1)',
      '\u0001https://e.example',
      'javascript&colon;alert(1)',
      '&#106;avascript:alert(1)',
      'javascript://e.example/%0aalert(1)',
      'data:text/html,x',
      'data:image/svg+xml;base64,PHN2Zz4=',
      'DATA:image/png;base64,AA',
      'vbscript:x',
      'blob:https://e.example/1',
      'file:///etc/passwd',
      'ftp://e.example/x',
      'view-source:https://e.example',
      'https:javascript:alert(1)',
      'https:/e.example',
      'https:e.example',
      'https:\\\\e.example',
      'https://e.example\\x',
      'https://',
      'https://?x',
      '//e.example/x.png',
      '/x.png',
      'x.png',
      '',
      'https://e.example/ x',
      'https://e.example/"onerror="alert(1)',
      "https://e.example/'\u0000",
      'https://e.example/<script>',
      'https://e.example/\r\nSet-Cookie: x',
      'https://e.example/\u2028',
      `https://e.example/${'x'.repeat(2048)}`,
      ['https://e.example'],
      { href: 'https://e.example' },
    ];
    await allRefused(
      urls.flatMap((url): [string, unknown][] => [
        ['message.send', { room_id: home.id, content: 'x', extra_fields: { media: [{ ...png, media_url: url }] } }],
        ['room.create', { type: 'GroupChat', name: 'x', extra_fields: { avatar: url } }],
        ['room.modify', { room_id: home.id, action: 'update', data: { avatar: url } }],
      ]),
    );
  });

  it('a dispatch, a question between gateway and worker, and a name of Object are no events', async () => {
    const before = await rowsOf(scenery);
    const types = [
      ...['message.dispatch', 'roomcreate.dispatch', 'chat.notifications', 'event.ack', 'session.resumed', 'error'],
      ...['$connect', '$disconnect', '$memberships', '$offsets', '$replay', '$', ''],
      ...['toString', 'hasOwnProperty', 'valueOf', '__proto__', 'constructor', 'MESSAGE.SEND', ' message.send'],
      ...['message.send\u0000', 'message.send ', 'message', 'receiveMessageSend', 'connect', 'close'],
    ];
    const data = { room_id: scenery.foreign[0]!.id, user_ids: [scenery.owner.user.id], content: 'x' };
    for (const type of types) {
      const answer = await ann.request(type, { ...data, offset: 1, sender: scenery.owner.user });
      expect(answer, type).toEqual({ error: 'invalid event type', id: expect.any(String) });
    }
    for (const forged of [
      { eventType: 'message.dispatch', data, room_id: data.room_id, offset: 7 },
      { event_type: 'message.send', data, user_id: scenery.owner.user.id, id: 'f' },
      { event_type: 'message.send', data, room_id: data.room_id, offset: 1, id: 'f' },
      { status: 'success', id: 'f' },
      { error: { code: 4002 } },
    ]) {
      ann.sendRaw(JSON.stringify(forged));
      expect((await ann.next()).error).toMatchObject({ code: 4003 });
    }
    expect(await rowsOf(scenery)).toEqual(before);
    const { owner, witness, intruder, device } = scenery;
    expect(await framesBefore(owner, [owner, witness, intruder, device])).toEqual([]);
  });

  it('a cursor that was not given by that list is refused, whatever it says', async () => {
    const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const cursors = [
      ...['x', ' ', '=', '%', "' OR 1=1 -- ", '\u0000', '[]', '{}', 'bnVsbA', 'x'.repeat(1024)],
      ...[null, 1, [], {}, [null, null], [{}, {}], ["' OR 1=1 -- ", "' OR 1=1 -- "], ['x', 'y'], [1], [[], []]].map(
        encoded,
      ),
      ...[{ $gt: '' }, [{ $gt: '' }, { $gt: '' }], ['2020-01-01', { id: 1 }], [1e300, -1]].map(encoded),
    ];
    await allRefused(
      cursors.flatMap((cursor): [string, unknown][] => [
        ['room.list', { cursor }],
        ['room.discover', { cursor }],
        ['room.members', { room_id: scenery.home.id, cursor }],
      ]),
    );
    await refused(ann, 4002, 'room.members', { room_id: scenery.foreign[0]!.id, cursor: encoded([1, 1]) });
  });
});

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Paths to all that stands in an object, level by level. */
function pathsOf(value: unknown, path: string[] = []): string[][] {
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => [[...path, key], ...pathsOf(item, [...path, key])]);
}

function at(value: unknown, path: string[]): unknown {
  return path.reduce((inner, key) => (inner as Record<string, unknown>)[key], value);
}

function put(value: object, path: string[], item: unknown): void {
  const [key = '', ...rest] = path;
  const object = value as Record<string, unknown>;
  if (rest.length === 0) object[key] = item;
  else put(object[key] as object, rest, item);
}
