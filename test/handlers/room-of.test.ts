import { expect, test } from 'vitest';
import { withRoomOf } from '../../src/permissions/room-of.js';

function finder() {
  let asked = 0;
  const room = {} as never;
  return {
    room,
    asked: () => asked,
    of: {
      get room() {
        asked += 1;
        return room;
      },
    },
  };
}

test('the room of an answer is asked for when somebody looks at it', () => {
  const { of, room, asked } = finder();
  const answer = withRoomOf({ isPermitted: true }, of);
  expect(answer.isPermitted).toBe(true);
  expect(asked()).toBe(0);
  expect(answer.room).toBe(room);
  expect(asked()).toBe(1);
});

test('a copy of an answer has the room, and nothing that is not an answer’s', () => {
  const { of, room } = finder();
  const copy = { ...withRoomOf({ isPermitted: true }, of), isPermitted: false };
  expect(copy).toEqual({ isPermitted: false, room });
  expect(Object.getOwnPropertySymbols(copy)).toEqual([]);
});

test('all answers share one getter, or V8 would keep what each refers to', () => {
  const getterOf = (answer: object) => Object.getOwnPropertyDescriptor(answer, 'room')?.get;
  const [one, other] = [withRoomOf({}, finder().of), withRoomOf({}, finder().of)];
  expect(getterOf(one)).toBeTypeOf('function');
  expect(getterOf(one)).toBe(getterOf(other));
});
