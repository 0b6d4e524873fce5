/** Typing on its way from the gateway: gathered, said once, bounded. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LossyLane } from '../../src/gateway/lossy-lane.js';
import type { LossyEvent } from '../../src/queue/queue.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

let made = 0;
function typing(connectionId: string, room_id: string) {
  return {
    id: `job ${made++}`,
    type: 'message.typing',
    userId: connectionId,
    roomId: room_id,
    connectionId,
    gatewayId: 'gateway',
    data: { room_id },
    addedAt: 0,
  };
}

/** A lane whose batches are kept, and end when they are told to. */
function open() {
  const batches: Array<{ events: readonly LossyEvent[]; end(error?: Error): Promise<void> }> = [];
  const lane = new LossyLane(
    (events) =>
      new Promise((resolve, reject) => {
        batches.push({
          events,
          async end(error) {
            if (error) reject(error);
            else resolve(undefined);
            await vi.advanceTimersByTimeAsync(0);
          },
        });
      }),
  );
  const shown = () => batches.map(({ events }) => events.map((event) => `${event.connectionId} in ${event.roomId}`));
  return { lane, batches, shown };
}

test('the first goes at once, what follows together, 50 ms later', async () => {
  const { lane, shown } = open();
  lane.add(typing('ann', 'room'));
  await vi.advanceTimersByTimeAsync(1);
  expect(shown()).toEqual([['ann in room']]);
  lane.add(typing('ben', 'room'));
  await vi.advanceTimersByTimeAsync(20);
  lane.add(typing('cleo', 'room'));
  await vi.advanceTimersByTimeAsync(28);
  expect(shown()).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(2);
  expect(shown()).toEqual([['ann in room'], ['ben in room', 'cleo in room']]);
  // After a pause it is at once again.
  await vi.advanceTimersByTimeAsync(1000);
  lane.add(typing('ann', 'room'));
  await vi.advanceTimersByTimeAsync(1);
  expect(shown()).toHaveLength(3);
});

test('what says the same as one that waits is dropped; other rooms and other connections are not', async () => {
  const { lane, shown } = open();
  for (let index = 0; index < 3; index++) {
    lane.add(typing('ann', 'room'));
    lane.add(typing('ann', 'other'));
    lane.add(typing('ann too', 'room'));
  }
  await vi.advanceTimersByTimeAsync(100);
  expect(shown()).toEqual([['ann in room', 'ann in other', 'ann too in room']]);
});

test('at most four of a connection wait or are under way, and those that are done count no more', async () => {
  const { lane, shown, batches } = open();
  for (const room of ['1', '2', '3']) lane.add(typing('ann', room));
  await vi.advanceTimersByTimeAsync(100);
  for (const room of ['4', '5']) lane.add(typing('ann', room));
  lane.add(typing('ben', '1'));
  await vi.advanceTimersByTimeAsync(100);
  expect(shown()[1]).toEqual(['ann in 4', 'ben in 1']);
  const [first] = batches;
  const { id } = first!.events[0]!;
  expect(lane.isUnderWay(id)).toBe(true);
  await first!.end();
  expect(lane.isUnderWay(id)).toBe(false);
  for (const room of ['5', '6', '7', '8']) lane.add(typing('ann', room));
  await vi.advanceTimersByTimeAsync(100);
  expect(shown()[2]).toEqual(['ann in 5', 'ann in 6', 'ann in 7']);
});

test('at most 250 in all, in at most eight batches; a batch that failed makes room too', async () => {
  const { lane, shown, batches } = open();
  for (let batch = 0; batch < 10; batch++) {
    for (let index = 0; index < 20; index++) lane.add(typing(`${batch} ${index}`, 'room'));
    await vi.advanceTimersByTimeAsync(60);
  }
  expect(shown().map(({ length }) => length)).toEqual(Array(8).fill(20));
  // 160 are under way, and 40 wait.
  for (let index = 0; index < 100; index++) lane.add(typing(`late ${index}`, 'room'));
  await batches[3]!.end(new Error('The queue is away.'));
  await vi.advanceTimersByTimeAsync(60);
  expect(shown().map(({ length }) => length)).toEqual([...Array(8).fill(20), 90]);
});

test('closing drops what waits', async () => {
  const { lane, batches } = open();
  lane.add(typing('ann', 'room'));
  lane.close();
  await vi.advanceTimersByTimeAsync(1000);
  expect(batches).toEqual([]);
});
