import { join } from 'node:path';
import { startProcess, type TestProcess } from '../../test/helpers/processes.js';
import { startRedis } from '../../test/helpers/services.js';
import { Filler, JWT_SECRET, nameWorld } from './fill.js';
import type { Surroundings, Target, TargetOptions } from './target.js';

/** Two by default, as many as this project's gateway and worker are. */
export async function startPeer(surroundings: Surroundings, options: TargetOptions = {}): Promise<Target> {
  const redis = await startRedis({ own: true });
  const url = await surroundings.database();
  const servers: TestProcess[] = [];
  const ports: number[] = [];
  // One after the other: the first makes the tables.
  for (let index = 0; index < (options.gateways ?? 2); index++) {
    const server = startProcess(process.execPath, [join(surroundings.built, 'bench/servers/peer.js')], {
      env: { DATABASE_URL: url, REDIS_URL: redis.url, JWT_SECRET, NODE_ENV: 'production' },
    });
    servers.push(server);
    ports.push(Number((await server.waitFor(/listening on (\d+)/))[1]));
  }
  const filler = new Filler(url);
  let users = 0;
  return {
    name: 'peer',
    protocol: 'socket.io',
    ports,
    processes: {
      ...Object.fromEntries(servers.map(({ pid }, index) => [`server ${index + 1}`, pid])),
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
    countMessages: () => filler.count('messages'),
    async stop() {
      await Promise.all(servers.map((server) => server.stop()));
      await redis.stop();
    },
  };
}
