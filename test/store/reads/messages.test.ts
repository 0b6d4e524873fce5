import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MessageShape } from '../../../src/protocol/shapes.js';
import { loadMessages, serializeMessages } from '../../../src/store/reads/messages.js';
import { UserCache } from '../../../src/store/reads/user-cache.js';
import { at, databases, type Fixture, openFixture } from './fixture.js';

describe.each(databases)('messages read from %s', (kind) => {
  let chat: Fixture;
  let users: Array<{ id: number; username: string }>;
  let room: string;

  beforeAll(async () => {
    chat = await openFixture(kind);
    users = [];
    for (let index = 0; index < 8; index++) users.push(await chat.user());
    room = await chat.room('GroupChat', users);
  });
  afterAll(() => chat.close());

  const one = async (id: string): Promise<MessageShape> => (await serializeMessages(chat.context, [id]))[0]!;

  it('shows every key of the protocol, times with milliseconds', async () => {
    const alice = users[0]!;
    const id = await chat.message(room, alice, { content: 'a &lt; b', client_id: 'Ä👍 ', created_at: at(7) });
    const shape = await one(id);
    expect(shape).toEqual({
      id,
      seq: 1,
      client_id: 'Ä👍 ',
      room: { id: room },
      sender: { id: alice.id, username: alice.username, email: null, first_name: 'First', last_name: 'Last' },
      content: 'a &lt; b',
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
      created_at: '2026-01-01T00:00:00.007Z',
      updated_at: '2026-01-01T00:00:00.001Z',
    });
  });

  it('holds the newest of each list, oldest of those first, beside exact counts', async () => {
    const id = await chat.message(room, users[0]!);
    for (const [index, user] of users.entries()) {
      await chat.delivered(id, user, at(index));
      await chat.read(id, user, at(index));
      await chat.reacted(id, user, index % 2 ? '👍' : '👎', at(index));
    }
    const shape = await one(id);
    const newest = users.slice(-3);
    expect(shape.delivered_to).toEqual(newest.map((user) => user.username));
    expect(shape.delivered_count).toBe(8);
    expect(shape.read_receipts.map(({ reader, read_at }) => [reader.username, read_at])).toEqual(
      newest.map((user, index) => [user.username, at(5 + index).toISOString()]),
    );
    expect(shape.read_count).toBe(8);
    expect(shape.reactions.map(({ user, reaction_content }) => [user.id, reaction_content])).toEqual([
      [newest[0]!.id, '👍'],
      [newest[1]!.id, '👎'],
      [newest[2]!.id, '👍'],
    ]);
    expect(Object.keys(shape.reactions[0]!)).toEqual(['id', 'user', 'reaction_content', 'created_at']);
    expect(shape.reaction_counts).toEqual({ '👍': 4, '👎': 4 });
  });

  it('tells lists apart however many messages have long ones', async () => {
    const ids = await chat.messages(room, users[0]!, 130, 1000);
    const rows = ids.flatMap((message_id, index) =>
      users.slice(0, index % 2 ? 2 : 5).map((user, order) => ({ message_id, user_id: user.id, created_at: at(order) })),
    );
    await chat.models.MessageDelivery.bulkCreate(rows as never[]);
    for (const odd of [1, 0]) {
      const where = { id: ids.filter((_, index) => index % 2 === odd) };
      await chat.models.Message.update({ delivered_count: odd ? 2 : 5 }, { where });
    }
    // Up to 100 messages with long lists are read part by part, more by a window function.
    const names = users.map((user) => user.username);
    for (const count of [10, 130]) {
      const shapes = await serializeMessages(chat.context, ids.slice(0, count));
      for (const [index, shape] of shapes.entries())
        expect(shape.delivered_to).toEqual(index % 2 ? names.slice(0, 2) : names.slice(2, 5));
    }
    await chat.models.Message.update({ delivered_count: 5 }, { where: { id: ids } });
    const windowed = await serializeMessages(chat.context, ids);
    for (const [index, shape] of windowed.entries())
      expect(shape.delivered_to).toEqual(index % 2 ? names.slice(0, 2) : names.slice(2, 5));
  });

  it('counts reactions byte by byte, even those named like parts of an object', async () => {
    const id = await chat.message(room, users[0]!, { seq: 2001 });
    const contents = ['a', 'A', 'a ', 'á', 'a\u0301', '__proto__', 'constructor'];
    for (const [index, content] of contents.entries()) await chat.reacted(id, users[index]!, content);
    const { reaction_counts } = await one(id);
    expect(Object.keys(reaction_counts).sort()).toEqual([...contents].sort());
    expect(JSON.parse(JSON.stringify(reaction_counts))).toEqual(
      JSON.parse(`{${contents.map((content) => `${JSON.stringify(content)}: 1`).join(', ')}}`),
    );
  });

  it('shows attachments in order', async () => {
    const id = await chat.message(room, users[0]!, { seq: 2002 });
    const second = await chat.media(id, 1, { caption: 'two', metadata: {} });
    const first = await chat.media(id, 0);
    expect((await one(id)).attachments).toEqual([
      {
        id: first,
        media_url: 'https://example.org/a.png',
        media_type: 'image',
        file_size: 5,
        mime_type: 'image/png',
        caption: '',
        metadata: { width: 1 },
      },
      expect.objectContaining({ id: second, caption: 'two', metadata: {} }),
    ]);
  });

  it('nests a parent one level deep, with its media and without what others did to it', async () => {
    const [alice, bob] = [users[0]!, users[1]!];
    const grand = await chat.message(room, alice, { seq: 2010 });
    const parent = await chat.message(room, bob, { seq: 2011, parent_message_id: grand, client_id: 'mine' });
    await chat.media(parent, 0);
    await chat.delivered(parent, alice);
    await chat.read(parent, alice);
    await chat.reacted(parent, alice, '👍');
    const reply = await chat.message(room, alice, { seq: 2012, parent_message_id: parent });
    const [shown, shape] = await serializeMessages(chat.context, [parent, reply]);
    expect(shown!.parent_message).toMatchObject({ id: grand });
    expect(Object.keys(shape!.parent_message!)).toEqual(Object.keys(shape!));
    expect(shape!.parent_message).toEqual({
      ...shown,
      client_id: 'mine',
      parent_message: null,
      forwarded_from: null,
      delivered_to: [],
      delivered_count: 0,
      read_receipts: [],
      read_count: 0,
      reactions: [],
      reaction_counts: {},
    });
    expect((shape!.parent_message as MessageShape).attachments).toHaveLength(1);
  });

  it('shows nothing of a source that was deleted or is gone', async () => {
    const kept = await chat.message(room, users[0]!, { seq: 2020, is_deleted: true, content: 'secret' });
    const gone = '0192f0a0-0000-7000-8000-000000000000';
    const reply = await chat.message(room, users[0]!, { seq: 2021, parent_message_id: kept });
    const forward = await chat.message(room, users[0]!, { seq: 2022, forwarded_from_id: gone, is_forwarded: true });
    expect((await one(reply)).parent_message).toEqual({ id: kept, is_deleted: true, content: '' });
    expect((await one(forward)).forwarded_from).toEqual({ id: gone, is_deleted: true, content: '' });
  });

  it('leaves out deleted messages and ids of nothing, and keeps the order given', async () => {
    const ids = await chat.messages(room, users[0]!, 3, 2030);
    await chat.models.Message.update({ is_deleted: true }, { where: { id: ids[1]! } });
    const asked = [ids[2]!, '0192f0a0-0000-7000-8000-000000000000', ids[1]!, ids[0]!, ids[2]!];
    expect([...(await loadMessages(chat.context, asked)).keys()]).toEqual([ids[2], ids[0]]);
    const all = await loadMessages(chat.context, asked, { includeDeleted: true });
    expect([...all.keys()]).toEqual([ids[2], ids[1], ids[0]]);
    const deleted = await serializeMessages(chat.context, [ids[1]!], { includeDeleted: true });
    expect(deleted[0]).toMatchObject({ is_deleted: true, content: '' });
  });

  it('takes the same number of queries for one message and for many', async () => {
    const ids = await chat.messages(room, users[0]!, 40, 3000);
    for (const id of ids) {
      await chat.delivered(id, users[1]!);
      await chat.read(id, users[1]!);
      await chat.reacted(id, users[1]!, '👍');
    }
    await chat.models.Message.update({ parent_message_id: ids[0]! }, { where: { id: ids.slice(1) } });
    const single = await chat.counted(() => serializeMessages(chat.context, [ids[1]!]));
    const many = await chat.counted(() => serializeMessages(chat.context, ids));
    expect([single.queries, many.queries]).toEqual([7, 7]);
    await chat.media(ids[1]!, 0);
    expect((await chat.counted(() => serializeMessages(chat.context, ids))).queries).toBe(8);
  });

  it('asks for media, receipts and reactions only where there are any', async () => {
    const ids = await chat.messages(room, users[0]!, 3, 5000);
    const context = { ...chat.context, users: new UserCache(60) };
    await serializeMessages(context, ids);
    const queries = async () => (await chat.counted(() => serializeMessages(context, ids))).queries;
    expect(await queries()).toBe(1);
    await chat.media(ids[0]!, 0);
    expect(await queries()).toBe(2);
    await chat.delivered(ids[0]!, users[0]!);
    await chat.read(ids[1]!, users[0]!);
    expect(await queries()).toBe(4);
    // Counts and the newest ones.
    await chat.reacted(ids[2]!, users[0]!, '👍');
    expect(await queries()).toBe(6);
  });

  it('asks nothing about a message just made by a sender it knows', async () => {
    const context = { ...chat.context, users: new UserCache(60) };
    const id = await chat.message(room, users[0]!, { seq: 4000 });
    const row = (await chat.models.Message.findByPk(id))!;
    const load = () => {
      row.media = [];
      return serializeMessages(context, [row], { fresh: true });
    };
    await load();
    const { result, queries } = await chat.counted(load);
    expect(queries).toBe(0);
    expect(result[0]).toEqual(await one(id));
  });

  it('shows only the id of users who are gone', async () => {
    const id = await chat.message(room, users[0]!, { seq: 4001 });
    const row = (await chat.models.Message.findByPk(id))!;
    row.sender_id = 999_999;
    const [shape] = await serializeMessages(chat.context, [row]);
    expect(shape!.sender).toEqual({ id: 999_999, username: null, email: null, first_name: null, last_name: null });
  });
});
