/** A text is stored as it was sent, whatever is in it. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type TestDatabase, type TestRuntime } from '../system/runtimes.js';

/** All that SQL, its escapes and the languages around it read as something else. */
const special = [...`\0\b\t\n\r\u001a'"\\\`%_?:;#$-/*{}`, '--', '\\0', '\\n', "\\'", "''", ':name', '?', '😀'];

describe.each(['MariaDB', 'SQLite'] as const)('a text in a row on %s', (kind) => {
  let database: TestDatabase;
  let worker: TestRuntime;
  beforeAll(async () => {
    database = await openDatabase(kind, 1);
    worker = database.open();
  });
  afterAll(() => database?.close());

  it('comes back as it was', async () => {
    const { Outcome } = worker.models;
    const text = fc.array(fc.oneof(fc.constantFrom(...special), fc.string({ unit: 'binary', maxLength: 5 })));
    let run = 0;
    await fc.assert(
      fc.asyncProperty(text, async (parts) => {
        run += 1;
        const job_id = `texts ${run}`;
        const row = { room_id: null, room_offset: null, envelope: parts.join(''), reply: null, created_at: new Date() };
        await worker.runtime.store.transaction((unit) =>
          unit.insert(Outcome, [
            { ...row, job_id, position: 0 },
            { ...row, job_id, position: 1, envelope: `${row.envelope}\\` },
          ]),
        );
        const stored = await Outcome.findAll({ where: { job_id }, order: [['position', 'ASC']], raw: true });
        expect(stored.map(({ envelope }) => envelope)).toEqual([row.envelope, `${row.envelope}\\`]);
      }),
      { numRuns: 200, examples: [...special.map((one): [string[]] => [[one]]), [special]] },
    );
  });
});
