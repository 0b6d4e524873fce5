import { startProcess, type TestProcess, until } from '../../test/helpers/processes.js';
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

/** This project as its example runs it: one gateway and one worker, each a process, unless told otherwise. */
export async function startOurs(surroundings: Surroundings, options: TargetOptions = {}): Promise<Target> {
  const redis = await startRedis({ own: true });
  const url = await surroundings.database();
  const env = {
    PORT: '0',
    HOST: '127.0.0.1',
    NODE_ENV: 'production',
    JWT_SECRET,
    CHAT_SEED: '0',
    CHAT_RATE_LIMIT: '0',
    CHAT_WORKER: '0',
    DATABASE_URL: url,
    REDIS_URL: redis.url,
    BUSY_MS: String(options.busy ?? 0),
    ...inspect(options),
  };
  const run = (file: string) =>
    startProcess(process.execPath, [...surroundings.nodeArguments, file], { cwd: surroundings.root, env });
  const gateways: TestProcess[] = [];
  const workers: TestProcess[] = [];
  const ports: number[] = [];
  // One after the other: the first makes the tables.
  for (let index = 0; index < (options.gateways ?? 1); index++) {
    const gateway = run('example/server.js');
    gateways.push(gateway);
    const [address, port] = await gateway.waitFor(/http:\/\/127\.0\.0\.1:(\d+)/);
    ports.push(Number(port));
    await until(`${address}/readyz answers 200`, async () => {
      const { status } = await fetch(`${address}/readyz`);
      if (status !== 200) throw new Error(`HTTP ${status}`);
    });
  }
  const worker = options.busy ? 'bench/servers/busy-worker.js' : 'example/worker.js';
  for (let index = 0; index < (options.workers ?? 1); index++) workers.push(run(worker));
  const filler = new Filler(url);
  let users = 0;
  return {
    name: 'ours',
    protocol: 'own',
    ports,
    processes: { ...named('gateway', gateways), ...named('worker', workers), redis: redis.pid },
    redisUrl: redis.url,
    async fill(plan) {
      const world = await nameWorld(plan, users + 1);
      users += plan.users;
      const now = new Date();
      const people = world.users.map(({ id }) => [id, `person_${id}`, '-', now]);
      await filler.insert('users', ['id', 'username', 'password_hash', 'created_at'], people);
      const { roomIds } = world;
      await filler.insert(
        'chat_rooms',
        ['id', 'type', 'member_count', 'last_activity_at', 'created_at', 'updated_at'],
        roomIds.map((id, index) => [id, 'GroupChat', plan.rooms[index]!.members.length, now, now, now]),
      );
      const groups = roomIds.map((id, index) => [id, `room ${index}`, '', 10_000]);
      await filler.insert('chat_group_chats', ['room_id', 'name', 'description', 'max_participants'], groups);
      const properties = roomIds.map((id) => [id, '{}']);
      await filler.insert('chat_room_properties', ['room_id', 'preferences'], properties);
      const members = world.users.flatMap(({ id, rooms }) => rooms.map((room) => [room, id, now]));
      await filler.insert('chat_room_members', ['room_id', 'user_id', 'joined_at'], members);
      return world;
    },
    fillMessages: ({ roomIds, senderId, count }) =>
      filler.with(async (connection) => {
        const prefixes = roomIds.map(() => filler.idPrefix());
        for (const [index, roomId] of roomIds.entries()) {
          await connection.query(
            `INSERT INTO chat_messages (id, room_id, sender_id, client_id, seq, content, created_at, updated_at)
             SELECT ${newIdSql}, ?, ?, UUID(), seq, ?, ${timeSql}, ${timeSql} FROM ${numbersSql(count)}`,
            [prefixes[index], roomId, senderId, FILLED_TEXT, count, count],
          );
          await connection.query('UPDATE chat_rooms SET last_seq = ? WHERE id = ?', [count, roomId]);
        }
        return prefixes;
      }),
    debuggerOf: (role) => debuggerIn((role === 'gateway' ? gateways : workers)[0]!),
    countMessages: () => filler.count('chat_messages'),
    async stop() {
      await Promise.all([...gateways, ...workers].map((process) => process.stop()));
      await redis.stop();
    },
  };
}

function named(role: string, processes: readonly TestProcess[]): Record<string, number> {
  return Object.fromEntries(processes.map(({ pid }, index) => [index ? `${role} ${index + 1}` : role, pid]));
}
