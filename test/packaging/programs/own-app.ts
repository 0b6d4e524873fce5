/**
 * A host in TypeScript beside the README's `settings.ts`, compiled and run by ../typescript.test.ts as an ES module and
 * as CommonJS. Names every entry of the package.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
import {
  ChatError,
  type ChatSettings,
  createChat,
  EventHandler,
  type HistoryShape,
  type MessageShape,
} from 'express-realtime-chat';
import { connectTestClient, type TestClient } from 'express-realtime-chat/testing';
import { type ChatWorker, createWorker } from 'express-realtime-chat/worker';
import { SignJWT } from 'jose';
import { chat as readmeChat, say, settings, User } from './settings.js';

/** An extension point overridden with the types that the package gives. */
class LoudHandler extends EventHandler {
  override async createMessage(...[data, user]: Parameters<EventHandler['createMessage']>): Promise<MessageShape> {
    return super.createMessage({ ...data, content: `${data.content}!` }, user);
  }
}

const loud: ChatSettings = { ...settings, eventHandlerClass: LoudHandler };

// @ts-expect-error: the compiler knows every setting.
const wrong: ChatSettings = { ...settings, messageSoftDelte: true };

async function connect(port: number, user: User): Promise<TestClient> {
  const token = await new SignJWT({ sub: String(user.id) })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(process.env.JWT_SECRET));
  const client = await connectTestClient(`ws://127.0.0.1:${port}/messaging/`, { token });
  await client.expect('chat.notifications');
  return client;
}

async function main(): Promise<void> {
  assert.throws(() => createChat(wrong), /messageSoftDelte/);
  const working: Promise<ChatWorker> = createWorker(settings);
  await assert.rejects(working, /needs Redis/);

  await User.sync();
  await readmeChat.migrate();
  const [ann, ben] = [await User.create({ username: 'ann' }), await User.create({ username: 'ben' })];

  const chat = createChat(loud);
  const app = express();
  app.use(chat.middleware());
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  await chat.ready();
  const { port } = server.address() as AddressInfo;
  const [anns, bens] = [await connect(port, ann), await connect(port, ben)];

  const made = await anns.request<{ room_id: string }>('room.create', {
    type: 'GroupChat',
    name: 'Lunch',
    participants: [ben.id],
  });
  await anns.request('message.send', { room_id: made.data.room_id, content: 'Half past twelve' });
  const { data } = await bens.expect<MessageShape>('message.dispatch');
  assert.equal(data.content, 'Half past twelve!');
  assert.equal(data.sender.username, 'ann');

  // README's own chat is another one in this process: what it says is stored, but its sockets are not these.
  await say(ben, made.data.room_id, 'Fine');
  const history = await anns.request<HistoryShape>('room.messages', { room_id: made.data.room_id });
  assert.deepEqual(
    history.data.data.messages.map(({ content }) => content),
    ['Fine', 'Half past twelve!'],
  );
  await assert.rejects(say(ben, '00000000-0000-4000-8000-000000000000', 'Nobody'), ChatError);

  await Promise.all([anns.close(), bens.close()]);
  server.close();
  await chat.close();
  await readmeChat.close();
  await readmeChat.sequelize.close();
  console.log('It works.');
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
