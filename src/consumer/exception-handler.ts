import {
  EmptyResultError,
  ForeignKeyConstraintError,
  ValidationError as ModelError,
  UniqueConstraintError,
} from 'sequelize';
import type { Logger } from 'winston';
import { ChatError, type ErrorBody, ErrorCode, type ErrorDetail } from '../protocol/errors.js';
import { isUnavailable } from '../store/retry.js';

/** Where an error happened. */
export interface ErrorContext {
  readonly eventType: string;
  readonly logger: Logger;
}

/** Where an error is sent: the consumer of the event that failed. */
export interface ErrorTarget {
  fail(body: ErrorBody): void;
}

/**
 * Turns errors into answers. Subclass it, map own error classes in `handle`, call `super.handle` for the others, and
 * name the class in `exceptionHandlerClass`. What it does not know becomes 4006 with a fixed text: internals stay in
 * the log.
 */
export class ExceptionHandler {
  /** What the client is told. Logs what is not the client's doing, once, with its stack. */
  handle(error: unknown, context: ErrorContext): ErrorBody {
    const body = this.describe(error);
    if (body.code === ErrorCode.internal) {
      context.logger.error(`${context.eventType} failed.`, { error });
    } else if (body.code === ErrorCode.unavailable) {
      context.logger.warn(`${context.eventType} failed: the queue or the database is unavailable.`, { error });
    }
    return body;
  }

  /** Puts an error into the event's answer. `error` is what was thrown. */
  sendError(
    consumer: ErrorTarget,
    detail: ErrorDetail,
    _event: string,
    _error: unknown,
    code: number = ErrorCode.validation,
    extra: Record<string, unknown> = {},
  ): void {
    consumer.fail({ ...extra, code, detail });
  }

  /** Error -> code and detail, without side effects. */
  protected describe(error: unknown): ErrorBody {
    if (error instanceof ChatError) return { ...error.extra, code: error.code, detail: error.detail };
    if (error instanceof EmptyResultError) return { code: ErrorCode.notFound, detail: 'Resource not found.' };
    // Before Sequelize's ValidationError: it is the parent class of the unique one.
    if (error instanceof UniqueConstraintError || error instanceof ForeignKeyConstraintError) {
      return { code: ErrorCode.integrity, detail: 'This conflicts with what exists already.' };
    }
    if (error instanceof ModelError) return { code: ErrorCode.validation, detail: fieldsOf(error) };
    if (isJoiError(error)) return { code: ErrorCode.validation, detail: error.details.map(({ message }) => message) };
    if (isUnavailable(error)) {
      return { code: ErrorCode.unavailable, detail: 'The service is unavailable right now. Try again.' };
    }
    return { code: ErrorCode.internal, detail: 'Internal server error.' };
  }
}

function fieldsOf(error: ModelError): Record<string, string[]> {
  const fields: Record<string, string[]> = {};
  for (const { path, message } of error.errors) fields[path ?? ''] = [...(fields[path ?? ''] ?? []), message];
  return fields;
}

function isJoiError(error: unknown): error is { details: Array<{ message: string }> } {
  return error instanceof Error && (error as { isJoi?: unknown }).isJoi === true;
}
