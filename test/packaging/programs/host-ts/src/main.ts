/** The app: plays its scene against itself, with a worker of its own or beside one, and ends. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { createChat } from 'express-realtime-chat';
import { sequelize } from './database.js';
import { playMessages } from './messages.js';
import { playRooms } from './rooms.js';
import { openScene } from './scene.js';
import settings from './settings.js';
import './shapes.js';

async function main(): Promise<void> {
  const chat = createChat(settings);
  await chat.ready();
  const app = express();
  app.use(chat.middleware());
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const scene = await openScene(chat, (server.address() as AddressInfo).port);
  await playMessages(scene);
  await playRooms(scene);
  await scene.close();
  server.close();
  await sequelize.close();
  console.log('All is well.');
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
