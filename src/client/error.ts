import type { ErrorDetail } from '../protocol/errors.js';

/** Codes of a ChatError that the server did not send: what went wrong on this side of the wire. */
export const ClientErrorCode = {
  /** The server does not know the event. */
  invalidEventType: 404,
  /** No answer within `requestTimeout`. Whether it happened is not known. */
  timeout: 408,
  /** Too much waits to be sent. */
  full: 429,
  /** The client was closed. */
  closed: 1000,
  /** The connection ended before the answer. Whether it happened is not known. */
  connectionLost: 1006,
  /** The event is larger than the server takes. */
  tooLarge: 1009,
} as const;

/** Why a request or a message failed: the server's error, or one of `ClientErrorCode`. */
export class ChatError extends Error {
  /** As on the wire: 4002, 4003, ...; or one of `ClientErrorCode`. */
  readonly code: number;
  /** A sentence, several, or field -> sentences. */
  readonly detail: ErrorDetail;
  /** Seconds after which to try again; only with 4029. */
  readonly retryAfter: number | undefined;
  /** What stood beside `code` and `detail`, such as the `room_id` of a chat that exists already. */
  readonly extra: Record<string, unknown>;

  constructor(code: number, detail: ErrorDetail, extra: Record<string, unknown> = {}) {
    super(typeof detail === 'string' ? detail : JSON.stringify(detail));
    this.name = 'ChatError';
    this.code = code;
    this.detail = detail;
    this.extra = extra;
    this.retryAfter = typeof extra.retry_after === 'number' ? extra.retry_after : undefined;
  }
}

/** The error of an error frame. */
export function errorOf(error: unknown): ChatError {
  if (typeof error !== 'object' || error === null) {
    return new ChatError(ClientErrorCode.invalidEventType, String(error));
  }
  const { code, detail, ...extra } = error as { code: number; detail: ErrorDetail };
  return new ChatError(code, detail, extra);
}
