/** How a conversation is laid out, and what becomes of what is being written. */
import { describe, expect, test } from 'vitest';
import { draftReducer, emptyDraft } from '../../example/page/src/conversation/draft.ts';
import { guessType, uploadOf } from '../../example/page/src/conversation/media.ts';
import { writingRight } from '../../example/page/src/conversation/rights.ts';
import { firstUnreadOf, rowsOf } from '../../example/page/src/conversation/rows.ts';
import type { MessageShape, OutboxEntry, RoomShape } from '../../src/client/index.js';

const me = 1;
const at = (minute: number, day = 20) => new Date(2026, 10, day, 12, minute).toISOString();
const message = (id: string, sender: number, created_at: string) =>
  ({ id, client_id: `c-${id}`, sender: { id: sender }, content: id, created_at }) as unknown as MessageShape;
const pending = (id: string, created_at: string) => ({ client_id: `c-${id}`, created_at }) as unknown as OutboxEntry;

describe('the lines of a conversation', () => {
  test('stand under their days, and those of one person within five minutes stand together', () => {
    const messages = [
      message('a', 2, at(0)),
      message('b', 2, at(4)),
      message('c', 2, at(10)),
      message('d', 1, at(11, 21)),
    ];
    const rows = rowsOf(messages, [pending('e', at(12, 21))], undefined, me);
    expect(rows.map((row) => (row.kind === 'day' || row.kind === 'unread' ? row.kind : row.isFirst))).toEqual([
      ...['day', true, false, true],
      ...['day', true, false],
    ]);
  });

  test('keep their place when what was pending is a message', () => {
    const [before] = rowsOf([], [pending('a', at(0))], undefined, me).slice(1);
    const [after] = rowsOf([message('a', me, at(0))], [], undefined, me).slice(1);
    expect(after!.key).toBe(before!.key);
  });

  test('are divided where the unread messages of others begin', () => {
    const messages = [message('a', 2, at(0)), message('b', 2, at(1)), message('c', me, at(2)), message('d', 2, at(3))];
    expect(firstUnreadOf(messages, 2, me)).toBe('b');
    expect(firstUnreadOf(messages, 0, me)).toBeUndefined();
    expect(firstUnreadOf(messages, 9, me)).toBeUndefined();
    const kinds = rowsOf(messages, [], 'b', me).map(({ kind }) => kind);
    expect(kinds).toEqual(['day', 'message', 'unread', 'message', 'message', 'message']);
  });
});

describe('a draft', () => {
  const written = draftReducer(emptyDraft, { type: 'write', text: 'half a thought' });
  const other = message('a', 2, at(0));

  test('survives that a reply is begun and left', () => {
    const reply = draftReducer(written, { type: 'reply', message: other });
    expect(reply).toMatchObject({ text: 'half a thought', about: { kind: 'reply' } });
    expect(draftReducer(reply, { type: 'cancel' })).toEqual(written);
  });

  test('loses and regains what was attached', () => {
    const media = uploadOf('https://example.com/a.png', 'image', 'A');
    const full = draftReducer(written, { type: 'attach', media });
    expect(full.media).toEqual([media]);
    expect(draftReducer(full, { type: 'detach', index: 0 }).media).toEqual([]);
    expect(draftReducer(emptyDraft, { type: 'restore', draft: full })).toBe(full);
    expect(draftReducer(full, { type: 'clear' })).toBe(emptyDraft);
  });
});

test('the kind of an attachment comes from the end of its address', () => {
  expect(guessType('https://example.com/a/b.JPG?size=2#top')).toBe('image');
  expect(guessType('https://example.com/')).toBeUndefined();
  expect(guessType('no address.png')).toBeUndefined();
  expect(uploadOf('https://example.com/b.webm', 'video', '')).toEqual({
    media_url: 'https://example.com/b.webm',
    media_type: 'video',
    mime_type: 'video/webm',
  });
  // What is chosen counts more.
  expect(uploadOf('https://example.com/b.webm', 'audio', '').mime_type).toBe('audio/mpeg');
});

describe('the right to write', () => {
  const users = [1, 2, 3].map((id) => ({ id }));
  const group = (fields: object) =>
    ({ type: 'GroupChat', participants: users, admins: [], creator: { id: 2 }, ...fields }) as unknown as RoomShape;
  const channel = {
    type: 'Channel',
    subscribers: users,
    moderators: [{ id: 3 }],
    creator: { id: 9 },
  } as unknown as RoomShape;

  test('in a group is everybody’s, until it is locked', () => {
    expect(writingRight(group({ group_locked: false }), 1)).toBe('yes');
    expect(writingRight(group({ group_locked: true }), 1)).toBe('no');
    expect(writingRight(group({ group_locked: true }), 2)).toBe('yes');
    expect(writingRight(group({ group_locked: true, admins: [{ id: 1 }] }), 1)).toBe('yes');
  });

  test('in a channel is the moderators’, and perhaps somebody else’s; a creator who left has none', () => {
    expect(writingRight(channel, 3)).toBe('yes');
    expect(writingRight(channel, 1)).toBe('unknown');
    expect(writingRight(channel, 9)).toBe('unknown');
  });
});
