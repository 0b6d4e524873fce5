/** `maxRoomsPerUser` when a user comes into many rooms at once, by two workers: each room has a lock of its own. */
import { afterEach, describe, expect, it } from 'vitest';
import { type Answer, DATABASES, openDatabase, type TestDatabase } from '../system/runtimes.js';

const LIMIT = 5;
const CROWD = 40;

let database: TestDatabase;
afterEach(() => database?.close());

const codes = (answers: Answer[]) => answers.map(({ error }) => error?.code ?? 0).sort((a, b) => a - b);
const expected = [...Array<number>(LIMIT).fill(0), ...Array<number>(CROWD - LIMIT).fill(4003)];

describe.each(DATABASES)('a user who comes into forty rooms at once on %s', (kind) => {
  it.each([
    ['by joining channels', 'room.join'],
    ['by being added to groups', 'room.add_members'],
    ['by creating them', 'room.create'],
  ] as const)('%s is a member of no more than the limit', async (_, event) => {
    database = await openDatabase(kind, CROWD + 1);
    const [eve, ...others] = database.userIds as [number, ...number[]];
    const workers = [1, 2].map(() => database.open({ settings: { maxRoomsPerUser: LIMIT } }));
    const at = (index: number) => workers[index % 2]!;
    const rooms: string[] = [];
    for (const [index, other] of others.entries()) {
      if (event === 'room.create') break;
      const type = event === 'room.join' ? 'Channel' : 'GroupChat';
      const extra_fields = event === 'room.join' ? { is_public: true } : {};
      const { data } = await at(index).run(other, 'room.create', { type, name: 'x', extra_fields });
      rooms.push(data.room_id as string);
    }
    const answers = await Promise.all(
      others.map((other, index) => {
        const room_id = rooms[index];
        if (event === 'room.join') return at(index).run(eve, event, { room_id });
        if (event === 'room.add_members') return at(index).run(other, event, { room_id, members: [eve] });
        return at(index).run(eve, event, { type: 'GroupChat', name: 'x' });
      }),
    );
    expect(codes(answers)).toEqual(expected);
    const [row] = await database.query<{ n: number }>('SELECT COUNT(*) AS n FROM chat_room_members WHERE user_id = ?', [
      eve,
    ]);
    expect(Number(row!.n)).toBe(LIMIT);
    const [made] = await database.query<{ n: number }>('SELECT COUNT(*) AS n FROM chat_rooms');
    expect(Number(made!.n)).toBe(event === 'room.create' ? LIMIT : CROWD);
  });
});
