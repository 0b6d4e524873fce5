/** How fast events may come, how many may wait, how long one may take: each at its edge, in one process on SQLite. */
import { afterEach, describe, expect, it } from 'vitest';
import { ChatConnection, ChatMessagingConsumer } from '../../src/index.js';
import type { ChatSettings, RateLimitSettings } from '../../src/settings/settings.js';
import { errorOf, openTestChat, Spy, type TestChat, type TestClient } from '../../src/testing/index.js';

/** So slow that no test lives to see a token come back. */
const never = { eventsPerSecond: 0.0001, perUserPerSecond: 0.0001 };

let host: TestChat;
afterEach(() => host?.close());

async function open(rateLimit: RateLimitSettings | false, settings: ChatSettings = {}): Promise<TestChat> {
  host = await openTestChat({ rateLimit, ...settings });
  return host;
}

const heartbeat = (client: TestClient) => client.request('session.heartbeat', {});
const heartbeats = (client: TestClient, count: number) =>
  Promise.all(Array.from({ length: count }, () => heartbeat(client)));
/** An event that the gateway answers by itself. */
const glance = (client: TestClient) => client.request('nothing.known', {});
const codesOf = (frames: { error?: unknown }[]) =>
  frames.map(({ error }) => (error as { code: number } | undefined)?.code ?? 0);

describe('events of one connection', () => {
  it('are taken up to the burst; the next is 4029 with retry_after, and did not happen', async () => {
    const { people, connect, group, texts } = await open({ ...never, burst: 5 });
    const [ann, ben] = [await connect(people.ann), await connect(people.ben)];
    const room_id = await group(people.ann, people.ben);
    const answers = await Promise.all(
      [1, 2, 3, 4, 5, 6].map((number) => ann.request('message.send', { room_id, content: `${number}` })),
    );
    expect(codesOf(answers)).toEqual([0, 0, 0, 0, 0, 4029]);
    const refusal = answers[5]!.error as { retry_after: number };
    expect(Object.keys(refusal).sort()).toEqual(['code', 'detail', 'retry_after']);
    expect(refusal.retry_after).toBeGreaterThan(5000);
    expect(refusal.retry_after).toBeLessThanOrEqual(10_000);
    expect(await texts(room_id)).toEqual(['1', '2', '3', '4', '5']);
    // Another user is not slowed down, and was told of five messages only.
    const { offset: last } = await ben.expect<{ content: string }>(
      'message.dispatch',
      ({ data }) => data.content === '5',
    );
    expect(last).toBe(6);
    expect(codesOf(await heartbeats(ben, 5))).toEqual([0, 0, 0, 0, 0]);
    expect(ben.pending.filter(({ eventType }) => eventType === 'message.dispatch')).toHaveLength(4);
  });

  it('are taken again after retry_after', async () => {
    const { people, connect } = await open({ eventsPerSecond: 2, burst: 1 });
    const ann = await connect(people.ann);
    const [first, second] = await heartbeats(ann, 2);
    expect(codesOf([first!, second!])).toEqual([0, 4029]);
    const { retry_after } = second!.error as { retry_after: number };
    expect(retry_after).toBeLessThanOrEqual(0.5);
    await new Promise((resolve) => setTimeout(resolve, retry_after * 1000 + 10));
    expect(codesOf([await heartbeat(ann)])).toEqual([0]);
  });

  it('count whatever they are: broken frames, typing, unknown types and heartbeats', async () => {
    const { people, connect, group } = await open({ ...never, burst: 4 });
    const room_id = await group(people.ann);
    const ann = await connect(people.ann);
    ann.sendRaw('{"event_type":');
    ann.send('message.typing', { room_id });
    ann.send('nothing.known', {});
    ann.send('session.heartbeat', {});
    expect(codesOf([await heartbeat(ann)])).toEqual([4029]);
    // A broken frame that is too much is too much, whatever is wrong with it.
    ann.sendRaw('{"event_type":');
    const { error } = await ann
      .next()
      .then(async (frame) => (codesOf([frame])[0] === 4029 ? frame : untilLimited(ann)));
    expect(error).toMatchObject({ code: 4029 });
  });

  it('go on being refused until there were too many; the next one closes with 1008, and that connection only', async () => {
    const { people, connect } = await open({ ...never, burst: 1, perUserBurst: 10, refusals: 3 });
    const [phone, laptop] = [await connect(people.ann), await connect(people.ann)];
    expect(codesOf(await heartbeats(phone, 4))).toEqual([0, 4029, 4029, 4029]);
    phone.send('session.heartbeat', {}, 'the last straw');
    expect(await phone.closed).toMatchObject({ code: 1008 });
    expect(phone.pending).toEqual([]);
    expect(codesOf([await heartbeat(laptop)])).toEqual([0]);
    expect(codesOf([await heartbeat(await connect(people.ann))])).toEqual([0]);
  });

  it('close at the first refusal when none is allowed', async () => {
    const { people, connect } = await open({ ...never, burst: 2, refusals: 0 });
    const ann = await connect(people.ann);
    await heartbeats(ann, 2);
    ann.send('session.heartbeat', {});
    expect(await ann.closed).toMatchObject({ code: 1008 });
    expect(ann.pending).toEqual([]);
  });

  it('are without limit when rateLimit is false', async () => {
    const { people, connect } = await open(false);
    const ann = await connect(people.ann);
    const answers = await Promise.all(Array.from({ length: 2000 }, () => glance(ann)));
    expect(answers.filter(({ error }) => error !== 'invalid event type')).toEqual([]);
  });
});

describe('events of one user', () => {
  it('are counted over all connections; connecting again does not help, and other users are unaffected', async () => {
    const { people, connect } = await open({ ...never, perUserPerSecond: 0.001, burst: 5, perUserBurst: 8 });
    const [phone, laptop, other] = [await connect(people.ann), await connect(people.ann), await connect(people.ben)];
    expect(codesOf(await heartbeats(phone, 5))).toEqual([0, 0, 0, 0, 0]);
    expect(codesOf(await heartbeats(laptop, 4))).toEqual([0, 0, 0, 4029]);
    await Promise.all([phone.close(), laptop.close()]);
    const again = await connect(people.ann);
    const [refused] = await heartbeats(again, 1);
    expect(codesOf([refused!])).toEqual([4029]);
    // By the user's own pace, which is ten times that of a connection here.
    expect((refused!.error as { retry_after: number }).retry_after).toBeGreaterThan(500);
    expect((refused!.error as { retry_after: number }).retry_after).toBeLessThanOrEqual(1000);
    expect(codesOf(await heartbeats(other, 5))).toEqual([0, 0, 0, 0, 0]);
  });

  it('close a connection that keeps on with 1008, and neither the other ones of the user nor those of others', async () => {
    const { people, connect } = await open({ ...never, burst: 5, perUserBurst: 5, refusals: 3 });
    const [phone, laptop, other] = [await connect(people.ann), await connect(people.ann), await connect(people.ben)];
    await heartbeats(laptop, 5);
    expect(codesOf(await heartbeats(phone, 3))).toEqual([4029, 4029, 4029]);
    phone.send('session.heartbeat', {});
    expect(await phone.closed).toMatchObject({ code: 1008 });
    expect(codesOf(await heartbeats(laptop, 1))).toEqual([4029]);
    expect(codesOf(await heartbeats(other, 5))).toEqual([0, 0, 0, 0, 0]);
  });
});

describe('events that are unanswered', () => {
  /** A consumer that holds up every send until it is let go, and a connection that counts what it reads. */
  function holding() {
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const begun = new Spy<string>();
    const read = new Map<string, number>();
    class Held extends ChatMessagingConsumer {
      override async receiveMessageSend(data: Parameters<ChatMessagingConsumer['receiveMessageSend']>[0]) {
        begun.call(data.content.slice(0, 20));
        await held;
        await super.receiveMessageSend(data);
      }
      override async receiveSessionHeartbeat() {
        if (this.user.username === 'cleo') await held;
        await super.receiveSessionHeartbeat();
      }
    }
    class Counted extends ChatConnection {
      override async receive(text: string | Buffer) {
        read.set(this.userId, (read.get(this.userId) ?? 0) + 1);
        await super.receive(text);
      }
    }
    return { letGo, begun, read, settings: { consumerClass: Held, connectionClass: Counted } };
  }

  it('stop the reading of their socket beyond maxPendingEvents; all are answered in order, others are unaffected', async () => {
    const { letGo, begun, read, settings } = holding();
    const { people, connect, group, texts } = await open(false, { ...settings, maxPendingEvents: 4 });
    const room_id = await group(people.ann, people.ben);
    const [ann, ben] = [await connect(people.ann), await connect(people.ben)];
    // So long that one chunk of the network holds one or two of them.
    const contents = Array.from({ length: 40 }, (_, number) => `${number} ${'x'.repeat(9_900)}`);
    const padding = ' '.repeat(30_000);
    const ids = contents.map((content) => {
      const id = ann.newId();
      ann.sendRaw(
        `{"event_type":"message.send","id":"${id}","data":${JSON.stringify({ room_id, content })}${padding}}`,
      );
      return id;
    });
    const answers = Promise.all(ids.map((id) => ann.answer(id)));
    await begun.next();
    // Many turns of everything that could read on: forty frames would have come in a few.
    for (let turn = 0; turn < 100; turn++) await glance(ben);
    expect(read.get(String(people.ann.id))).toBeGreaterThanOrEqual(4);
    expect(read.get(String(people.ann.id))).toBeLessThan(10);
    expect(begun.calls).toHaveLength(1);
    letGo();
    expect(codesOf(await answers)).toEqual(contents.map(() => 0));
    expect(await texts(room_id)).toEqual(contents);
  });

  it('count heartbeats too, though these wait for nobody', async () => {
    const { letGo, read, settings } = holding();
    const { people, connect } = await open(false, { ...settings, maxPendingEvents: 4 });
    const [cleo, ben] = [await connect(people.cleo), await connect(people.ben)];
    const padding = ' '.repeat(40_000);
    const ids = Array.from({ length: 40 }, () => {
      const id = cleo.newId();
      cleo.sendRaw(`{"event_type":"session.heartbeat","id":"${id}"${padding}}`);
      return id;
    });
    const answers = Promise.all(ids.map((id) => cleo.answer(id)));
    for (let turn = 0; turn < 100; turn++) await glance(ben);
    expect(read.get(String(people.cleo.id))).toBeLessThan(10);
    letGo();
    expect((await answers).map(({ status }) => status)).toEqual(ids.map(() => 'success'));
  });
});

describe('an event that takes too long', () => {
  it('is answered with 4006 after handlerTimeout, and the next one of its connection runs', async () => {
    class Slow extends ChatMessagingConsumer {
      override async receiveRoomList(data: Parameters<ChatMessagingConsumer['receiveRoomList']>[0]) {
        if (data.limit === 1) await new Promise(() => {});
        await super.receiveRoomList(data);
      }
    }
    const { people, connect } = await open(false, { handlerTimeout: 2, consumerClass: Slow });
    const [ann, ben] = [await connect(people.ann), await connect(people.ben)];
    const began = performance.now();
    const hanging = ann.request('room.list', { limit: 1 });
    const waiting = ann.request('room.list', { limit: 2 });
    // Others do not wait for it.
    expect((await ben.request('room.list', { limit: 2 })).eventType).toBe('roomlist.dispatch');
    expect(ann.pending).toEqual([]);
    const [hung, next] = await Promise.all([hanging, waiting]);
    expect(performance.now() - began).toBeGreaterThan(1990);
    expect(errorOf(hung)).toEqual({ code: 4006, detail: 'Internal server error.' });
    expect(next.eventType).toBe('roomlist.dispatch');
    await ben.silence();
  });
});

/** Passes over what was answered before. */
async function untilLimited(client: TestClient): Promise<{ error?: unknown }> {
  for (;;) {
    const frame = await client.next();
    if (codesOf([frame])[0] === 4029) return frame;
  }
}
