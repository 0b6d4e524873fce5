/**
 * Blocks: several statements as one, in MariaDB's `BEGIN NOT ATOMIC`. It ends at the first that fails, and rejects as that
 * did. Source: MariaDB's manual, "BEGIN END".
 */
import { DatabaseError, type Sequelize } from 'sequelize';

/** Bytes of a block: below what any server takes at a time (`max_allowed_packet`). */
const longest = 250_000;

/**
 * One statement of these, the last of which may be a SELECT; undefined when it would be too long. `within`: milliseconds
 * after which the last is not done any more, and none of them when it is a COMMIT (`wasTooLate`).
 */
export function blockOf(statements: readonly string[], within = Number.POSITIVE_INFINITY): string | undefined {
  const length = statements.reduce((sum, statement) => sum + Buffer.byteLength(statement), 0);
  if (length > longest) return undefined;
  if (!Number.isFinite(within)) return `BEGIN NOT ATOMIC\n${statements.join(';\n')};\nEND`;
  const inTime = `IF TIMESTAMPDIFF(MICROSECOND, ${begun}, SYSDATE(6)) > ${Math.ceil(Math.max(within, 1) * 1000)} THEN
SIGNAL SQLSTATE '${tooLate}' SET MESSAGE_TEXT = 'The time of the event is over.'; END IF`;
  const parts = [`DECLARE ${begun} DATETIME(6) DEFAULT SYSDATE(6)`, ...statements];
  parts.splice(-1, 0, inTime);
  return `BEGIN NOT ATOMIC\n${parts.join(';\n')};\nEND`;
}

/** A name that no column has. */
const begun = 'express_realtime_chat_block_begun';
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
  kept[known] ??= sequelize.query('BEGIN NOT ATOMIC DO 0; END').then(
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
