/** What the gateway still holds of a user who is disconnected: the workers are not given it any more. */
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { GatewayConnection } from '../../src/gateway/gateway.js';
import { ChatConnection } from '../../src/index.js';
import type { LossyEvent } from '../../src/queue/queue.js';
import { openTestChat, type TestChat } from '../../src/testing/index.js';
import { until } from '../helpers/processes.js';
import { chatJob, deferred } from '../queue/support.js';
import { type BareGateway, messagesWaitFor, openBareGateway } from './support.js';

describe('of a user who is disconnected', () => {
  let host: TestChat;
  afterEach(() => host?.close());

  /** Disconnects ann, whose client does not answer the close: her socket stays for as long as it may. */
  async function disconnectAnn(client: Awaited<ReturnType<TestChat['connect']>>): Promise<void> {
    const other = await host.connect(host.people.ann);
    (client.socket as unknown as { _socket: Socket })._socket.pause();
    await host.chat.disconnectUser(host.people.ann.id);
    expect(await other.closed).toMatchObject({ code: 4001 });
  }

  const gone = () =>
    until('all connections of hers have ended', async () => {
      expect(await host.chat.models.Session.count({ where: { user_id: host.people.ann.id } })).toBe(0);
    });

  test('events that wait for the one before them are not run', async () => {
    const gate = deferred();
    host = await openTestChat({ consumerClass: messagesWaitFor(gate.promise) });
    const { ann, ben } = host.people;
    const room_id = await host.group(ann, ben);
    const client = await host.connect(ann);
    const watcher = await host.connect(ben);
    let handed = 0;
    host.chat.queueEvents.on('waiting', ({ eventType, userId }) => {
      if (eventType === 'message.send' && userId === String(ann.id)) handed += 1;
    });
    const texts = Array.from({ length: 20 }, (_, index) => String(index));
    for (const content of texts) client.send('message.send', { room_id, content });
    // Answered beside all that was sent before it, which has been read by then.
    await client.request('session.heartbeat', {});
    const before = handed;
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThanOrEqual(8);
    await disconnectAnn(client);
    gate.resolve();
    // Those that the workers had are done, in order; the others have not reached them.
    for (const content of texts.slice(0, before)) {
      expect((await watcher.expect('message.dispatch')).data).toMatchObject({ content });
    }
    await gone();
    await watcher.request('message.send', { room_id, content: 'the last' });
    expect((await watcher.expect('message.dispatch')).data).toMatchObject({ content: 'the last' });
    expect(handed).toBe(before);
    expect(await host.chat.models.Message.count()).toBe(before + 1);
  });

  test('an event that an override of receive held is not run', async () => {
    const gate = deferred();
    const held = deferred();
    class Holding extends ChatConnection {
      override async receive(text: string | Buffer): Promise<void> {
        if (text.includes('hold me')) {
          held.resolve();
          await gate.promise;
        }
        await super.receive(text);
      }
    }
    host = await openTestChat({ connectionClass: Holding });
    const { ann, ben } = host.people;
    const room_id = await host.group(ann, ben);
    const client = await host.connect(ann);
    const watcher = await host.connect(ben);
    client.send('message.send', { room_id, content: 'hold me' });
    await held.promise;
    await disconnectAnn(client);
    gate.resolve();
    await gone();
    await watcher.request('message.send', { room_id, content: 'the last' });
    expect((await watcher.expect('message.dispatch')).data).toMatchObject({ content: 'the last' });
    expect(watcher.pending).toEqual([]);
    expect(await host.chat.models.Message.count()).toBe(1);
  });
});

describe('a gateway', () => {
  let bare: BareGateway;

  beforeEach(async () => {
    vi.useFakeTimers();
    bare = await openBareGateway();
  });
  afterEach(async () => {
    vi.useRealTimers();
    await bare.close();
  });

  const disconnect = (userId: string) => bare.broadcast.control({ id: userId, kind: 'disconnect', userIds: [userId] });

  test('does not pass typing on that waited with that of others', async () => {
    const { gateway, added, connect } = bare;
    const [ann, ben] = [await connect('ann'), await connect('ben')];
    const type = ({ id, userId }: GatewayConnection, roomId: string) =>
      gateway.runLossy(chatJob('message.typing', { userId, connectionId: id, data: { room_id: roomId } }));
    // The first goes at once, the next ones wait for each other.
    type(ben, 'one');
    await vi.advanceTimersByTimeAsync(1);
    expect(added).toHaveLength(1);
    type(ann, 'two');
    type(ben, 'two');
    await disconnect('ann');
    await vi.advanceTimersByTimeAsync(100);
    expect(added).toHaveLength(2);
    expect((added[1]!.data as LossyEvent[]).map(({ userId }) => userId)).toEqual(['ben']);
  });

  test('does not add again what the queue has lost', async () => {
    const { gateway, broadcast, added } = bare;
    const answers = ['ann', 'ben'].map((userId) => gateway.run(chatJob('message.send', { id: userId, userId })));
    const refused = expect(answers[0]).rejects.toThrow('unavailable');
    await disconnect('ann');
    added.length = 0;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(new Set(added.map(({ id }) => id))).toEqual(new Set(['ben']));
    await refused;
    await broadcast.reply(gateway.id, { jobId: 'ben', connectionId: '', frames: [] });
    await answers[1];
  });
});
