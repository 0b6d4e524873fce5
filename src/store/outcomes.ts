import { QueryTypes } from 'sequelize';
import { decodeEnvelope, type Envelope, encodeEnvelope } from '../protocol/envelope.js';
import type { StoreContext } from './context.js';
import type { UnitOfWork } from './unit-of-work.js';

/** Frames for all connections of some users. */
export interface Targeted {
  /** Unique within the job, the same whenever it is told. */
  readonly id: string;
  readonly userIds: string[];
  readonly frames: string[];
}

/** What a write decided to tell whom, remembered under its job so that a second run tells the same. */
export interface StoredOutcome {
  readonly envelopes: Envelope[];
  readonly targeted: Targeted[];
  /** Frames for the asking connection. */
  readonly answer: string[];
}

type Remainder = Omit<StoredOutcome, 'envelopes'>;

/** The frames of an answer stand in it as the JSON they are: as texts in JSON each quotation mark would be escaped twice. */
function encodeRemainder({ targeted, answer }: Remainder): string {
  return `{"targeted":${JSON.stringify(targeted)},"answer":[${answer.join(',')}]}`;
}

function decodeRemainder(reply: string): Remainder {
  const { targeted, answer } = JSON.parse(reply) as { targeted: Targeted[]; answer: unknown[] };
  return { targeted, answer: answer.map((frame) => JSON.stringify(frame)) };
}

/**
 * Stores an outcome in the write's own transaction: a row for each broadcast, the rest beside the first.
 * `position` numbers the rows of a job; a second run of it collides with them and writes nothing.
 */
export async function storeOutcome(
  { models }: StoreContext,
  unit: UnitOfWork,
  jobId: string,
  position: number,
  { envelopes, ...remainder }: StoredOutcome,
): Promise<number> {
  const first = envelopes.length === 0 ? [undefined] : envelopes;
  const rows = first.map((envelope, index) => ({
    job_id: jobId,
    position: position + index,
    room_id: envelope?.roomId ?? null,
    room_offset: envelope?.offset ?? null,
    envelope: envelope ? encodeEnvelope(envelope) : null,
    reply: index === 0 ? encodeRemainder(remainder) : null,
    created_at: new Date(),
  }));
  await unit.insert(models.Outcome, rows);
  return rows.length;
}

/** The outcome an earlier run of the job committed, or null. `isFinal`: waits for a commit that is still under way. */
export async function findOutcome(
  { models, sequelize }: StoreContext,
  jobId: string,
  isFinal = false,
): Promise<StoredOutcome | null> {
  const lock = isFinal && sequelize.getDialect() !== 'sqlite' ? ' LOCK IN SHARE MODE' : '';
  const rows = await sequelize.query<{ envelope: string | null; reply: string | null }>(
    `SELECT envelope, reply FROM ${models.Outcome.getTableName()} WHERE job_id = ? ORDER BY position${lock}`,
    { replacements: [jobId], type: QueryTypes.SELECT },
  );
  if (rows.length === 0) return null;
  const remainders = rows.flatMap(({ reply }) => (reply === null ? [] : [decodeRemainder(reply)]));
  return {
    envelopes: rows.flatMap(({ envelope }) => (envelope === null ? [] : [decodeEnvelope(envelope)])),
    targeted: remainders.flatMap(({ targeted }) => targeted),
    answer: remainders.flatMap(({ answer }) => answer),
  };
}

/** Committed broadcasts of a room with `after` < offset <= `upTo`, in order, at most `limit`. */
export async function loadEnvelopes(
  { models, sequelize }: StoreContext,
  roomId: string,
  after: number,
  upTo: number,
  limit = 1000,
): Promise<Envelope[]> {
  const rows = await sequelize.query<{ envelope: string }>(
    `SELECT envelope FROM ${models.Outcome.getTableName()}
      WHERE room_id = ? AND room_offset > ? AND room_offset <= ? ORDER BY room_offset LIMIT ${Number(limit)}`,
    { replacements: [roomId, after, upTo], type: QueryTypes.SELECT },
  );
  return rows.map(({ envelope }) => decodeEnvelope(envelope));
}

/**
 * The last offset of each room: of its row, or of its last broadcast when the room was deleted. A room that never was,
 * or whose broadcasts are all forgotten, is absent.
 */
export async function lastOffsets(
  { models, sequelize }: StoreContext,
  roomIds: string[],
): Promise<Map<string, number>> {
  if (roomIds.length === 0) return new Map();
  const read = async (sql: string, ids: string[]) =>
    (await sequelize.query<{ id: string; last: number }>(sql, { replacements: { ids }, type: QueryTypes.SELECT })).map(
      ({ id, last }): [string, number] => [id, Number(last)],
    );
  const offsets = new Map(
    await read(`SELECT id, last_offset AS last FROM ${models.Room.getTableName()} WHERE id IN (:ids)`, roomIds),
  );
  const gone = roomIds.filter((id) => !offsets.has(id));
  if (gone.length > 0) {
    const sql = `SELECT room_id AS id, MAX(room_offset) AS last FROM ${models.Outcome.getTableName()}
      WHERE room_id IN (:ids) GROUP BY room_id`;
    for (const [id, last] of await read(sql, gone)) offsets.set(id, last);
  }
  return offsets;
}

/** Which of these ranges of broadcasts are still complete: per room, all of `after` < offset <= `upTo`. */
export async function completeRanges(
  { models, sequelize, settings }: StoreContext,
  ranges: ReadonlyArray<{ roomId: string; after: number; upTo: number }>,
): Promise<Set<string>> {
  const open = ranges.filter(({ after, upTo }) => upTo > after);
  const complete = new Set(ranges.filter(({ after, upTo }) => upTo === after).map(({ roomId }) => roomId));
  if (open.length === 0) return complete;
  const oldest = new Date(Date.now() - settings.recoverableFor * 1000);
  const rows = await sequelize.query<{ room_id: string; kept: number }>(
    `SELECT room_id, COUNT(*) AS kept FROM ${models.Outcome.getTableName()}
      WHERE created_at >= ? AND (${open.map(() => '(room_id = ? AND room_offset > ? AND room_offset <= ?)').join(' OR ')})
      GROUP BY room_id`,
    {
      replacements: [oldest, ...open.flatMap(({ roomId, after, upTo }) => [roomId, after, upTo])],
      type: QueryTypes.SELECT,
    },
  );
  const kept = new Map(rows.map((row) => [row.room_id, Number(row.kept)]));
  for (const { roomId, after, upTo } of open) if (kept.get(roomId) === upTo - after) complete.add(roomId);
  return complete;
}

/** Forgets outcomes older than `recoverableFor`, a bounded number at a time. Resolves to how many. */
export async function purgeOutcomes({ models, sequelize, settings }: StoreContext): Promise<number> {
  const before = new Date(Date.now() - settings.recoverableFor * 1000);
  const rows = await sequelize.query<{ job_id: string }>(
    `SELECT DISTINCT job_id FROM ${models.Outcome.getTableName()} WHERE created_at < ? LIMIT 1000`,
    { replacements: [before], type: QueryTypes.SELECT },
  );
  if (rows.length === 0) return 0;
  return models.Outcome.destroy({ where: { job_id: rows.map(({ job_id }) => job_id) } });
}
