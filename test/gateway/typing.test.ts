/** A storm of typing: what is too much is dropped, and holds up nobody. */
import { afterEach, expect, test } from 'vitest';
import { ChatMessagingConsumer } from '../../src/index.js';
import { openTestChat, type TestChat } from '../../src/testing/index.js';
import { until } from '../helpers/processes.js';

const CONNECTIONS = 40;
/** What a connection and a gateway let through at a time. */
const OF_CONNECTION = 4;
const OF_GATEWAY = 100;

let host: TestChat | undefined;

afterEach(async () => {
  await host?.close();
  host = undefined;
});

test('a gateway has a hundred typing events with the workers at once, drops more, and goes on when they are done', async () => {
  let begun = 0;
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  class SlowTyping extends ChatMessagingConsumer {
    override async receiveMessageTyping(data: { room_id: string }): Promise<void> {
      begun += 1;
      await opened;
      await super.receiveMessageTyping(data);
    }
  }
  host = await openTestChat({ consumerClass: SlowTyping, concurrency: 500, maxConnectionsPerUser: 0 });
  const { ann, ben, cleo } = host.people;
  const room_id = await host.group(ann, ben);
  const watcher = await host.connect(ben);
  const outsider = await host.connect(cleo);
  const typers = await Promise.all(Array.from({ length: CONNECTIONS }, () => host!.connect(ann)));
  for (const typer of typers) {
    for (let index = 0; index < OF_CONNECTION; index++) typer.send('message.typing', { room_id });
  }
  // A message behind them on each connection is answered: all typing was seen before, and none of it holds a message up.
  await Promise.all(typers.map((typer) => typer.request('room.info', { room_id })));
  await until('as many as may be have begun', async () => expect(begun).toBe(OF_GATEWAY));
  const sent = await typers[0]!.request('message.send', { room_id, content: 'hello' });
  expect(sent.eventType).toBe('event.ack');
  expect(begun).toBe(OF_GATEWAY);
  await watcher.expect('message.dispatch');

  open();
  for (let index = 0; index < OF_GATEWAY; index++) await watcher.expect('messagetyping.dispatch');
  await Promise.all(typers.map((typer) => typer.request('room.info', { room_id })));
  await until('a new one gets through', async () => {
    typers.at(-1)!.send('message.typing', { room_id });
    await typers.at(-1)!.request('room.info', { room_id });
    expect(begun).toBeGreaterThan(OF_GATEWAY);
  });
  await watcher.expect('messagetyping.dispatch');
  expect(outsider.pending).toEqual([]);
});
