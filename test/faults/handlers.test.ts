/** A host's handler that throws, rejects late, never settles, or blocks its process. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { TestClient } from '../../src/testing/client.js';
import { acknowledged, refused } from '../helpers/chat.js';
import type { Chatter } from '../helpers/stack.js';
import { FaultScene } from './scene.js';

let scene: FaultScene;
let ann: TestClient;
let ben: Chatter;
let room: string;
let other: string;
/** Jobs that failed so far: they are kept. */
let failed = 0;

beforeAll(async () => {
  scene = await FaultScene.start({}, ['broken-handler.mjs']);
});
afterAll(() => scene?.close());
beforeEach(async () => {
  await scene.gather(2, 2);
  [, ben] = scene.senders as [Chatter, Chatter];
  [room, other] = scene.rooms as [string, string];
  ann = await scene.stack.open({ token: scene.senders[0]!.token, timeout: 40_000 });
  await ann.expect('chat.notifications');
});
afterEach(() => scene.mend());

const send = (sender: TestClient, room_id: string, content: string) =>
  acknowledged(sender, 'message.send', { room_id, content });

/** One error and not a word of why; nothing was stored, and nobody heard of it. */
async function checkRefused(content: string): Promise<void> {
  expect((await refused(ann, 4006, 'message.send', { room_id: room, content })).detail).toBe('Internal server error.');
  failed += 1;
}

async function checkRoom(contents: string[]): Promise<void> {
  const rows = await scene.crowd.checkRoom(room);
  expect(rows.map(({ content }) => content)).toEqual(contents);
  await scene.check([], { failed });
  // Two answers to one event would be a breach.
  expect(ann.breaches).toEqual([]);
}

it.each(['throw', 'reject late'])('one that does this is one error to its sender: %s', async (content) => {
  const answer = checkRefused(content);
  await send(ben, other, 'elsewhere');
  await answer;
  await send(ann, room, 'after');
  await checkRoom(['after']);
});

it('one that never settles is one error after a time, and holds nobody up but its room, and that for a while', async () => {
  const begun = performance.now();
  const answer = checkRefused('never settle');
  const inRoom = send(scene.devices[3]!.client, room, 'in that room').then(() => performance.now() - begun);
  // Neither other rooms nor other events.
  for (const number of [1, 2, 3, 4, 5, 6]) {
    const at = performance.now();
    await send(ben, other, `elsewhere ${number}`);
    expect(performance.now() - at).toBeLessThan(3000);
  }
  await answer;
  expect(performance.now() - begun).toBeLessThan(20_000);
  expect(await inRoom).toBeLessThan(20_000);
  await send(ann, room, 'after');
  await checkRoom(['in that room', 'after']);
});

it('one that blocks its process past the lock of its job makes one message', async () => {
  const at = performance.now();
  const sending = send(ann, room, 'block');
  await sending;
  expect(performance.now() - at).toBeLessThan(20_000);
  await send(ann, room, 'after');
  await send(ben, other, 'elsewhere');
  await checkRoom(['block', 'after']);
});
