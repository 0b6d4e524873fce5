/** Messages of one connection that are with the workers at once: which, how many, and in what order. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openTestChat, type TestChat } from '../../src/testing/index.js';
import { chatJob, deferred } from '../queue/support.js';
import { messagesWaitFor, openBareGateway } from './support.js';

describe('a connection', () => {
  let host: TestChat | undefined;
  afterEach(async () => {
    await host?.close();
    host = undefined;
  });

  test('has at most eight messages under way, of one room, and nothing beside them', async () => {
    const gate = deferred();
    host = await openTestChat({ consumerClass: messagesWaitFor(gate.promise) });
    const { ann, ben } = host.people;
    const rooms = [await host.group(ann, ben), await host.group(ann, ben)];
    const client = await host.connect(ann);
    const watcher = await host.connect(ben);
    const waiting: string[] = [];
    host.chat.queueEvents.on('waiting', ({ eventType, roomId }) => {
      if (eventType !== 'session.heartbeat') waiting.push(`${eventType} ${roomId}`);
    });
    const texts = Array.from({ length: 20 }, (_, index) => String(index));
    for (const content of texts) client.send('message.send', { room_id: rooms[0]!, content });
    client.send('room.info', { room_id: rooms[0]! });
    for (const content of texts) client.send('message.send', { room_id: rooms[1]!, content });
    // Answered beside all that was sent before it, which has been read by then.
    await client.request('session.heartbeat', {});
    expect(waiting.length).toBeGreaterThan(0);
    expect(waiting.length).toBeLessThanOrEqual(8);
    expect(new Set(waiting)).toEqual(new Set([`message.send ${rooms[0]}`]));
    gate.resolve();
    for (const room of rooms) {
      for (const content of texts) {
        const { data } = await watcher.expect('message.dispatch');
        expect(data).toMatchObject({ content, room: { id: room } });
      }
    }
  });
});

describe('when the queue has lost them', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('each is added again when the one before it has been answered', async () => {
    const { gateway, broadcast, added, close } = await openBareGateway();
    const jobs = ['one', 'two', 'three'].map((type) => chatJob(type));
    const answers = Promise.all(gateway.runInOrder(jobs));
    for (const { id } of jobs) {
      await vi.advanceTimersByTimeAsync(30_000);
      const again = added.splice(0);
      expect(again.length).toBeGreaterThan(0);
      expect(new Set(again.map((job) => job.id))).toEqual(new Set([id]));
      expect(again.every(({ resent }) => resent)).toBe(true);
      await broadcast.reply(gateway.id, { jobId: id, connectionId: '', frames: [id] });
    }
    expect((await answers).map(({ frames }) => frames)).toEqual(jobs.map(({ id }) => [id]));
    await close();
  });
});
