/** A host that starts a chat, uses it, closes it, and then has nothing more to do: run by closing.test.ts. */
import { once } from 'node:events';
import express from 'express';
import { createChat } from 'express-realtime-chat';
import { connectTestClient } from 'express-realtime-chat/testing';

const { CHAT_DATABASE: database, CHAT_REDIS: redis, CHAT_USE: use } = process.env;
const chat = createChat({
  database,
  redis: redis || undefined,
  authenticate: () => ({ id: 1 }),
  logLevel: 'error',
});
await chat.migrate();
if (use === 'nothing') {
  await chat.close();
} else {
  await chat.sequelize.query("INSERT INTO users (username) VALUES ('ann')");
  chat.queueEvents.on('completed', () => {});
  const app = express();
  app.use(chat.middleware());
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  await chat.startWorker();
  await chat.ready();
  await chat.health();
  const client = await connectTestClient(`ws://127.0.0.1:${server.address().port}/messaging/`);
  await client.expect('chat.notifications');
  const room = await client.request('room.create', { type: 'GroupChat', name: 'group', participants: [] });
  const { room_id } = room.data;
  // Not answered yet when the closing begins, and answered all the same.
  const answers = [1, 2, 3].map((number) => client.request('message.send', { room_id, content: `message ${number}` }));
  await client.request('session.heartbeat', {});
  await chat.as({ id: 1 }).send('message.send', { room_id, content: 'by the host' });
  const closing = chat.close();
  process.stdout.write(`answered ${(await Promise.all(answers)).map(({ data }) => data.status)}\n`);
  process.stdout.write(`closed ${(await client.closed).code}\n`);
  server.close();
  await closing;
}
process.stdout.write('done\n');
