/** What an event costs the database does not grow with rooms, members or messages. Statements are counted. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chatJob, DATABASES, openDatabase, type TestDatabase, type TestRuntime } from './runtimes.js';

const PEOPLE = 300;

describe.each(DATABASES)('statements of an event, on %s', (kind) => {
  let database: TestDatabase;
  let worker: TestRuntime;
  let others: number[];

  beforeAll(async () => {
    database = await openDatabase(kind, PEOPLE + 20);
    // Long enough that no loaded user is forgotten between two counts.
    worker = database.open({ settings: { userCacheFor: 600 } });
    others = database.userIds.slice(20);
  });
  afterAll(() => database?.close());

  let taken = 0;
  /** A user that no other test has. */
  const stranger = () => database.userIds[taken++]!;

  const does = async (userId: number, type: string, data: object) => {
    const answer = await worker.run(userId, type, data);
    if (answer.error) throw new Error(`${type}: ${JSON.stringify(answer.error)}`);
    return answer.data;
  };
  const createGroup = async (userId: number, participants: number[]) => {
    const data = { type: 'GroupChat', name: 'group', participants, extra_fields: { max_participants: 1000 } };
    return String((await does(userId, 'room.create', data)).room_id);
  };
  const send = async (userId: number, room_id: string) =>
    String((await does(userId, 'message.send', { room_id, content: 'hello' })).message_id);

  /** Runs it twice and counts the second time, when caches that hold for seconds are warm. */
  async function statementsOf(run: () => Promise<unknown>, again = run): Promise<number> {
    await run();
    worker.statements.length = 0;
    await again();
    return worker.statements.length;
  }
  /** A question of a gateway. */
  const ask = async (userId: number, type: string, data: object) => {
    const job = chatJob(userId, type, data);
    await worker.runtime.runJob(job, { earlierRuns: 0 });
    const reply = worker.told.replies.find(({ jobId }) => jobId === job.id);
    if (!reply?.result) throw new Error(`${type} was not answered.`);
    return reply.result as { rooms: unknown[] };
  };

  /** A user of many rooms of all types, each with a message of somebody else. */
  async function withRooms(count: number): Promise<number> {
    const user = stranger();
    for (let index = 0; index < count; index++) {
      const peer = others[index]!;
      const members = { participants: [peer], subscribers: [peer] };
      const kinds = [
        { type: 'GroupChat', name: `group ${index}`, participants: members.participants },
        { type: 'Channel', name: `channel ${index}`, subscribers: members.subscribers },
        { type: 'OneToOneChat', participants: [peer] },
      ];
      const { room_id } = await does(user, 'room.create', kinds[index % 3]!);
      await send(index % 3 === 1 ? user : peer, String(room_id));
    }
    return user;
  }

  it('room.list takes as many for 3 rooms as for 45', async () => {
    const [few, many] = [await withRooms(3), await withRooms(45)];
    const list = (user: number) => statementsOf(() => does(user, 'room.list', {}));
    const page = (user: number) => statementsOf(() => does(user, 'room.list', { limit: 50 }));
    expect(((await does(many, 'room.list', {})) as unknown as unknown[]).length).toBe(45);
    const counts = [await list(few), await list(many), await page(few), await page(many)];
    expect(counts[1]).toBe(counts[0]);
    expect(counts[3]).toBe(counts[2]);
    expect(Math.max(...counts)).toBeLessThan(15);
  });

  it('connecting takes as many with 3 rooms as with 45', async () => {
    const [few, many] = [await withRooms(3), await withRooms(45)];
    let made = 0;
    const connect = (user: number) =>
      statementsOf(() => ask(user, '$connect', { channel_name: `gateway.${user}.${made++}` }));
    expect((await ask(many, '$connect', { channel_name: `gateway.${many}.look` })).rooms).toHaveLength(45);
    const counts = [await connect(few), await connect(many)];
    expect(counts[1]).toBe(counts[0]);
    expect(counts[0]).toBeLessThan(12);
  });

  it('room.messages takes as many for 2 messages as for 50, with reactions, receipts and parents', async () => {
    const ann = stranger();
    const readers = others.slice(0, 5);
    const rooms = [];
    for (const count of [2, 50]) {
      const room_id = await createGroup(ann, readers);
      const ids: string[] = [];
      for (let index = 0; index < count; index++) {
        const extra_fields = ids[0] && index % 2 ? { parent_message_id: ids[0] } : {};
        const { message_id } = await does(ann, 'message.send', { room_id, content: 'hello', extra_fields });
        ids.push(String(message_id));
      }
      for (const reader of readers) await does(reader, 'message.read', { message_id: ids });
      await does(readers[0]!, 'message.react', { type: 'add', message_id: ids[0], reaction_content: '👍' });
      rooms.push(room_id);
    }
    const counts = [];
    for (const room_id of rooms) counts.push(await statementsOf(() => does(ann, 'room.messages', { room_id })));
    expect(counts[1]).toBe(counts[0]);
    expect(counts[0]).toBeLessThan(15);
  });

  it('message.send takes as many with 3 members as with 300', async () => {
    const ann = stranger();
    const counts = [];
    for (const members of [others.slice(0, 2), others.slice(0, 299)]) {
      const room_id = await createGroup(ann, members);
      counts.push(await statementsOf(() => send(ann, room_id)));
    }
    expect(counts[1]).toBe(counts[0]);
    expect(counts[0]).toBeLessThan(15);
  });

  it('message.read takes as many for 1 message as for 50', async () => {
    const [ann, ben] = [stranger(), stranger()];
    const room_id = await createGroup(ann, [ben]);
    const ids: string[] = [];
    for (let index = 0; index < 54; index++) ids.push(await send(ann, room_id));
    const read = (...message_id: string[]) => does(ben, 'message.read', { message_id });
    const one = await statementsOf(
      () => read(ids[0]!),
      () => read(ids[1]!),
    );
    const many = await statementsOf(
      () => read(ids[2]!, ids[3]!),
      () => read(...ids.slice(4)),
    );
    expect(many).toBe(one);
    expect(one).toBeLessThan(40);
  });

  it('room.info and room.members take as many with 3 members as with 300', async () => {
    const ann = stranger();
    const counts = [];
    for (const members of [others.slice(0, 2), others.slice(0, 299)]) {
      const room_id = await createGroup(ann, members);
      counts.push([
        await statementsOf(() => does(ann, 'room.info', { room_id })),
        await statementsOf(() => does(ann, 'room.members', { room_id, limit: 500 })),
      ]);
    }
    expect(counts[1]).toEqual(counts[0]);
  });

  it('adding 200 members takes as many as adding 2', async () => {
    const ann = stranger();
    const counts = [];
    for (const members of [others.slice(0, 2), others.slice(0, 200)]) {
      const room_id = await createGroup(ann, []);
      // Every user is known, so that only the adding counts.
      await does(ann, 'room.info', { room_id });
      worker.statements.length = 0;
      await does(ann, 'room.add_members', { room_id, members });
      counts.push(worker.statements.length);
    }
    expect(counts[1]).toBe(counts[0]);
  });
});
