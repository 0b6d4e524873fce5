/**
 * A worker of the app, in a process of its own; run as many as you like. The same without this file:
 * `npx express-realtime-chat worker --config example/chat.config.js`.
 */

import { migrate } from 'express-realtime-chat';
import { createWorker } from 'express-realtime-chat/worker';
import settings, { config, database } from './chat.config.js';
import { migrateUsers } from './migrate.js';

/** Lets the jobs in hand finish; a second signal does not wait. */
function stopOn(worker) {
  let isStopping = false;
  const stop = async () => {
    if (isStopping) process.exit(1);
    isStopping = true;
    await worker.close();
    await database.close();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, stop);
}

try {
  await database.authenticate().catch((error) => {
    throw new Error(`The database cannot be reached (${error.message}): start it, or correct DATABASE_URL.`);
  });
  if (config.migrate) {
    await migrateUsers(database);
    await migrate(database);
  }
  stopOn(await createWorker(settings));
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
