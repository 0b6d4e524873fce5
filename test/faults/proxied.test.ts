/** A whole system whose every link goes through a proxy works as any other. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createGroup, sceneOn, sendMessage } from '../helpers/chat.js';
import { type OwnStack, startStack } from '../helpers/stack.js';

let stack: OwnStack;

beforeAll(async () => {
  stack = await startStack('distributed', { proxied: true });
});
afterAll(() => stack?.close());

it('carries clients, Redis and MariaDB of every process through proxies of its own', async () => {
  const [ann, ben] = (await sceneOn(stack).people(2)) as [never, never];
  const room = await createGroup(ann, [ben]);
  await sendMessage(ann, room, 'through many hands', [ben]);
  expect(stack.appLinks).toHaveLength(2);
  expect(stack.workerLinks).toHaveLength(2);
  for (const { redis, gateway } of stack.appLinks) {
    expect(redis.connections).toBeGreaterThanOrEqual(3);
    expect(gateway.connections).toBeGreaterThanOrEqual(1);
  }
  // A worker may still be starting while the other one works.
  for (const { redis, mariaDb } of stack.workerLinks) {
    await expect.poll(() => redis.connections, { timeout: 30_000 }).toBeGreaterThanOrEqual(2);
    await expect.poll(() => mariaDb.connections, { timeout: 30_000 }).toBeGreaterThanOrEqual(1);
  }
});
