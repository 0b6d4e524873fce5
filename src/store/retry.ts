import {
  ConnectionAcquireTimeoutError,
  ConnectionError,
  ConnectionTimedOutError,
  DatabaseError,
  TimeoutError,
  UniqueConstraintError,
} from 'sequelize';

interface DriverError {
  code?: string;
  errno?: number;
  /** What the server itself has said. */
  sqlState?: string;
}

/** Deadlock, lock wait timeout, record changed since last read (MariaDB). */
const retryableNumbers = new Set([1213, 1205, 1020]);
/** Server gone, connection lost, shutting down, read-only, too many connections. */
const unavailableNumbers = new Set([
  1053, 1040, 1290, 1836, 1927, 2002, 2003, 2006, 2013, 1077, 1152, 1158, 1159, 1160, 1161,
]);
const unavailableCodes = new Set([
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR',
  'ECONNRESET',
  'ECONNREFUSED',
  'EPIPE',
  'ETIMEDOUT',
  'SQLITE_READONLY',
  'SQLITE_FULL',
  'SQLITE_IOERR',
]);

function driverError(error: unknown): DriverError {
  if (error instanceof DatabaseError || error instanceof UniqueConstraintError || error instanceof ConnectionError) {
    return (error.parent ?? {}) as DriverError;
  }
  return (error ?? {}) as DriverError;
}

/** Whether a row that somebody else holds was waited for in vain. */
export function isLockTimeout(error: unknown): boolean {
  return driverError(error).errno === 1205;
}

/** Whether the whole transaction may be run again: the database chose it as the victim of a race. */
export function isRetryable(error: unknown): boolean {
  if (error instanceof TimeoutError) return true;
  const { code, errno } = driverError(error);
  return code === 'SQLITE_BUSY' || code === 'SQLITE_LOCKED' || (errno !== undefined && retryableNumbers.has(errno));
}

/** Whether the database could not be reached or cannot write now, so that the outcome may be unknown. */
export function isUnavailable(error: unknown): boolean {
  if (
    error instanceof ConnectionError ||
    error instanceof ConnectionAcquireTimeoutError ||
    error instanceof ConnectionTimedOutError
  ) {
    return true;
  }
  const { code, errno } = driverError(error);
  return (
    (code !== undefined && unavailableCodes.has(code)) ||
    (errno !== undefined && unavailableNumbers.has(errno)) ||
    isRetryable(error)
  );
}

/**
 * Runs `attempt` until it succeeds or fails for good; waits a little longer, with jitter, before every new try. Waiting for
 * a row in vain is no try where `isPatient`: then `attempt` itself ends it when its time is up.
 */
export async function withRetry<T>(attempt: () => Promise<T>, tries = 8, isPatient = false): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (isPatient && isLockTimeout(error)) tried = 0;
      if (tried >= tries || !isRetryable(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * 2 ** tried));
    }
  }
}

/** Interrupted, and a COMMIT that failed within: what was done then, nobody knows. */
const unclearNumbers = new Set([1180, 1317]);

/** Whether the server has refused a statement, so that neither it nor a COMMIT behind it has been done. */
export function wasRefused(error: unknown): boolean {
  const { errno, sqlState } = driverError(error);
  if (sqlState === undefined || errno === undefined) return false;
  return retryableNumbers.has(errno) || !(unavailableNumbers.has(errno) || unclearNumbers.has(errno));
}
