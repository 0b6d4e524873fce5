/** The answer to a send leaves its worker beside the broadcast, and arrives behind it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Broadcast } from '../../src/broadcast/broadcast.js';
import { openTestChat, type TestChat, type TestClient } from '../../src/testing/index.js';
import { until } from '../helpers/processes.js';
import { startRedis, type TestRedis } from '../helpers/services.js';

describe.each(['in one process', 'over Redis'])('a broadcast that is held back at its publisher, %s', (kind) => {
  let host: TestChat;
  let redis: TestRedis | undefined;
  let roomId: string;
  let ann: TestClient;
  let phone: TestClient;
  let ben: TestClient;
  let outsider: TestClient;
  /** What the worker has told, in the order it had done so. */
  let told: string[];
  let release: () => void;

  beforeEach(async () => {
    redis = kind === 'over Redis' ? await startRedis() : undefined;
    host = await openTestChat(redis ? { redis: redis.url, redisPrefix: redis.prefix } : {});
    if (redis) await host.chat.startWorker();
    const { people } = host;
    roomId = await host.group(people.ann, people.ben);
    [ann, phone, ben, outsider] = await Promise.all([
      host.connect(people.ann),
      host.connect(people.ann),
      host.connect(people.ben),
      host.connect(people.cleo),
    ]);
    told = [];
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const broadcast = host.chat.broadcast as Broadcast;
    const { publish, reply } = broadcast;
    Object.assign(broadcast, {
      async publish(...given: Parameters<Broadcast['publish']>) {
        await held;
        await publish(...given);
        told.push('broadcast');
      },
      async reply(...given: Parameters<Broadcast['reply']>) {
        await reply(...given);
        if (given[1].after) told.push('answer');
      },
    } satisfies Partial<Broadcast>);
  });
  afterEach(async () => {
    release();
    await host?.close();
    await redis?.stop();
  });

  const send = () => ann.send('message.send', { room_id: roomId, content: 'hello' }, 'sent');

  /** The asker has its own dispatch, and the answer right behind it; the others the dispatch, and nobody anything else. */
  async function checkAll(): Promise<void> {
    const [dispatch, answer] = [await ann.next(), await ann.next()];
    expect(dispatch).toMatchObject({ eventType: 'message.dispatch', room_id: roomId, data: { content: 'hello' } });
    expect(answer).toMatchObject({ eventType: 'event.ack', id: 'sent', data: { status: 'successful', seq: 1 } });
    for (const client of [phone, ben]) expect(await client.next()).toEqual(dispatch);
    release();
    await until('all was told', async () => expect(told).toEqual(['answer', 'broadcast']));
    // Behind whatever the late broadcast could have brought.
    await ben.request('message.send', { room_id: roomId, content: 'after it' });
    for (const client of [ann, phone, ben])
      expect(await client.next()).toMatchObject({ data: { content: 'after it' } });
    for (const client of [ann, phone, ben, outsider]) await client.silence();
  }

  it('holds its answer back at the gateway until it comes', async () => {
    send();
    await until('the answer has left', async () => expect(told).toEqual(['answer']));
    release();
    await checkAll();
  });

  it('is fetched by the gateway that has the answer, and not given again when it comes', async () => {
    send();
    await checkAll();
  });
});
