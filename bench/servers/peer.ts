/**
 * The peer: what a Node developer writes without this package. Socket.IO 4 with its Redis adapter, Sequelize on
 * MariaDB, and for each message the same durable work in one transaction. Any number of such processes work together.
 * With QUEUE=1 the transactions are those of `peer-worker.ts`, and a message is answered when it is in the queue.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdapter } from '@socket.io/redis-adapter';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { jwtVerify } from 'jose';
import { Server, type Socket } from 'socket.io';
import { openRedis, QUEUE, type QueuedSend } from './peer-queue.js';
import { createPeerStore, Denied } from './peer-store.js';
import { type WireUser, wireMessage } from './wire.js';

const { DATABASE_URL = '', REDIS_URL = '', JWT_SECRET = '', QUEUE: queued = '' } = process.env;
const secret = new TextEncoder().encode(JWT_SECRET);
const store = createPeerStore(DATABASE_URL);
const queue = queued
  ? new Queue<QueuedSend>(QUEUE, {
      connection: openRedis(REDIS_URL),
      defaultJobOptions: { removeOnComplete: true, removeOnFail: 1000 },
    })
  : undefined;
const http = createServer();
const publisher = new Redis(REDIS_URL);
const subscriber = publisher.duplicate();
const io = new Server(http, {
  transports: ['websocket'],
  serveClient: false,
  adapter: createAdapter(publisher, subscriber),
});

type Answer = (answer: object) => void;

/** Answers an event, whatever happens. */
function answered<T>(work: (data: T) => Promise<object>): (data: T, answer: Answer) => void {
  return (data, answer) => {
    work(data).then(answer, (error: Error) =>
      answer({ error: error instanceof Denied ? error.message : String(error) }),
    );
  };
}

io.use(async (socket, next) => {
  try {
    const { payload } = await jwtVerify(String(socket.handshake.auth.token), secret, { algorithms: ['HS256'] });
    const user = await store.user(Number(payload.sub));
    if (!user) throw new Error('There is no such user.');
    socket.data.user = user;
    next();
  } catch (error) {
    next(error as Error);
  }
});

io.on('connection', (socket) => {
  const user: WireUser = socket.data.user;
  socket.on(
    'message',
    answered(async ({ room_id, content }: { room_id: string; content: string }) => {
      if (queue) {
        const { id } = await queue.add('send', { sender: user, room_id, content });
        return { status: 'queued', job_id: id };
      }
      const { id, message } = await store.send(user, room_id, content);
      io.to(room_id).emit('message', message);
      return { status: 'successful', message_id: id };
    }),
  );
  // Nothing durable: what the fan-out of Socket.IO alone can do.
  socket.on(
    'fan-out',
    answered(async ({ room_id, content }: { room_id: string; content: string }) => {
      const stored = { id: room_id, seq: 0, room_id, content, created_at: new Date() };
      io.to(room_id).emit('message', wireMessage(stored, user));
      return { status: 'successful' };
    }),
  );
  socket.on('typing', ({ room_id }: { room_id: string }) => {
    if (socket.rooms.has(room_id))
      io.to(room_id).emit('typing', { username: user.username, user_id: user.id, room_id });
  });
  socket.on(
    'history',
    answered(({ roomId, page }: { roomId: string; page: number }) => history(user, roomId, page)),
  );
  socket.on(
    'rooms',
    answered(async () => ({ rooms: await store.rooms(user.id) })),
  );
  enter(socket, user).catch(() => socket.disconnect(true));
});

async function history(user: WireUser, roomId: string, page: number): Promise<object> {
  return store.history(user.id, roomId, page);
}

async function enter(socket: Socket, user: WireUser): Promise<void> {
  const [rooms, unseen] = await Promise.all([store.roomsOf(user.id), store.unseen(user.id)]);
  socket.join(rooms);
  socket.emit('notifications', unseen);
}

async function start(): Promise<void> {
  await store.migrate();
  http.listen(0, '127.0.0.1', () => process.stdout.write(`listening on ${(http.address() as AddressInfo).port}\n`));
}

process.once('SIGTERM', () => process.exit(0));
start().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
