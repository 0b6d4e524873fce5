import { type ErrorBody, type ErrorContext, ExceptionHandler } from 'express-realtime-chat';

export class MyCustomException extends Error {}

export class CustomExceptionHandler extends ExceptionHandler {
  override handle(error: unknown, context: ErrorContext): ErrorBody {
    if (error instanceof MyCustomException) return { code: 4007, detail: error.message };
    return super.handle(error, context);
  }

  override sendError(
    ...[consumer, detail, event, , code = 4003, extra = {}]: Parameters<ExceptionHandler['sendError']>
  ): void {
    consumer.fail({ ...extra, code, detail, event });
  }
}
