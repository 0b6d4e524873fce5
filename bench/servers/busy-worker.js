/**
 * A worker of the example with a handler that costs: for each message it computes for BUSY_MS milliseconds, as one that
 * looks for unwanted text or keeps a search index may do. One such worker fills a core long before anything else does.
 */

import { EventHandler } from 'express-realtime-chat';
import { createWorker } from 'express-realtime-chat/worker';
import settings from '../../example/chat.config.js';

const busy = Number(process.env.BUSY_MS) * 1000;

/** Uses so much processor time, however many others want the core meanwhile. */
function compute() {
  const before = process.cpuUsage();
  for (;;) {
    const { user, system } = process.cpuUsage(before);
    if (user + system >= busy) return;
  }
}

class BusyHandler extends EventHandler {
  async createMessage(data, user) {
    compute();
    return super.createMessage(data, user);
  }
}

const worker = await createWorker({ ...settings, eventHandlerClass: BusyHandler });
process.once('SIGTERM', async () => {
  await worker.close();
  process.exit(0);
});
