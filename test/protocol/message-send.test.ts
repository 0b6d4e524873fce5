import { describe, expect, test } from 'vitest';
import {
  acknowledged,
  createChannel,
  createGroup,
  createOneToOne,
  createRoom,
  expectKeys,
  expectMessage,
  expectUser,
  historyOf,
  NOBODYS_ID,
  quiet,
  received,
  refused,
  sendMessage,
  useStack,
} from '../helpers/chat.js';
import type { WireMessage } from '../helpers/shapes.js';
import { STACK_KINDS } from '../helpers/stack.js';

describe.each(STACK_KINDS)('message.send on %s', (kind) => {
  const scene = useStack(kind);

  test('reaches every device of every member, the sender included, and nobody else', async () => {
    const [alice, bob, carol, dave] = await scene.people(4);
    const phone = await scene.device(alice!);
    const tablet = await scene.device(bob!);
    const room = await createGroup(alice!, [bob!, carol!, phone, tablet]);
    const ack = await acknowledged(alice!, 'message.send', { room_id: room.id, content: 'hello' });
    expectKeys(ack, ['status', 'message_id', 'seq']);
    const everybody = [alice!, phone, bob!, tablet, carol!];
    const frames = await received<WireMessage>(everybody, 'message.dispatch');
    const frame = frames[0]!;
    expectKeys(frame, ['eventType', 'data', 'room_id', 'offset']);
    expect(frame.room_id).toBe(room.id);
    expect(Number.isInteger(frame.offset)).toBe(true);
    expect(ack).toMatchObject({ message_id: frame.data.id, seq: frame.data.seq });
    await quiet(alice!, phone, bob!, tablet, carol!, dave!);
  });

  test('dispatches a Message with exactly its keys', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const message = await sendMessage(alice!, room, 'hello', [bob!]);
    expectMessage(message);
    expectUser(message.sender, alice);
    expect(message).toMatchObject({
      seq: 1,
      room: { id: room.id },
      content: 'hello',
      is_deleted: false,
      is_edited: false,
      is_forwarded: false,
      forwarded_from: null,
      parent_message: null,
      delivered_to: [],
      delivered_count: 0,
      read_receipts: [],
      read_count: 0,
      reactions: [],
      reaction_counts: {},
      attachments: [],
    });
    expect(await historyOf(bob!, room)).toEqual([message]);
  });

  test('counts seq from 1 in each room and keeps it in last_seq', async () => {
    const [alice, bob] = await scene.people(2);
    const first = await createGroup(alice!, [bob!]);
    const second = await createGroup(alice!, [bob!]);
    for (const seq of [1, 2, 3]) {
      expect((await sendMessage(alice!, first, 'a', [bob!])).seq).toBe(seq);
      expect((await sendMessage(bob!, second, 'b', [alice!])).seq).toBe(seq);
    }
    const info = await alice!.request<{ last_seq: number }>('room.info', { room_id: first.id });
    expect(info.data.last_seq).toBe(3);
  });

  test('gives broadcasts of a room offsets that rise by one', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const offsets: number[] = [];
    for (let n = 0; n < 4; n++) {
      await acknowledged(n % 2 ? alice! : bob!, 'message.send', { room_id: room.id, content: `m${n}` });
      const [frame] = await received([alice!, bob!], 'message.dispatch');
      offsets.push(frame!.offset!);
    }
    expect(offsets).toEqual(offsets.map((_, index) => offsets[0]! + index));
  });

  test.each(['OneToOneChat', 'GroupChat', 'Channel'] as const)('refuses a stranger to a %s', async (type) => {
    const [alice, bob, carol] = await scene.people(3);
    const room = await createRoom(type, alice!, [bob!]);
    await refused(carol!, 4002, 'message.send', { room_id: room.id, content: 'let me in' });
    await quiet(carol!, alice!, bob!);
    expect(await historyOf(alice!, room)).toEqual([]);
  });

  test('lets either participant of a one-to-one send', async () => {
    const [alice, bob] = await scene.strangers(2);
    const room = await createOneToOne(alice!, [bob!]);
    await sendMessage(alice!, room, 'hi', [bob!]);
    await sendMessage(bob!, room, 'hi yourself', [alice!]);
    await quiet(alice!, bob!);
  });

  test('answers 4004 for a room of nobody and 4003 for what is no room id', async () => {
    const [alice] = await scene.people(1);
    await refused(alice!, 4004, 'message.send', { room_id: NOBODYS_ID, content: 'x' });
    for (const room_id of ['nonsense', '', 7, null, [NOBODYS_ID], {}]) {
      await refused(alice!, 4003, 'message.send', { room_id, content: 'x' });
    }
    await refused(alice!, 4003, 'message.send', { content: 'x' });
    await alice!.silence();
  });

  test('lets only creator and admins send in a locked group', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const room = await createGroup(alice!, [bob!, carol!], { extra_fields: { group_locked: true } });
    await acknowledged(alice!, 'room.modify', {
      room_id: room.id,
      action: 'add_admin',
      data: { users: [bob!.user.id] },
    });
    await received([alice!, bob!, carol!], 'roomupdate.dispatch');
    await sendMessage(alice!, room, 'creator', [bob!, carol!]);
    await sendMessage(bob!, room, 'admin', [alice!, carol!]);
    await refused(carol!, 4002, 'message.send', { room_id: room.id, content: 'plain' });
    await quiet(carol!, alice!, bob!);
  });

  test('lets creator, moderators and holders of can_send_messages send in a channel, not plain subscribers', async () => {
    const [alice, bob, carol, dave] = await scene.people(4);
    const room = await createChannel(alice!, [bob!, carol!, dave!]);
    await acknowledged(alice!, 'room.modify', {
      room_id: room.id,
      action: 'add_moderator',
      data: { users: [bob!.user.id] },
    });
    await acknowledged(alice!, 'room.modify', {
      room_id: room.id,
      action: 'add_permission',
      data: { users: [carol!.user.id], permission: ['can_send_messages'] },
    });
    for (let n = 0; n < 2; n++) await received([alice!, bob!, carol!, dave!], 'roomupdate.dispatch');
    await sendMessage(alice!, room, 'creator', [bob!, carol!, dave!]);
    await sendMessage(bob!, room, 'moderator', [alice!, carol!, dave!]);
    await sendMessage(carol!, room, 'holder', [alice!, bob!, dave!]);
    await refused(dave!, 4002, 'message.send', { room_id: room.id, content: 'subscriber' });
    await quiet(dave!, alice!, bob!, carol!);
  });

  test('refuses a creator who left', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const room = await createGroup(alice!, [bob!, carol!]);
    await acknowledged(alice!, 'room.leave', { room_id: room.id });
    await refused(alice!, 4002, 'message.send', { room_id: room.id, content: 'still me' });
    expect(await historyOf(bob!, room)).toEqual([]);
  });

  test('shows a reply with its parent one level deep', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const first = await sendMessage(alice!, room, 'first', [bob!]);
    const reply = await sendMessage(bob!, room, 'reply', [alice!], { extra_fields: { parent_message_id: first.id } });
    expectMessage(reply);
    expect(reply.parent_message).toMatchObject({ id: first.id, seq: 1, content: 'first', sender: first.sender });
    expect(reply.forwarded_from).toBeNull();
    const again = await sendMessage(alice!, room, 'again', [bob!], { extra_fields: { parent_message_id: reply.id } });
    expect(again.parent_message).toMatchObject({ id: reply.id, content: 'reply' });
    expect(again.parent_message!.parent_message ?? null).toBeNull();
    expect(JSON.stringify(again)).not.toContain('"first"');
  });

  test('a nested message has no receipts and no reactions of its own', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const first = await sendMessage(alice!, room, 'first', [bob!]);
    await acknowledged(bob!, 'message.read', { message_id: first.id });
    await acknowledged(bob!, 'message.react', { type: 'add', message_id: first.id, reaction_content: '👍' });
    const reply = await sendMessage(bob!, room, 'reply', [], { extra_fields: { parent_message_id: first.id } });
    const nested = reply.parent_message!;
    expect(nested.read_receipts ?? []).toEqual([]);
    expect(nested.delivered_to ?? []).toEqual([]);
    expect(nested.reactions ?? []).toEqual([]);
  });

  test('refuses a parent of another room, of a room that is not mine, and of nothing', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const room = await createGroup(alice!, [bob!]);
    const mine = await createGroup(alice!, [bob!]);
    const foreign = await createGroup(carol!, [bob!]);
    const readable = await sendMessage(bob!, mine, 'readable', [alice!]);
    const hidden = await sendMessage(bob!, foreign, 'hidden', [carol!]);
    const reply = (parent_message_id: unknown) => ({
      room_id: room.id,
      content: 'x',
      extra_fields: { parent_message_id },
    });
    await refused(alice!, 4003, 'message.send', reply(readable.id));
    await refused(alice!, 4002, 'message.send', reply(hidden.id));
    await refused(alice!, 4004, 'message.send', reply(NOBODYS_ID));
    await refused(alice!, 4003, 'message.send', reply('nonsense'));
    await quiet(alice!, bob!);
    expect(await historyOf(alice!, room)).toEqual([]);
  });

  test('forwards a message that the sender may read, with its content and media when none is given', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const from = await createGroup(alice!, [bob!]);
    const to = await createGroup(bob!, [carol!]);
    const media = [
      { media_url: 'https://example.com/a.png', media_type: 'image', mime_type: 'image/png', file_size: 3 },
    ];
    const source = await sendMessage(alice!, from, 'look', [bob!], { extra_fields: { media } });
    const plain = await sendMessage(bob!, to, undefined, [carol!], { extra_fields: { forwarded_from_id: source.id } });
    expectMessage(plain);
    expect(plain).toMatchObject({
      is_forwarded: true,
      content: 'look',
      parent_message: null,
      forwarded_from: { id: source.id, content: 'look' },
      attachments: [{ media_url: 'https://example.com/a.png', mime_type: 'image/png' }],
    });
    const commented = await sendMessage(bob!, to, 'see this', [carol!], {
      extra_fields: { forwarded_from_id: source.id },
    });
    expect(commented).toMatchObject({ is_forwarded: true, content: 'see this', forwarded_from: { id: source.id } });
    const again = await sendMessage(carol!, to, undefined, [bob!], { extra_fields: { forwarded_from_id: plain.id } });
    expect(again.forwarded_from!.id).toBe(plain.id);
    expect(again.forwarded_from!.forwarded_from ?? null).toBeNull();
  });

  test('refuses to forward what the sender may not read, or what does not exist', async () => {
    const [alice, bob, carol] = await scene.people(3);
    const foreign = await createGroup(carol!, [bob!]);
    const room = await createGroup(alice!, [bob!]);
    const hidden = await sendMessage(bob!, foreign, 'hidden', [carol!]);
    const forward = (id: string) => ({ room_id: room.id, content: 'x', extra_fields: { forwarded_from_id: id } });
    await refused(alice!, 4002, 'message.send', forward(hidden.id));
    await refused(alice!, 4004, 'message.send', forward(NOBODYS_ID));
    expect(await historyOf(alice!, room)).toEqual([]);
  });

  test('refuses a reply and a forward at once', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const message = await sendMessage(alice!, room, 'one', [bob!]);
    await refused(alice!, 4003, 'message.send', {
      room_id: room.id,
      content: 'both',
      extra_fields: { parent_message_id: message.id, forwarded_from_id: message.id },
    });
    await quiet(alice!, bob!);
  });

  test('shows of a deleted source only that it is deleted', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const other = await createGroup(bob!, [alice!]);
    const source = await sendMessage(alice!, room, 'secret', [bob!]);
    await sendMessage(bob!, room, 'reply', [alice!], { extra_fields: { parent_message_id: source.id } });
    await sendMessage(bob!, other, 'forward', [alice!], { extra_fields: { forwarded_from_id: source.id } });
    await acknowledged(alice!, 'message.modify', { action: 'delete', message_id: source.id });
    const deleted = { id: source.id, is_deleted: true, content: '' };
    expect((await historyOf(bob!, room)).map((message) => message.parent_message)).toEqual([deleted]);
    expect((await historyOf(alice!, other)).map((message) => message.forwarded_from)).toEqual([deleted]);
  });

  test('refuses unknown fields and names them, so that none can name another sender or room', async () => {
    const [alice, bob] = await scene.people(2);
    const room = await createGroup(alice!, [bob!]);
    const base = { room_id: room.id, content: 'x' };
    for (const field of ['sender_id', 'seq', 'is_deleted', 'nonsense']) {
      const inData = await refused(alice!, 4003, 'message.send', { ...base, [field]: 1 });
      expect(JSON.stringify(inData.detail)).toContain(field);
      const inExtra = await refused(alice!, 4003, 'message.send', { ...base, extra_fields: { [field]: 1 } });
      expect(JSON.stringify(inExtra.detail)).toContain(field);
    }
    await refused(alice!, 4003, 'message.send', { ...base, extra_fields: { room_id: room.id } });
    await refused(alice!, 4003, 'message.send', { ...base, extra_fields: 'no object' });
    await quiet(alice!, bob!);
    expect(await historyOf(alice!, room)).toEqual([]);
  });
});
