import { afterEach, describe, expect, test } from 'vitest';
import { type OutboxEntry, type OutboxStorage, webOutboxStorage } from '../../src/client/index.js';
import { type FakeServer, startFakeServer } from './fake-server.js';
import { inState, useClients } from './support.js';

const makeClient = useClients();
let fake: FakeServer | undefined;
afterEach(async () => {
  await fake?.close();
  fake = undefined;
});

const ack = (seq: number) => ({ eventType: 'event.ack', data: { status: 'successful', message_id: `m${seq}`, seq } });

/** The contents that were sent, in order. */
const sent = () =>
  fake!.events.filter(({ event_type }) => event_type === 'message.send').map(({ data }) => data.content);

/** What `localStorage` is to a page. */
function pageStorage() {
  const items = new Map<string, string>();
  return {
    get length() {
      return items.size;
    },
    key: (index: number) => [...items.keys()][index] ?? null,
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  };
}

describe('the outbox', () => {
  test('shows a message as pending at once, and sends it when there is a connection', async () => {
    fake = await startFakeServer(() => ack(1));
    const client = makeClient(fake.url, undefined, { autoConnect: false });
    const changes: OutboxEntry[] = [];
    client.on('outbox', (entry) => changes.push(entry));
    const promise = client.room('r').send('one');
    expect(client.outbox.entries('r')).toMatchObject([
      { client_id: promise.clientId, status: 'pending', content: 'one' },
    ]);
    expect(client.outbox.entries('r')).toBe(client.outbox.entries('r'));
    expect(client.outbox.entries('other')).toEqual([]);
    client.connect();
    expect(await promise).toEqual(ack(1).data);
    expect(client.outbox.entries('r')).toEqual([]);
    expect(changes.map(({ status }) => status)).toEqual(['pending', 'sent']);
    expect(changes[1]).toMatchObject({ message_id: 'm1', seq: 1 });
  });

  test('keeps the order of a room through 4503, 4029 and lost connections, and sends each under one client id', async () => {
    const faults = [
      { error: { code: 4503, detail: 'Away.' } },
      { error: { code: 4029, detail: 'Slow down.', retry_after: 0.02 } },
      'cut',
      { error: { code: 4503, detail: 'Away.' } },
    ];
    const ids = new Map<string, Set<unknown>>();
    fake = await startFakeServer(({ event_type, data }, socket) => {
      if (event_type !== 'message.send') return { status: 'success' };
      const of = ids.get(String(data.content)) ?? new Set();
      ids.set(String(data.content), of.add(data.client_id));
      const fault = faults.shift();
      if (fault === 'cut') socket.terminate();
      else if (fault) return fault as object;
      else return ack(fake!.events.length);
      return undefined;
    });
    const client = makeClient(fake.url, undefined);
    const messages = ['one', 'two', 'three'].map((content) => client.room('r').send(content));
    const elsewhere = client.room('other').send('elsewhere');
    await Promise.all([...messages, elsewhere]);
    const order = sent().filter((content, index, all) => content !== 'elsewhere' && all.indexOf(content) === index);
    expect(order).toEqual(['one', 'two', 'three']);
    for (const of of ids.values()) expect(of.size).toBe(1);
    expect(sent().length).toBe(8);
  });

  test('ends as failed with what was refused, goes on with the rest, and tries again when told to', async () => {
    let isLocked = true;
    fake = await startFakeServer(({ data }) => {
      if (data.content === 'one' && isLocked) return { error: { code: 4002, detail: 'Locked.' } };
      return ack(1);
    });
    const client = makeClient(fake.url, undefined);
    const first = client.room('r').send('one');
    await client.room('r').send('two');
    await expect(first).rejects.toMatchObject({ code: 4002, detail: 'Locked.' });
    expect(client.outbox.entries('r')).toMatchObject([
      { content: 'one', status: 'failed', error: { code: 4002, detail: 'Locked.' } },
    ]);
    isLocked = false;
    client.outbox.retry(first.clientId);
    expect(client.outbox.entries('r')).toMatchObject([{ status: 'pending' }]);
    await expect.poll(() => client.outbox.entries('r')).toEqual([]);
    expect(fake.events.filter(({ data }) => data.client_id === first.clientId)).toHaveLength(2);
    isLocked = true;
    const again = client.room('r').send('one');
    await expect(again).rejects.toMatchObject({ code: 4002 });
    client.outbox.discard(again.clientId);
    expect(client.outbox.entries('r')).toEqual([]);
  });

  test('forgets a message that waits, also the first of its room, and goes on with the next', async () => {
    fake = await startFakeServer(({ data }) => {
      if (data.content === 'unanswered') return undefined;
      if (data.content === 'busy') return { error: { code: 4029, detail: 'Slow down.', retry_after: 3600 } };
      return ack(1);
    });
    const client = makeClient(fake.url, undefined, { autoConnect: false });
    const unsent = client.room('r').send('never sent');
    client.connect();
    client.outbox.discard(unsent.clientId);
    await expect(unsent).rejects.toMatchObject({ code: 1000 });
    for (const content of ['unanswered', 'busy']) {
      const message = client.room('r').send(content);
      const next = client.room('r').send(`after ${content}`);
      await expect.poll(sent).toContain(content);
      client.outbox.discard(message.clientId);
      expect(client.outbox.entries('r')).toMatchObject([{ content: `after ${content}` }]);
      await expect(message).rejects.toMatchObject({ code: 1000 });
      await next;
    }
    expect(client.outbox.entries('r')).toEqual([]);
    expect(sent()).toEqual(['unanswered', 'after unanswered', 'busy', 'after busy']);
  });

  test('gives a message up when it has waited too long, and goes on with the next', async () => {
    let isSilent = true;
    fake = await startFakeServer(({ event_type }) => {
      if (event_type !== 'message.send') return { status: 'success' };
      return isSilent ? undefined : ack(1);
    });
    const client = makeClient(fake.url, undefined, { outboxTimeout: 1500 });
    const [first, second] = ['one', 'two'].map((content) => client.room('r').send(content));
    await expect(first).rejects.toMatchObject({ code: 408 });
    await expect(second).rejects.toMatchObject({ code: 408 });
    expect(client.outbox.entries('r')).toMatchObject([
      { content: 'one', status: 'failed', error: { code: 408 } },
      { content: 'two', status: 'failed', error: { code: 408 } },
    ]);
    isSilent = false;
    client.outbox.retry(first!.clientId);
    await expect.poll(() => client.outbox.entries('r').map(({ content }) => content)).toEqual(['two']);
  });

  test('does not send what is too large again and again', async () => {
    fake = await startFakeServer(({ data }, socket) => {
      if (String(data.content).length < 100) return ack(1);
      socket.close(1009);
      return undefined;
    });
    const client = makeClient(fake.url, undefined);
    const large = client.room('r').send('x'.repeat(200));
    const small = client.room('r').send('small');
    await expect(large).rejects.toMatchObject({ code: 1009 });
    await small;
  });

  test('goes on after close() and connect()', async () => {
    fake = await startFakeServer(({ event_type }) => (event_type === 'message.send' ? ack(1) : { status: 'success' }));
    const client = makeClient(fake.url, undefined, { autoConnect: false });
    const sentBefore = client.room('r').send('one');
    client.connect();
    client.close();
    client.connect();
    await expect(sentBefore).rejects.toMatchObject({ code: 1000 });
    await expect.poll(() => client.outbox.entries('r')).toEqual([]);
    expect(sent()).toEqual(['one']);
  });
});

describe('the outbox with a storage', () => {
  test('is there again after a reload of the page, for the same user only', async () => {
    fake = await startFakeServer(({ event_type }) => (event_type === 'message.send' ? ack(1) : { status: 'success' }));
    const storage = webOutboxStorage(pageStorage());
    const away = { autoConnect: false, storage, userId: 7 };
    const before = makeClient(fake.url, undefined, away);
    const ids = ['one', 'two'].map((content) => before.room('r').send(content).clientId);
    await expect.poll(() => storage.all()).toHaveLength(2);
    before.close();
    const stranger = makeClient(fake.url, undefined, { storage, userId: 8 });
    await inState(stranger, 'online');
    expect(stranger.outbox.entries('r')).toEqual([]);
    expect(sent()).toEqual([]);
    const after = makeClient(fake.url, undefined, { storage, userId: '7' });
    await after.room('r').send('three');
    expect(sent()).toEqual(['one', 'two', 'three']);
    expect(fake.events.slice(0, 2).map(({ data }) => data.client_id)).toEqual(ids);
    await expect.poll(() => storage.all()).toEqual([]);
  });

  test('that is broken keeps no message from being sent', async () => {
    fake = await startFakeServer(() => ack(1));
    const fail = () => {
      throw new Error('full');
    };
    const storage: OutboxStorage = { all: fail, put: fail, remove: fail };
    const client = makeClient(fake.url, undefined, { storage, autoConnect: false });
    const errors: unknown[] = [];
    client.on('error', (error) => errors.push(error));
    client.connect();
    await client.room('r').send('one');
    await expect.poll(() => errors.length).toBe(3);
  });
});

test('a place is kept in localStorage beside what others keep there', () => {
  const page = pageStorage();
  page.setItem('theme', 'dark');
  page.setItem('chat-outbox:broken', '{');
  expect(webOutboxStorage(page).all()).toEqual([]);
});
