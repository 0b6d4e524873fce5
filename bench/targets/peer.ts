import { join } from 'node:path';
import { startProcess, type TestProcess } from '../../test/helpers/processes.js';
import { startRedis } from '../../test/helpers/services.js';
import {
  debuggerIn,
  FILLED_TEXT,
  Filler,
  inspect,
  JWT_SECRET,
  nameWorld,
  newIdSql,
  numbersSql,
  timeSql,
} from './fill.js';
import type { Surroundings, Target, TargetOptions } from './target.js';

/** Its processes share the work: connections are spread over them. */
export async function startPeer(surroundings: Surroundings, options: TargetOptions = {}): Promise<Target> {
  const redis = await startRedis({ own: true });
  const url = await surroundings.database();
  const env = {
    DATABASE_URL: url,
    REDIS_URL: redis.url,
    JWT_SECRET,
    NODE_ENV: 'production',
    ...(options.queued && { QUEUE: '1' }),
    ...inspect(options),
  };
  const servers: TestProcess[] = [];
  const workers: TestProcess[] = [];
  const ports: number[] = [];
  // One after the other: the first makes the tables.
  for (let index = 0; index < (options.gateways ?? 1); index++) {
    const server = startProcess(process.execPath, [join(surroundings.built, 'bench/servers/peer.js')], {
      env,
    });
    servers.push(server);
    ports.push(Number((await server.waitFor(/listening on (\d+)/))[1]));
  }
  if (options.queued) {
    const worker = startProcess(process.execPath, [join(surroundings.built, 'bench/servers/peer-worker.js')], { env });
    workers.push(worker);
    await worker.waitFor(/taking jobs/);
  }
  const filler = new Filler(url);
  let users = 0;
  return {
    name: options.queued ? 'peer with a queue' : 'peer',
    protocol: options.fanOut ? 'socket.io fan-out' : 'socket.io',
    ports,
    processes: {
      ...Object.fromEntries(servers.map(({ pid }, index) => [`server ${index + 1}`, pid])),
      ...(workers[0] && { worker: workers[0].pid }),
      redis: redis.pid,
    },
    redisUrl: redis.url,
    async fill(plan) {
      const world = await nameWorld(plan, users + 1);
      users += plan.users;
      const people = world.users.map(({ id }) => [id, `person_${id}`]);
      await filler.insert('users', ['id', 'username'], people);
      const rooms = world.roomIds.map((id, index) => [id, `room ${index}`]);
      await filler.insert('rooms', ['id', 'name'], rooms);
      const members = world.users.flatMap(({ id, rooms }) => rooms.map((room) => [room, id]));
      await filler.insert('room_members', ['room_id', 'user_id'], members);
      return world;
    },
    fillMessages: ({ roomIds, senderId, count, recipientId }) =>
      filler.with(async (connection) => {
        const prefixes = roomIds.map(() => filler.idPrefix());
        for (const [index, roomId] of roomIds.entries()) {
          await connection.query(
            `INSERT INTO messages (id, room_id, sender_id, content, created_at)
             SELECT ${newIdSql}, ?, ?, ?, ${timeSql} FROM ${numbersSql(count)}`,
            [prefixes[index], roomId, senderId, FILLED_TEXT, count],
          );
          await connection.query(
            `UPDATE rooms r JOIN (SELECT id, room_id, created_at FROM messages WHERE room_id = ?
              ORDER BY created_at DESC, id DESC LIMIT 1) m ON m.room_id = r.id
              SET r.last_message_id = m.id, r.last_message_at = m.created_at`,
            [roomId],
          );
          if (recipientId === undefined) continue;
          await connection.query(
            `INSERT INTO notifications (id, message_id, notification_type, created_at)
             SELECT id, id, 'NEW_MESSAGE', created_at FROM messages WHERE room_id = ?`,
            [roomId],
          );
          await connection.query(
            'INSERT INTO notification_recipients (user_id, notification_id) SELECT ?, id FROM messages WHERE room_id = ?',
            [recipientId, roomId],
          );
        }
        return prefixes;
      }),
    debuggerOf: () => debuggerIn(servers[0]!),
    countMessages: () => filler.count('messages'),
    async stop() {
      await Promise.all([...servers, ...workers].map((server) => server.stop()));
      await redis.stop();
    },
  };
}
