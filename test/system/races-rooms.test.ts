/** More of forty at once, on MariaDB, through two gateways and two worker processes: reading while others write. */
import { expect, it } from 'vitest';
import { decodeEnvelope } from '../../src/protocol/envelope.js';
import { acknowledged, createChannel, createGroup, sendMessage } from '../helpers/chat.js';
import type { WireAck, WireError, WireMessage, WireRoom } from '../helpers/shapes.js';
import type { Chatter } from '../helpers/stack.js';
import { FrameLog, upTo } from './crowd.js';
import { CROWD, useForty } from './forty.js';

const scene = useForty();

const codeOf = (answer: { error?: unknown }) => (answer.error as WireError | undefined)?.code ?? 0;
const countOf = async (table: string, room: string) => {
  const [row] = await scene.crowd.query<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table} WHERE room_id = ?`, [room]);
  return Number(row?.n);
};

it('loses no message to who asks for what came after the last seq, while forty are sending', async () => {
  const people = await scene.connectAll(scene.everybody);
  const [reader, ...senders] = people as [Chatter, ...Chatter[]];
  const room = await createGroup(reader, senders);
  const each = 5;
  let isOver = false;
  const sending = Promise.all(
    senders.map(async (sender, index) => {
      for (let number = 0; number < each; number++) {
        await acknowledged(sender, 'message.send', { room_id: room.id, content: `${index} ${number}` });
      }
    }),
  ).finally(() => {
    isOver = true;
  });
  // What was passed over once is never asked for again.
  const seen: WireMessage[] = [];
  for (let isLast = false; !isLast; ) {
    isLast = isOver;
    const data = { room_id: room.id, after: seen.at(-1)?.seq ?? 0, limit: 20 };
    type Page = { has_after: boolean; data: { messages: WireMessage[] } };
    const page = await reader.request<Page>('room.messages', data);
    seen.push(...page.data.data.messages.toReversed());
    if (page.data.has_after) isLast = false;
  }
  await sending;
  expect(seen.map(({ seq }) => seq)).toEqual(upTo(senders.length * each));
  const stored = await scene.crowd.checkRoom(room.id);
  expect(seen.map(({ id }) => id)).toEqual(stored.map(({ id }) => id));
});

it('counts forty reactions of forty people to one message, and tells them in one order', async () => {
  const people = await scene.connectAll(scene.everybody);
  const [creator, ...others] = people as [Chatter, ...Chatter[]];
  const room = await createGroup(creator, others);
  const message = await sendMessage(creator, room, 'react to me', others);
  const logs = people.map((client) => new FrameLog(client));
  const react = (type: 'add' | 'remove') =>
    Promise.all(
      people.map((client, index) =>
        acknowledged(client, 'message.react', {
          type,
          message_id: message.id,
          reaction_content: index % 2 ? '👍' : '👎',
        }),
      ),
    );
  await react('add');
  type Reaction = { message: WireMessage };
  const last = 2 + CROWD;
  for (const log of logs) {
    await log.reach(room.id, last);
    log.expectUnbroken(room.id);
    const counts = log.of(room.id).map(({ data }) => (data as unknown as Reaction).message.reaction_counts);
    expect(counts.map((one) => Object.values(one).reduce((sum, n) => sum + n, 0))).toEqual(upTo(CROWD));
    expect(counts.at(-1)).toEqual({ '👍': CROWD / 2, '👎': CROWD / 2 });
  }
  await react('remove');
  await logs[0]!.reach(room.id, last + CROWD);
  expect((logs[0]!.of(room.id).at(-1)!.data as unknown as Reaction).message.reaction_counts).toEqual({});
  expect(await scene.crowd.query('SELECT id FROM chat_reactions WHERE message_id = ?', [message.id])).toEqual([]);
});

it('keeps a cap that is lowered while forty join: it is refused, or nobody is let in above it', async () => {
  const [creator] = await scene.crowd.chatters(1);
  const room = await createChannel(creator!, [], { extra_fields: { max_subscribers: 30, is_public: true } });
  const people = await scene.connectAll(scene.everybody);
  const joining = Promise.all(people.map((client) => client.request<WireAck>('room.join', { room_id: room.id })));
  const lower = (max_subscribers: number) =>
    creator!.request('room.modify', { room_id: room.id, action: 'update', data: { max_subscribers } });
  const lowering = Promise.all([25, 20, 15, 10].map(lower));
  const [joined, lowered] = await Promise.all([joining, lowering]);
  const { data } = await creator!.request<WireRoom & { max_subscribers: number }>('room.info', { room_id: room.id });
  const caps = [30, ...[25, 20, 15, 10].filter((_, index) => codeOf(lowered[index]!) === 0)];
  expect(data.max_subscribers).toBe(caps.at(-1));
  expect(lowered.map(codeOf).filter((code) => code !== 0 && code !== 4003)).toEqual([]);
  expect(joined.map(codeOf).filter((code) => code !== 0 && code !== 4003)).toEqual([]);
  // Full to the last cap, and not one more.
  expect(joined.filter((answer) => codeOf(answer) === 0)).toHaveLength(data.max_subscribers - 1);
  expect(await countOf('chat_room_members', room.id)).toBe(data.max_subscribers);
  await scene.crowd.checkRoom(room.id);
});

it('takes no message of somebody who has left, while forty leave and send at once', async () => {
  const [creator] = await scene.crowd.chatters(1);
  const people = await scene.connectAll(scene.everybody);
  const room = await createGroup(creator!, people);
  const results = await Promise.all(
    people.map(async (client, index) => {
      // On two devices, so that one does not wait for the other.
      const other = await scene.crowd.stack.connect(client, index + 1);
      const [sent, left] = await Promise.all([
        client.request<WireAck>('message.send', { room_id: room.id, content: `good bye of ${index}` }),
        other.request('room.leave', { room_id: room.id }),
      ]);
      expect(codeOf(left)).toBe(0);
      return sent;
    }),
  );
  expect(results.map(codeOf).filter((code) => code !== 0 && code !== 4002)).toEqual([]);
  const rows = await scene.crowd.checkRoom(room.id);
  const acked = results.filter((answer) => codeOf(answer) === 0).map(({ data }) => data.message_id);
  expect(rows.map(({ id }) => id).toSorted()).toEqual(acked.toSorted());
  expect(await countOf('chat_room_members', room.id)).toBe(1);
  // Each message stands before its sender's leaving, in the order that all saw.
  const outcomes = await scene.crowd.query<{ envelope: string | Buffer }>(
    'SELECT envelope FROM chat_outcomes WHERE room_id = ? ORDER BY room_offset',
    [room.id],
  );
  const gone = new Set<string>();
  for (const { envelope } of outcomes) {
    const { eventType, data } = JSON.parse(decodeEnvelope(envelope.toString()).frame!) as {
      eventType: string;
      data: { sender: { username: string }; removed_members?: string[] };
    };
    if (eventType === 'message.dispatch') expect(gone).not.toContain(data.sender.username);
    for (const name of data.removed_members ?? []) gone.add(name);
  }
  expect(gone.size).toBe(CROWD);
});
