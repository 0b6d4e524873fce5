/** The app's process: an ordinary Express app with the chat added to it. */

import { createChat } from 'express-realtime-chat';
import { createApp } from './app.js';
import settings, { config, database, User } from './chat.config.js';
import { log } from './log.js';
import { migrateUsers } from './migrate.js';
import { DEMO_NAMES, DEMO_PASSWORD, seedRooms, seedUsers } from './seed.js';
import { createStartUp } from './start-up.js';

if (config.isSecretRandom) {
  log('JWT_SECRET is not set: tokens are signed with a random secret and end with this process.');
}

const chat = createChat(settings);

const steps = [];
if (config.migrate) {
  steps.push({ name: 'Migrating the own tables', run: () => migrateUsers(database) });
  steps.push({ name: "Migrating the chat's tables", run: () => chat.migrate() });
}
steps.push({ name: 'Checking database and Redis', run: () => chat.ready() });
if (config.worker) steps.push({ name: 'Starting the worker', run: () => chat.startWorker() });
if (config.seed) {
  steps.push({ name: 'Making the demo users', run: () => seedUsers(User) });
  steps.push({ name: 'Making the demo rooms', run: () => seedRooms(chat, User) });
}
const startUp = createStartUp(steps, log);

const app = createApp({ config, chat, User, isStarted: () => startUp.isDone, log });
const server = app.listen(config.port, config.host);

server.once('listening', () => {
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  process.stdout.write(`http://${host}:${server.address().port}\n`);
  if (config.seed) {
    process.stdout.write(`Sign in as ${DEMO_NAMES.join(', ')} with the password "${DEMO_PASSWORD}".\n`);
  }
  startUp.start();
});

server.once('error', (error) => {
  process.stderr.write(`Cannot listen on ${config.host}:${config.port}: ${error.message}.\n`);
  process.exit(1);
});

let isStopping = false;
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => stop());

/** Lets what is in hand finish; a second signal does not wait. */
async function stop() {
  if (isStopping) process.exit(1);
  isStopping = true;
  startUp.stop();
  // No new HTTP requests; idle keep-alive connections would hold the close open.
  server.close();
  server.closeIdleConnections();
  try {
    await chat.close();
    await database.close();
    process.exit(0);
  } catch (error) {
    log(`Stopping failed: ${error.stack ?? error}`);
    process.exit(1);
  }
}
