/** Each room's broadcasts once and in order, whatever the answer of `session.resume` crosses on its way. */
import { expect, it } from 'vitest';
import type { ServerFrame } from '../../src/client/events.js';
import { nowhere, Offsets } from '../../src/client/offsets.js';

const room = 'r1';
const frame = (offset: number): ServerFrame => ({ eventType: 'message.dispatch', room_id: room, offset, data: {} });
const take = (offsets: Offsets, ...list: number[]) =>
  list.flatMap((offset) => offsets.take(frame(offset))).map(({ offset }) => offset);
const settle = (offsets: Offsets, answer: { recovered: boolean; offset?: number; code?: number }, asked: number) => {
  const { frames, lost } = offsets.settle({ rooms: { [room]: answer } } as never, { [room]: asked });
  return { frames: frames.map(({ offset }) => offset), lost };
};
const notMember = { recovered: false, code: 4002 };

it('a broadcast that came before a missing one waits for it', () => {
  const offsets = new Offsets();
  expect(take(offsets, 35, 37)).toEqual([35]);
  expect(offsets.incomplete).toEqual([room]);
  expect(take(offsets, 36, 37)).toEqual([36, 37]);
  expect(settle(offsets, { recovered: true, offset: 37 }, 35)).toEqual({ frames: [], lost: [] });
  expect(take(offsets, 37, 38)).toEqual([38]);
  expect(offsets.incomplete).toEqual([]);
});

it('an offset that had no frame makes nothing wait for it', () => {
  const offsets = new Offsets();
  // 36 let somebody in without a word.
  expect(take(offsets, 35, 37, 39)).toEqual([35]);
  expect(take(offsets, 37)).toEqual([]);
  expect(settle(offsets, { recovered: true, offset: 37 }, 35)).toEqual({ frames: [37], lost: [] });
  expect(take(offsets, 38)).toEqual([38, 39]);
  expect(offsets.incomplete).toEqual([]);
});

it('what cannot be replayed is told once, and what came since is handed on', () => {
  const offsets = new Offsets();
  take(offsets, 35, 40, 41);
  expect(settle(offsets, { recovered: false, offset: 43 }, 35)).toEqual({
    frames: [40, 41],
    lost: [{ room_id: room, code: undefined }],
  });
  expect(take(offsets, 41, 42, 43)).toEqual([42, 43]);
});

it('a user who was removed before the missing came is handed nothing on with a hole in it', () => {
  const offsets = new Offsets();
  // A member when it connected again, removed before the worker looked.
  take(offsets, 35, 37);
  expect(settle(offsets, notMember, 35)).toEqual({ frames: [], lost: [] });
  expect(offsets.doubted).toEqual([room]);
  expect(offsets.toResume()).toEqual({ [room]: 35 });
  expect(settle(offsets, notMember, 35)).toEqual({ frames: [], lost: [{ room_id: room, code: 4002 }] });
  expect(offsets.toResume()).toEqual({});
  expect(offsets.doubted).toEqual([]);
});

it('the exit that comes meanwhile settles it', () => {
  const offsets = new Offsets();
  take(offsets, 35, 37);
  settle(offsets, notMember, 35);
  offsets.leave(room);
  expect(offsets.doubted).toEqual([]);
  expect(offsets.incomplete).toEqual([]);
  expect(settle(offsets, notMember, 35)).toEqual({ frames: [], lost: [] });
});

it('who left and came back gets what came since, and nothing of before again', () => {
  const offsets = new Offsets();
  take(offsets, 20);
  offsets.leave(room);
  expect(take(offsets, 19, 20, 34, 35)).toEqual([34, 35]);
});

it('who left is asked about once more, and then not again', () => {
  const offsets = new Offsets();
  take(offsets, 20);
  offsets.leave(room);
  expect(offsets.toResume()).toEqual({ [room]: 20 });
  // It was told already.
  expect(settle(offsets, notMember, 20)).toEqual({ frames: [], lost: [] });
  expect(offsets.toResume()).toEqual({});
  // An old broadcast that comes again is no news; a new stay is.
  expect(take(offsets, 12, 13)).toEqual([]);
  expect(take(offsets, 34)).toEqual([34]);
  expect(offsets.toResume()).toEqual({ [room]: 34 });
});

it('an exit that was of an earlier stay makes no hole in this one', () => {
  const offsets = new Offsets();
  take(offsets, 34, 35);
  offsets.leave(room);
  // The connection is lost, 36 with it; on the next one 37 comes before the answer.
  expect(offsets.toResume()).toEqual({ [room]: 35 });
  expect(take(offsets, 37)).toEqual([]);
  expect(take(offsets, 36, 37)).toEqual([36, 37]);
  settle(offsets, { recovered: true, offset: 37 }, 35);
  expect(take(offsets, 38)).toEqual([38]);
  expect(offsets.toResume()).toEqual({ [room]: 38 });
});

it('a room that was left and is looked at again is asked about anew', () => {
  const offsets = new Offsets();
  take(offsets, 20);
  offsets.leave(room);
  expect(offsets.track(room)).toBe(true);
  expect(offsets.toResume()).toEqual({ [room]: nowhere });
});

it('"no member", said before the user came back, does not end what goes on since', () => {
  const offsets = new Offsets();
  take(offsets, 20);
  // Removed at 25 while away, back at 34, which came before the answer.
  take(offsets, 34);
  expect(settle(offsets, notMember, 20)).toEqual({ frames: [], lost: [] });
  take(offsets, 35);
  expect(settle(offsets, { recovered: false, offset: 35 }, 20)).toEqual({
    frames: [34, 35],
    lost: [{ room_id: room, code: undefined }],
  });
  expect(offsets.doubted).toEqual([]);
  expect(take(offsets, 36)).toEqual([36]);
});

it('an answer from before the user left and came back hands nothing on twice', () => {
  const offsets = new Offsets();
  take(offsets, 20);
  offsets.leave(room);
  take(offsets, 34, 35, 36);
  expect(settle(offsets, { recovered: false, offset: 34 }, 20).frames).toEqual([]);
  expect(take(offsets, 35, 36, 37)).toEqual([37]);
  expect(settle(offsets, notMember, 20)).toEqual({ frames: [], lost: [] });
  expect(offsets.toResume()).toEqual({ [room]: 37 });
});

it('a room that is only tracked is resumed from where it stood', () => {
  const offsets = new Offsets();
  expect(offsets.track(room)).toBe(true);
  expect(settle(offsets, { recovered: false, offset: 7 }, nowhere)).toEqual({ frames: [], lost: [] });
  expect(offsets.track(room)).toBe(false);
  expect(offsets.toResume()).toEqual({ [room]: 7 });
});

it('a room that is gone is told so', () => {
  const offsets = new Offsets();
  take(offsets, 35);
  expect(settle(offsets, { recovered: false, code: 4004 }, 35).lost).toEqual([{ room_id: room, code: 4004 }]);
  expect(offsets.toResume()).toEqual({});
});
