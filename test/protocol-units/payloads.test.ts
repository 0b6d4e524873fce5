import Joi from 'joi';
import { describe, expect, it } from 'vitest';
import { ValidationError } from '../../src/protocol/errors.js';
import { checkPayload, payloadSchemas, prepared, type UserIdKind, userIdSchema } from '../../src/protocol/payloads.js';
import { options } from './options.js';

const schemas = payloadSchemas(options);
const id = '0190a000-0000-7000-8000-0000000000aa';
const other = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

const checked = (event: string, data: unknown, from = schemas): Record<string, unknown> =>
  checkPayload(from.get(event)!, data) as Record<string, unknown>;

const refused = (event: string, data: unknown, from = schemas): unknown => {
  try {
    checkPayload(from.get(event)!, data);
  } catch (error) {
    expect(error).toBeInstanceOf(ValidationError);
    return (error as ValidationError).detail;
  }
  throw new Error(`was accepted: ${event} ${JSON.stringify(data)}`);
};

const media = {
  media_url: 'https://files.example/a.png',
  media_type: 'image',
  mime_type: 'image/png',
  file_size: 0,
};

/** The least that each event takes. */
const least: Record<string, Record<string, unknown>> = {
  'message.send': { room_id: id, content: 'hi' },
  'message.acknowledged': { message_id: id },
  'message.read': { message_id: [id] },
  'message.react': { type: 'add', message_id: id, reaction_content: '👍' },
  'message.typing': { room_id: id },
  'message.modify': { action: 'delete', message_id: id },
  'room.create': { type: 'GroupChat', name: 'x' },
  'room.list': {},
  'room.discover': {},
  'room.info': { room_id: id },
  'room.members': { room_id: id },
  'room.messages': { room_id: id },
  'room.join': { room_id: id },
  'room.leave': { room_id: id },
  'room.add_members': { room_id: id, members: [1] },
  'room.remove_members': { room_id: id, members: [1] },
  'room.modify': { room_id: id, action: 'delete' },
  'session.heartbeat': {},
  'session.refresh': { token: 'x' },
  'session.resume': { rooms: {} },
};

describe('every event', () => {
  it('has a schema', () => {
    expect([...schemas.keys()].sort()).toEqual(Object.keys(least).sort());
  });

  for (const [event, data] of Object.entries(least)) {
    it(`${event} takes its least, and names what is missing or unknown`, () => {
      expect(checked(event, data)).toMatchObject(data);
      expect(refused(event, { ...data, foo: 1 })).toEqual({ foo: ['Unknown field.'] });
      for (const key of Object.keys(data)) {
        const { [key]: _, ...rest } = data;
        expect(refused(event, rest)).toHaveProperty([key]);
        for (const wrong of [null, 5.5, true, { a: 1 }, '', [[]]]) {
          expect(refused(event, { ...data, [key]: wrong })).toHaveProperty([key]);
        }
      }
      for (const wrong of [null, undefined, [], 'x', 5]) expect(refused(event, wrong)).toEqual(expect.any(String));
    });
  }
});

describe('ids', () => {
  it('are taken in either case and any version, and come out in lower case', () => {
    expect(checked('room.info', { room_id: id.toUpperCase() })).toEqual({ room_id: id });
    for (const room_id of [other, '00000000-0000-0000-0000-000000000000']) checked('room.info', { room_id });
  });

  it('of another form are refused', () => {
    for (const room_id of [id.replaceAll('-', ''), `{${id}}`, `${id} `, `${id}\n`, `x${id.slice(1)}`, 1]) {
      expect(refused('room.info', { room_id })).toEqual({ room_id: ['Must be a UUID.'] });
    }
  });

  it('stay one when they came as one, and lose repeats in a list', () => {
    expect(checked('message.read', { message_id: id.toUpperCase() })).toEqual({ message_id: id });
    expect(checked('message.read', { message_id: [id, id.toUpperCase(), other] })).toEqual({ message_id: [id, other] });
  });

  it('come in lists of 1 to 100', () => {
    const list = (length: number) => Array.from({ length }, (_, n) => `${id.slice(0, -3)}${100 + n}`);
    checked('message.read', { message_id: list(100) });
    expect(refused('message.read', { message_id: list(101) })).toHaveProperty('message_id');
    expect(refused('message.read', { message_id: [] })).toHaveProperty('message_id');
    expect(refused('message.read', { message_id: [id, 'x'] })).toEqual({ message_id: ['Entry 2: Must be a UUID.'] });
  });
});

describe('user ids', () => {
  const wrongEverywhere = [null, undefined, '', true, {}, [], -1, 0, 1.5, 2 ** 53, Number.NaN];
  const kinds: [UserIdKind, [unknown, unknown][], unknown[]][] = [
    ['integer', [[1, 1]], ['1', id]],
    [
      'bigint',
      [
        [1, '1'],
        ['1', '1'],
        ['9223372036854775807', '9223372036854775807'],
      ],
      ['01', '0', '-1', '1.0', ' 1', '9223372036854775808', '1'.repeat(30)],
    ],
    ['uuid', [[id.toUpperCase(), id]], ['x', 1]],
    [
      'string',
      [
        ['x', 'x'],
        ['👍'.repeat(255), '👍'.repeat(255)],
      ],
      ['x'.repeat(256), '\ud800', 1],
    ],
  ];
  for (const [kind, right, wrong] of kinds) {
    it(`of kind ${kind} are taken as they are on the wire`, () => {
      const of = payloadSchemas({ ...options, userId: userIdSchema(kind) });
      for (const [given, expected] of right) {
        expect(checked('room.add_members', { room_id: id, members: [given] }, of).members).toEqual([expected]);
      }
      for (const given of [...wrong, ...wrongEverywhere]) {
        expect(refused('room.add_members', { room_id: id, members: [given] }, of)).toHaveProperty('members');
      }
    });
  }

  it('of kind bigint are the same as a number and as its digits', () => {
    const of = payloadSchemas({ ...options, userId: userIdSchema('bigint') });
    expect(checked('room.add_members', { room_id: id, members: [7, '7'] }, of).members).toEqual(['7']);
  });

  it('come in lists of 1 to 1,000', () => {
    const members = Array.from({ length: 1000 }, (_, n) => n + 1);
    expect(checked('room.add_members', { room_id: id, members }).members).toHaveLength(1000);
    expect(refused('room.add_members', { room_id: id, members: [...members, 1] })).toHaveProperty('members');
    expect(refused('room.remove_members', { room_id: id, members: [] })).toHaveProperty('members');
  });
});

describe('message.send', () => {
  const send = (data: object) => checked('message.send', { room_id: id, ...data });
  const refusedSend = (data: object) => refused('message.send', { room_id: id, ...data });

  it('fills in what may be absent', () => {
    expect(send({ content: 'x' })).toEqual({ room_id: id, content: 'x', extra_fields: { media: [] } });
    expect(send({ extra_fields: { forwarded_from_id: id } })).toMatchObject({ content: '' });
    expect(send({ extra_fields: { media: [media] } })).toEqual({
      room_id: id,
      content: '',
      extra_fields: { media: [{ ...media, caption: '', metadata: {} }] },
    });
  });

  it('needs content, media or a forward', () => {
    for (const data of [{}, { content: '' }, { content: ' \n ' }, { extra_fields: { parent_message_id: id } }]) {
      expect(refusedSend(data)).toEqual({ content: ['This field may not be empty.'] });
    }
  });

  it('counts content in code points without the space around it', () => {
    send({ content: ` ${'👍'.repeat(10_000)} ` });
    expect(refusedSend({ content: '👍'.repeat(10_001) })).toHaveProperty('content');
    expect(refusedSend({ content: 'x\ud800' })).toHaveProperty('content');
  });

  it('takes a client_id of 1 to 64 characters', () => {
    for (const client_id of ['x', '👍'.repeat(64), ' ']) send({ content: 'x', client_id });
    for (const client_id of ['', 'x'.repeat(65), 5, null]) {
      expect(refusedSend({ content: 'x', client_id })).toHaveProperty('client_id');
    }
  });

  it('is a reply or a forward, not both', () => {
    send({ content: 'x', extra_fields: { parent_message_id: id } });
    expect(refusedSend({ content: 'x', extra_fields: { parent_message_id: id, forwarded_from_id: id } })).toBe(
      'A message is a reply or a forward, not both.',
    );
  });

  it('takes no field of a message but its own', () => {
    for (const key of ['sender_id', 'room_id', 'seq', 'is_deleted', 'id', 'content']) {
      expect(refusedSend({ content: 'x', extra_fields: { [key]: 1 } })).toEqual({
        [`extra_fields.${key}`]: ['Unknown field.'],
      });
    }
  });

  it('takes columns of an extended model', () => {
    const own = payloadSchemas({
      ...options,
      messageFields: { priority: { schema: Joi.number().integer().required() } },
    });
    const data = { room_id: id, content: 'x', extra_fields: { priority: 1 } };
    expect(checked('message.send', data, own)).toMatchObject({ extra_fields: { priority: 1 } });
    expect(refused('message.send', { ...data, extra_fields: { priority: 'x' } }, own)).toHaveProperty([
      'extra_fields.priority',
    ]);
    checked('message.modify', { action: 'update', message_id: id, extra_fields: { content: 'y' } }, own);
  });

  it('checks every attachment', () => {
    const wrong: Record<string, unknown[]> = {
      media_url: [
        'ftp://x/y',
        'javascript:alert(1)',
        '//x/y',
        'https://',
        'http://a b',
        'https://a/"x',
        'https://a/\n',
        ' https://a',
        `https://a/${'x'.repeat(2048)}`,
        5,
        null,
      ],
      media_type: ['picture', '', null, ['image']],
      mime_type: ['image/svg+xml', 'text/html', '', null],
      file_size: [-1, 1.5, '1', null, 2 ** 53],
      caption: [5, null, '\udc00'],
      metadata: ['x', [], null],
    };
    for (const [key, values] of Object.entries(wrong)) {
      for (const value of values) {
        expect(
          refusedSend({ content: 'x', extra_fields: { media: [media, { ...media, [key]: value }] } }),
        ).toHaveProperty([`extra_fields.media.1.${key}`]);
      }
    }
    for (const wrongList of [media, 'x', null, [null], [[]]]) refusedSend({ extra_fields: { media: wrongList } });
    expect(refusedSend({ extra_fields: { media: [{ ...media, id }] } })).toHaveProperty(['extra_fields.media.0.id']);
    const types = ['http://a', 'HTTPS://a/b?c=d#e', 'https://münchen.example/ü'];
    for (const media_url of types) send({ extra_fields: { media: [{ ...media, media_url }] } });
  });
});

describe('message.react, message.modify', () => {
  it('takes 1 to 128 characters as a reaction', () => {
    checked('message.react', { ...least['message.react'], reaction_content: '👍'.repeat(128) });
    for (const reaction_content of ['', '👍'.repeat(129)]) {
      expect(refused('message.react', { ...least['message.react'], reaction_content })).toHaveProperty(
        'reaction_content',
      );
    }
    expect(refused('message.react', { ...least['message.react'], type: 'toggle' })).toHaveProperty('type');
  });

  it('updates one message, deletes one or many, and knows no other action', () => {
    checked('message.modify', { action: 'update', message_id: id, extra_fields: { content: 'x' } });
    checked('message.modify', { action: 'delete', message_id: [id, other] });
    const update = { action: 'update', message_id: id, extra_fields: { content: 'x' } };
    expect(refused('message.modify', { ...update, message_id: [id] })).toHaveProperty('message_id');
    expect(refused('message.modify', { ...update, extra_fields: {} })).toHaveProperty('extra_fields');
    expect(refused('message.modify', { ...update, extra_fields: { parent_message_id: id } })).toHaveProperty([
      'extra_fields.parent_message_id',
    ]);
    expect(refused('message.modify', { ...update, action: 'pin' })).toEqual({
      action: ['Must be one of update, delete.'],
    });
  });
});

describe('room.create', () => {
  const create = (data: object) => checked('room.create', data);
  const refusedCreate = (data: object) => refused('room.create', data);

  it('takes the fields of the type', () => {
    const property = { preferences: { theme: 'dark' } };
    expect(
      create({
        type: 'GroupChat',
        name: ' a ',
        description: '',
        participants: [1, 1, 2],
        client_id: 'c',
        extra_fields: {
          avatar: null,
          group_locked: true,
          join_approval_required: false,
          max_participants: 3,
          property,
        },
      }),
    ).toMatchObject({ name: 'a', participants: [1, 2], extra_fields: { max_participants: 3, property } });
    create({ type: 'Channel', name: 'a', subscribers: [], extra_fields: { is_public: true, max_subscribers: 10_000 } });
    expect(create({ type: 'OneToOneChat', name: '', participants: [2], extra_fields: { property } })).toEqual({
      type: 'OneToOneChat',
      participants: [2],
      extra_fields: { property },
    });
  });

  it('refuses those of another type', () => {
    expect(refusedCreate({ type: 'Channel', name: 'a', participants: [1] })).toHaveProperty('participants');
    expect(refusedCreate({ type: 'GroupChat', name: 'a', subscribers: [1] })).toHaveProperty('subscribers');
    expect(refusedCreate({ type: 'GroupChat', name: 'a', extra_fields: { is_public: true } })).toEqual({
      'extra_fields.is_public': ['Unknown field.'],
    });
    expect(refusedCreate({ type: 'OneToOneChat', participants: [1], extra_fields: { avatar: null } })).toEqual({
      'extra_fields.avatar': ['Unknown field.'],
    });
  });

  it('refuses wrong values', () => {
    const wrong: [string, unknown][] = [
      ['avatar', 'javascript:alert(1)'],
      ['max_participants', 10_001],
      ['max_participants', 0],
      ['max_participants', '5'],
      ['group_locked', 1],
      ['property', { preferences: [] }],
      ['property', { other: 1 }],
    ];
    for (const [key, value] of wrong) {
      const detail = refusedCreate({ type: 'GroupChat', name: 'a', extra_fields: { [key]: value } });
      expect(Object.keys(detail as object)[0]).toContain(`extra_fields.${key}`);
    }
    for (const name of ['', '   ', 'x'.repeat(65), 5, null]) {
      expect(refusedCreate({ type: 'GroupChat', name })).toHaveProperty('name');
    }
    create({ type: 'GroupChat', name: '👍'.repeat(64) });
    for (const type of ['Room', 'groupchat', 'constructor', '', null, ['GroupChat']]) {
      expect(refusedCreate({ type, name: 'a' })).toHaveProperty('type');
    }
  });

  it("takes a host's type and columns", () => {
    const own = payloadSchemas({
      ...options,
      roomTypes: {
        Forum: { name: 'optional', fields: { topic: { schema: Joi.string().required(), updatable: true } } },
        Channel: { fields: { topic: { schema: Joi.number(), updatable: true } } },
      },
    });
    checked('room.create', { type: 'Forum', name: 'a', participants: [1], extra_fields: { topic: 'x' } }, own);
    checked('room.create', { type: 'Channel', name: 'a', extra_fields: { topic: 5 } }, own);
    expect(refused('room.create', { type: 'Forum', extra_fields: { topic: 5 } }, own)).toHaveProperty([
      'extra_fields.topic',
    ]);
    for (const topic of ['x', 5]) checked('room.modify', { room_id: id, action: 'update', data: { topic } }, own);
    checked('room.modify', { room_id: id, action: 'update', data: { name: 'x' } }, own);
    expect(refused('room.modify', { room_id: id, action: 'update', data: { topic: true } }, own)).toHaveProperty([
      'data.topic',
    ]);
  });
});

describe('room.modify', () => {
  const modify = (action: string, data?: unknown) => checked('room.modify', { room_id: id, action, data });
  const refusedModify = (action: string, data?: unknown) => refused('room.modify', { room_id: id, action, data });

  it('takes fields of every type in an update, and nothing else', () => {
    expect(modify('update', { name: ' a ', is_public: true, max_participants: 5 }).data).toEqual({
      name: 'a',
      is_public: true,
      max_participants: 5,
    });
    expect(refusedModify('update', { creator_id: 1 })).toEqual({ 'data.creator_id': ['Unknown field.'] });
    expect(refusedModify('update', {})).toHaveProperty('data');
    expect(refusedModify('update')).toHaveProperty('data');
    expect(refusedModify('update', { property: { preferences: 'x' } })).toHaveProperty(['data.property.preferences']);
  });

  it('needs users, and permissions where it is about them', () => {
    for (const action of ['add_admin', 'remove_admin', 'add_moderator', 'remove_moderator']) {
      expect(modify(action, { users: [1, 1] }).data).toEqual({ users: [1] });
      for (const data of [undefined, {}, { users: [] }, { users: 1 }, { users: ['1'] }]) refusedModify(action, data);
    }
    for (const action of ['add_permission', 'remove_permission']) {
      modify(action, { users: [1], permission: ['can_send_messages'] });
      for (const permission of [undefined, [], 'can_send_messages', [1], ['']]) {
        refusedModify(action, { users: [1], permission });
      }
    }
  });

  it('lets any other action through with whatever data', () => {
    expect(modify('set_welcome_message', { welcome_message: 'hi' }).data).toEqual({ welcome_message: 'hi' });
    expect(modify('anything').data).toEqual({});
    expect(refusedModify('anything', 'x')).toHaveProperty('data');
    expect(refusedModify('delete', { x: 1 })).toEqual({ 'data.x': ['Unknown field.'] });
  });
});

describe('room.messages', () => {
  const read = (data: object) => checked('room.messages', { room_id: id, ...data });
  const refusedRead = (data: object) => refused('room.messages', { room_id: id, ...data });

  it('takes a page, or one side of a seq, or nothing', () => {
    read({});
    read({ paginate: { page: 1, size: 200 } });
    read({ paginate: { page: 1e9, size: 1 } });
    for (const key of ['before', 'after', 'around']) {
      read({ [key]: 0 });
      read({ [key]: 5, limit: 200 });
    }
  });

  it('needs page and size', () => {
    for (const paginate of [{}, { page: 1 }, { size: 1 }])
      expect(refusedRead({ paginate })).toBe('page and size required');
    for (const paginate of [
      { page: 0, size: 1 },
      { page: 1, size: 201 },
      { page: '1', size: 1 },
      { page: 1.5, size: 1 },
    ]) {
      expect(refusedRead({ paginate })).toEqual(expect.any(Object));
    }
  });

  it('takes one of them only, and limit only beside a seq', () => {
    for (const data of [
      { before: 1, after: 1 },
      { around: 1, paginate: { page: 1, size: 1 } },
    ]) {
      expect(refusedRead(data)).toContain('Only one of');
    }
    expect(refusedRead({ limit: 5 })).toHaveProperty('limit');
    for (const limit of [0, 201, '5']) expect(refusedRead({ before: 1, limit })).toHaveProperty('limit');
  });
});

describe('session.resume', () => {
  it('takes offsets by room, the lower one of two spellings', () => {
    expect(checked('session.resume', { rooms: { [id.toUpperCase()]: 5, [id]: 3, [other]: 0 } })).toEqual({
      rooms: { [id]: 3, [other]: 0 },
    });
  });

  it('refuses what is no room or no offset, and over 1,000 rooms', () => {
    for (const rooms of [{ x: 1 }, { [id]: -1 }, { [id]: '1' }, { [id]: 1.5 }, { [id]: null }, [], null, 'x']) {
      expect(refused('session.resume', { rooms })).toHaveProperty('rooms');
    }
    const rooms = Object.fromEntries(Array.from({ length: 1001 }, (_, n) => [`${id.slice(0, -4)}${1000 + n}`, 0]));
    expect(refused('session.resume', { rooms })).toHaveProperty('rooms');
  });
});

describe('the answer', () => {
  it('tells all faults, but stays small whatever was sent', () => {
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`${n}`.repeat(50), 1]));
    expect(JSON.stringify(refused('message.send', many)).length).toBeLessThan(5000);
    expect(refused('message.send', { room_id: 1, content: 2 })).toEqual({
      room_id: ['Must be a UUID.'],
      content: ['Must be a text.'],
    });
  });

  it("speaks the same way for a host's own event", () => {
    const own = new Map([['poll.vote', prepared(Joi.object({ option: Joi.number().required() }))]]);
    expect(refused('poll.vote', { option: '1' }, own)).toEqual({ option: ['Must be a number.'] });
  });

  it('leaves what was given as it was', () => {
    const given = { message_id: [id.toUpperCase(), id] };
    checked('message.read', given);
    expect(given).toEqual({ message_id: [id.toUpperCase(), id] });
  });
});
