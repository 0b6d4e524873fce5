/**
 * Blocks: several statements as one, in MariaDB's `BEGIN NOT ATOMIC`. It ends at the first that fails, and rejects as that
 * did. Source: MariaDB's manual, "BEGIN END".
 */
import { DatabaseError, type Sequelize } from 'sequelize';

/** Bytes of a block: below what any server takes at a time (`max_allowed_packet`). */
const longest = 250_000;

/** Whether these may go as one. */
export function fitsBlock(statements: readonly string[]): boolean {
  return statements.reduce((sum, statement) => sum + Buffer.byteLength(statement), 0) <= longest;
}

/**
 * One statement of these, the last of which may be a SELECT. `within`: milliseconds after `NOTE_TIME` from which on the last is
 * not done any more, and none of them when it is a COMMIT (`wasTooLate`).
 */
export function blockOf(statements: readonly string[], within = Number.POSITIVE_INFINITY): string {
  const parts = [...statements];
  if (Number.isFinite(within)) {
    parts.splice(
      -1,
      0,
      `IF TIMESTAMPDIFF(MICROSECOND, ${noted}, UTC_TIMESTAMP(6)) > ${Math.floor(within * 1000)} THEN
SIGNAL SQLSTATE '${tooLate}' SET MESSAGE_TEXT = 'The time of the event is over.'; END IF`,
    );
  }
  return `BEGIN NOT ATOMIC\n${parts.join(';\n')};\nEND`;
}

/** Of the session. */
const noted = '@express_realtime_chat_time';
/** Has the server's own clock tell time from here on: what stops a machine does not stop it. */
export const NOTE_TIME = `SET ${noted} = UTC_TIMESTAMP(6)`;
/** A state of our own. */
const tooLate = '45ERC';

/** What the driver gives for the last statement of a block: rows come with the end of the block behind them. */
export function resultOfLast(result: unknown): unknown {
  return Array.isArray(result) ? result[0] : result;
}

/** Whether a block ended because its time was over. */
export function wasTooLate(error: unknown): boolean {
  return error instanceof DatabaseError && (error.parent as { sqlState?: string }).sqlState === tooLate;
}

/** Under which a Sequelize keeps it. */
const known = Symbol('takes blocks');

interface Marked {
  [known]?: Promise<boolean> | undefined;
}

/** Whether its server takes blocks: MariaDB does, MySQL does not. Asked once, by trying one. */
export function takesBlocks(sequelize: Sequelize): Promise<boolean> {
  const kept = sequelize as Marked;
  kept[known] ??= sequelize.query(blockOf([NOTE_TIME, 'DO 0'], 60_000)).then(
    () => true,
    (error: unknown) => {
      if (error instanceof DatabaseError && (error.parent as { errno?: number }).errno === syntaxError) return false;
      kept[known] = undefined;
      throw error;
    },
  );
  return kept[known];
}

const syntaxError = 1064;
