import type { MessageShape } from '../protocol/shapes.js';

/** Whether two things from the wire say the same. */
export function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Replies and forwards show the changed message as it is now. */
export function withNested(messages: readonly MessageShape[], changed: MessageShape): readonly MessageShape[] {
  return messages.map((message) => {
    let next = message;
    for (const key of ['parent_message', 'forwarded_from'] as const) {
      const nested = message[key];
      if (nested?.id !== changed.id || nested.content === changed.content) continue;
      next = { ...next, [key]: { ...nested, content: changed.content, is_edited: changed.is_edited } };
    }
    return next;
  });
}

/** The messages without the deleted ones, and what points to these says so. */
export function without(messages: readonly MessageShape[], deleted: ReadonlySet<string>): readonly MessageShape[] {
  return messages
    .filter(({ id }) => !deleted.has(id))
    .map((message) => {
      let next = message;
      for (const key of ['parent_message', 'forwarded_from'] as const) {
        const id = message[key]?.id;
        if (id !== undefined && deleted.has(id)) next = { ...next, [key]: { id, is_deleted: true, content: '' } };
      }
      return next;
    });
}
