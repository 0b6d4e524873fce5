import type { MessageShape, OutboxEntry } from 'express-realtime-chat/client';
import { dayKeyOf } from '../ui/time.ts';

/** A line of the log. `isFirst`: another's turn begins, so that the name is shown. */
export type Row =
  | { kind: 'day'; key: string; date: string }
  | { kind: 'unread'; key: string }
  | { kind: 'message'; key: string; message: MessageShape; isFirst: boolean }
  | { kind: 'pending'; key: string; entry: OutboxEntry; isFirst: boolean };

/** Messages of one person within this time stand together. */
const turnLasts = 5 * 60 * 1000;

/** The lines of the log: messages under their days, a line where the unread ones begin, then what is on its way. */
export function rowsOf(
  messages: readonly MessageShape[],
  pending: readonly OutboxEntry[],
  firstUnread: string | undefined,
  me: number,
): Row[] {
  const rows: Row[] = [];
  let day = '';
  let author = '';
  let at = 0;
  const begin = (date: string, sender: string, isUnread: boolean): boolean => {
    const time = Date.parse(date);
    if (dayKeyOf(date) !== day) {
      day = dayKeyOf(date);
      author = '';
      rows.push({ kind: 'day', key: `day ${day}`, date });
    }
    if (isUnread) {
      author = '';
      rows.push({ kind: 'unread', key: 'unread' });
    }
    const isFirst = sender !== author || time - at > turnLasts;
    author = sender;
    at = time;
    return isFirst;
  };
  for (const message of messages) {
    const sender = String(message.sender.id);
    const isFirst = begin(message.created_at, sender, message.id === firstUnread);
    // The same key as while it was pending: its place on the page stays the same too.
    rows.push({ kind: 'message', key: `${sender} ${message.client_id}`, message, isFirst });
  }
  for (const entry of pending) {
    const isFirst = begin(entry.created_at, String(me), false);
    rows.push({ kind: 'pending', key: `${me} ${entry.client_id}`, entry, isFirst });
  }
  return rows;
}

/** The message at which `count` unread ones of others begin; undefined when it is not among these. */
export function firstUnreadOf(messages: readonly MessageShape[], count: number, me: number): string | undefined {
  let left = count;
  for (const message of messages.toReversed()) {
    if (String(message.sender.id) !== String(me)) left -= 1;
    if (left === 0) return count > 0 ? message.id : undefined;
  }
  return undefined;
}
