/** Many people on a running system: signed in at once, sending at once, and what each of their devices saw. */
import { SignJWT } from 'jose';
import { type Connection, createConnection } from 'mysql2/promise';
import { expect } from 'vitest';
import type { TestClient, TestFrame } from '../../src/testing/client.js';
import { until } from '../helpers/processes.js';
import type { WireAck, WireError, WireMessage } from '../helpers/shapes.js';
import { type Chatter, JWT_SECRET, type OwnStack, type Person } from '../helpers/stack.js';

/** A system on MariaDB with a connection to its database, for looking behind the wire. */
export interface Crowd {
  readonly stack: OwnStack;
  /** People made by SQL: hashing a password for each would take longer than the test. */
  people(count: number): Promise<Person[]>;
  /** Connections of new people, on gateways in turn. */
  chatters(count: number): Promise<Chatter[]>;
  /** Resolves when a worker answers: without one, connections are closed as not ready. */
  ready(): Promise<void>;
  query<T extends object>(sql: string, values?: unknown[]): Promise<T[]>;
  /** What runs in this system's database now: statements, and what they wait for. */
  running(): Promise<Array<{ readonly Info: string | null; readonly State: string | null }>>;
  /** Checks that a room's numbers have no holes and its counters are true; gives its messages in order. */
  checkRoom(roomId: string): Promise<MessageRow[]>;
  /** Connects to the database anew, after it was away. */
  reconnect(): Promise<void>;
  close(): Promise<void>;
}

/** A message as it is stored. */
export interface MessageRow {
  readonly id: string;
  readonly seq: number;
  readonly content: string;
}

/** Takes a running stack; `close` ends it too. */
export async function gather(stack: OwnStack): Promise<Crowd> {
  if (!stack.mariaDb) throw new Error('A crowd needs MariaDB.');
  const { url } = stack.mariaDb;
  const connect = async () => {
    const made = await createConnection(url);
    // A test may kill the database.
    made.on('error', () => {});
    return made;
  };
  let connection: Connection = await connect();
  let made = 0;
  const query = async <T extends object>(sql: string, values: unknown[] = []) =>
    (await connection.query(sql, values))[0] as unknown as T[];

  async function people(count: number): Promise<Person[]> {
    const names = Array.from({ length: count }, () => `person_${++made}`);
    await connection.query('INSERT INTO users (username, password_hash, created_at) VALUES ?', [
      names.map((name) => [name, '-', new Date()]),
    ]);
    const rows = await query<{ id: number; username: string }>(
      'SELECT id, username FROM users WHERE username IN (?) ORDER BY id',
      [names],
    );
    return Promise.all(
      rows.map(async ({ id, username }) => ({
        token: await new SignJWT()
          .setProtectedHeader({ alg: 'HS256' })
          .setSubject(String(id))
          .setExpirationTime('1h')
          .sign(new TextEncoder().encode(JWT_SECRET)),
        user: { id, username, email: null, first_name: null, last_name: null },
      })),
    );
  }

  return {
    stack,
    people,
    async ready() {
      const [somebody] = await people(1);
      await until('a worker answers', async () => (await stack.connect(somebody!)).close(), 120_000);
    },
    query,
    running: () =>
      query('SELECT info AS Info, state AS State FROM information_schema.processlist WHERE db = DATABASE()'),
    async chatters(count) {
      const signedIn = await people(count);
      return Promise.all(signedIn.map((person, index) => stack.connect(person, index)));
    },
    async checkRoom(roomId) {
      const [room] = await query<{ last_seq: number; last_offset: number; member_count: number }>(
        'SELECT last_seq, last_offset, member_count FROM chat_rooms WHERE id = ?',
        [roomId],
      );
      if (!room) throw new Error(`There is no room ${roomId}.`);
      const offsets = await query<{ room_offset: number }>(
        'SELECT room_offset FROM chat_outcomes WHERE room_id = ? ORDER BY room_offset',
        [roomId],
      );
      expect(offsets.map(({ room_offset }) => Number(room_offset))).toEqual(upTo(Number(room.last_offset)));
      const messages = await query<MessageRow>(
        'SELECT id, seq, content FROM chat_messages WHERE room_id = ? ORDER BY seq',
        [roomId],
      );
      expect(messages.map(({ seq }) => Number(seq))).toEqual(upTo(Number(room.last_seq)));
      const [members] = await query<{ count: number }>(
        'SELECT COUNT(*) AS count FROM chat_room_members WHERE room_id = ?',
        [roomId],
      );
      expect(Number(members?.count)).toBe(Number(room.member_count));
      return messages.map(({ id, seq, content }) => ({ id, seq: Number(seq), content }));
    },
    async reconnect() {
      connection.destroy();
      connection = await connect();
    },
    async close() {
      await connection.end();
      await stack.close();
    },
  };
}

/** 1, 2, ... up to `last`. */
export const upTo = (last: number, from = 1) =>
  Array.from({ length: Math.max(0, last - from + 1) }, (_, i) => i + from);

/** Every frame that a connection gets from now on, in the order it came; what tests take from its queue stays here. */
export class FrameLog {
  readonly frames: TestFrame[] = [];

  constructor(client: TestClient) {
    client.socket.on('message', (data: Buffer) => this.frames.push(JSON.parse(data.toString()) as TestFrame));
  }

  /** Broadcasts of a room, in the order they came. */
  of(roomId: string): TestFrame<WireMessage>[] {
    return this.frames.filter(
      (frame) => frame.room_id === roomId && frame.offset !== undefined,
    ) as TestFrame<WireMessage>[];
  }

  /** Waits until the room's broadcast of that offset has come. */
  async reach(roomId: string, offset: number): Promise<void> {
    await until(`the broadcast ${offset} of ${roomId}`, async () => {
      const last = this.of(roomId).at(-1)?.offset ?? 0;
      if (last < offset) throw new Error(`the last one is ${last}`);
    });
  }

  /** Checks that the room's broadcasts came in offset order, each once, without a hole. */
  expectUnbroken(roomId: string): void {
    const offsets = this.of(roomId).map(({ offset }) => Number(offset));
    expect(offsets).toEqual(upTo(offsets.at(-1) ?? 0, offsets[0]));
  }
}

/** One send and its answer. */
export interface Sent {
  readonly content: string;
  readonly at: number;
  readonly ack: WireAck | undefined;
  readonly error: WireError | undefined;
  /** Milliseconds until the answer. */
  readonly took: number;
}

/** People who send one message after the other, each waiting for its answer, until told to stop. */
export interface Load {
  /** All that was answered, in that order. */
  readonly sent: Sent[];
  /** Resolves when every sender has had so many more answers. */
  more(answers: number): Promise<void>;
  /** Resolves when what is under way is answered. A send that had no answer within the client's time makes it reject. */
  stop(): Promise<Sent[]>;
}

let loads = 0;

/** Begins to send to the rooms in turn. */
export function startLoad(senders: readonly TestClient[], roomIds: readonly string[]): Load {
  const load = ++loads;
  const sent: Sent[] = [];
  const counts = senders.map(() => 0);
  let running = true;
  const work = senders.map(async (sender, index) => {
    while (running) {
      const content = `load ${load} sender ${index} message ${counts[index]}`;
      const at = performance.now();
      const room_id = roomIds[counts[index]! % roomIds.length];
      const { data, error } = await sender.request<WireAck>('message.send', { room_id, content });
      const failure = error as WireError | undefined;
      sent.push({ content, at, ack: failure ? undefined : data, error: failure, took: performance.now() - at });
      counts[index]! += 1;
    }
  });
  const failed = Promise.all(work);
  failed.catch(() => {
    running = false;
  });
  return {
    sent,
    async more(answers) {
      const goals = counts.map((count) => count + answers);
      await until(
        `${answers} more answers for everybody`,
        async () => {
          if (!running) await failed;
          if (counts.some((count, index) => count < goals[index]!)) throw new Error(`there are ${counts}`);
        },
        40_000,
      );
    },
    async stop() {
      running = false;
      await failed;
      return sent;
    },
  };
}
