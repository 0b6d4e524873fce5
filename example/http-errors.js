import { ConnectionError, TimeoutError } from 'sequelize';

/** An error that the caller is told: its status and its sentence. */
export class HttpError extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const SENTENCES = new Map([
  ['entity.parse.failed', 'The body is not valid JSON.'],
  ['entity.too.large', 'The body is too large.'],
]);

/** Answers what no route took. */
export function notFound(_request, _response, next) {
  next(new HttpError(404, 'There is nothing here.'));
}

/**
 * Last middleware: every error leaves as `{"error": sentence}`; what is not the caller's fault is logged, once, and not shown.
 *
 * @param {(line: string) => void} log
 */
export function answerErrors(log) {
  return (error, _request, response, next) => {
    if (response.headersSent) return next(error);
    const [status, sentence] = describe(error);
    if (status === 500) log(error.stack ?? String(error));
    response.status(status).json({ error: sentence });
  };
}

/** @returns {[status: number, sentence: string]} */
function describe(error) {
  if (error instanceof HttpError) return [error.status, error.message];
  if (isDatabaseMissing(error)) return [503, 'The database cannot be reached now. Please try again.'];
  // Errors of Express and its body parser carry a status of their own.
  if (error?.status >= 400 && error.status < 500) {
    return [error.status, SENTENCES.get(error.type) ?? 'The request cannot be read.'];
  }
  return [500, 'Internal server error.'];
}

/** True for a server that is down, and for tables that a migration has still to make. */
function isDatabaseMissing(error) {
  if (error instanceof ConnectionError || error instanceof TimeoutError) return true;
  const cause = error?.original;
  const isTableMissing = cause?.code === 'ER_NO_SUCH_TABLE' || /no such table/.test(cause?.message ?? '');
  return isTableMissing || ['ECONNREFUSED', 'ECONNRESET', 'PROTOCOL_CONNECTION_LOST'].includes(cause?.code);
}
