/** A room that somebody outside holds, a frozen worker say: who writes there waits, and nobody else does. MariaDB. */
import { type Connection, createConnection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { useReadCommitted } from '../../src/models/connections.js';
import { until } from '../helpers/processes.js';
import { type Answer, openDatabase, type TestDatabase, type TestRuntime } from './runtimes.js';

let database: TestDatabase;
let worker: TestRuntime;
let locker: Connection;
let ann: number;
let rooms: string[];

beforeAll(async () => {
  database = await openDatabase('MariaDB', 2);
  worker = database.open();
  useReadCommitted(worker.sequelize, true);
  ann = database.userIds[0]!;
});
beforeEach(async () => {
  rooms = [];
  for (let made = 0; made < 8; made++) {
    const { data } = await worker.run(ann, 'room.create', { type: 'GroupChat', name: 'group', participants: [] });
    rooms.push(String(data.room_id));
  }
  locker = await createConnection(database.url!);
  await locker.beginTransaction();
  await locker.query('SELECT id FROM chat_rooms WHERE id = ? FOR UPDATE', [rooms[3]]);
  worker.statements.length = 0;
});
afterEach(() => locker.end());
afterAll(() => database?.close());

const send = (room_id: string) => worker.run(ann, 'message.send', { room_id, content: 'hello' });
const rolledBack = () => worker.statements.filter((sql) => /^ROLLBACK/.test(sql)).length;

it('does not hold up those who would have been committed together with it', async () => {
  const at = performance.now();
  let held: Answer | undefined;
  const holding = send(rooms[3]!).then((answer) => {
    held = answer;
  });
  const others = rooms.filter((_, index) => index !== 3);
  const answers = await Promise.all(others.map(send));
  expect(performance.now() - at).toBeLessThan(6000);
  for (const answer of answers) expect(answer).toMatchObject({ eventType: 'event.ack', data: { seq: 1 } });
  expect(held).toBeUndefined();
  await locker.rollback();
  await holding;
  expect(held).toMatchObject({ eventType: 'event.ack', data: { seq: 1 } });
});

it('is waited for longer than the database lets one statement wait, however often that is', async () => {
  const answer = send(rooms[3]!);
  await until('it has waited three times', async () => expect(rolledBack()).toBeGreaterThanOrEqual(3));
  await locker.rollback();
  expect(await answer).toMatchObject({ eventType: 'event.ack', data: { seq: 1 } });
  const rows = await database.query('SELECT id FROM chat_messages WHERE room_id = ?', [rooms[3]]);
  expect(rows).toHaveLength(1);
});
