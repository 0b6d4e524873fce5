/**
 * Everything that can go wrong on the wire, in one table: error codes answer an event and leave the connection open,
 * close codes end the connection. Throw the classes below from handlers; ExceptionHandler maps them to answers.
 */

/** Codes in `{"error": {"code", "detail"}}`. */
export const ErrorCode = {
  /** Not a member, not the sender, not an admin. */
  permissionDenied: 4002,
  /** Bad JSON, a missing or wrong field, a broken rule of a room type. */
  validation: 4003,
  /** The room, message or user does not exist. */
  notFound: 4004,
  /** A unique or foreign key of the database refused the write. */
  integrity: 4005,
  /** Anything unexpected: the log has the error, the client only "Internal server error." */
  internal: 4006,
  /** Too many events; `retry_after` (seconds) stands beside `detail`. */
  rateLimited: 4029,
  /** Queue or database cannot be reached. The outcome may be unknown; the same `client_id` may be sent again. */
  unavailable: 4503,
} as const;

/** Codes a connection is closed with. */
export const CloseCode = {
  /** The server is going away: reconnect elsewhere. */
  goingAway: 1001,
  /** Too many connections, or events sent on after many 4029. */
  policyViolation: 1008,
  /** A frame over `maxPayload`. */
  tooLarge: 1009,
  /** Not ready in time (no worker, no database), or overloaded: try again later. */
  tryAgainLater: 1013,
  /** Not, or no longer, authenticated. */
  unauthenticated: 4001,
  /** The client reads too slowly. */
  tooSlow: 4008,
} as const;

/** What a client is told about an error: a sentence, several, or per field. */
export type ErrorDetail = string | string[] | Record<string, string[]>;

/** The content of an error frame. Own exception handlers may add keys beside `code` and `detail`. */
export interface ErrorBody {
  code: number;
  detail: ErrorDetail;
  [extra: string]: unknown;
}

/** An error a client may see: `code` and `detail` go on the wire, `extra` beside them. */
export class ChatError extends Error {
  readonly code: number;
  readonly detail: ErrorDetail;
  readonly extra: Record<string, unknown>;

  constructor(code: number, detail: ErrorDetail, extra: Record<string, unknown> = {}) {
    super(typeof detail === 'string' ? detail : JSON.stringify(detail));
    this.name = new.target.name;
    this.code = code;
    this.detail = detail;
    this.extra = extra;
  }
}

/** 4002: the user may not do this. */
export class PermissionDenied extends ChatError {
  constructor(detail: ErrorDetail = 'You do not have permission to perform this action.') {
    super(ErrorCode.permissionDenied, detail);
  }
}

/**
 * 4003: the input is wrong. With `{ commit: true }`, thrown inside a transaction, what the handler wrote so far is
 * kept (a stored join request, say) and the error is the answer.
 */
export class ValidationError extends ChatError {
  readonly commit: boolean;

  constructor(detail: ErrorDetail, options: { commit?: boolean } = {}) {
    super(ErrorCode.validation, detail);
    this.commit = options.commit ?? false;
  }
}

/** 4004: it does not exist. */
export class NotFound extends ChatError {
  constructor(detail: ErrorDetail = 'Resource not found.') {
    super(ErrorCode.notFound, detail);
  }
}

/** 4005: it exists already, or something it needs does not. */
export class IntegrityError extends ChatError {
  constructor(detail: ErrorDetail, extra: Record<string, unknown> = {}) {
    super(ErrorCode.integrity, detail, extra);
  }
}

/** 4029: too many events; `retryAfter` in seconds. */
export class RateLimited extends ChatError {
  constructor(retryAfter: number, detail: ErrorDetail = 'Too many events. Slow down and try again.') {
    super(ErrorCode.rateLimited, detail, { retry_after: retryAfter });
  }
}

/** 4503: the queue or the database cannot be reached right now. */
export class Unavailable extends ChatError {
  constructor(detail: ErrorDetail = 'The service is unavailable right now. Try again.') {
    super(ErrorCode.unavailable, detail);
  }
}
