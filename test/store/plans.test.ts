/** The hot statements find their rows by an index, and look at no more of them when rooms and histories grow. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chatJob, openDatabase, type TestDatabase, type TestRuntime } from '../system/runtimes.js';
import { type Plan, plansOf, rowsOf, unbounded } from './plans.js';

const MESSAGES = 20_000;
const ROOMS = 60;
const MEMBERS = 1000;
const TABLES = [
  ...['rooms', 'one_to_one_chats', 'group_chats', 'channels', 'room_members', 'room_permissions', 'sessions'],
  ...['messages', 'message_media_assets', 'message_deliveries', 'read_receipts', 'reactions', 'notifications'],
  'outcomes',
];

describe('on MariaDB', () => {
  let database: TestDatabase;
  let worker: TestRuntime;
  /** A member of all rooms, a member of the big and the small room, and somebody of one room. */
  let ann: number;
  let ben: number;
  let cas: number;
  let big: string;
  let small: string;

  const does = async (userId: number, type: string, data: object) => {
    const answer = await worker.run(userId, type, data);
    if (answer.error) throw new Error(`${type}: ${JSON.stringify(answer.error)}`);
    return answer.data;
  };
  const createGroup = async (participants: number[]) => {
    const fields = { max_participants: MEMBERS };
    const data = { type: 'GroupChat', name: 'group', participants, extra_fields: fields };
    return String((await does(ann, 'room.create', data)).room_id);
  };
  const sql = (text: string, ...replacements: unknown[]) => worker.sequelize.query(text, { replacements });
  /** The statements that an event took, explained. The first run only warms caches that hold for seconds. */
  async function plans(event: () => Promise<unknown>): Promise<Plan[]> {
    await event();
    worker.statements.length = 0;
    await event();
    const found = await plansOf(worker.sequelize, [...worker.statements]);
    expect(found).not.toEqual([]);
    return found;
  }
  const readsOf = (found: readonly Plan[], table: string) =>
    found.flatMap(({ tables, sql: text }) => (text.includes(table) ? tables : []));

  /** Messages, and as many outcomes, with numbers from 1 to `count`. */
  async function fill(roomId: string, count: number): Promise<void> {
    const { last_seq, last_offset } = (
      await database.query<{ last_seq: number; last_offset: number }>(
        'SELECT last_seq, last_offset FROM chat_rooms WHERE id = ?',
        [roomId],
      )
    )[0]!;
    await sql(
      `INSERT INTO chat_messages (id, room_id, sender_id, client_id, seq, content, created_at, updated_at)
       SELECT UUID(), ?, ?, UUID(), seq + ?, 'hello', NOW(3), NOW(3) FROM seq_1_to_${count}`,
      roomId,
      ben,
      Number(last_seq),
    );
    await sql(
      `INSERT INTO chat_outcomes (job_id, position, room_id, room_offset, envelope, created_at)
       SELECT UUID(), 0, ?, seq + ?, CONCAT('{"roomId":"', ?, '","offset":', seq + ?, '}'), NOW(3) FROM seq_1_to_${count}`,
      roomId,
      Number(last_offset),
      roomId,
      Number(last_offset),
    );
    await sql(
      'UPDATE chat_rooms SET last_seq = last_seq + ?, last_offset = last_offset + ? WHERE id = ?',
      count,
      count,
      roomId,
    );
  }

  /** What is of no concern to ann, ben and cas: in tables of a few rows MariaDB rightly reads the whole table. */
  async function addOthers(): Promise<void> {
    const some = `FROM chat_messages WHERE room_id = ? AND seq <= ${MESSAGES / 2}`;
    const zoe = database.userIds.at(-1)!;
    const id = "CONCAT('01900000-0000-7000-8000-', LPAD(seq, 12, '0'))";
    const all = `FROM seq_1_to_3000`;
    await sql(`INSERT INTO chat_rooms (id, type, member_count, last_activity_at, created_at, updated_at)
               SELECT ${id}, 'GroupChat', 1, NOW(3), NOW(3), NOW(3) ${all}`);
    await sql(`INSERT INTO chat_group_chats (room_id, name, description) SELECT ${id}, 'other', '' ${all}`);
    for (const [type, columns, values] of [
      ['one_to_one_chats', 'room_id, first_user_id, second_user_id', `${id}, ${zoe}, seq`],
      ['channels', 'room_id, name, description', `${id}, 'other', ''`],
    ]) {
      await sql(`INSERT INTO chat_${type} (${columns}) SELECT ${values} FROM seq_1_to_500`);
    }
    await sql(`INSERT INTO chat_room_members (room_id, user_id, joined_at) SELECT ${id}, ?, NOW(3) ${all}`, zoe);
    const codename = "'can_send_messages'";
    await sql(
      `INSERT INTO chat_room_permissions (room_id, user_id, codename) SELECT ${id}, ?, ${codename} ${all}`,
      zoe,
    );
    await sql(
      `INSERT INTO chat_message_media_assets
         (id, message_id, position, media_url, media_type, mime_type, file_size, caption, metadata)
       SELECT UUID(), id, 0, 'https://example.org/a.png', 'image', 'image/png', 5, '', '{}' ${some}`,
      big,
    );
    for (const [table, time] of [
      ['message_deliveries', 'created_at'],
      ['read_receipts', 'read_at'],
    ]) {
      await sql(`INSERT INTO chat_${table} (message_id, user_id, ${time}) SELECT id, ?, NOW(3) ${some}`, zoe, big);
    }
    await sql(
      `INSERT INTO chat_reactions (id, message_id, user_id, reaction_content, created_at)
       SELECT UUID(), id, ?, '+', NOW(3) ${some}`,
      zoe,
      big,
    );
    await sql(
      `INSERT INTO chat_notifications (id, recipient_id, room_id, message_id, actor_id, notification_type, created_at)
       SELECT UUID(), ?, room_id, id, ?, 'REACTION', NOW(3) ${some}`,
      zoe,
      cas,
      big,
    );
    await sql(
      `INSERT INTO chat_sessions (id, user_id, channel_name, last_seen, created_at)
       SELECT UUID(), ?, CONCAT('other.', seq), NOW(3), NOW(3) FROM seq_1_to_2000`,
      zoe,
    );
    const tables = ['users', ...TABLES.map((name) => `chat_${name}`)];
    await sql(`ANALYZE TABLE ${tables.join(', ')}`);
  }

  beforeAll(async () => {
    database = await openDatabase('MariaDB', MEMBERS + 500);
    worker = database.open({ settings: { userCacheFor: 600 } });
    [ann, ben, cas] = database.userIds.slice(0, 3) as [number, number, number];
    big = await createGroup([ben, ...database.userIds.slice(3, MEMBERS)]);
    small = await createGroup([ben, cas]);
    await fill(big, MESSAGES);
    await fill(small, 10);
    for (let index = 2; index < ROOMS; index++) await fill(await createGroup([ben]), 3);
    await addOthers();
  });
  afterAll(() => database?.close());

  describe('room.messages', () => {
    const history = (query: object) => plans(() => does(ann, 'room.messages', { room_id: big, ...query }));

    it.each([
      ['the newest', {}],
      ['page 1', { paginate: { page: 1, size: 50 } }],
      ['the newest by seq', { before: MESSAGES }],
      ['those before the middle', { before: MESSAGES / 2 }],
      ['those after the middle', { after: MESSAGES / 2 }],
      ['those around the middle', { around: MESSAGES / 2 }],
      ['the oldest', { before: 51 }],
    ])('reads %s by (room_id, seq), and no others', async (_, query) => {
      const found = await history(query);
      expect(unbounded(found)).toEqual([]);
      const reads = readsOf(found, 'chat_messages').filter(({ rows }) => rows > 1);
      expect(reads.map(({ index }) => index)).toContain('chat_messages_room_id_seq_unique');
      // Of 20,000: the fifty, their users, and a look at what lies beyond.
      expect(rowsOf(found)).toBeLessThan(400);
    });

    it.each([
      ['the newest', {}],
      ['a deep page', { paginate: { page: 20, size: 50 } }],
      ['those before the middle', { before: MESSAGES / 2 }],
    ])('reads no message of %s for who is no member', async (_, query) => {
      const found = await plans(async () => {
        const { error } = await worker.run(cas, 'room.messages', { room_id: big, ...query });
        expect(error).toMatchObject({ code: 4002 });
      });
      expect(unbounded(found)).toEqual([]);
      expect(rowsOf(found)).toBeLessThan(10);
    });

    it('of a page takes one statement, of its messages and of who asks', async () => {
      // Those have neither media nor reactions.
      expect(await history({ before: MESSAGES })).toHaveLength(1);
      expect(await history({ paginate: { page: 1, size: 50 } })).toHaveLength(1);
    });

    it('of a deep page reads what lies before it, never the whole history', async () => {
      const found = await history({ paginate: { page: 20, size: 50 } });
      expect(unbounded(found)).toEqual([]);
      expect(rowsOf(found)).toBeLessThan(20 * 50 + 400);
    });
  });

  it('room.list looks at a few rows for each room, however long the histories', async () => {
    const whole = await plans(() => does(ann, 'room.list', {}));
    const page = await plans(() => does(ann, 'room.list', { limit: 20 }));
    expect(unbounded([...whole, ...page])).toEqual([]);
    // Unread messages are counted: three in each small room, up to the limit in the big one.
    const unread = readsOf(whole, 'COUNT(*)').reduce((sum, { rows }) => sum + rows, 0);
    expect(rowsOf(whole) - unread).toBeLessThan(ROOMS * 15);
    const ends = readsOf(whole, 'listed_id').filter(({ table }) => table === 'x');
    expect(ends.map(({ index }) => index)).toEqual(['chat_messages_room_id_seq_unique']);
    expect(ends[0]!.rows).toBe(ROOMS);
  });

  it('connecting looks at a few rows for each room of the user', async () => {
    let made = 0;
    const connect = async (user: number) => {
      const found = await plans(() =>
        worker.runtime.runJob(chatJob(user, '$connect', { channel_name: `gateway.${made++}` }), { earlierRuns: 0 }),
      );
      expect(unbounded(found)).toEqual([]);
      return found;
    };
    // Cas is in one room, with ten messages to be told of; ann in sixty, with the newest hundred of one of them.
    expect(rowsOf(await connect(cas))).toBeLessThan(200);
    const many = await connect(ann);
    // Of the 20,000 messages that nobody read in the big room only the newest hundred are looked at.
    expect(rowsOf(many)).toBeLessThan(3000);
    const memberships = many.filter(({ sql: text }) => !/chat_(messages|notifications|reactions)/.test(text));
    expect(rowsOf(memberships)).toBeLessThan(ROOMS * 6);
  });

  it('connecting together looks at a few rows for each connection, in a large, old room too', async () => {
    const users = database.userIds.slice(10, 40);
    const behind = 'acked_seq = (SELECT last_seq FROM chat_rooms r WHERE r.id = room_id) - 10';
    await sql(`UPDATE chat_room_members SET ${behind} WHERE room_id = ? AND user_id IN (?)`, big, users);
    let made = 0;
    const found = await plans(() => {
      const asked = users.map((user) => chatJob(user, '$connect', { channel_name: `together.${made++}` }));
      return worker.runtime.runJob(chatJob(0, '$together', { asked }), { earlierRuns: 0 });
    });
    expect(unbounded(found)).toEqual([]);
    expect(rowsOf(found)).toBeLessThan(1500);
    const ends = readsOf(found, 'is_deleted = 0 AND (');
    expect(new Set(ends.map(({ index }) => index))).toEqual(new Set(['chat_messages_room_id_seq_unique']));
  });

  it('message.send looks at as many rows in a large, old room as in a small, new one', async () => {
    let sent = 0;
    const send = (room_id: string) =>
      plans(() => does(ben, 'message.send', { room_id, content: 'hello', client_id: `plan ${sent++}` }));
    const [few, many] = [await send(small), await send(big)];
    expect(unbounded([...few, ...many])).toEqual([]);
    expect(rowsOf(many)).toBe(rowsOf(few));
    expect(rowsOf(many)).toBeLessThan(25);
    const repeats = readsOf(many, 'client_id = ').filter(({ table }) => table === 'e' || table === 'o');
    // By their whole keys: looked up under the room's lock, whatever the tables hold.
    expect(repeats.map(({ table, access, index }) => [table, access, index])).toEqual([
      ['e', 'const', 'chat_messages_sender_id_client_id_unique'],
      ['o', 'const', 'PRIMARY'],
    ]);
    // The room with all it is asked about, and the room with its member's marks.
    expect(many).toHaveLength(2);
  });

  let together = 0;
  /** Each of these sends to the big room, all at the same time. */
  const sendTogether = (users: readonly number[]) =>
    plans(() =>
      Promise.all(
        users.map((user) =>
          does(user, 'message.send', { room_id: big, content: 'hello', client_id: `together ${together++}` }),
        ),
      ),
    );

  it('messages sent at the same time look at a few rows for each, in a large, old room too', async () => {
    const found = await sendTogether(database.userIds.slice(3, 23));
    expect(unbounded(found)).toEqual([]);
    // The room, its members with what was sent before, and the room with the members' marks.
    expect(found).toHaveLength(3);
    const members = readsOf(found, 'chat_room_members').filter(({ table }) => table === 'm');
    expect(members.map(({ access, rows }) => [access, rows])).toEqual([
      ['range', 20],
      ['range', 20],
    ]);
    expect(rowsOf(found)).toBeLessThan(20 * 5);
  });

  it('messages that one user sends at the same time look at none of what that user sent before', async () => {
    const found = await sendTogether(Array(20).fill(ben));
    expect(unbounded(found)).toEqual([]);
    const earlier = readsOf(found, 'client_id').filter(({ table }) => table === 'chat_messages');
    expect(earlier.map(({ access, index }) => [access, index])).toEqual([
      ['range', 'chat_messages_sender_id_client_id_unique'],
    ]);
    expect(rowsOf(found)).toBeLessThan(20 * 5);
  });

  it('reading, acknowledging and reacting look at a few rows, in a large, old room too', async () => {
    const counts: number[] = [];
    for (const room_id of [small, big]) {
      const own = async () => String((await does(ann, 'message.send', { room_id, content: 'hello' })).message_id);
      const ids = await Promise.all(Array.from({ length: 6 }, own));
      const events = [
        () => does(ben, 'message.acknowledged', { message_id: ids.pop() }),
        () => does(ben, 'message.read', { message_id: ids.pop() }),
        () => does(ben, 'message.react', { type: 'add', message_id: ids.pop(), reaction_content: '👍' }),
      ];
      for (const event of events) {
        const found = await plans(event);
        expect(unbounded(found)).toEqual([]);
        counts.push(rowsOf(found));
      }
    }
    expect(Math.max(...counts)).toBeLessThan(60);
  });

  it('reading one message together looks at none of the receipts of others', async () => {
    const some = database.userIds.slice(100, MEMBERS);
    const message_id = String((await does(ann, 'message.send', { room_id: big, content: 'hello' })).message_id);
    for (const [table, time] of [
      ['message_deliveries', 'created_at'],
      ['read_receipts', 'read_at'],
    ]) {
      const values = some.map((user) => `('${message_id}', ${user}, NOW(3))`).join(', ');
      await sql(`INSERT INTO chat_${table} (message_id, user_id, ${time}) VALUES ${values}`);
    }
    await sql('UPDATE chat_messages SET delivered_count = ?, read_count = ? WHERE id = ?', 900, 900, message_id);
    const readers = [database.userIds.slice(30, 50), database.userIds.slice(50, 70)];
    const found = await plans(() =>
      Promise.all(readers.shift()!.map((user) => does(user, 'message.read', { message_id }))),
    );
    expect(unbounded(found)).toEqual([]);
    const asked = readsOf(found, "'ReadReceipt' AS kind");
    expect(asked.map(({ table }) => table)).toEqual(['chat_message_deliveries', 'chat_read_receipts']);
    for (const { rows } of asked) expect(rows).toBeLessThanOrEqual(20);
  });

  it('session.resume reads the missed broadcasts by (room_id, room_offset), from the one asked for', async () => {
    const [room] = await database.query<{ last_offset: number }>('SELECT last_offset FROM chat_rooms WHERE id = ?', [
      big,
    ]);
    const rooms = { [big]: Number(room!.last_offset) - 20 };
    const found = await plans(() => does(ann, 'session.resume', { rooms }));
    expect(unbounded(found)).toEqual([]);
    const reads = readsOf(found, 'room_offset >');
    expect(reads.length).toBeGreaterThan(0);
    for (const { index } of reads) expect(index).toBe('chat_outcomes_room_id_room_offset_unique');
    expect(rowsOf(found)).toBeLessThan(120);
  });

  it('a second run of a job finds its outcome by the job', async () => {
    const job = chatJob(ben, 'message.send', { room_id: big, content: 'hello' });
    await worker.runtime.runJob(job, { earlierRuns: 0 });
    worker.statements.length = 0;
    await worker.runtime.runJob(job, { earlierRuns: 1 });
    const found = await plansOf(worker.sequelize, [...worker.statements]);
    expect(unbounded(found)).toEqual([]);
    const reads = readsOf(found, 'job_id = ');
    expect(reads.map(({ index, rows }) => [index, rows])).toEqual([['PRIMARY', 1]]);
  });
});
