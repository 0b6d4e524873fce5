/** Typing is lossy: it never waits behind messages, never delays them, and what is too much of it is dropped. */
import { afterEach, describe, expect, it } from 'vitest';
import { ChatMessagingConsumer } from '../../src/index.js';
import { openTestChat, Spy, type TestChat } from '../../src/testing/index.js';

let host: TestChat;
afterEach(() => host?.close());

/** A consumer whose events of one method wait until they are let go. */
function holding(method: 'receiveMessageSend' | 'receiveMessageTyping') {
  let letGo = () => {};
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const begun = new Spy<void>();
  class Holding extends ChatMessagingConsumer {
    override async receiveMessageSend(data: Parameters<ChatMessagingConsumer['receiveMessageSend']>[0]) {
      if (method === 'receiveMessageSend') await this.#hold();
      await super.receiveMessageSend(data);
    }

    override async receiveMessageTyping(data: Parameters<ChatMessagingConsumer['receiveMessageTyping']>[0]) {
      if (method === 'receiveMessageTyping') await this.#hold();
      await super.receiveMessageTyping(data);
    }

    async #hold() {
      begun.call();
      await held;
    }
  }
  return { letGo, begun, consumerClass: Holding };
}

describe('typing', () => {
  it('overtakes a message of the same connection that is under way, and those that wait behind it', async () => {
    const { letGo, begun, consumerClass } = holding('receiveMessageSend');
    host = await openTestChat({ consumerClass });
    const { people, connect, group } = host;
    const room_id = await group(people.ann, people.ben);
    const [ann, ben, cleo] = [await connect(people.ann), await connect(people.ben), await connect(people.cleo)];
    const sending = [1, 2, 3].map((number) => ann.request('message.send', { room_id, content: `${number}` }));
    await begun.next();
    ann.send('message.typing', { room_id });
    for (const client of [ann, ben]) {
      expect(await client.next()).toMatchObject({ eventType: 'messagetyping.dispatch', room_id });
    }
    expect((await ann.request('message.typing', { room_id })).eventType).toBe('event.ack');
    letGo();
    await Promise.all(sending);
    for (const number of [1, 2, 3]) {
      expect((await ben.expect<{ content: string }>('message.dispatch')).data.content).toBe(`${number}`);
    }
    await cleo.silence();
  });

  it('that hangs delays no message; more than four of a connection under way are dropped, silently', async () => {
    const { letGo, begun, consumerClass } = holding('receiveMessageTyping');
    host = await openTestChat({ consumerClass });
    const { people, connect, group } = host;
    const rooms: string[] = [];
    for (let number = 0; number < 6; number++) rooms.push(await group(people.ann, people.ben));
    const [room_id] = rooms as [string];
    const [ann, ben] = [await connect(people.ann), await connect(people.ben)];
    for (let number = 0; number < 100; number++) ann.send('message.typing', { room_id: rooms[number % 6] });
    expect((await ann.request('message.send', { room_id, content: 'while typing hangs' })).eventType).toBe('event.ack');
    await ben.expect('message.dispatch');
    for (let number = 0; number < 4; number++) await begun.next();
    expect(ben.pending).toEqual([]);
    letGo();
    for (let number = 0; number < 4; number++) await ben.expect('messagetyping.dispatch');
    for (let number = 0; number < 4; number++) await ann.expect('messagetyping.dispatch');
    await ann.expect('message.dispatch');
    // Neither later ones nor errors come of those that were dropped.
    await Promise.all([ann.silence(), ben.silence()]);
    expect(begun.calls).toHaveLength(4);
    // And it may type again.
    ann.send('message.typing', { room_id });
    await ben.expect('messagetyping.dispatch');
  });
});
