/** `maxBufferedBytes` as a host sets it: frames that wait in the server, whatever the network would take. */
import { afterEach, describe, expect, it } from 'vitest';
import { ChatConnection } from '../../src/index.js';
import { openTestChat, type TestChat, type TestClient } from '../../src/testing/index.js';

let host: TestChat;
afterEach(() => host?.close());

/** A connection whose user `ben` is sent nothing until it is let go, or closed. */
class Held extends ChatConnection {
  static held: Held | undefined;

  override async connect(): Promise<void> {
    await super.connect();
    if ((this.user as { username: string }).username === 'ben') Held.held = this;
  }

  hold(): void {
    this.request.socket.cork();
  }

  letGo(): void {
    this.request.socket.uncork();
  }

  override close(code: number, reason?: string): void {
    super.close(code, reason);
    if (Held.held === this) this.letGo();
  }
}

const content = 'x'.repeat(9_900);

describe('a client for whom frames wait', () => {
  async function scene(maxBufferedBytes?: number) {
    host = await openTestChat({ connectionClass: Held, rateLimit: false, maxBufferedBytes });
    const { people, connect, group } = host;
    const room_id = await group(people.ann, people.ben, people.cleo);
    const [ann, ben, cleo] = [await connect(people.ann), await connect(people.ben), await connect(people.cleo)];
    const send = async (count: number) => {
      for (let number = 0; number < count; number++) {
        expect((await ann.request('message.send', { room_id, content })).eventType).toBe('event.ack');
        await cleo.expect('message.dispatch');
      }
    };
    Held.held!.hold();
    return { room_id, ann, ben, cleo, send };
  }

  const dispatches = async (client: TestClient, count: number) => {
    for (let number = 0; number < count; number++) await client.expect('message.dispatch');
  };

  it('is closed with 4008 beyond four times what the host has set, and the others have everything', async () => {
    const { ann, ben, cleo, send } = await scene(65_536);
    await send(40);
    expect(await ben.closed).toMatchObject({ code: 4008 });
    // More than a quarter of a mebibyte waited for it, and no more came.
    const received = ben.pending.filter(({ eventType }) => eventType === 'message.dispatch').length;
    expect(received).toBeGreaterThanOrEqual(25);
    expect(received).toBeLessThanOrEqual(27);
    for (const client of [ann, cleo]) {
      expect((await client.request('session.heartbeat', {})).status).toBe('success');
    }
  });

  it('has all of it, closed by nobody, where the default allows more', async () => {
    const { ben, send } = await scene();
    await send(40);
    Held.held!.letGo();
    await dispatches(ben, 40);
    expect((await ben.request('session.heartbeat', {})).status).toBe('success');
  });

  it('is not sent typing over half of it, and others are', async () => {
    const { room_id, ann, ben, cleo, send } = await scene(65_536);
    const type = async () => {
      expect((await ann.request('message.typing', { room_id })).eventType).toBe('event.ack');
      await cleo.expect('messagetyping.dispatch');
    };
    await send(2);
    await type();
    await send(2);
    await type();
    Held.held!.letGo();
    await dispatches(ben, 4);
    await ben.expect('messagetyping.dispatch');
    await ben.silence();
  });
});
