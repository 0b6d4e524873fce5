import { type ChatError, ClientErrorCode } from 'express-realtime-chat/client';

const sentences = new Map<number, string>([
  [4002, 'You are not allowed to do that here.'],
  [4004, 'That is not there any more.'],
  [4503, 'The chat is busy or down at the moment. Please try again.'],
  [4006, 'Something went wrong on the server. Please try again.'],
  [ClientErrorCode.timeout, 'No answer came. Please try again.'],
  [ClientErrorCode.connectionLost, 'The connection was lost meanwhile. Please look whether it worked, and try again.'],
  [ClientErrorCode.closed, 'That was not done: the chat was closed.'],
  [ClientErrorCode.tooLarge, 'That is too long.'],
]);

/** Why something did not work, for people. */
export function sentenceOf({
  code,
  detail,
  retryAfter,
}: Pick<ChatError, 'code' | 'detail'> & { retryAfter?: number | undefined }): string {
  if (code === 4029) return `That was a little fast. Try again in ${Math.ceil(retryAfter ?? 1)} s.`;
  const known = sentences.get(code);
  if (known) return known;
  if (typeof detail === 'string') return detail;
  return Object.values(detail).flat().join(' ');
}
