/** Workers that are killed, stopped and absent while people write. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TestClient } from '../../src/testing/client.js';
import { until } from '../helpers/processes.js';
import type { WireAck } from '../helpers/shapes.js';
import { type Sent, startLoad } from '../system/crowd.js';
import { FaultScene } from './scene.js';

let scene: FaultScene;

beforeAll(async () => {
  scene = await FaultScene.start();
});
afterAll(() => scene?.close());
beforeEach(() => scene.gather(6, 2));
afterEach(() => scene.mend());

const slowest = (sent: readonly Sent[]) => Math.max(...sent.map(({ took }) => took));

describe('a worker that is killed under load', () => {
  it('loses no message and doubles none, answers every send once and within ten seconds', async () => {
    const load = startLoad(scene.senders, scene.rooms);
    await load.more(10);
    await scene.end(scene.workers[0]!, 'SIGKILL');
    await load.more(10);
    await scene.stack.startWorker();
    await load.more(5);
    const sent = await load.stop();
    expect(slowest(sent)).toBeLessThan(10_000);
    await scene.check(sent);
  });
});

describe('workers that are stopped under load, one after the other', () => {
  it('cost nobody time, and end with code 0', async () => {
    const load = startLoad(scene.senders, scene.rooms);
    await load.more(10);
    for (const worker of scene.workers) {
      await scene.stack.startWorker();
      await load.more(20);
      await scene.end(worker, 'SIGTERM');
      expect(await worker.ended).toEqual({ code: 0, signal: null });
      await load.more(10);
    }
    const sent = await load.stop();
    // A job that its worker left behind would wait for 5 s and more.
    expect(slowest(sent)).toBeLessThan(3000);
    await scene.check(sent);
  });
});

describe('no worker for a minute', () => {
  it('lets sends wait and answers all of them, in order, when there is one again; typing is forgotten', async () => {
    const begun = performance.now();
    const slow = await Promise.all(
      scene.devices
        .filter((_, index) => index % 2 === 0)
        .map(async ({ person, gatewayIndex }) => {
          const client = await scene.stack.open({ token: person.token, gatewayIndex, timeout: 100_000 });
          await client.expect('chat.notifications');
          return client;
        }),
    );
    const [first, second] = scene.workers;
    await Promise.all([scene.end(first!, 'SIGTERM'), scene.end(second!, 'SIGKILL')]);
    const stopped = performance.now();
    const answers = slow.flatMap((client, index) =>
      [1, 2, 3, 4].map((number) => request(client, scene.rooms[number % 2]!, `sender ${index} message ${number}`)),
    );
    slow[0]!.send('message.typing', { room_id: scene.rooms[0] });
    let answered = 0;
    for (const answer of answers) void answer.then(() => answered++);
    // Nobody can be let in without a worker either.
    const refused = await scene.stack.open({ token: scene.devices[0]!.person.token, timeout: 100_000 });
    expect(await refused.closed).toMatchObject({ code: 1013 });
    expect(performance.now() - stopped).toBeGreaterThan(9000);
    await until(
      'a minute has passed',
      async () => {
        expect(answered).toBe(0);
        if (performance.now() - stopped < 60_000) throw new Error('not yet');
      },
      90_000,
    );
    const back = performance.now();
    await Promise.all([scene.stack.startWorker(), scene.stack.startWorker()]);
    const sent = await Promise.all(answers);
    for (const [index] of slow.entries()) {
      for (const parity of [0, 1]) {
        const seqs = sent
          .slice(index * 4, index * 4 + 4)
          .filter((_, at) => at % 2 === parity)
          .map(({ ack }) => ack!.seq);
        expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
      }
    }
    const times = { stopping: stopped - begun, answers: performance.now() - back };
    expect(times.stopping, JSON.stringify(times)).toBeLessThan(10_000);
    expect(times.answers, JSON.stringify(times)).toBeLessThan(15_000);
    await scene.check(sent);
    const typing = scene.devices.flatMap(({ frames }) =>
      frames.filter(({ eventType }) => eventType === 'messagetyping.dispatch'),
    );
    expect(typing).toEqual([]);
  }, 150_000);

  async function request(client: TestClient, room_id: string, content: string): Promise<Sent> {
    const at = performance.now();
    const { data, error } = await client.request<WireAck>('message.send', { room_id, content });
    return { content, at, ack: data, error: error as Sent['error'], took: performance.now() - at };
  }
});
