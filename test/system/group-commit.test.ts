/** Sends that wait at the same time are committed together, and none of them has to answer for another. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, DATABASES, openDatabase, type TestDatabase, type TestRuntime } from './runtimes.js';

describe.each(DATABASES)('sends at the same time in one process, on %s', (kind) => {
  let database: TestDatabase;
  let worker: TestRuntime;
  let ann: number;
  let ben: number;
  let room_id: string;

  beforeAll(async () => {
    database = await openDatabase(kind, 3);
    worker = database.open();
    [ann, ben] = database.userIds as [number, number];
  });
  beforeEach(async () => {
    room_id = await createGroup([ben]);
    // The first event of a process makes its connections.
    await send(ann, { content: 'first' });
    worker.statements.length = 0;
    worker.told.envelopes.length = 0;
  });
  afterAll(() => database?.close());

  const createGroup = async (participants: number[]) => {
    const { data } = await worker.run(ann, 'room.create', { type: 'GroupChat', name: 'group', participants });
    return String(data.room_id);
  };
  const send = (userId: number, data: object) => worker.run(userId, 'message.send', { room_id, ...data });
  const rows = () =>
    database.query<{ content: string; seq: number }>(
      'SELECT content, seq FROM chat_messages WHERE room_id = ? ORDER BY seq',
      [room_id],
    );
  const transactions = () => worker.statements.filter((sql) => /^COMMIT/.test(sql)).length;
  const seqsOf = (answers: Answer[]) => answers.map(({ data }) => Number(data.seq)).sort((a, b) => a - b);
  const upTo = (count: number, from = 2) => Array.from({ length: count }, (_, index) => index + from);

  it('takes far fewer transactions than there are messages', async () => {
    const answers = await Promise.all(
      upTo(200).map((index) => send(index % 2 ? ann : ben, { content: `message ${index}` })),
    );
    expect(seqsOf(answers)).toEqual(upTo(200));
    expect((await rows()).map(({ seq }) => Number(seq))).toEqual(upTo(201, 1));
    expect(worker.told.envelopes.map(({ offset }) => offset).sort((a, b) => a - b)).toEqual(upTo(200, 3));
    expect(transactions()).toBeGreaterThan(0);
    expect(transactions()).toBeLessThanOrEqual(40);
  });

  it('keeps the order in which one user sends to several rooms', async () => {
    const rooms = [room_id, await createGroup([ben]), await createGroup([ben])];
    const answers = await Promise.all(
      upTo(60, 0).map((index) =>
        worker.run(ann, 'message.send', { room_id: rooms[index % 3], content: String(index) }),
      ),
    );
    for (const [index, id] of rooms.entries()) {
      const seqs = answers.filter((_, at) => at % 3 === index).map(({ data }) => Number(data.seq));
      expect(seqs.toSorted((a, b) => a - b)).toEqual(upTo(20, id === room_id ? 2 : 1));
    }
  });

  it('answers one that fails with its own error and commits the others', async () => {
    const other = await createGroup([]);
    const { data: foreign } = await worker.run(ann, 'message.send', { room_id: other, content: 'elsewhere' });
    const wrong = { content: 'wrong', extra_fields: { parent_message_id: foreign.message_id } };
    const answers = await Promise.all([
      ...upTo(20).map((index) => send(ben, { content: `before ${index}` })),
      send(ann, wrong),
      ...upTo(20).map((index) => send(ben, { content: `after ${index}` })),
    ]);
    const [refused] = answers.splice(20, 1);
    expect(refused?.error).toMatchObject({ code: 4003 });
    expect(seqsOf(answers)).toEqual(upTo(40));
    const contents = (await rows()).map(({ content }) => content);
    expect(contents).toHaveLength(41);
    expect(contents).not.toContain('wrong');
  });

  it('refuses one under the lock without disturbing the others of its group', async () => {
    await send(ann, { content: 'once', client_id: `used-${room_id}` });
    worker.statements.length = 0;
    const answers = await Promise.all([
      ...upTo(50, 3).map((index) => send(ben, { content: `message ${index}` })),
      send(ann, { content: 'something else', client_id: `used-${room_id}` }),
    ]);
    expect(answers.pop()?.error).toMatchObject({ code: 4003 });
    expect(seqsOf(answers)).toEqual(upTo(50, 3));
    expect(transactions()).toBeLessThanOrEqual(15);
  });

  it('answers the same client_id at the same time twice alike, with one row and one broadcast', async () => {
    const twin = { content: 'twin', client_id: `twin-${room_id}` };
    const answers = await Promise.all([send(ann, twin), send(ann, twin), send(ann, twin), send(ben, { content: 'x' })]);
    const [one, two, three] = answers;
    expect(one?.data).toMatchObject({ status: 'successful', message_id: expect.any(String), seq: expect.any(Number) });
    expect(two).toEqual(one);
    expect(three).toEqual(one);
    const contents = (await rows()).map(({ content }) => content);
    expect(contents.toSorted()).toEqual(['first', 'twin', 'x']);
    expect(worker.told.envelopes).toHaveLength(2);
  });

  it('answers the same client_id in two processes at the same time alike', async () => {
    const other = database.open();
    const twin = { room_id, content: 'twin', client_id: `twins-${room_id}` };
    const [one, two] = await Promise.all([worker, other].map(({ run }) => run(ann, 'message.send', twin)));
    expect(one?.data).toMatchObject({ status: 'successful', seq: 2 });
    expect(two).toEqual(one);
    expect(worker.told.envelopes.length + other.told.envelopes.length).toBe(1);
    expect(await rows()).toHaveLength(2);
  });

  it('makes one room of the same client_id at the same time', async () => {
    const twin = { type: 'GroupChat', name: 'twin', participants: [ben], client_id: `room-${room_id}` };
    const answers = await Promise.all(upTo(5).map(() => worker.run(ann, 'room.create', twin)));
    expect(new Set(answers.map(({ data }) => data?.room_id)).size).toBe(1);
    expect(answers.map(({ data }) => data?.status)).toEqual(Array(5).fill('successful'));
    expect(await database.query("SELECT room_id FROM chat_group_chats WHERE name = 'twin'")).toHaveLength(1);
    expect(worker.told.envelopes).toHaveLength(1);
  });
});
