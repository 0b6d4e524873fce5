import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  acknowledged,
  createGroup,
  expectError,
  historyOf,
  received,
  sendMessage,
  uniqueName,
} from '../helpers/chat.js';
import { until } from '../helpers/processes.js';
import { type OwnStack, startStack } from '../helpers/stack.js';

/** Sends the same message, by client_id, until it is taken; resolves to its ack. */
function sendUntilTaken(client: Parameters<typeof acknowledged>[0], data: Record<string, unknown>) {
  return until('The message is taken', () => acknowledged(client, 'message.send', data), 25_000);
}

describe('without its servers, a distributed stack', () => {
  let stack: OwnStack;

  beforeAll(async () => {
    stack = await startStack('distributed', { ownServices: true, workers: 1 });
  });

  afterAll(async () => {
    await stack?.close();
  });

  test('answers 4503 within three seconds while Redis is away, keeps its sockets, and goes on after', async () => {
    const [alice, bob] = await Promise.all(
      [0, 1].map(async (gateway) => stack.connect(await stack.newUser(), gateway)),
    );
    const room = await createGroup(alice!, [bob!]);
    await sendMessage(alice!, room, 'before', [bob!]);
    await stack.redis!.kill();
    const data = { room_id: room.id, content: 'meanwhile', client_id: uniqueName('c') };
    const started = Date.now();
    const answer = await alice!.request('message.send', data);
    expectError(answer, 4503);
    expect(Date.now() - started).toBeLessThan(3500);
    expect((await fetch(`${stack.gateways[0]}/readyz`)).status).toBe(503);
    expect((await fetch(`${stack.gateways[0]}/livez`)).status).toBe(200);
    await stack.redis!.restart();
    const ack = await sendUntilTaken(alice!, data);
    await received(
      [alice!, bob!],
      'message.dispatch',
      ({ data: message }) => (message as { id: string }).id === ack.message_id,
    );
    await sendMessage(bob!, room, 'after', [alice!]);
    expect((await historyOf(bob!, room)).map(({ content }) => content)).toEqual(['after', 'meanwhile', 'before']);
    expect(alice!.socket.readyState).toBe(alice!.socket.OPEN);
    await until('ready again', async () => expect((await fetch(`${stack.gateways[0]}/readyz`)).status).toBe(200));
  }, 60_000);

  test('answers 4503 or waits while the database is away, and goes on after, without half a message', async () => {
    const [alice, bob] = await Promise.all(
      [0, 1].map(async (gateway) => stack.connect(await stack.newUser(), gateway)),
    );
    const room = await createGroup(alice!, [bob!]);
    await sendMessage(alice!, room, 'before', [bob!]);
    await stack.mariaDb!.kill();
    const data = { room_id: room.id, content: 'meanwhile', client_id: uniqueName('c') };
    const during = alice!.request('message.send', data);
    const told = await Promise.race([during, fetch(`${stack.gateways[0]}/readyz`).then(({ status }) => status)]);
    if (typeof told === 'number') expect(told).toBe(503);
    await stack.mariaDb!.restart();
    const answer = await during;
    if (answer.error !== undefined) expectError(answer, 4503);
    await sendUntilTaken(alice!, data);
    await bob!.expect(
      'message.dispatch',
      ({ data: message }) => (message as { content: string }).content === 'meanwhile',
    );
    await sendMessage(bob!, room, 'after', [alice!]);
    expect((await historyOf(bob!, room)).map(({ content }) => content)).toEqual(['after', 'meanwhile', 'before']);
  }, 60_000);
});
