/** A storm of typing: what is too much is dropped, and holds up nobody. */
import { afterEach, expect, test } from 'vitest';
import { ChatMessagingConsumer } from '../../src/index.js';
import { openTestChat, type TestChat } from '../../src/testing/index.js';
import { until } from '../helpers/processes.js';

const ROOMS = 4;
const CONNECTIONS = 70;
/** What a gateway has in hand at a time; a connection may have as many as there are rooms here. */
const OF_GATEWAY = 250;

let host: TestChat | undefined;

afterEach(async () => {
  await host?.close();
  host = undefined;
});

test('a gateway has 250 typing events in hand at once, drops more, and goes on when they are done', async () => {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  class SlowTyping extends ChatMessagingConsumer {
    override async receiveMessageTyping(data: { room_id: string }): Promise<void> {
      await opened;
      await super.receiveMessageTyping(data);
    }
  }
  host = await openTestChat({ consumerClass: SlowTyping, maxConnectionsPerUser: 0 });
  const { ann, ben, cleo } = host.people;
  const rooms: string[] = [];
  for (let index = 0; index < ROOMS; index++) rooms.push(await host.group(ann, ben));
  const watcher = await host.connect(ben);
  const outsider = await host.connect(cleo);
  const typers = await Promise.all(Array.from({ length: CONNECTIONS }, () => host!.connect(ann)));
  for (const typer of typers) for (const room_id of rooms) typer.send('message.typing', { room_id });
  // A message behind them on each connection is answered: all typing was seen before, and none of it holds a message up.
  await Promise.all(typers.map((typer) => typer.request('room.info', { room_id: rooms[0]! })));
  const sent = await typers[0]!.request('message.send', { room_id: rooms[0]!, content: 'hello' });
  expect(sent.eventType).toBe('event.ack');
  await watcher.expect('message.dispatch');
  expect(watcher.pending).toEqual([]);

  open();
  for (let index = 0; index < OF_GATEWAY; index++) await watcher.expect('messagetyping.dispatch');
  await until('a new one gets through', async () => {
    typers.at(-1)!.send('message.typing', { room_id: rooms[0]! });
    await typers.at(-1)!.request('room.info', { room_id: rooms[0]! });
    expect(watcher.pending.map(({ eventType }) => eventType)).toContain('messagetyping.dispatch');
  });
  expect(outsider.pending).toEqual([]);
});
