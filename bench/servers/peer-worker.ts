/** The worker of the peer with a queue: the same transaction for a message, and the broadcast by Socket.IO's emitter. */
import { Emitter } from '@socket.io/redis-emitter';
import { Worker } from 'bullmq';
import { openRedis, QUEUE, type QueuedSend } from './peer-queue.js';
import { createPeerStore } from './peer-store.js';

const { DATABASE_URL = '', REDIS_URL = '' } = process.env;
const store = createPeerStore(DATABASE_URL);
const io = new Emitter(openRedis(REDIS_URL));
const worker = new Worker<QueuedSend>(
  QUEUE,
  async ({ data: { sender, room_id, content } }) => {
    const { message } = await store.send(sender, room_id, content);
    io.to(room_id).emit('message', message);
  },
  { connection: openRedis(REDIS_URL), concurrency: 50 },
);

process.once('SIGTERM', () => process.exit(0));
worker.waitUntilReady().then(() => process.stdout.write('taking jobs\n'));
