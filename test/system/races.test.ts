/** Forty at once, on MariaDB, through two gateways and two worker processes: the database decides, once. */
import { expect, it } from 'vitest';
import type { TestFrame } from '../../src/testing/client.js';
import { acknowledged, createChannel, createGroup, sendMessage } from '../helpers/chat.js';
import type { WireAck, WireError, WireMessage, WireRoom } from '../helpers/shapes.js';
import type { Chatter, Person } from '../helpers/stack.js';
import { FrameLog, upTo } from './crowd.js';
import { CROWD, useForty } from './forty.js';

const scene = useForty();

const devicesOf = (person: Person, count = CROWD) => scene.connectAll(Array.from({ length: count }, () => person));

const errorOf = ({ error }: TestFrame) => error as WireError | undefined;
const succeeded = (answers: TestFrame<WireAck>[]) => answers.filter(({ error }) => error === undefined);
const codes = (answers: TestFrame[]) => answers.flatMap((answer) => (errorOf(answer) ? [errorOf(answer)!.code] : []));
const count = async (table: string, where: string, values: unknown[]) => {
  const [row] = await scene.crowd.query<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table} WHERE ${where}`, values);
  return Number(row?.n);
};

it('makes one one to one chat of forty, and tells the others which', async () => {
  const [ann, ben] = await scene.crowd.people(2);
  const devices = [...(await devicesOf(ann!, CROWD / 2)), ...(await devicesOf(ben!, CROWD / 2))];
  const answers = await Promise.all(
    devices.map((client) =>
      client.request<WireAck>('room.create', {
        type: 'OneToOneChat',
        participants: [client.user.id === ann!.user.id ? ben!.user.id : ann!.user.id],
      }),
    ),
  );
  const [made, ...more] = succeeded(answers);
  expect(more).toEqual([]);
  expect(codes(answers)).toEqual(Array(CROWD - 1).fill(4005));
  for (const answer of answers) {
    if (!errorOf(answer)) continue;
    expect(errorOf(answer)).toEqual({ code: 4005, detail: 'Chat already exists', room_id: made!.data.room_id });
  }
  expect(await count('chat_one_to_one_chats', 'room_id = ?', [made!.data.room_id])).toBe(1);
  expect(await count('chat_rooms', 'created_by_id IN (?)', [[ann!.user.id, ben!.user.id]])).toBe(1);
  // One broadcast, to every device of both.
  for (const device of devices) await device.expect<WireRoom>('roomcreate.dispatch');
  await Promise.all(devices.map((device) => device.silence()));
  await scene.crowd.checkRoom(made!.data.room_id);
});

it('lets no more in than the cap, whoever adds', async () => {
  const [creator] = await scene.crowd.chatters(1);
  const room = await createGroup(creator!, [], { extra_fields: { max_participants: 5 } });
  const devices = await devicesOf(creator!);
  const answers = await Promise.all(
    devices.map((device, index) =>
      device.request<WireAck>('room.add_members', { room_id: room.id, members: [scene.everybody[index]!.user.id] }),
    ),
  );
  expect(succeeded(answers)).toHaveLength(4);
  expect(codes(answers)).toEqual(Array(CROWD - 4).fill(4003));
  expect(errorOf(answers.find(errorOf)!)?.detail).toBe('Maximum number of group participants exceeded');
  expect(await count('chat_room_members', 'room_id = ?', [room.id])).toBe(5);
  await scene.crowd.checkRoom(room.id);
});

it('lets no more join than the cap', async () => {
  const [creator] = await scene.crowd.chatters(1);
  const room = await createChannel(creator!, [], { extra_fields: { max_subscribers: 5, is_public: true } });
  const people = await scene.connectAll(scene.everybody);
  const answers = await Promise.all(people.map((client) => client.request<WireAck>('room.join', { room_id: room.id })));
  expect(succeeded(answers)).toHaveLength(4);
  expect(codes(answers)).toEqual(Array(CROWD - 4).fill(4003));
  expect(await count('chat_room_members', 'room_id = ?', [room.id])).toBe(5);
  await scene.crowd.checkRoom(room.id);
});

it('takes no message of somebody who was removed, and sends them none', async () => {
  const [admin, ...members] = (await scene.crowd.chatters(21)) as [Chatter, ...Chatter[]];
  const room = await createGroup(admin, members);
  const logs = members.map((member) => new FrameLog(member));
  const adminLog = new FrameLog(admin);
  const sending = members.map(async (member, index) => {
    const acks: WireAck[] = [];
    for (let number = 1; ; number++) {
      const content = `member ${index} message ${number}`;
      const answer = await member.request<WireAck>('message.send', { room_id: room.id, content });
      if (answer.error) return { acks, error: answer.error as WireError };
      acks.push(answer.data);
    }
  });
  const removing = Promise.all(
    members.map(async (member, index) => {
      // After a broadcast of theirs, so that all of them are in the middle of it.
      await member.expect<WireMessage>('message.dispatch', ({ data }) => data.sender.id === member.user.id);
      const remover = index % 2 ? admin : await scene.crowd.stack.connect(admin, 1);
      await acknowledged(remover, 'room.remove_members', { room_id: room.id, members: [member.user.id] });
    }),
  );
  const results = await Promise.all(sending);
  await removing;
  expect(results.map(({ error }) => error.code)).toEqual(Array(20).fill(4002));
  const rows = await scene.crowd.checkRoom(room.id);
  const acked = results.flatMap(({ acks }) => acks.map(({ message_id }) => message_id));
  expect(acked.toSorted()).toEqual(rows.map(({ id }) => id).toSorted());
  const [{ last_offset: last } = { last_offset: 0 }] = await scene.crowd.query<{ last_offset: number }>(
    'SELECT last_offset FROM chat_rooms WHERE id = ?',
    [room.id],
  );
  await adminLog.reach(room.id, Number(last));
  adminLog.expectUnbroken(room.id);
  for (const [index, member] of members.entries()) {
    await member.request('session.heartbeat', {});
    const { frames } = logs[index]!;
    logs[index]!.expectUnbroken(room.id);
    const exit = frames.findIndex(({ eventType }) => eventType === 'roomexit.dispatch');
    expect(exit).toBeGreaterThan(0);
    expect(frames.slice(exit + 1).filter(({ room_id }) => room_id === room.id)).toEqual([]);
    // The exit stands where the removal's own offset stands for the others.
    const removal = adminLog
      .of(room.id)
      .find(
        (frame) =>
          frame.eventType === 'roomremovemembers.dispatch' &&
          (frame.data as unknown as { removed_members: string[] }).removed_members.includes(member.user.username),
      );
    expect(logs[index]!.of(room.id).at(-1)?.offset).toBe(removal!.offset! - 1);
  }
});

it('counts one read of a user who reads on forty devices, and one of each of forty', async () => {
  const [ann] = await scene.crowd.chatters(1);
  const people = await scene.connectAll(scene.everybody);
  const room = await createGroup(ann!, people);
  const message = await sendMessage(ann!, room, 'read me', people);
  const [reader, ...others] = people as [Chatter, ...Chatter[]];
  const devices = await devicesOf(reader);
  const log = new FrameLog(ann!);
  const read = (clients: Chatter[]) =>
    Promise.all(clients.map((client) => acknowledged(client, 'message.read', { message_id: message.id })));
  await read(devices);
  expect(log.frames.filter(({ eventType }) => eventType === 'readreceipt.dispatch')).toHaveLength(1);
  await Promise.all([read(others), read(others), read(devices)]);
  const receipts = log.frames.filter(({ eventType }) => eventType === 'readreceipt.dispatch');
  await log.reach(room.id, 2 + CROWD);
  expect(receipts.length).toBeLessThanOrEqual(CROWD);
  expect(log.of(room.id).at(-1)?.data).toMatchObject({ read_count: CROWD });
  expect(await count('chat_read_receipts', 'message_id = ?', [message.id])).toBe(CROWD);
  expect(await count('chat_message_deliveries', 'message_id = ?', [message.id])).toBe(CROWD);
  expect(
    await scene.crowd.query('SELECT read_count, delivered_count FROM chat_messages WHERE id = ?', [message.id]),
  ).toEqual([{ read_count: CROWD, delivered_count: CROWD }]);
  await scene.crowd.checkRoom(room.id);
});

it('keeps one reaction of a user who reacts on forty devices, the last one told', async () => {
  const [ann] = await scene.crowd.chatters(1);
  const reactor = scene.everybody[0]!;
  const devices = await devicesOf(reactor);
  const room = await createGroup(ann!, [reactor]);
  const message = await sendMessage(ann!, room, 'react to me');
  const log = new FrameLog(ann!);
  await Promise.all(
    devices.map((device, index) =>
      acknowledged(device, 'message.react', { type: 'add', message_id: message.id, reaction_content: `r${index}` }),
    ),
  );
  await log.reach(room.id, 2 + CROWD);
  log.expectUnbroken(room.id);
  type Reaction = { message: WireMessage };
  const told = log.of(room.id).map(({ data }) => (data as unknown as Reaction).message.reactions);
  expect(told.map((reactions) => reactions.length)).toEqual(Array(CROWD).fill(1));
  const stored = await scene.crowd.query<{ reaction_content: Buffer }>(
    'SELECT reaction_content FROM chat_reactions WHERE message_id = ?',
    [message.id],
  );
  expect(stored.map(({ reaction_content }) => reaction_content.toString())).toEqual([
    told.at(-1)![0]!.reaction_content,
  ]);
  // Of forty that take the same one back, one does.
  const content = told.at(-1)![0]!.reaction_content;
  const answers = await Promise.all(
    devices.map((device) =>
      device.request<WireAck>('message.react', { type: 'remove', message_id: message.id, reaction_content: content }),
    ),
  );
  expect(answers.filter(({ data }) => data.status === 'successful')).toHaveLength(1);
  expect(answers.filter(({ data }) => data.status === 'failed')).toHaveLength(CROWD - 1);
  expect(await count('chat_reactions', 'message_id = ?', [message.id])).toBe(0);
  await scene.crowd.checkRoom(room.id);
});

it('ends a room that everybody leaves at once, and tells the last one', async () => {
  const people = await scene.connectAll(scene.everybody);
  const [creator, ...others] = people as [Chatter, ...Chatter[]];
  const room = await createGroup(creator, others);
  await sendMessage(creator, room, 'good bye', others);
  const logs = people.map((client) => new FrameLog(client));
  await Promise.all(people.map((client) => acknowledged(client, 'room.leave', { room_id: room.id })));
  await Promise.all(people.map((client) => client.request('session.heartbeat', {})));
  const deleted = logs.flatMap(({ frames }) => frames.filter(({ eventType }) => eventType === 'roomdelete.dispatch'));
  expect(deleted.map(({ data }) => data)).toEqual([{ room_id: room.id }]);
  for (const log of logs) {
    log.expectUnbroken(room.id);
    expect(log.frames.filter(({ eventType }) => eventType === 'roomexit.dispatch')).toHaveLength(1);
  }
  for (const table of [
    'chat_rooms',
    'chat_group_chats',
    'chat_room_members',
    'chat_messages',
    'chat_room_permissions',
  ]) {
    expect(await count(table, `${table === 'chat_rooms' ? 'id' : 'room_id'} = ?`, [room.id]), table).toBe(0);
  }
  const offsets = await scene.crowd.query<{ room_offset: number }>(
    'SELECT room_offset FROM chat_outcomes WHERE room_id = ? ORDER BY room_offset',
    [room.id],
  );
  expect(offsets.map(({ room_offset }) => Number(room_offset))).toEqual(upTo(2 + CROWD));
});

it('joins and leaves and sends at once without a hole in a room', async () => {
  const [creator] = await scene.crowd.chatters(1);
  const people = await scene.connectAll(scene.everybody);
  const room = await createChannel(creator!, [], { extra_fields: { is_public: true } });
  const log = new FrameLog(creator!);
  await Promise.all([
    ...people.map(async (client, index) => {
      await acknowledged(client, 'room.join', { room_id: room.id });
      if (index % 2) await acknowledged(client, 'room.leave', { room_id: room.id });
    }),
    ...upTo(20).map((number) =>
      acknowledged(creator!, 'message.send', { room_id: room.id, content: `message ${number}` }),
    ),
  ]);
  const messages = await scene.crowd.checkRoom(room.id);
  // One connection's events take effect in the order sent.
  expect(messages.map(({ content }) => content)).toEqual(upTo(20).map((number) => `message ${number}`));
  await log.reach(room.id, 1 + CROWD + CROWD / 2 + 20);
  log.expectUnbroken(room.id);
  expect(await count('chat_room_members', 'room_id = ?', [room.id])).toBe(1 + CROWD / 2);
});
