/** What goes wrong on the server's side, one thing at a time. Each fault resolves when it is over. */
import { Redis } from 'ioredis';
import { type Connection, createConnection } from 'mysql2/promise';
import type { Instance } from './instance.js';
import type { Random } from './random.js';
import type { System } from './system.js';

/** A fault by name. */
export interface Fault {
  readonly name: string;
  /** Runs it from beginning to end. `stop` makes it end early. */
  run(context: FaultContext): Promise<void>;
}

/** What faults work with. */
export interface FaultContext {
  readonly system: System;
  readonly random: Random;
  /** Whether the first gateway and the first worker are to live on, so that their memory can be compared. */
  readonly sparesFirst: boolean;
  /** Waits so many seconds, or until the soak is stopped. */
  wait(seconds: number): Promise<void>;
  /** Resolves when the soak is stopped early. */
  readonly stopped: Promise<void>;
}

const victim = ({ random, sparesFirst }: FaultContext, list: readonly Instance[]) =>
  sparesFirst ? list[1]! : random.pick(list);

const gatewaysOf = ({ system }: FaultContext) => system.gateways.map(({ instance }) => instance);

async function withRedis<T>({ system }: FaultContext, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(system.redis.url, { maxRetriesPerRequest: 5 });
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

/** Keeps a process of the machine frozen for a while. */
async function frozen(context: FaultContext, pid: number, seconds: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  try {
    await context.wait(seconds);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

/**
 * Locks the messages as a change of their table does: who reads or writes them waits. Not `FLUSH TABLES WITH READ LOCK`:
 * under load that waits for a write that waits for a row of a write that waits for it, which the server does not see,
 * and all of them stand still for 50 seconds.
 */
export async function lockMessages(connection: Connection): Promise<void> {
  await connection.query('LOCK TABLES chat_messages WRITE');
}

async function kill(context: FaultContext, instance: Instance, seconds: number): Promise<void> {
  await instance.kill();
  await context.wait(seconds);
  await instance.start();
}

const workers: Fault[] = [
  {
    name: 'worker killed',
    run: async (context) => kill(context, victim(context, context.system.workers), context.random.between(0, 4)),
  },
  {
    name: 'worker stopped',
    async run(context) {
      const worker = victim(context, context.system.workers);
      await worker.stop();
      await worker.start();
    },
  },
  {
    name: 'workers replaced one after the other',
    async run(context) {
      for (const worker of context.system.workers.slice(context.sparesFirst ? 1 : 0)) {
        await worker.stop();
        await worker.start();
        await context.wait(2);
      }
    },
  },
  {
    name: 'worker frozen',
    async run(context) {
      const worker = context.random.pick(context.system.workers);
      await frozen(context, worker.pid, context.random.between(2, 12));
    },
  },
  {
    name: 'no worker',
    async run(context) {
      const { system, sparesFirst } = context;
      if (sparesFirst) system.workers[0]!.freeze();
      await Promise.all(system.workers.slice(sparesFirst ? 1 : 0).map((worker) => worker.kill()));
      await context.wait(context.random.between(4, 12));
      if (sparesFirst) system.workers[0]!.thaw();
      for (const worker of system.workers) if (!worker.isRunning) await worker.start();
    },
  },
];

const gateways: Fault[] = [
  {
    name: 'gateway killed',
    run: (context) => kill(context, victim(context, gatewaysOf(context)), context.random.between(0, 5)),
  },
  {
    name: 'gateway stopped',
    async run(context) {
      const gateway = victim(context, gatewaysOf(context));
      await gateway.stop();
      await gateway.start();
    },
  },
  {
    name: 'gateways replaced one after the other',
    async run(context) {
      for (const gateway of gatewaysOf(context).slice(context.sparesFirst ? 1 : 0)) {
        await gateway.stop();
        await gateway.start();
        await context.wait(2);
      }
    },
  },
  {
    name: 'gateway frozen',
    async run(context) {
      const gateway = context.random.pick(gatewaysOf(context));
      await frozen(context, gateway.pid, context.random.between(2, 14));
    },
  },
];

const redis: Fault[] = [
  {
    name: 'Redis killed',
    async run(context) {
      await context.system.redis.kill();
      await context.wait(context.random.pick([0, 0.5, 2]));
      await context.system.redis.restart();
    },
  },
  {
    name: 'Redis away',
    async run(context) {
      await context.system.redis.kill();
      await context.wait(context.random.between(6, 12));
      await context.system.redis.restart();
    },
  },
  {
    name: 'Redis restarted',
    run: ({ system }) => system.redis.restart(),
  },
  {
    name: 'Redis frozen',
    run: (context) => frozen(context, context.system.redis.pid, context.random.between(1, 6)),
  },
  {
    name: 'Redis emptied',
    run: ({ system }) => system.redis.flush(),
  },
  {
    name: 'Redis full',
    run: (context) =>
      withRedis(context, async (client) => {
        await client.config('SET', 'maxmemory', '1mb');
        await context.wait(context.random.between(2, 6));
        await client.config('SET', 'maxmemory', '0');
      }),
  },
  {
    name: 'subscriber links cut',
    run: (context) =>
      withRedis(context, async (client) => {
        for (let round = 0; round < 5; round++) {
          await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
          await context.wait(0.5);
        }
      }),
  },
  {
    name: 'all links to Redis cut',
    run: (context) =>
      withRedis(context, async (client) => {
        for (let round = 0; round < 3; round++) {
          await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
          await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
          await context.wait(0.7);
        }
      }),
  },
];

const database: Fault[] = [
  {
    name: 'database killed',
    async run(context) {
      await context.system.mariaDb.kill();
      await context.wait(context.random.pick([0, 1, 5]));
      await context.system.mariaDb.restart();
    },
  },
  {
    name: 'database restarted',
    run: ({ system }) => system.mariaDb.restart(),
  },
  {
    name: 'database frozen',
    run: (context) => frozen(context, context.system.mariaDb.pid, context.random.between(1, 8)),
  },
  {
    name: 'messages locked',
    async run(context) {
      const connection = await createConnection(context.system.mariaDb.url);
      try {
        await lockMessages(connection);
        await context.wait(context.random.between(2, 6));
        await connection.query('UNLOCK TABLES');
      } finally {
        await connection.end();
      }
    },
  },
  {
    name: 'database connections killed',
    async run(context) {
      const connection = await createConnection(context.system.mariaDb.url);
      try {
        for (let round = 0; round < 4; round++) {
          const [rows] = await connection.query(
            'SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND user = "chat"',
          );
          for (const { id } of rows as Array<{ id: number }>) await connection.query(`KILL ${id}`).catch(() => {});
          await context.wait(0.7);
        }
      } finally {
        await connection.end();
      }
    },
  },
];

/** Every fault of a link, for every kind of link. */
const links: Fault[] = (['redis', 'database', 'front'] as const).flatMap((kind) => {
  const proxy = (context: FaultContext) =>
    kind === 'front'
      ? context.random.pick(context.system.gateways).front
      : context.random.pick(context.system.instances)[kind];
  const name = { redis: 'a link to Redis', database: 'a link to the database', front: "clients' links" }[kind];
  const made = (what: string, run: Fault['run']): Fault => ({ name: `${name} ${what}`, run });
  return [
    made('reset', async (context) => {
      const chosen = proxy(context);
      for (let round = 0; round < 3; round++) {
        chosen.reset();
        await context.wait(context.random.next());
      }
    }),
    made('down', async (context) => {
      const chosen = proxy(context);
      await chosen.down();
      await context.wait(context.random.between(1, 8));
      await chosen.heal();
    }),
    made('silent', async (context) => {
      const chosen = proxy(context);
      chosen.blackHole();
      await context.wait(context.random.between(2, 15));
      await chosen.heal();
    }),
    made('slow and in crumbs', async (context) => {
      const chosen = proxy(context);
      chosen.latency(context.random.between(20, 300));
      chosen.slice(context.random.between(200, 2000), 1);
      await context.wait(context.random.between(4, 10));
      await chosen.heal();
    }),
  ];
});

/** All of them. */
export const serverFaults: readonly Fault[] = [...workers, ...gateways, ...redis, ...database, ...links];
