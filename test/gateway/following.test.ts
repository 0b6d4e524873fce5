/** Memberships that the host's own code changed, followed though no worker can be asked at the moment. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ChatJob } from '../../src/queue/queue.js';
import { openBareGateway } from './support.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('are asked for until a worker tells them', async () => {
  let isAway = true;
  const { gateway, broadcast, added, connect, close } = await openBareGateway(async () => {
    if (isAway) throw new Error('Redis is away.');
  });
  const [ann, ben] = [await connect('ann'), await connect('ben')];
  const publish = (offset: number, content: string) =>
    broadcast.publish([{ roomId: 'room', offset, frame: JSON.stringify({ content }) }], async () => []);
  await publish(1, 'before');
  await broadcast.control({ id: 'follow', kind: 'follow', userIds: ['ann', 'nobody here'] });
  await vi.advanceTimersByTimeAsync(2500);
  expect(added.length).toBeGreaterThan(1);
  isAway = false;
  added.length = 0;
  await vi.advanceTimersByTimeAsync(1500);
  const [question, ...more] = added as [ChatJob];
  expect(more).toEqual([]);
  expect(question).toMatchObject({ type: '$memberships', data: { user_ids: ['ann'] } });
  const result = { ann: [['room', 1, 2]] };
  await broadcast.reply(gateway.id, { jobId: question.id, connectionId: '', frames: [], result });
  await vi.advanceTimersByTimeAsync(0);
  await publish(2, 'after');
  expect(ann.delivered).toHaveLength(1);
  expect(ann.delivered[0]!.toString()).toContain('after');
  expect(ben.delivered).toEqual([]);
  await close();
});
