import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  acknowledged,
  createGroup,
  expectError,
  expectKeys,
  NOBODYS_ID,
  quiet,
  refused,
  sendMessage,
  useStack,
} from '../helpers/chat.js';
import { type OwnStack, STACK_KINDS, startStack } from '../helpers/stack.js';

/** `{"a":{"a":...}}`, that many objects deep. */
function nested(depth: number): string {
  return `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
}

describe.each(STACK_KINDS)('errors on %s', (kind) => {
  const scene = useStack(kind);

  test('what is no event is 4003, and the connection stays', async () => {
    const [alice] = await scene.people(1);
    for (const frame of [
      '',
      'nonsense',
      '{',
      '{"event_type":"session.heartbeat","data":{}',
      '{"event_type":"session.heartbeat","data":{}}}',
      'null',
      '7',
      '"text"',
      '[]',
      '[{"event_type":"session.heartbeat","data":{}}]',
      '{}',
      '{"data":{}}',
      '{"event_type":7,"data":{}}',
      '{"event_type":null,"data":{}}',
      '{"event_type":["room.list"],"data":{}}',
      '{"event_type":"room.list","data":[]}',
      '{"event_type":"room.list","data":null}',
      '{"event_type":"room.list","data":"x"}',
      '{"event_type":"room.list","data":7}',
    ]) {
      alice!.sendRaw(frame);
      expectError(await alice!.next(), 4003, false);
    }
    await alice!.silence();
  });

  test('a binary frame is 4003', async () => {
    const [alice] = await scene.people(1);
    for (const frame of [
      Buffer.from('{"event_type":"session.heartbeat","data":{}}'),
      Buffer.from([0, 255, 254]),
      Buffer.alloc(0),
    ]) {
      alice!.sendRaw(frame);
      const answer = await alice!.next();
      expect(answer.error).toMatchObject({ code: 4003 });
    }
    await alice!.silence();
  });

  test('keys that reach into prototypes are 4003 wherever they stand', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const send = `"event_type":"message.send"`;
    const fine = `"room_id":"${room.id}","content":"x"`;
    for (const key of ['__proto__', 'constructor', 'prototype', '\\u005f_proto__', 'construct\\u006fr']) {
      for (const frame of [
        `{${send},"data":{${fine},"${key}":{}}}`,
        `{${send},"data":{${fine}},"${key}":{}}`,
        `{${send},"data":{${fine},"extra_fields":{"${key}":{"x":1}}}}`,
        `{${send},"data":{${fine},"extra_fields":{"media":[{"${key}":1}]}}}`,
        `{"event_type":"room.modify","data":{"room_id":"${room.id}","action":"update","data":{"property":{"preferences":{"a":[{"${key}":1}]}}}}}`,
      ]) {
        alice!.sendRaw(frame);
        expectError(await alice!.next(), 4003, false);
      }
    }
    await quiet(alice!, bob!);
  });

  test('depth over 32 is 4003, at any size, and a lesser depth is not', async () => {
    const [alice] = await scene.people(1);
    const room = await createGroup(alice!);
    const modify = (preferences: string) =>
      `{"event_type":"room.modify","data":{"room_id":"${room.id}","action":"update","data":{"property":{"preferences":${preferences}}}}}`;
    alice!.sendRaw(modify(nested(20)));
    await alice!.expect('roomupdate.dispatch');
    for (const depth of [33, 100, 5000, 8000]) {
      alice!.sendRaw(modify(nested(depth)));
      expectError(await alice!.next(), 4003, false);
      alice!.sendRaw(`{"event_type":"room.list","data":{"a":${'['.repeat(depth)}${']'.repeat(depth)}}}`);
      expectError(await alice!.next(), 4003, false);
    }
    // Brackets in a text are no depth.
    const text = await acknowledged(alice!, 'message.send', { room_id: room.id, content: '[{'.repeat(100) });
    expect(text.seq).toBe(1);
  });

  test('over 100 message ids, or none, are 4003', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const message = await sendMessage(alice!, room, 'x', [bob!]);
    const ids = (count: number) => Array.from({ length: count }, (_, n) => (n === 0 ? message.id : NOBODYS_ID));
    for (const event of ['message.read', 'message.acknowledged']) {
      await refused(bob!, 4003, event, { message_id: ids(101) });
      await refused(bob!, 4003, event, { message_id: [] });
      await refused(bob!, 4004, event, { message_id: ids(100) });
    }
    await refused(alice!, 4003, 'message.modify', { action: 'delete', message_id: ids(101) });
    await refused(alice!, 4003, 'message.modify', { action: 'delete', message_id: [] });
  });

  test('unknown fields are named', async () => {
    const [alice] = await scene.people(1);
    const room = await createGroup(alice!);
    for (const [event, data] of [
      ['message.send', { room_id: room.id, content: 'x' }],
      ['message.acknowledged', { message_id: NOBODYS_ID }],
      ['message.read', { message_id: NOBODYS_ID }],
      ['message.react', { type: 'add', message_id: NOBODYS_ID, reaction_content: 'x' }],
      ['message.typing', { room_id: room.id }],
      ['message.modify', { action: 'delete', message_id: NOBODYS_ID }],
      ['room.create', { type: 'GroupChat', name: 'x' }],
      ['room.list', {}],
      ['room.discover', {}],
      ['room.info', { room_id: room.id }],
      ['room.members', { room_id: room.id }],
      ['room.messages', { room_id: room.id }],
      ['room.join', { room_id: room.id }],
      ['room.leave', { room_id: room.id }],
      ['room.add_members', { room_id: room.id, members: [alice!.user.id] }],
      ['room.remove_members', { room_id: room.id, members: [alice!.user.id] }],
      ['room.modify', { room_id: room.id, action: 'delete', data: {} }],
      ['session.heartbeat', {}],
      ['session.refresh', { token: 'x' }],
      ['session.resume', { rooms: {} }],
    ] as const) {
      const error = await refused(alice!, 4003, event, { ...data, unheard_of: 1 });
      expect(JSON.stringify(error.detail), event).toContain('unheard_of');
    }
    await quiet(alice!);
  });

  test('an error has code and detail and nothing else', async () => {
    const [alice] = await scene.people(1);
    expectKeys(await refused(alice!, 4004, 'room.info', { room_id: NOBODYS_ID }), ['code', 'detail']);
    expectKeys(await refused(alice!, 4003, 'room.info', {}), ['code', 'detail']);
    const missing = await refused(alice!, 4003, 'message.send', {});
    expect(JSON.stringify(missing.detail)).toContain('room_id');
  });

  test('errors reach only their connection', async () => {
    const [alice, bob] = await scene.people(2);
    const phone = await scene.device(alice!);
    const room = await createGroup(alice!, [bob!, phone]);
    await refused(alice!, 4003, 'message.send', { room_id: room.id });
    await refused(alice!, 4004, 'message.read', { message_id: NOBODYS_ID });
    await quiet(alice!, phone, bob!);
  });

  test('a frame over 64 KiB closes its connection with 1009, and no other', async () => {
    const [alice, bob] = await scene.people(2);
    const phone = await scene.device(alice!);
    const room = await createGroup(alice!, [bob!, phone]);
    phone.sendRaw(`{"event_type":"message.send","data":{"content":"${'x'.repeat(65_536)}"}}`);
    expect((await phone.closed).code).toBe(1009);
    await sendMessage(alice!, room, 'still here', [bob!]);
    await quiet(alice!, bob!);
  });

  test('a frame of not quite 64 KiB is let through', async () => {
    const [alice] = await scene.people(1);
    const frame = `{"event_type":"session.heartbeat","data":{},"id":"long"${' '.repeat(65_400)}}`;
    alice!.sendRaw(frame);
    expect((await alice!.answer('long')).status).toBe('success');
  });
});

describe.each(STACK_KINDS)('rate limits on %s', (kind) => {
  let stack: OwnStack;

  beforeAll(async () => {
    stack = await startStack(kind, { env: { CHAT_RATE_LIMIT: '5' }, apps: 1, workers: 1 });
  });

  afterAll(async () => {
    await stack?.close();
  });

  test('too many events are 4029 with retry_after, going on closes with 1008, others are unaffected', async () => {
    const [flooder, bystander] = await Promise.all([stack.newUser(), stack.newUser()]);
    const client = await stack.connect(flooder);
    const other = await stack.connect(bystander);
    const told: unknown[] = [];
    for (let round = 0; round < 200 && client.socket.readyState === client.socket.OPEN; round++) {
      for (let n = 0; n < 50; n++) client.send('session.heartbeat', {});
      await Promise.race([client.next().then((frame) => told.push(frame)), client.closed]).catch(() => {});
    }
    expect((await client.closed).code).toBe(1008);
    const limited = [...told, ...client.pending]
      .map((frame) => (frame as { error?: unknown }).error)
      .filter((error) => error !== undefined);
    expect(limited.length).toBeGreaterThan(0);
    for (const error of limited) {
      expectKeys(error, ['code', 'detail', 'retry_after']);
      expect(error).toMatchObject({ code: 4029 });
      expect((error as { retry_after: number }).retry_after).toBeGreaterThan(0);
    }
    await other.silence();
  });

  test('too many connections of one user are closed with 1008', async () => {
    const person = await stack.newUser();
    const clients = await Promise.all(Array.from({ length: 25 }, () => stack.open({ token: person.token })));
    const first = await Promise.race(clients.map((client) => client.closed));
    expect(first.code).toBe(1008);
    const open = clients.filter(({ socket }) => socket.readyState === socket.OPEN);
    expect(open.length).toBeGreaterThan(0);
    await stack.disconnectAll();
  });
});
